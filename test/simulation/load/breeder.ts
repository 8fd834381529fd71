// What the spawning workload spawns, as the sandbox gets it, and the models of it: counters,
// children that say that they are born, and breeders that spawn these.

import type { Json, MakeModel, Sent } from './model/model.ts'
import { message, modelOf, notice, refuse } from './model/model.ts'

export const COUNTER = `exports.handle = (state, action) => {
  state.count = (state.count ?? 0) + 1
  return {}
}`

export const CHILD = `exports.handle = (state, action) => {
  if (action.kind === 'spawn') {
    if (state.isIll) throw new Error('born ill')
    return { messages: [{ kind: 'notice', target: action.caller, tags: { Action: 'Born' } }] }
  }
  state.hellos += 1
  return {}
}`

export const BREEDER = `exports.handle = (state, { kind, caller, tags }) => {
  if (kind === 'spawn') return {}
  if (kind === 'bounce') {
    state.bounces += 1
    return {}
  }
  if (kind === 'notice') {
    state.born += 1
    state.last = caller
    return { messages: [{ target: caller, tags: { Action: 'Hello' } }] }
  }
  const messages = []
  if (tags.Action === 'Breed') {
    for (const isIll of [false, true, false]) {
      const data = { source: state.child, state: { hellos: 0, isIll } }
      messages.push({ kind: 'spawn', data })
    }
  }
  if (tags.Action === 'Visit') messages.push({ target: state.last, tags: { Action: 'Hello' } })
  if (tags.Action === 'Call') messages.push({ target: tags.Whom, tags: { Action: 'Hello' } })
  return { messages }
}`

export const counterModel: MakeModel = ({ count = 0 }) =>
  modelOf(
    { count: count as number },
    {
      handle: (state) => {
        state.count += 1
        return []
      },
      expected: (state) => state.count,
      seen: (state) => state['count'],
    },
  )

export const childModel: MakeModel = ({ isIll }) =>
  modelOf(
    { hellos: 0 },
    {
      handle: (state, { kind, caller }) => {
        if (kind === 'spawn') return isIll === true ? refuse('born ill') : [notice(caller, 'Born')]
        state.hellos += 1
        return []
      },
      expected: ({ hellos }) => hellos,
      seen: ({ hellos }) => hellos,
    },
  )

export const breederModel: MakeModel = (spawned) =>
  modelOf(
    { born: 0, bounces: 0, last: spawned['last'] as string },
    {
      handle: (state, { kind, caller, tag }) => {
        if (kind === 'spawn') return []
        if (kind === 'bounce') {
          state.bounces += 1
          return []
        }
        const hello = (target: string): Sent[] => [message(target, { Action: 'Hello' })]
        if (kind === 'notice') {
          state.born += 1
          state.last = caller
          return hello(caller)
        }
        const action = tag('Action')
        if (action === 'Visit') return hello(state.last)
        if (action === 'Call') return hello(tag('Whom') ?? '')
        const child: Sent = { kind: 'spawn', target: '', tags: {} }
        return action === 'Breed' ? [child, child, child] : []
      },
      expected: ({ born, bounces, last }) => ({ born, bounces, last }),
      seen: ({ born, bounces, last }: Json) => ({ born, bounces, last }),
    },
  )
