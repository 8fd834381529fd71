// The genesis of a test network: its contracts as processes that are there from the beginning, and
// HyperCoin where a wallet has some, and the clock.
//
// Invariant: names decide ids (with the salt), so that states may hold the ids of one another, and
// a test sees the same ids in every run.

import { fileURLToPath } from 'node:url'
import { bundleContract, type Wallet } from '../client/index.ts'
import type { GenesisProcess, Network } from '../protocol/genesis.ts'
import { genesisProcessId, grindNonce, makeGenesis, openNetwork } from '../protocol/genesis.ts'
import type { ProtocolLimits } from '../protocol/limits.ts'
import { SANDBOX } from '../runtime/index.ts'
import { HbError } from '../std/errors.ts'
import { CLOCK, clockProcess } from '../system/index.ts'

/** Whose address or id a name stands for: a wallet's, or a contract's. Throws. */
export type AddressOf = (name: string) => string

export type State = Readonly<Record<string, unknown>>

export type ContractSource =
  /** A path from the current directory, or a URL (`new URL('../contract.ts', import.meta.url)`). */
  | { readonly file: string | URL }
  /** The text that the sandbox runs, as `bundleContract` gives it. */
  | { readonly source: string }

export type ContractSpec = ContractSource & {
  /** The first state, before the contract has seen its spawn. */
  readonly state?: State | ((address: AddressOf) => State)
  /** Default: wherever its id falls. */
  readonly partition?: number
}

export type GenesisChoice = {
  readonly name: string
  readonly salt: string
  readonly partitions: number
  readonly intervalLength?: number
  readonly limits?: Partial<ProtocolLimits>
  readonly contracts: Readonly<Record<string, ContractSpec>>
  readonly wallets: ReadonlyMap<string, Wallet>
  readonly mint: Readonly<Record<string, string>> | undefined
  readonly unbondingMs: number
  readonly clock: boolean
}

export const HYPER_COIN = 'hyper-coin'
export const HB_CONTRACT = 'hb-contract'

/** Errors: `test-options-invalid`, `test-name-unknown`, those of bundling, `genesis-malformed`. */
export async function testGenesis(choice: GenesisChoice): Promise<Network> {
  const { contracts, wallets, mint, salt, partitions } = choice
  const coin = mint === undefined ? [] : [HYPER_COIN, HB_CONTRACT]
  const own = choice.clock ? [...coin, CLOCK] : coin
  const nonces = new Map(own.map((name) => [name, nonceOf(choice, name)]))
  for (const name of Object.keys(contracts)) {
    if (nonces.has(name) || wallets.has(name)) {
      throw new HbError('test-options-invalid', `two are named ${name}`)
    }
    nonces.set(name, nonceOf(choice, name))
  }
  const address = (name: string): string => {
    const wallet = wallets.get(name)
    if (wallet !== undefined) return wallet.address
    const nonce = nonces.get(name)
    if (nonce === undefined) throw unknownName(name, [...wallets.keys(), ...nonces.keys()])
    return genesisProcessId(salt, name, nonce)
  }
  const processes: GenesisProcess[] = []
  if (mint !== undefined) processes.push(...(await systemOf(choice, mint, nonces, address)))
  if (choice.clock) {
    processes.push({ ...clockProcess(choice.limits), nonce: nonces.get(CLOCK) ?? 0 })
  }
  for (const [name, spec] of Object.entries(contracts)) {
    const { state = {} } = spec
    processes.push({
      name,
      nonce: nonces.get(name) ?? 0,
      engine: 'quickjs',
      source: await sourceOf(spec),
      state: typeof state === 'function' ? state(address) : state,
    })
  }
  const { name, intervalLength, limits } = choice
  const genesis = makeGenesis({
    name,
    salt,
    partitions,
    sandbox: SANDBOX,
    processes,
    ...(intervalLength !== undefined && { intervalLength }),
    ...(limits !== undefined && { limits }),
  })
  return openNetwork(genesis)
}

/** Errors: those of `bundleContract`. */
export async function sourceOf(spec: ContractSource): Promise<string> {
  if ('source' in spec) return spec.source
  const { file } = spec
  return (await bundleContract(typeof file === 'string' ? file : fileURLToPath(file))).source
}

export function unknownName(name: string, known: readonly string[]): HbError {
  const list = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`
  return new HbError('test-name-unknown', `${name}; ${list}`)
}

function nonceOf({ contracts, salt, partitions }: GenesisChoice, name: string): number {
  if (name === HB_CONTRACT || (name === CLOCK && !Object.hasOwn(contracts, name))) {
    return grindNonce(salt, name, 0, partitions)
  }
  const partition = contracts[name]?.partition
  if (partition === undefined) return 0
  if (!Number.isInteger(partition) || partition < 0 || partition >= partitions) {
    throw new HbError('test-options-invalid', `${name}: there is no partition ${partition}`)
  }
  return grindNonce(salt, name, partition, partitions)
}

async function systemOf(
  { unbondingMs }: GenesisChoice,
  mint: Readonly<Record<string, string>>,
  nonces: ReadonlyMap<string, number>,
  address: AddressOf,
): Promise<GenesisProcess[]> {
  const file = new URL(`../../contracts/${HYPER_COIN}/contract.ts`, import.meta.url)
  const state = { name: 'HyperCoin', ticker: 'HYPER', denomination: 0, balances: mint }
  return [
    {
      name: HYPER_COIN,
      nonce: nonces.get(HYPER_COIN) ?? 0,
      engine: 'quickjs',
      source: await sourceOf({ file }),
      state,
    },
    {
      name: HB_CONTRACT,
      nonce: nonces.get(HB_CONTRACT) ?? 0,
      engine: 'native',
      source: 'hb-contract@1',
      state: { hyperCoin: address(HYPER_COIN), unbondingMs },
    },
  ]
}
