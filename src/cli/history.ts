// Where commands that replay take the recorded log from: an embedded one in --data, also beside a
// node that runs on it, or the topics of brokers. What they write goes to a scratch directory.
//
// Invariant: H1 nothing is written to the log, its positions or its groups. H2 whatever was opened
// or made is gone afterwards, also where the command fails.

import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Client } from '../client/index.ts'
import type { Log } from '../log/port.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Served } from '../replay/index.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import type { Store } from '../store/port.ts'
import { isIdText } from '../std/bytes.ts'
import { HbError, isHbError } from '../std/errors.ts'
import { DEFAULT_APPLICATION_ID, namesBrokers, nodeUrls, openBroker } from './broker.ts'
import type { CommandContext } from './context.ts'
import { openClient, type UrlOptions } from './options.ts'

export type HistoryOptions = UrlOptions & { readonly data?: string }

export const DEFAULT_DATA = 'hb-data'

export type History = {
  readonly network: Network
  readonly log: Log
  readonly applicationId: string
}

/** Opens what was recorded, hands it to `use`, and closes it. */
export async function withHistory<T>(
  context: CommandContext,
  options: HistoryOptions,
  use: (history: History) => Promise<T>,
): Promise<T> {
  const history = await openHistory(context, options)
  try {
    return await use(history)
  } finally {
    await history.log.close()
  }
}

export function dataOption(command: Command): Command {
  return command.option(
    '--data <dir>',
    `read the embedded log there, also beside its node (default ${DEFAULT_DATA})`,
  )
}

async function openHistory(context: CommandContext, options: HistoryOptions): Promise<History> {
  const { applicationId = DEFAULT_APPLICATION_ID } = options
  if (namesBrokers(options)) {
    if (options.data !== undefined) {
      throw new HbError('usage', '--data names an embedded log, --bootstrap-server brokers: one')
    }
    const { recordedNetwork } = await import('../node/index.ts')
    const log = await openBroker(context, options, 'reader')
    try {
      return { network: await recordedNetwork(log, applicationId), log, applicationId }
    } catch (error) {
      await log.close()
      throw error
    }
  }
  const directory = resolve(options.data ?? DEFAULT_DATA)
  const { genesisIn } = await import('./dev-genesis.ts')
  const { openEmbeddedReader } = await import('../log/embedded/index.ts')
  const network = await genesisIn(directory)
  if (network !== undefined && !existsSync(join(directory, 'log'))) {
    const text = `${directory} has caches of brokers only: name them with --bootstrap-server`
    throw new HbError('log-absent', text)
  }
  if (network === undefined) {
    throw new HbError('log-absent', `${directory}: a replay reads the log itself, not a node`)
  }
  return { network, log: await openEmbeddedReader(join(directory, 'log')), applicationId }
}

/** A process by its id, or by its name in genesis. */
export function processOf(network: Network, name: string): string {
  if (isIdText(name)) return name
  const id = network.processIds.get(name)
  if (id !== undefined) return id
  const names = [...network.processIds.keys()].join(', ')
  throw new HbError('id-malformed', `${name} (names of this network: ${names || 'none'})`)
}

export type Workbench = { readonly evaluator: Evaluator; readonly store: Store }

/** A fresh sandbox and a fresh store, which go when `use` is done. */
export async function withWorkbench<T>(
  network: Network,
  workers: number,
  use: (bench: Workbench) => Promise<T>,
): Promise<T> {
  const { openEvaluator } = await import('../node/index.ts')
  return withScratch(async (store) => {
    const evaluator = await openEvaluator(network, workers)
    try {
      return await use({ evaluator, store })
    } finally {
      await evaluator.close()
    }
  })
}

/** A fresh store, which goes when `use` is done. */
export async function withScratch<T>(use: (store: Store) => Promise<T>): Promise<T> {
  const { openLmdbStore } = await import('../store/lmdb/index.ts')
  const dir = await mkdtemp(join(tmpdir(), 'hb-replay-'))
  const closing: (() => Promise<void>)[] = [() => rm(dir, { recursive: true, force: true })]
  try {
    const store = await openLmdbStore({ dir: join(dir, 'scratch'), durable: false })
    closing.push(() => store.close())
    return await use(store)
  } finally {
    for (const close of closing.reverse()) await close()
  }
}

/** The node that is named, or that the brokers know; undefined: none is meant to be asked. */
export async function servedBy(
  context: CommandContext,
  options: HistoryOptions,
  network: Network,
): Promise<{ readonly served: Served; readonly url: string } | undefined> {
  const { url } = options
  const given = url ?? context.terminal.env['HB_URL']
  if (given === undefined && namesBrokers(options)) {
    const found = await nodeUrls(context, options).catch((error: unknown) => {
      if (isHbError(error, 'node-unreachable')) return []
      throw error
    })
    if (found.length === 0) return undefined
  } else if (given === undefined) return undefined
  const client = await openClient(context, options)
  const { network: theirs } = await client.network()
  if (theirs !== network.id) {
    throw new HbError('network-mismatch', `${client.url} is of ${theirs}, the log of ${network.id}`)
  }
  const { partitionOf } = await import('../protocol/topics.ts')
  const { partitions } = network.genesis
  const partition = (process: string): number => partitionOf(process, partitions)
  return { served: servedThrough(client, partition), url: client.url }
}

/** Of a partition that nobody serves, a halted one say, there is nothing to compare with. */
function servedThrough(client: Client, partitionOf: (process: string) => number): Served {
  // each is asked for once: a client asks again for a while
  const unserved = new Set<number>()
  const ask = async <T>(process: string, asking: () => Promise<T>): Promise<T | undefined> => {
    const partition = partitionOf(process)
    if (unserved.has(partition)) return undefined
    try {
      return await asking()
    } catch (error) {
      if (isHbError(error, 'process-unserved')) unserved.add(partition)
      else if (!isHbError(error, 'process-not-found') && !isHbError(error, 'process-failed')) {
        throw error
      }
      return undefined
    }
  }
  return {
    state: (process) => ask(process, () => client.state(process)),
    hashAt: async (process, slot) => {
      const page = await ask(process, () => client.results(process, { from: slot, limit: 1 }))
      const [result] = page?.results ?? []
      return result?.slot === slot ? result.stateHash : undefined
    },
  }
}
