// What the children workload spawns with: Bear spawns a child by a salt, by its source or by its
// module's hash, and says hello to it in the same breath; Visit says hello to it again, later.

import { childId, contract, ownId, refuse, send, tag } from '../../../../src/lib/index.ts'
import type { Action, Fields, Outgoing } from '../../../../src/lib/index.ts'

type State = {
  self: string
  source: string
  module: string
  born: number
  bounces: Fields<number>
}

export const handle = contract<State>({
  spawn: (state, spawn) => {
    state.self = ownId(spawn)
    return undefined
  },
  actions: {
    Bear: (state, message) => {
      const salt = saltOf(message)
      const child = { state: { hellos: 0, isIll: tag(message, 'Ill') === 'true' } }
      const { module, source } = state
      const by = tag(message, 'By') === 'module' ? { module } : { source }
      const spawn: Outgoing = { kind: 'spawn', salt, data: { ...by, ...child } }
      const hello = helloTo(childId(state.self, salt))
      // what is sent before the spawn in one outbox is too early, and bounces
      return tag(message, 'First') === 'hello' ? [hello, spawn] : [spawn, hello, hello]
    },
    Visit: (state, message) => [helloTo(childId(state.self, saltOf(message)))],
  },
  notices: {
    Born: (state) => {
      state.born += 1
      return undefined
    },
  },
  bounce: (state, message) => {
    const code = tag(message, 'Error') ?? ''
    state.bounces[code] = (state.bounces[code] ?? 0) + 1
    return undefined
  },
})

function helloTo(target: string): Outgoing {
  return send(target, 'Hello')
}

function saltOf(message: Action): string {
  return tag(message, 'Salt') ?? refuse('salt-malformed', 'Salt is missing')
}
