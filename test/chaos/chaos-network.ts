// The network that chaos runs on: a token in each partition, and pairs of processes that play
// ping-pong between partitions until a ball has no hops left (its bounce is the last of it).

import { fileURLToPath } from 'node:url'
import { bundleContract } from '../../src/client/index.ts'
import type { GenesisProcess, Network } from '../../src/protocol/genesis.ts'
import { genesisProcessId, grindNonce } from '../../src/protocol/genesis.ts'
import { makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import { SANDBOX } from '../../src/runtime/index.ts'

export type ChaosNetwork = {
  readonly network: Network
  readonly tokens: readonly string[]
  readonly players: readonly string[]
}

export type ChaosNetworkOptions = {
  readonly partitions: number
  readonly pairs: number
  /** Who is given `MINT` of every token. */
  readonly addresses: readonly string[]
  readonly intervalLength?: number
}

const SALT = 'chaos'
export const MINT = '1000000'

export async function chaosNetwork(options: ChaosNetworkOptions): Promise<ChaosNetwork> {
  const { partitions, pairs, addresses, intervalLength = 500 } = options
  const bundle = async (path: string): Promise<string> =>
    (await bundleContract(fileURLToPath(new URL(path, import.meta.url)))).source
  const token = await bundle('../../contracts/token/contract.ts')
  const player = await bundle('../../bench/contracts/ping-pong.ts')
  const place = (name: string, partition: number): { name: string; nonce: number; id: string } => {
    const nonce = grindNonce(SALT, name, partition, partitions)
    return { name, nonce, id: genesisProcessId(SALT, name, nonce) }
  }
  const engine = 'quickjs' as const
  const balances = Object.fromEntries(addresses.map((address) => [address, MINT]))
  const tokens = Array.from({ length: partitions }, (_, at): GenesisProcess => {
    const { name, nonce } = place(`token-${at}`, at)
    const state = { name, ticker: `T${at}`, denomination: 0, balances }
    return { name, nonce, engine, source: token, state }
  })
  const players = Array.from({ length: pairs }, (_, at): GenesisProcess[] => {
    const ping = place(`ping-${at}`, at % partitions)
    const pong = place(`pong-${at}`, (at * 3 + 1) % partitions)
    const one = { name: ping.name, nonce: ping.nonce, state: { peer: pong.id, turns: 0 } }
    const other = { name: pong.name, nonce: pong.nonce, state: { peer: ping.id, turns: 0 } }
    return [one, other].map((each) => ({ ...each, engine, source: player }))
  }).flat()
  const network = openNetwork(
    makeGenesis({
      name: 'chaos',
      salt: SALT,
      partitions,
      intervalLength,
      sandbox: SANDBOX,
      processes: [...tokens, ...players],
    }),
  )
  const id = ({ name }: GenesisProcess): string => network.processIds.get(name) as string
  return { network, tokens: tokens.map(id), players: players.map(id) }
}
