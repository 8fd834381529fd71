// Upgrades: each wallet owns an evolver and gives it other modules under load, by source and by
// hash, some of which hold and some not; others try to, wallets forge upgrades, and processes send
// them to processes that are not theirs.

import { messageFields } from '../../../src/client/index.ts'
import type { GenesisProcess } from '../../../src/protocol/genesis.ts'
import { EVOLVER, EVOLVER_MODELS, EVOLVERS, evolverState, MUTE } from './evolver.ts'
import { moduleHash } from './model/replay.ts'
import type { Draft, Turn, Workload } from './workload.ts'
import { oneOf } from './workload.ts'

const MODULES = [...EVOLVERS, ...EVOLVERS.slice(0, 4), MUTE]

type Fields = Omit<Parameters<typeof messageFields>[1], 'target'> & { readonly target: string }

export function upgrades(): Workload {
  /** The evolvers' ids by owner. */
  const owned = new Map<string, string>()
  return {
    name: 'upgrades',
    tokenNames: [],
    contracts: [],
    processes: ({ addresses, partitions, place }) =>
      addresses.map((owner, at): GenesisProcess => {
        const { id, ...placed } = place(`evolver-${at}`, at % partitions)
        owned.set(owner, id)
        const state = evolverState(owner)
        return { ...placed, engine: 'quickjs', source: EVOLVER, state }
      }),
    models: () => EVOLVER_MODELS,
    draft: (turn): Draft => {
      const { network, generation, random } = turn
      const place = { network: network.id, generation }
      const few = random.below(12) === 0 ? { hops: random.below(3), count: random.below(4) } : {}
      return { fields: messageFields(place, { ...asked(turn, owned), ...few }) }
    },
  }
}

function asked({ random, wallet }: Turn, owned: ReadonlyMap<string, string>): Fields {
  const all = [...owned.values()]
  const own = owned.get(wallet.address) as string
  const source = oneOf(random, MODULES)
  const dice = random.below(100)
  if (dice < 30) return { target: oneOf(random, all), action: 'Work' }
  // as a wallet, what only a process may
  if (dice < 35) return { target: own, tags: { 'HB-Upgrade': 'Module' }, data: { source } }
  const target = dice < 42 ? oneOf(random, all) : own
  const tags = random.below(8) === 0 ? { Whom: oneOf(random, all) } : {}
  // a source is carried once, and may be named long after it: by who began at a manifest, too
  if (random.below(3) === 0) return { target, action: 'Upgrade', tags, data: source }
  return { target, action: 'Upgrade', tags: { ...tags, Module: moduleHash(source) } }
}
