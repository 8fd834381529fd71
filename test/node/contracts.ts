// Contracts for the roles' tests, by the source text that names them in a spawn.

import { seededRandom } from '../../src/std/random.ts'
import type { Handle, State } from './plain-evaluator.ts'

/** Counts how often each message came: exactly-once is `seen` with nothing above 1. */
function note(state: State, id: string): void {
  const seen = (state['seen'] ??= {}) as Record<string, number>
  seen[id] = (seen[id] ?? 0) + 1
  state['count'] = Number(state['count'] ?? 0) + 1
}

type Walk = { left?: number; fan?: number; to?: readonly string[] }

/** A walk: input {left, fan, to: ids}; sends `fan` messages on to targets chosen by its own id. */
const walk: Handle = (state, action) => {
  note(state, action.id)
  if (action.kind === 'bounce') {
    state['bounces'] = Number(state['bounces'] ?? 0) + 1
    return undefined
  }
  const { left = 0, fan = 1, to = [] } = (action.input ?? {}) as Walk
  if (left <= 0 || to.length === 0) return undefined
  const random = seededRandom(Buffer.from(action.id).readUInt32LE(3))
  const messages: unknown[] = [{ kind: 'event', data: { at: action.slot } }]
  for (let n = 0; n < fan; n++) {
    messages.push({
      target: to[random.below(to.length)],
      kind: random.below(4) === 0 ? 'notice' : 'message',
      tags: { Action: 'Walk', Reference: String(n) },
      data: { left: left - 1, fan, to },
    })
  }
  return { messages }
}

/** Counts, and keeps what bounced. Input {fail: text} throws, {bad: true} sends what nobody may. */
const counter: Handle = (state, action) => {
  if (action.kind === 'bounce') {
    const bounced = (state['bounced'] ??= []) as unknown[]
    bounced.push([action.caller, action.tags, action.input])
    return undefined
  }
  if (action.kind === 'spawn') state['born'] = action.slot
  const input = (action.input ?? {}) as Record<string, unknown>
  state['count'] = Number(state['count'] ?? 0) + 1
  if (input['fail'] !== undefined) throw new Error(String(input['fail']))
  if (input['status'] !== undefined) return { status: String(input['status']) }
  if (input['bad'] !== undefined) return { messages: [{ target: 'nobody' }] }
  if (input['send'] !== undefined) return { messages: input['send'] as unknown[] }
  return undefined
}

/** Its constructor throws. */
const stillborn: Handle = (state, action) => {
  state['touched'] = true
  if (action.kind === 'spawn') throw new Error('never')
  return undefined
}

/** A state that grows, so that intervals write states in full and deltas both. */
const book: Handle = (state, action) => {
  const pages = (state['pages'] ??= {}) as Record<string, string>
  pages[`p${action.slot % 7}`] = action.id.repeat(1 + (action.slot % 3))
  if (action.slot % 5 === 4) delete pages['p1']
  return undefined
}

export const CONTRACTS: Readonly<Record<string, Handle>> = { walk, counter, stillborn, book }
