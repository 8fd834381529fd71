// Rebuilds every process of a partition from the log alone, beside whatever is running: nothing is
// published.

import { initialView } from '../protocol/accept.ts'
import { Records } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import { LogReader } from '../protocol/log-reader.ts'
import { topicNames } from '../protocol/topics.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import type { Log } from '../log/port.ts'
import { endsOf } from '../log/resume/index.ts'
import { HbError } from '../std/errors.ts'
import type { Store, StoreOp } from '../store/port.ts'
import { Ledger } from './core.ts'
import type { Segment, Settled } from './evaluation.ts'
import { Evaluation } from './evaluation.ts'
import { Modules } from './modules.ts'
import type { DreLimits } from './ports.ts'
import { DRE_LIMITS, noDreFigures } from './ports.ts'
import { ProcessStore } from './process-store.ts'

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
  const { network, log, partition, evaluator, store } = options
  const records = new Records()
  const topics = topicNames(options.applicationId ?? 'hb')
  const limits = { ...DRE_LIMITS, ...options.limits }
  const ledger = new Ledger(network, partition)
  const kept = new ProcessStore(store, records, partition)
  const modules = new Modules(store, records, undefined, topics.modules)
  const figures = noDreFigures()
  let written: Promise<void> = Promise.resolve()
  const evaluation = new Evaluation({
    network,
    ledger,
    evaluator,
    store: kept,
    modules,
    limits,
    figures,
  })
  const view = initialView(network.id, partition, network.genesis.partitions)
  const finish = async (segment: Segment): Promise<void> => {
    const settled = await evaluation.finish(segment, written)
    written = write(settled, ledger, kept, modules)
    await written
    if (options.onResult !== undefined) settled.forEach(options.onResult)
    await evaluation.evict()
  }
  const { start, end } = await endsOf(log, topics.log, partition)
  const reader = new LogReader(network, records, view)
  let under: Promise<void> = Promise.resolve()
  let next = start
  for (let from = start; from < end && view.height < (options.to ?? Infinity); ) {
    const read = await log.read(topics.log, partition, from)
    const entries: Entry[] = []
    for (const { value, offset } of read.records) {
      if (offset !== next) throw new HbError('log-diverged', `a hole before offset ${offset}`)
      next = offset + 1
      if (view.height >= (options.to ?? Infinity)) break
      const each = reader.read(value)
      if (each.type === 'entry') entries.push(each.entry)
      else if (each.type === 'superseded') figures.superseded += 1
    }
    if (read.next === from) break
    from = read.next
    // one segment is evaluated while the next is read
    const segment = evaluation.begin(entries)
    const before = under
    under = before.then(() => finish(segment))
    under.catch(() => undefined)
    await before
  }
  await under
  const processes = [...ledger.rows.values()].map(({ process, settledSlot, stateHash }) => ({
    process,
    slot: settledSlot,
    stateHash,
  }))
  return { entries: view.height + 1, superseded: figures.superseded, processes }
}

async function write(
  settled: readonly Settled[],
  ledger: Ledger,
  store: ProcessStore,
  modules: Modules,
): Promise<void> {
  const ops: StoreOp[] = []
  for (const { result, changes, spawned } of settled) {
    if (result.slot < 0) continue
    if (spawned !== undefined) {
      await modules.publish(spawned.module)
      ops.push(store.baseOp(result.process, 0, spawned.snapshot))
    }
    if (changes !== '[]') ops.push(store.journalOp(result, changes))
  }
  await store.write(ops)
  for (const { result } of settled) {
    const row = ledger.rows.get(result.process)
    if (row !== undefined && result.slot >= 0) row.writtenSlot = result.slot
  }
}
