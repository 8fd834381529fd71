// A state's text: what a snapshot is (JSON.stringify of the state), made canonical and checked
// where it comes from outside (a spawn), and moved on by a journal of changes.
//
// Invariant: what leaves here is JSON.stringify of an object within the limits, so its size and its
// bytes are those of the value.

import { parseJson } from '../std/json-text.ts'
import { HbError } from '../std/errors.ts'
import {
  applyChanges,
  stateSize,
  type Changes,
  type Json,
  type JsonObject,
} from '../protocol/changes.ts'
import type { EvaluationLimits } from './port.ts'

/** Longer texts come from snapshots, whose bytes are hashed: they are canonical already. */
const SPAWN_TEXT_MAX = 4_194_304

export type StateText = { readonly text: string; readonly size: number }

/** Throws 'state-not-json' and 'state-too-large'. */
export function stateText(
  snapshot: string,
  changes: readonly string[],
  limits: EvaluationLimits,
): StateText {
  let text = snapshot
  if (snapshot.length <= SPAWN_TEXT_MAX || changes.length > 0) {
    let state = parseState(snapshot)
    for (const change of changes) state = applyChanges(state, parseJson(change) as Changes)
    if (snapshot.length <= SPAWN_TEXT_MAX) checkState(state, limits.stateDepthMax, '')
    text = JSON.stringify(state)
  }
  const size = stateSize(text)
  if (size > limits.stateBytesMax) {
    throw new HbError('state-too-large', `${size}, at most ${limits.stateBytesMax}`)
  }
  return { text, size }
}

function parseState(text: string): JsonObject {
  let state: unknown
  try {
    state = parseJson(text)
  } catch (error) {
    throw new HbError('state-not-json', 'the text does not parse', { cause: error })
  }
  if (typeof state !== 'object' || state === null || Array.isArray(state)) {
    throw new HbError('state-not-json', 'the state is not an object')
  }
  return state as JsonObject
}

function checkState(value: Json, depthLeft: number, path: string): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new HbError('state-not-json', `${String(value)} at ${path}`)
  }
  if (typeof value !== 'object' || value === null) return
  if (depthLeft === 0) throw new HbError('state-not-json', `nested too deep at ${path}`)
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw new HbError('state-not-json', `key __proto__ at ${path}`)
    checkState((value as JsonObject)[key] as Json, depthLeft - 1, `${path}/${key}`)
  }
}
