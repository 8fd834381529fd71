// The network that `hb start` runs when it is given none: HyperCoin, the HB contract and the clock,
// for trying things out.
// Invariant: the same options give the same network, so that a node can be started again on its
// data.

import { parseJson } from '../std/json-text.ts'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleContract } from '../client/index.ts'
import { FIRST_LEVEL } from '../protocol/features.ts'
import {
  genesisProcessId,
  makeGenesis,
  openNetwork,
  type Genesis,
  type Network,
} from '../protocol/genesis.ts'
import { SANDBOX } from '../runtime/index.ts'
import { HbError, isHbError } from '../std/errors.ts'
import { clockProcess } from '../system/index.ts'
import { contractPath } from './contract-path.ts'
import { readable } from './readable.ts'

export type DevOptions = {
  readonly partitions: number
  /** HyperCoin by address. */
  readonly mint: Readonly<Record<string, string>>
  /** Addresses of those who may raise its feature level. */
  readonly operators: readonly string[]
}

const SALT = 'development'
const HYPER_COIN = 'hyper-coin'
const UNBONDING_MS = 1_000

export async function devGenesis(options: DevOptions): Promise<Genesis> {
  const { partitions, mint, operators } = options
  const { source } = await bundleContract(fileURLToPath(contractPath(HYPER_COIN)))
  const hyperCoin = genesisProcessId(SALT, HYPER_COIN, 0)
  return makeGenesis({
    name: 'development',
    salt: SALT,
    partitions,
    sandbox: SANDBOX,
    ...(operators.length > 0 && { features: { level: FIRST_LEVEL, operators } }),
    processes: [
      {
        name: HYPER_COIN,
        nonce: 0,
        engine: 'quickjs',
        source,
        state: { name: 'HyperCoin', ticker: 'HYPER', denomination: 0, balances: mint },
      },
      {
        name: 'hb-contract',
        engine: 'native',
        source: 'hb-contract@1',
        state: { hyperCoin, unbondingMs: UNBONDING_MS },
      },
      clockProcess(),
    ],
  })
}

/** A genesis document's text → the network. Throws `genesis-malformed`. */
export function parseGenesis(text: string, from: string): Network {
  let genesis: unknown
  try {
    genesis = parseJson(text)
  } catch {
    throw new HbError('genesis-malformed', `${from} is no JSON`)
  }
  try {
    return openNetwork(genesis as Genesis)
  } catch (error) {
    if (isHbError(error)) throw error
    throw new HbError('genesis-malformed', `${from} lacks parts of a genesis document`, {
      cause: error,
    })
  }
}

/** The genesis that a data directory was started with, or undefined. */
export async function genesisIn(directory: string): Promise<Network | undefined> {
  const path = join(directory, GENESIS_FILE)
  const text = await readable(path, () =>
    readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    }),
  )
  return text === undefined ? undefined : parseGenesis(text, path)
}

export const GENESIS_FILE = 'genesis.json'
