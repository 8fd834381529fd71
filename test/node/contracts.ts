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

/** Steps of a contract that gives itself other modules: what it is to do, one step a message. */
export type Step =
  | { readonly to: string }
  | { readonly hash: string }
  | { readonly foreign: string }
  | { readonly fail: string }
  | { readonly nothing: true }

/**
 * Writes down by slot which version handled the entry. Each message with `steps` does the first and
 * sends itself the others, behind an upgrade in the same result.
 */
const shift =
  (version: string): Handle =>
  (state, action) => {
    if (action.kind === 'upgrade' && version === 'shift-bad') throw new Error('no way')
    const by = (state['by'] ??= {}) as Record<string, string>
    by[action.slot] = version
    if (action.kind === 'upgrade') {
      state['migrated'] = Number(state['migrated'] ?? 0) + 1
      // not each migration changes what is there
      if (version === 'shift-b') delete by[action.slot]
      return undefined
    }
    if (action.kind === 'spawn') {
      state['self'] = (action.input as { process: string }).process
      return undefined
    }
    const { steps = [] } = (action.input ?? {}) as { steps?: readonly Step[] }
    const [step, ...rest] = steps
    if (action.kind === 'bounce' || step === undefined) return undefined
    const messages: unknown[] = []
    const self = state['self']
    if ('to' in step) messages.push({ kind: 'upgrade', target: self, data: { source: step.to } })
    if ('hash' in step) messages.push({ kind: 'upgrade', target: self, data: { module: step.hash } })
    if ('foreign' in step) {
      messages.push({ kind: 'upgrade', target: step.foreign, data: { source: 'shift-c' } })
    }
    if (rest.length > 0) messages.push({ target: self, data: { steps: rest } })
    if ('fail' in step) throw new Error(step.fail)
    return { messages }
  }

const SHIFTS = Object.fromEntries(
  ['shift-a', 'shift-b', 'shift-c', 'shift-d', 'shift-bad'].map((name) => [name, shift(name)]),
)

export const CONTRACTS: Readonly<Record<string, Handle>> = {
  ...{ walk, counter, stillborn, book },
  ...SHIFTS,
}
