// What the fan-out workload asks with: each Ask is a join over several targets, with a deadline; an
// event Ended tells how it ended, and what came of each part.

import {
  all,
  any,
  contract,
  crank,
  event,
  integer,
  list,
  newQueue,
  onJson,
  object,
  oneOf,
  text,
} from '../../../../src/lib/index.ts'
import type { Ended, Outgoing, RequestQueue } from '../../../../src/lib/index.ts'

type State = { asked: number; ended: number; requests: RequestQueue }
type Step = (state: State, id: string, ended: Ended) => Outgoing[]

const ASK = object({
  kind: oneOf(['all', 'any']),
  deadlineMs: integer(1, 60_000),
  targets: list(text(64), 8),
})

const end =
  (step: string): Step =>
  (state, Question, { outcome, answers }) => {
    state.ended += 1
    const parts = answers.map((each) => each?.outcome ?? 'none')
    return [event('Ended', { Question, Step: step, Outcome: outcome, Parts: parts.join(' ') })]
  }

export const handle = contract<State>({
  spawn: (state, spawn) => {
    state.requests = newQueue(spawn)
    return undefined
  },
  actions: {
    Ask: onJson(ASK, (state, { kind, deadlineMs, targets }, message) => {
      state.asked += 1
      const join = kind === 'all' ? all : any
      const parts = targets.map((target) => ({ target, action: 'Question' }))
      const resumed = { then: 'answered', orElse: 'unanswered', context: message.id, deadlineMs }
      return join(state.requests, message, parts, resumed)
    }),
  },
  crank: crank({
    queue: (state) => state.requests,
    steps: { answered: end('answered'), unanswered: end('unanswered') },
  }),
})
