// What the alarms workload sets its alarms with, as the sandbox gets it, and the model of it: a
// waker hands requests on to the clock, counts what it hears, and ends what repeats.

import type { Json, MakeModel, Sent } from './model/model.ts'
import { message, modelOf } from './model/model.ts'

/** Alarms of one name that are heard before what repeats is cancelled. */
const HEARD = 3

export const WAKER = `const asked = ['Name', 'At', 'After', 'Every', 'Reference', 'X-Note']
exports.handle = (state, { kind, caller, tags }) => {
  if (kind === 'spawn') return {}
  if (kind === 'bounce') {
    state.bounces += 1
    return {}
  }
  if (kind === 'notice') {
    if (caller !== state.clock) return {}
    if (tags.Action !== 'Alarm') {
      state.answers += 1
      return {}
    }
    const heard = (state.heard[tags.Name] ?? 0) + 1
    state.heard[tags.Name] = heard
    if (tags.Missed === undefined || heard < ${HEARD}) return {}
    const cancel = { Action: 'Cancel-Alarm', Name: tags.Name }
    return { messages: [{ target: state.clock, tags: cancel, count: 2 }] }
  }
  const request = { Action: tags.Action }
  for (const name of asked) if (tags[name] !== undefined) request[name] = tags[name]
  return { messages: [{ target: state.clock, tags: request, count: 2 }] }
}`

export const wakerModel: MakeModel = (spawned) =>
  modelOf(
    {
      clock: spawned['clock'] as string,
      heard: {} as Record<string, number>,
      answers: 0,
      bounces: 0,
    },
    {
      handle: (state, { kind, caller, tag }) => {
        const ask = (tags: Sent['tags']): Sent[] => [{ ...message(state.clock, tags), count: 2 }]
        if (kind === 'spawn') return []
        if (kind === 'bounce') state.bounces += 1
        if (kind === 'message') {
          const names = ['Action', 'Name', 'At', 'After', 'Every', 'Reference', 'X-Note']
          return ask(Object.fromEntries(names.map((name) => [name, tag(name)])))
        }
        if (kind !== 'notice' || caller !== state.clock) return []
        if (tag('Action') !== 'Alarm') {
          state.answers += 1
          return []
        }
        const name = tag('Name') ?? ''
        const heard = (state.heard[name] ?? 0) + 1
        state.heard[name] = heard
        if (tag('Missed') === undefined || heard < HEARD) return []
        return ask({ Action: 'Cancel-Alarm', Name: name })
      },
      expected: ({ heard, answers, bounces }) => ({ heard, answers, bounces }),
      seen: ({ heard, answers, bounces }: Json) => ({ heard, answers, bounces }),
    },
  )
