// Which network `hb start` runs: of --genesis, of what the data directory has, of what the topics
// are of, else a new one for development.
//
// Invariant: a data directory keeps the genesis that it was started with, and is never run with
// another.

import { existsSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../log/port.ts'
import type { Network } from '../protocol/genesis.ts'
import { systemClock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import { readText } from './options.ts'
import { checkWhole } from './part-of-log.ts'
import { readable } from './readable.ts'

export type NetworkOptions = {
  readonly genesis?: string
  readonly partitions?: number
  readonly mint?: Readonly<Record<string, string>>
  readonly operator?: readonly string[]
}

export const PARTITIONS = 4

/** On the embedded log: the directory is all there is. */
export async function networkIn(directory: string, options: NetworkOptions): Promise<Network> {
  const { genesisIn } = await import('./dev-genesis.ts')
  checkWhole(directory)
  const asked = await askedFor(options)
  const kept = await genesisIn(directory)
  const network = asked ?? kept ?? (await developed(options))
  await keep(directory, kept, network)
  return network
}

/** On brokers: what their topics are of. Errors: `genesis-mismatch`, those of the log. */
export async function networkOn(
  log: Log,
  applicationId: string,
  directory: string,
  options: NetworkOptions,
): Promise<Network> {
  const { genesisIn } = await import('./dev-genesis.ts')
  const { agreeOnNetwork } = await import('../node/index.ts')
  if (existsSync(join(directory, 'log'))) {
    throw new HbError('usage', `--data ${directory} holds an embedded log: name another directory`)
  }
  const asked = await askedFor(options)
  const kept = await genesisIn(directory)
  if (asked !== undefined && kept !== undefined) await same(directory, kept, asked)
  const network = await agreeOnNetwork({
    log,
    applicationId,
    clock: systemClock,
    own: asked ?? kept,
    make: () => developed(options),
  })
  await keep(directory, kept, network)
  return network
}

/** What the command line names; undefined: nothing. */
export async function askedFor(options: NetworkOptions): Promise<Network | undefined> {
  const { genesis, partitions, mint, operator } = options
  const isNew = [partitions, mint, operator].some((each) => each !== undefined)
  if (genesis === undefined) return isNew ? developed(options) : undefined
  if (isNew) {
    throw new HbError(
      'usage',
      '--partitions, --mint and --operator are for a development network, not for --genesis',
    )
  }
  const { parseGenesis } = await import('./dev-genesis.ts')
  return parseGenesis(await readText(genesis), genesis)
}

/** A network for development. */
export async function developed(options: NetworkOptions): Promise<Network> {
  const { partitions = PARTITIONS, mint = {}, operator: operators = [] } = options
  const { devGenesis } = await import('./dev-genesis.ts')
  const { openNetwork } = await import('../protocol/genesis.ts')
  return openNetwork(await devGenesis({ partitions, mint, operators }))
}

/** The directory becomes the network's; or it is that already. Errors: `genesis-mismatch`. */
export async function keepGenesis(directory: string, network: Network): Promise<void> {
  const { genesisIn } = await import('./dev-genesis.ts')
  await keep(directory, await genesisIn(directory), network)
}

async function same(directory: string, kept: Network, network: Network): Promise<void> {
  const { isSameGeneration, namedGeneration } = await import('../protocol/generations.ts')
  if (isSameGeneration(kept, network)) return
  const [is, other] = [kept, network].map(namedGeneration)
  throw new HbError('genesis-mismatch', `${directory} is of ${is}, not of ${other}`)
}

async function keep(directory: string, kept: Network | undefined, network: Network): Promise<void> {
  if (kept !== undefined) return same(directory, kept, network)
  const { GENESIS_FILE } = await import('./dev-genesis.ts')
  const path = join(directory, GENESIS_FILE)
  await readable(path, async () => {
    await mkdir(directory, { recursive: true })
    // whole or not at all: half a genesis would make the directory unusable
    await writeFile(`${path}.new`, `${JSON.stringify(network.genesis)}\n`, { flush: true })
    await rename(`${path}.new`, path)
  })
}
