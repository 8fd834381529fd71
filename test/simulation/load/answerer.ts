// Whom the fan-out workload asks, as the sandbox gets it, and the model of it: one that answers,
// one that answers twice, one that answers late, one that is silent, one that fails.

import type { MakeModel, Sent } from './model/model.ts'
import { message, modelOf, notice, refuse } from './model/model.ts'

export const CONDUCTS = ['answers', 'twice', 'late', 'silent', 'fails'] as const
export type AnswererConduct = (typeof CONDUCTS)[number]

/** Turns that one which is late sends to itself before it answers. */
const TURNS = 6

export const ANSWERER = `exports.handle = (state, { kind, caller, tags }) => {
  if (kind !== 'message') return {}
  state.asked += 1
  if (state.conduct === 'silent') return {}
  if (state.conduct === 'fails') throw new Error('no answer')
  const left = tags.Left === undefined ? ${TURNS} : Number(tags.Left) - 1
  const whom = tags.Whom ?? caller
  if (state.conduct === 'late' && left > 0) {
    const more = { Action: 'Wait', Left: String(left), Whom: whom, Reference: tags.Reference }
    return { messages: [{ target: state.self, tags: more }] }
  }
  const answer = { Action: 'Question-Reply', Reference: tags.Reference }
  const messages = [{ kind: 'notice', target: whom, tags: answer }]
  if (state.conduct === 'twice') messages.push(messages[0])
  return { messages }
}`

export const answererModel: MakeModel = ({ conduct, self }) =>
  modelOf(
    { asked: 0 },
    {
      handle: (state, { kind, caller, tag }): Sent[] => {
        if (kind !== 'message') return []
        state.asked += 1
        if (conduct === 'silent') return []
        if (conduct === 'fails') return refuse('no answer')
        const left = Number(tag('Left') ?? TURNS + 1) - 1
        const Whom = tag('Whom') ?? caller
        const Reference = tag('Reference')
        if (conduct === 'late' && left > 0) {
          return [message(self as string, { Action: 'Wait', Left: String(left), Whom, Reference })]
        }
        const answer = notice(Whom, 'Question-Reply', { Reference })
        return conduct === 'twice' ? [answer, answer] : [answer]
      },
      expected: ({ asked }) => asked,
      seen: ({ asked }) => asked,
    },
  )
