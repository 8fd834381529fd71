// Spawning: wallets spawn counters and tokens, and send to them at once or before they are there; a
// breeder spawns children of its own, some of which fail, and sends to ids that nobody has.

import { messageFields, spawnFields } from '../../../src/client/index.ts'
import { parseDataItem } from '../../../src/protocol/ans104/index.ts'
import type { GenesisProcess } from '../../../src/protocol/genesis.ts'
import { toBase64Url } from '../../../src/std/bytes.ts'
import { bytesOf } from './wallets.ts'
import { BREEDER, breederModel, CHILD, childModel, COUNTER, counterModel } from './breeder.ts'
import { tokenModel } from './model/token.ts'
import type { Draft, Turn, Workload } from './workload.ts'
import { oneOf } from './workload.ts'

const TOKEN = 'contracts/token/contract.ts'
/** Spawned by wallets, and known to them. */
const SPAWNED_MAX = 12

export function spawning(): Workload {
  const breeders: string[] = []
  /** Signed, and not sent yet: by the wallet that will. */
  const held = new Map<string, Buffer>()
  const spawned: string[] = []
  let token = ''

  return {
    name: 'spawning',
    tokenNames: [],
    contracts: [TOKEN],
    processes: ({ partitions, place, source }) => {
      token = source(TOKEN)
      return [0, 1].map((at): GenesisProcess => {
        const { id, ...placed } = place(`breeder-${at}`, at % partitions)
        const { id: last } = place('nobody', 0)
        breeders.push(id)
        const state = { child: CHILD, born: 0, bounces: 0, last }
        return { ...placed, engine: 'quickjs', source: BREEDER, state }
      })
    },
    models: (source) => [
      [source(TOKEN), tokenModel],
      [COUNTER, counterModel],
      [CHILD, childModel],
      [BREEDER, breederModel],
    ],
    draft: (turn) => {
      const { random, network, generation, wallet } = turn
      const due = held.get(wallet.address)
      if (due !== undefined) {
        held.delete(wallet.address)
        return { bytes: due }
      }
      const place = { network: network.id, generation }
      const dice = random.below(100)
      if (dice < 25) {
        const bytes = spawn(turn, token)
        const { id } = parseDataItem(bytes)
        spawned.unshift(id)
        spawned.length = Math.min(spawned.length, SPAWNED_MAX)
        // half of them are written to before they are there
        if (random.below(2) === 0) return { bytes }
        held.set(wallet.address, bytes)
        return send(turn, id)
      }
      if (dice < 65 && spawned.length > 0) return send(turn, oneOf(random, spawned))
      const target = oneOf(random, breeders)
      const nobody = toBase64Url(bytesOf(random, 32))
      if (dice < 70) return send(turn, nobody)
      const action = oneOf(random, ['Breed', 'Visit', 'Call'])
      const tags = { Whom: spawned.length > 0 && dice < 85 ? oneOf(random, spawned) : nobody }
      const few = random.below(4) === 0 ? { hops: random.below(4), count: random.below(8) } : {}
      return { fields: messageFields(place, { target, action, tags, ...few }) }
    },
  }
}

/** A counter, a token or a child; some never come to be. */
function spawn({ random, network, generation, wallet, wallets }: Turn, token: string): Buffer {
  const place = { network: network.id, generation }
  const expired = random.below(12) === 0 ? { expires: 1_000 } : {}
  const specs = [
    { source: COUNTER, state: {}, ...expired },
    { source: COUNTER, state: { count: 5 }, ...expired },
    { source: token, state: { balances: { [oneOf(random, wallets).address]: '500' } } },
    { source: token, state: { balances: [] } },
    { source: CHILD, state: { hellos: 0, isIll: random.below(2) === 0 } },
    { source: CHILD, state: { hellos: 0 }, hops: 0 },
  ]
  return wallet.sign(spawnFields(place, oneOf(random, specs)))
}

function send(turn: Turn, target: string): Draft {
  const { random, network, generation, wallets } = turn
  const action = oneOf(random, ['Hello', 'Transfer', 'Balance'])
  const tags = { Recipient: oneOf(random, wallets).address, Quantity: '7' }
  const place = { network: network.id, generation }
  return { fields: messageFields(place, { target, action, tags }) }
}
