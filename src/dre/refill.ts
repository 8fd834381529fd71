// Drops what is kept locally of one partition, and fills it again from the log, as a standby does:
// compared with the outbox as far as that goes, and nothing is appended anywhere.
//
// Owners: a command on the store of a node that does not run. Invariants: F1 what is in the store
// can be gone on from at any moment (K4 of task.ts), so an end half way costs time only. F2 of
// other partitions nothing is touched.

import { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import { topicNames } from '../protocol/topics.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import type { Log } from '../log/port.ts'
import { endsOf } from '../log/resume/index.ts'
import { systemClock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import { carryTracing } from '../std/trace.ts'
import type { Store } from '../store/port.ts'
import type { LedgerRow } from './core.ts'
import { DRE_LIMITS, noDreFigures } from './ports.ts'
import { dropPartition, ProcessStore } from './process-store.ts'
import { Published } from './published.ts'
import { PartitionTask } from './task.ts'

export type RefillOptions = {
  readonly network: Network
  readonly log: Log
  readonly applicationId: string
  readonly partition: number
  /** The node's own, of its states. */
  readonly store: Store
  readonly evaluator: Evaluator
  /** Begins at the newest manifest; default: at height 0. */
  readonly fromManifest?: boolean
  readonly onProgress?: (done: number, total: number) => void
  /** Ends it, with `interrupted`. */
  readonly signal?: AbortSignal
}

export type Refilled = {
  /** Entries that were evaluated. */
  readonly entries: number
  readonly superseded: number
  /** The last height that is stored; −1: none. */
  readonly height: number
  readonly processes: readonly Pick<LedgerRow, 'process' | 'settledSlot' | 'stateHash' | 'failed'>[]
}

/** Errors: `result-mismatch`, `log-diverged`, `interrupted`, those of the log. */
export async function refillPartition(options: RefillOptions): Promise<Refilled> {
  const { network, log, applicationId, partition, store, evaluator } = options
  const records = new Records()
  const topics = topicNames(applicationId)
  await dropPartition(store, partition)
  const published = new Published(log, topics.outbox, partition, records)
  await published.begin()
  const { next } = await published.toEnd(0, () => undefined)
  const figures = noDreFigures()
  const failure: { error?: unknown } = {}
  const task = new PartitionTask({
    network,
    partition,
    log,
    topics,
    relayerGroup: `${applicationId}.relayer`,
    records,
    store,
    evaluator,
    clock: systemClock,
    tracing: carryTracing(),
    limits: DRE_LIMITS,
    figures,
    listener: {},
    onFollowed: () => undefined,
    onFailed: (_partition, error) => (failure.error = error),
    ...(options.fromManifest !== true && { manifestBelow: 0 }),
  })
  const abort = (): void => task.abort()
  options.signal?.addEventListener('abort', abort, { once: true })
  try {
    await task.open()
    const { start, end } = await endsOf(log, topics.log, partition)
    await task.catchUp(end, next - 1, (at) => options.onProgress?.(at - start, end - start))
  } finally {
    options.signal?.removeEventListener('abort', abort)
    await task.close()
  }
  if (options.signal?.aborted === true) throw new HbError('interrupted')
  if ('error' in failure) throw failure.error
  const kept = new ProcessStore(store, records, partition)
  const { entries, superseded } = figures
  const height = kept.position()?.view.height ?? -1
  return { entries, superseded, height, processes: [...kept.rows()] }
}
