// Hostile contracts: villains in two partitions that do what a contract must not, or too much of
// it, and processes whose spawn fails; each failing in the way that its model says.

import { messageFields, spawnFields } from '../../../src/client/index.ts'
import { parseDataItem } from '../../../src/protocol/ans104/index.ts'
import type { GenesisProcess } from '../../../src/protocol/genesis.ts'
import type { MakeModel } from './model/model.ts'
import { Refused, refuse } from './model/model.ts'
import { FAILING, VILLAIN, villainModel } from './villain.ts'
import type { Draft, Turn, Workload } from './workload.ts'
import { oneOf } from './workload.ts'

/** Of what a message may cause: a flood ends there. */
const COUNT_MAX = 18

/** Sources whose spawn fails, and how. */
const STILLBORN: readonly (readonly [source: string, code: string])[] = [
  ['exports.handle = () => { throw new Error("not today") }', 'contract-error'],
  ['exports.handle = (state) => { state.f = () => 1 }', 'state-not-json'],
  ['exports.handle = () => { for (;;); }', 'gas-exhausted'],
  ['for (;;);', 'module-invalid'],
  ['throw new Error("at once")', 'module-invalid'],
  ['exports.handle = 42', 'module-invalid'],
  ['}); (() => {', 'module-invalid'],
  ['exports.handle = (', 'module-invalid'],
]

export function hostileContracts(): Workload {
  const villains: string[] = []
  const stillborn: string[] = []
  let targets: readonly string[] = []

  const act = ({ random, network, generation, wallets }: Turn): Draft => {
    const dice = random.below(100)
    const place = { network: network.id, generation }
    const target = oneOf(random, dice < 8 ? stillborn : villains)
    const few = { hops: random.below(20), count: random.below(COUNT_MAX) }
    if (dice < 26) {
      const action = oneOf(random, ['Self', 'Flood', 'Bomb'])
      return { fields: messageFields(place, { target, action, ...few }) }
    }
    if (dice < 40) {
      const tags = { Whom: oneOf(random, targets), For: oneOf(random, wallets).address }
      return { fields: messageFields(place, { target, action: 'Forge', tags }) }
    }
    const acts = dice < 45 ? ['Poke', 'Transfer'] : Object.keys(FAILING)
    const action = oneOf(random, acts)
    return { fields: messageFields(place, { target, action }) }
  }

  return {
    name: 'hostile-contracts',
    tokenNames: [],
    contracts: [],
    processes: ({ partitions, place }) => {
      const engine = 'quickjs' as const
      const { id: nobody } = place('nobody', partitions - 1)
      const all: GenesisProcess[] = []
      const [one, other] = [place('villain-0', 0), place('villain-1', 1)]
      for (const [me, peer] of [
        [one, other],
        [other, one],
      ] as const) {
        const { id, ...placed } = me
        const state = { n: 0, bounces: 0, self: id, peer: peer.id, nobody }
        all.push({ ...placed, engine, source: VILLAIN, state })
        villains.push(id)
      }
      STILLBORN.slice(0, 4).forEach(([source], at) => {
        const { id, ...placed } = place(`stillborn-${at}`, at % partitions)
        all.push({ ...placed, engine, source, state: {} })
        stillborn.push(id)
      })
      return all
    },
    models: () => [
      [VILLAIN, villainModel],
      ...STILLBORN.map(([source, code]): [string, MakeModel] => [
        source,
        () => (code === 'contract-error' ? refuse('not today') : fail(code)),
      ]),
    ],
    draft: (turn) => {
      const { random, network, generation, wallet } = turn
      targets = [...network.processIds.values()]
      if (random.below(10) > 0) return act(turn)
      const place = { network: network.id, generation }
      const [source] = oneOf(random, STILLBORN)
      const bytes = wallet.sign(spawnFields(place, { source }))
      stillborn.push(parseDataItem(bytes).id)
      return { bytes }
    },
  }
}

function fail(code: string): never {
  throw new Refused(code, '')
}
