// Drops the index of ids of one partition, and fills it again from the log.
//
// Owners: a command on the store of a node that does not run. Invariant: the index and its position
// are of one height at any moment, so an end half way costs time only.

import { copyView, initialView } from '../protocol/accept.ts'
import { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import { topicNames } from '../protocol/topics.ts'
import type { Log } from '../log/port.ts'
import { endsOf } from '../log/resume/index.ts'
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
  readonly onProgress?: (done: number, total: number) => void
  /** Ends it, with `interrupted`. */
  readonly signal?: AbortSignal
}

/** Resolves with the last height that is indexed. Errors: `log-diverged`, `interrupted`. */
export async function refillIndex(options: RefillIndexOptions): Promise<{ height: number }> {
  const { network, log, partition, store, signal, onProgress } = options
  const topic = topicNames(options.applicationId).log
  const prefix = `s${partition.toString(16).padStart(4, '0')}/`
  await dropRange(store, prefix, `${prefix}v`)
  const index = new IdIndex(store, partition, SEQUENCER_LIMITS.idGraceMs)
  const { start, end } = await endsOf(log, topic, partition)
  const view = initialView(network.id, partition, network.genesis.partitions)
  const figures = noSequencerFigures()
  const tail = new Tail(network, new Records(), figures, { view, next: start, at: undefined })
  while (tail.next < end) {
    if (signal?.aborted === true) throw new HbError('interrupted')
    const { records } = await log.read(topic, partition, tail.next, {
      to: end,
      bytesMax: READ_BYTES,
    })
    if (records.length === 0) break
    const entries = tail.take(records)
    // what was taken before is written while this was read
    await index.written()
    index.record(entries, { ...tail.position, view: copyView(tail.view) })
    onProgress?.(tail.next - start, end - start)
  }
  await index.written()
  return { height: tail.view.height }
}
