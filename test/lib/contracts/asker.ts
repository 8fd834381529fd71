// A contract that asks whoever it is told to ask, and notes how each question ended.

import { all, contract, crank, integer, newQueue, on, request, text } from '../../../src/lib/index.ts'
import type { Ended, RequestQueue } from '../../../src/lib/index.ts'

export type Asking = { clock: string; requests: RequestQueue; ends: string[]; broken: boolean }

const question = { Target: text(43), After: integer(1), Name: text(20) }

export const handle = contract<Asking>({
  spawn: (state, spawn) => {
    state.requests = newQueue(spawn, state.clock)
    state.ends = []
    state.broken = false
    return undefined
  },
  actions: {
    Ask: on(question, (state, { Target, After: deadlineMs, Name: context }, message) => [
      request(state.requests, message, { target: Target, action: 'Look', then: 'done', orElse: 'failed', context, deadlineMs }),
    ]),
    'Ask-All': on(question, (state, { Target, After: deadlineMs, Name: context }, message) =>
      all(
        state.requests,
        message,
        [state.clock, Target].map((target) => ({ target, action: 'Info' })),
        { then: 'done', orElse: 'failed', context, deadlineMs },
      ),
    ),
    Break: (state) => {
      state.broken = !state.broken
      return undefined
    },
  },
  crank: crank({ queue: (state) => state.requests, steps: { done: ended, failed } }),
})

/** Broken, it never ends: the gas is what stops it. */
function failed(state: Asking, name: string, how: Ended): undefined {
  while (state.broken && name === 'poison') state.ends.push('again')
  return ended(state, name, how)
}

function ended(state: Asking, name: string, { outcome, answers }: Ended): undefined {
  const parts = answers.map((answer) => answer?.outcome ?? 'none').join('+')
  state.ends.push(parts === '' ? `${name} ${outcome}` : `${name} ${outcome} ${parts}`)
}
