// Tokens, and players that send a ball to and fro between partitions until it has no hops left.

import { messageFields } from '../../../src/client/index.ts'
import type { GenesisProcess } from '../../../src/protocol/genesis.ts'
import { playerModel } from './model/player.ts'
import { tokenModel } from './model/token.ts'
import type { Workload } from './workload.ts'
import { oneOf } from './workload.ts'

const TOKEN = 'contracts/token/contract.ts'
const PLAYER = 'bench/contracts/ping-pong.ts'
const MINT = '1000000'
const PAIRS = 4
const EXPIRY_MS = 3_000

export function tokens(): Workload {
  const targets: string[] = []
  const players: string[] = []
  const tokenNames: string[] = []
  return {
    name: 'tokens',
    contracts: [TOKEN, PLAYER],
    tokenNames,
    processes: ({ partitions, addresses, place, source }) => {
      const engine = 'quickjs' as const
      const balances = Object.fromEntries(addresses.map((address) => [address, MINT]))
      const all: GenesisProcess[] = []
      for (let at = 0; at < partitions; at++) {
        const { id, ...placed } = place(`token-${at}`, at)
        const state = { name: placed.name, ticker: `T${at}`, denomination: 0, balances }
        all.push({ ...placed, engine, source: source(TOKEN), state })
        targets.push(id)
        tokenNames.push(placed.name)
      }
      for (let at = 0; at < PAIRS; at++) {
        const { id: one, ...ping } = place(`ping-${at}`, at % partitions)
        const { id: other, ...pong } = place(`pong-${at}`, (at * 3 + 1) % partitions)
        const player = { engine, source: source(PLAYER) }
        all.push({ ...ping, ...player, state: { peer: other, turns: 0 } })
        all.push({ ...pong, ...player, state: { peer: one, turns: 0 } })
        players.push(one, other)
      }
      return all
    },
    draft: ({ network, random, wallet, wallets, generation, nowMs }) => {
      const place = { network: network.id, generation }
      const dice = random.below(100)
      if (dice < 25) {
        const hops = 2 + random.below(10)
        const spec = { target: oneOf(random, players), action: 'Serve', hops }
        return { fields: messageFields(place, spec) }
      }
      const target = oneOf(random, targets)
      if (dice < 28) return { fields: messageFields(place, { target, action: 'Nonsense' }) }
      const quantity = dice < 32 ? '99999999999' : String(1 + random.below(50))
      const recipient =
        dice < 70
          ? oneOf(random, wallets).address
          : oneOf(random, dice < 85 ? players : targets)
      const reference = wallet.address.slice(0, 8)
      const tags = { Recipient: recipient, Quantity: quantity, Reference: reference }
      // some will be too late, others expire in an append of which nobody knows what became of it
      const expiry = random.below(5) === 0 ? { expires: nowMs + random.below(EXPIRY_MS) } : {}
      return { fields: messageFields(place, { target, action: 'Transfer', tags, ...expiry }) }
    },
    models: (source) => [
      [source(TOKEN), tokenModel],
      [source(PLAYER), playerModel],
    ],
  }
}
