// Every entry of the log against what the models make of it, and every final state. Pure.

import { canonicalJson } from '../../../../src/protocol/genesis.ts'
import type { Violation } from '../../../chaos/checker/index.ts'
import type { Ending } from '../workload.ts'
import type { Json, MakeModel, Model } from './model.ts'
import { difference, Replay } from './replay.ts'

/** Violations that are told in full: behind the first of a process all may be wrong. */
const TOLD_MAX = 10

export function judgeModels(
  ending: Ending,
  makers: ReadonlyMap<string, MakeModel>,
): Violation[] {
  const replay = new Replay(makers)
  const told = outcomes(ending, replay)
  for (const [process, model] of replay.processes) {
    if (model === 'unmodelled') continue
    told.push(...statesOf(ending, process, model))
  }
  const untold = told.length - TOLD_MAX
  if (untold <= 0) return told
  const more = { invariant: 'outcomes-modelled', text: `and ${untold} more of outcomes and states` }
  return [...told.slice(0, TOLD_MAX), more]
}

function outcomes({ partitions }: Ending, replay: Replay): Violation[] {
  const told: Violation[] = []
  partitions.forEach(({ entries, results }, partition) => {
    entries.forEach((entry, height) => {
      const wanted = replay.next(entry)
      const result = results[height]
      if (wanted === undefined) return
      const { id } = entry.message
      const tell = (text: string): void => {
        told.push({ invariant: 'outcomes-modelled', partition, height, id, text })
      }
      if (result === undefined) return tell('no result')
      const { status, code, text } = result
      if (status !== wanted.status || code !== wanted.code || !text.startsWith(wanted.text)) {
        const should = `${wanted.status} ${wanted.code} ${wanted.text}`
        return tell(`${status} ${code} ${text}, the model says ${should}`)
      }
      const differs = difference(wanted.sent, result.messages)
      if (differs !== undefined) tell(`${differs}, by the model`)
    })
  })
  return told
}

function statesOf(ending: Ending, process: string, model: Model | 'failed'): Violation[] {
  const told: Violation[] = []
  const text = ending.states.get(process)
  const tell = (what: string): void => {
    told.push({ invariant: 'states-modelled', id: process, text: what })
  }
  if (model === 'failed') {
    if (text !== undefined) tell('has a state, and its spawn failed')
    return told
  }
  const expected = canonicalJson(model.expected())
  const served = [...(ending.served.get(process) ?? [])]
  if (served.length === 0) tell('no node serves it')
  for (const each of new Set([...(text === undefined ? ['null'] : [text]), ...served])) {
    const state = JSON.parse(each) as Json | null
    const seen = state === null ? 'nothing' : canonicalJson(model.seen(state))
    if (seen !== expected) tell(`holds ${seen}, the model ${expected}`)
  }
  return told
}
