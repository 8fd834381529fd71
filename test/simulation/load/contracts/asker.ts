// What the fan-out workload asks with: each Ask is a join over several targets, with a deadline; an
// event Ended tells how it ended, and what came of each part. A unit is held for each: paid where
// it is answered, given back where not, or when its own deadline is there first.

import {
  all,
  any,
  commit,
  contract,
  crank,
  event,
  integer,
  list,
  newQueue,
  onJson,
  object,
  oneOf,
  refund,
  refundStep,
  reserve,
  text,
} from '../../../../src/lib/index.ts'
import type { Ended, Fields, Outgoing, RequestQueue } from '../../../../src/lib/index.ts'

type State = { asked: number; ended: number; requests: RequestQueue; purse: Fields<string> }
type Asked = { readonly id: string; readonly hold: string }
type Step = (state: State, asked: Asked, ended: Ended) => Outgoing[]

const ASK = object({
  kind: oneOf(['all', 'any']),
  deadlineMs: integer(1, 60_000),
  holdMs: integer(1, 60_000),
  targets: list(text(64), 8),
})

const end =
  (step: string): Step =>
  (state, { id, hold }, { outcome, answers }) => {
    const { requests, purse } = state
    state.ended += 1
    const parts = answers.map((each) => each?.outcome ?? 'none')
    const isHeld = Object.hasOwn(requests.tasks, hold)
    if (isHeld && outcome === 'reply') commit(requests, purse, hold, 'paid')
    else if (isHeld) refund(requests, purse, hold)
    const Parts = parts.join(' ')
    const Held = String(isHeld)
    return [event('Ended', { Question: id, Step: step, Outcome: outcome, Parts, Held })]
  }

export const handle = contract<State>({
  spawn: (state, spawn) => {
    state.requests = newQueue(spawn)
    return undefined
  },
  actions: {
    Ask: onJson(ASK, (state, { kind, deadlineMs, holdMs, targets }, message) => {
      const { requests, purse } = state
      state.asked += 1
      const held = { account: 'bank', quantity: '1', deadlineMs: holdMs, then: 'returned' }
      const hold = reserve(requests, purse, message, held)
      const join = kind === 'all' ? all : any
      const parts = targets.map((target) => ({ target, action: 'Question' }))
      const context: Asked = { id: message.id, hold }
      const resumed = { then: 'answered', orElse: 'unanswered', context, deadlineMs }
      return join(requests, message, parts, resumed)
    }),
  },
  crank: crank({
    queue: (state) => state.requests,
    steps: {
      answered: end('answered'),
      unanswered: end('unanswered'),
      returned: refundStep<State>(({ purse }) => purse),
    },
  }),
})
