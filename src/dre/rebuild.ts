// Rebuilds every process of a partition from the log alone, beside whatever is running: nothing is
// published.

import type { Network } from '../protocol/genesis.ts'
import { topicNames } from '../protocol/topics.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import type { Log } from '../log/port.ts'
import { endsOf } from '../log/resume/index.ts'
import type { Store } from '../store/port.ts'
import type { DreLimits } from './ports.ts'
import { readEntries } from './read-entries.ts'
import { Rebuilder } from './rebuilder.ts'
import type { Settled } from './steps.ts'

export type RebuildOptions = {
  readonly network: Network
  readonly log: Log
  readonly partition: number
  /** Fresh: what it held before would be believed. */
  readonly evaluator: Evaluator
  /** Fresh as well; holds states while their instances are closed. */
  readonly store: Store
  readonly applicationId?: string
  readonly limits?: Partial<DreLimits>
  /** Last height to evaluate; default: the log's end. */
  readonly to?: number
  readonly onResult?: (settled: Settled) => void
}

export type RebuiltProcess = {
  readonly process: string
  readonly slot: number
  readonly stateHash: Uint8Array
}

export type Rebuilt = {
  readonly entries: number
  readonly superseded: number
  readonly processes: readonly RebuiltProcess[]
}

export async function rebuild(options: RebuildOptions): Promise<Rebuilt> {
  const { network, log, partition, onResult, to = Infinity } = options
  const topics = topicNames(options.applicationId ?? 'hb')
  const rebuilder = new Rebuilder({ ...options, topics })
  const { view, next } = await rebuilder.begin()
  const { end } = await endsOf(log, topics.log, partition)
  const { records, ledger } = rebuilder
  const reading = { network, log, topic: topics.log, partition, records, view, from: next, end }
  let under: Promise<unknown> = Promise.resolve()
  let entries = 0
  let superseded = 0
  for await (const read of readEntries(reading)) {
    const wanted = read.entries.filter(({ height }) => height <= to)
    entries += wanted.length
    superseded += read.superseded
    // one segment is evaluated while the next is read
    const before = under
    under = rebuilder.take(wanted).then((settled) => onResult && settled.forEach(onResult))
    under.catch(() => undefined)
    await before
    if (view.height >= to) break
  }
  await under
  const processes = [...ledger.rows.values()].map(({ process, settledSlot, stateHash }) => ({
    process,
    slot: settledSlot,
    stateHash,
  }))
  return { entries, superseded, processes }
}
