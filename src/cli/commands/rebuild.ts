// hb rebuild: the local caches of one partition, thrown away and filled again from the log.

import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Refilled } from '../../dre/index.ts'
import type { Store } from '../../store/port.ts'
import { toBase64Url } from '../../std/bytes.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import { openArchive, ownerValue } from '../archive-place.ts'
import { brokerOptions, namesBrokers, type BrokerOptions } from '../broker.ts'
import type { CommandContext } from '../context.ts'
import { DEFAULT_DATA, withHistory, type History } from '../history.ts'
import { jsonOption, wholeValue } from '../options.ts'
import { showProgress, type Progress } from '../progress.ts'
import { pairLines, tableLines, type Cell } from '../table.ts'
import { paint, type Terminal } from '../terminal.ts'

const HELP = `
For a node that does not run, and whose states or index of ids are in doubt. What the log and the
outbox hold is not touched, nor any other partition. Every result is compared with the outbox, as
far as that is retained (result-mismatch).

Of a log that was trimmed the index of ids needs --from, also where there is none yet: nobody else
knows the messages that went, and each may be ordered only once. States begin at the recorded ones.

Examples:
  hb rebuild --partition 3 --data hb-data
  hb rebuild --partition 3 --from-manifest      the newest recorded states, and what follows
  hb rebuild --partition 3 --from file:./archive
  hb rebuild --partition 0 --data ./node1 --bootstrap-server host:9092`

type Options = BrokerOptions & {
  readonly partition: number
  readonly data: string
  readonly fromManifest?: true
  readonly from?: string
  readonly owner?: readonly string[]
  readonly json?: true
}

export function addRebuild(program: Command, context: CommandContext): void {
  const command = program
    .command('rebuild')
    .description('fill the caches of one partition of a stopped node again from the log')
    .requiredOption('--partition <number>', 'which partition', wholeValue)
    .option('--data <dir>', "the node's directory", DEFAULT_DATA)
    .option('--from <archive>', 'of a log that was trimmed: the archive that has what went')
    .option('--owner <address>', 'in it, only what this address signed', ownerValue)
    .option('--from-manifest', 'begin at the newest recorded states, not at height 0')
  brokerOptions(command).addHelpText('after', HELP)
  jsonOption(command).action((options: Options) => rebuild(context, options))
}

async function rebuild(context: CommandContext, options: Options): Promise<void> {
  const { terminal } = context
  const directory = resolve(options.data)
  const caches = ['states', 'index'].filter((name) => {
    return existsSync(join(directory, name)) || (name === 'index' && options.from !== undefined)
  })
  const where = namesBrokers(options) ? { ...options, data: undefined } : options
  const { data, ...brokers } = where
  const given = data === undefined ? brokers : { ...brokers, data }
  await withHistory(context, given, async (history) => {
    const { partitions } = history.network.genesis
    if (options.partition >= partitions) {
      throw new HbError('partition-unknown', `${options.partition} of ${partitions}`)
    }
    if (caches.length === 0) {
      throw new HbError('usage', `${directory} holds no caches: a node fills them when it starts`)
    }
    const progress = showProgress(terminal, 'rebuild', 'records')
    try {
      const found = await withStores(directory, caches, (stores) =>
        refill(context, history, options, stores, progress),
      )
      progress.end()
      print(terminal, options, found)
    } finally {
      progress.end()
    }
  })
}

type Stores = ReadonlyMap<string, Store>
type Found = { readonly states?: Refilled; readonly index?: { readonly height: number } }

/** Both are locked before anything is dropped. */
async function withStores<T>(
  directory: string,
  names: readonly string[],
  use: (stores: Stores) => Promise<T>,
): Promise<T> {
  const { openLmdbStore } = await import('../../store/lmdb/index.ts')
  const stores = new Map<string, Store>()
  try {
    for (const name of names) {
      stores.set(name, await openLmdbStore({ dir: join(directory, name), durable: false }))
    }
    return await use(stores)
  } catch (error) {
    if (!isHbError(error, 'store-locked')) throw error
    throw new HbError('node-running', error.detail, { cause: error })
  } finally {
    for (const store of stores.values()) await store.close()
  }
}

async function refill(
  { terminal }: CommandContext,
  history: History,
  { partition, fromManifest, from, owner }: Options,
  stores: Stores,
  progress: Progress,
): Promise<Found> {
  const onProgress = (done: number, total: number): void => progress.at(done, total)
  const shared = { ...history, partition, onProgress, signal: terminal.signal }
  const index = stores.get('index')
  const states = stores.get('states')
  const found: { states?: Refilled; index?: { height: number } } = {}
  if (index !== undefined) {
    progress.begin(`partition ${partition}, index of ids`)
    const { refillIndex } = await import('../../sequencer/index.ts')
    const archive = from === undefined ? undefined : await openArchive(from)
    const archived = archive && { archive, ...(owner && { owners: owner }) }
    try {
      found.index = await refillIndex({ ...shared, store: index, ...(archived && { archived }) })
    } finally {
      await archive?.close()
    }
  }
  if (states !== undefined) {
    progress.begin(`partition ${partition}, states`)
    const { availableParallelism } = await import('node:os')
    const { refillPartition } = await import('../../dre/index.ts')
    const { openEvaluator } = await import('../../node/index.ts')
    const evaluator = await openEvaluator(history.network, availableParallelism())
    try {
      const options = { ...shared, store: states, evaluator }
      const fromRecorded = fromManifest === true || from !== undefined
      found.states = await refillPartition({ ...options, fromManifest: fromRecorded })
    } finally {
      await evaluator.close()
    }
  }
  return found
}

function print(terminal: Terminal, { partition, json }: Options, { states, index }: Found): void {
  const processes = (states?.processes ?? []).map((row) => ({
    process: row.process,
    slot: row.settledSlot,
    stateHash: toBase64Url(row.stateHash),
    failed: row.failed,
  }))
  if (json === true) {
    const filled = states && { ...states, processes }
    const all = { ...(filled && { states: filled }), ...(index && { index }) }
    return terminal.out(JSON.stringify({ ok: true, partition, ...all }))
  }
  const colors = paint(terminal.color)
  const columns = [
    { title: 'process' },
    { title: 'slot', align: 'right' },
    { title: 'state hash' },
  ] as const
  const rows = processes.map(({ process, slot, stateHash }): Cell[] => [process, slot, stateHash])
  if (states !== undefined) {
    for (const line of tableLines(columns, rows, colors)) terminal.out(line)
    terminal.out('')
  }
  const pairs: [string, Cell][] = [['partition', partition]]
  if (states !== undefined) {
    const { height, entries, superseded } = states
    pairs.push(['states', `to height ${height}: entries ${entries} (${superseded} superseded)`])
  }
  if (index !== undefined) pairs.push(['index', `to height ${index.height}`])
  for (const line of pairLines(pairs, colors)) terminal.out(line)
}
