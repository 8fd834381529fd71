// Drops the index of ids of one partition, and fills it again from the log; from an archive what
// the log does not have any more.
//
// Owners: a command on the store of a node that does not run. Invariant: the index and its position
// are of one height at any moment, so an end half way costs time only.

import { followPartition } from '../archive/index.ts'
import type { ReadArchiveOptions } from '../archive/index.ts'
import type { View } from '../protocol/accept.ts'
import { advance, copyView, initialView } from '../protocol/accept.ts'
import type { EntryRecord } from '../protocol/codec/records.ts'
import { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import { topicNames } from '../protocol/topics.ts'
import type { Log } from '../log/port.ts'
import { endsOf, firstEntry } from '../log/resume/index.ts'
import { equalBytes } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import { dropRange } from '../store/drop-range/index.ts'
import type { Store } from '../store/port.ts'
import { IdIndex } from './id-index.ts'
import { noSequencerFigures, SEQUENCER_LIMITS } from './ports.ts'
import { READ_BYTES, Tail } from './tail.ts'

export type RefillIndexOptions = {
  readonly network: Network
  readonly log: Log
  readonly applicationId: string
  readonly partition: number
  /** The node's own, of its index. */
  readonly store: Store
  /** Has what was trimmed. */
  readonly archived?: Pick<ReadArchiveOptions, 'archive' | 'owners'>
  readonly onProgress?: (done: number, total: number) => void
  /** Ends it, with `interrupted`. */
  readonly signal?: AbortSignal
}

/**
 * Resolves with the last height that is indexed. Errors: `log-diverged`, `archive-behind`,
 * `archive-diverged`, those of the archive, `interrupted`.
 */
export async function refillIndex(options: RefillIndexOptions): Promise<{ height: number }> {
  const { network, log, partition, store, signal, onProgress } = options
  const topic = topicNames(options.applicationId).log
  const records = new Records()
  const first = await firstEntry(log, topic, partition, records)
  // what is dropped then could not be filled again
  if (options.archived === undefined && (first?.height ?? 0) > 0) {
    const begins = `partition ${partition} of the log begins at height ${first?.height}`
    throw new HbError('log-diverged', `${begins}: name its archive with --from`)
  }
  const prefix = `s${partition.toString(16).padStart(4, '0')}/`
  await dropRange(store, prefix, `${prefix}v`)
  const index = new IdIndex(store, partition, SEQUENCER_LIMITS.idGraceMs)
  const { start, end } = await endsOf(log, topic, partition)
  const view = await viewBefore(options, index, first, start)
  const figures = noSequencerFigures()
  const tail = new Tail(network, records, figures, { view, next: start, at: undefined })
  while (tail.next < end) {
    if (signal?.aborted === true) throw new HbError('interrupted')
    const read = await log.read(topic, partition, tail.next, { to: end, bytesMax: READ_BYTES })
    if (read.records.length === 0) break
    const entries = tail.take(read.records)
    // what was taken before is written while this was read
    await index.written()
    index.record(entries, { ...tail.position, view: copyView(tail.view) })
    onProgress?.(tail.next - start, end - start)
  }
  await index.written()
  return { height: tail.view.height }
}

/** The view that the log's first entry extends, with everything before it in the index. */
async function viewBefore(
  options: RefillIndexOptions,
  index: IdIndex,
  first: EntryRecord | undefined,
  start: number,
): Promise<View> {
  const { network, partition, archived, signal } = options
  const view = initialView(network.id, partition, network.genesis.partitions)
  if (archived === undefined || first === undefined || first.height === 0) return view
  const reading = { ...archived, network, to: first.height - 1, ...(signal && { signal }) }
  await followPartition(reading, view, async (entries) => {
    for (const entry of entries) advance(view, entry)
    await index.written()
    // no position yet: an end half way leaves an index that nobody goes on from
    index.record(entries, { view: copyView(view), next: start, at: undefined })
  })
  if (view.height === first.height - 1 && equalBytes(view.hash, first.prev)) return view
  const where = `partition ${partition}: the archive ends at height ${view.height}`
  const text = `${where}, the log begins at ${first.height}`
  throw new HbError(view.height < first.height - 1 ? 'archive-behind' : 'archive-diverged', text)
}
