// A player of ping-pong, as a model: who gets the ball sends it on.

import type { MakeModel } from './model.ts'
import { message, modelOf } from './model.ts'

export const playerModel: MakeModel = (spawned) =>
  modelOf(
    { peer: spawned['peer'] as string, turns: 0 },
    {
      handle: (state, { kind }) => {
        if (kind !== 'message') return []
        state.turns += 1
        return [message(state.peer, { Action: 'Turn' })]
      },
      expected: ({ turns }) => turns,
      seen: ({ turns }) => turns,
    },
  )
