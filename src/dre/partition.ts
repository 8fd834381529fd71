// One partition's DRE: batches of the log in, results out.
//
// Owners: task.ts makes one for each time that a partition is followed or owned. Three stages, each
// in order of height, so that they overlap: read and judge → evaluate → publish.
//
// Invariants: D1 results are published in order of height, without gap. D2 an interval is closed on
// exactly the states of its last height: nothing later begins before (R8). D3 a follower waits
// there until the outbox holds a result of the next interval: that proves that the owner's
// snapshots of this one are written, so that whoever takes over is never beyond one that it would
// have to write. D4 what is beyond an interval's end is evaluated on the feature level that holds
// there.

import type { View } from '../protocol/accept.ts'
import { copyView } from '../protocol/accept.ts'
import type { Records } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import { endsInterval } from '../protocol/interval.ts'
import { LogReader } from '../protocol/log-reader.ts'
import type { StoredRecord } from '../log/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import type { Leg, Tracing } from '../std/trace.ts'
import { traceOf } from '../std/trace.ts'
import type { Ledger } from './core.ts'
import type { Evaluation } from './evaluation.ts'
import type { Intervals } from './intervals.ts'
import type { Modules } from './modules.ts'
import type { PartitionLevel } from './partition-level.ts'
import type { DreFigures } from './ports.ts'
import type { Publisher } from './publisher.ts'
import type { Settled } from './steps.ts'

export type DrePartitionOptions = {
  readonly network: Network
  readonly records: Records
  readonly ledger: Ledger
  readonly evaluation: Evaluation
  readonly publisher: Publisher
  readonly intervals: Intervals
  readonly modules: Modules
  readonly level: PartitionLevel
  readonly figures: DreFigures
  /** For figures only. */
  readonly clock: Clock
  readonly tracing: Tracing
  /** Where reading begins; owned by this partition from then on. */
  readonly view: View
  readonly next: number
  /** Ends a follower's wait at an interval's end. */
  readonly signal: AbortSignal
}

/**
 * Consecutive accepted entries, none beyond an interval's end, and where reading stood after them.
 */
type Stretch = {
  readonly entries: Entry[]
  view: View
  next: number
  at: number
  endsInterval: boolean
  /** By height; of what is published here and traced. */
  legs: Map<number, Leg> | undefined
}

export class DrePartition {
  readonly #o: DrePartitionOptions
  readonly #reader: LogReader
  #next: number
  #settledNext: number
  /** Tails of the three stages. */
  #begun: Promise<void> = Promise.resolve()
  #finished: Promise<void> = Promise.resolve()
  #published: Promise<void> = Promise.resolve()

  constructor(options: DrePartitionOptions) {
    this.#o = options
    this.#next = options.next
    this.#settledNext = options.next
    this.#reader = new LogReader(options.network, options.records, options.view)
  }

  /** See `Member.records`. */
  async batch(records: readonly StoredRecord[]): Promise<void> {
    await Promise.all(this.#read(records).map((stretch) => this.#take(stretch)))
  }

  /** Closes idle processes, in turn with what is published; resolves when that is done. */
  sweep(): Promise<void> {
    const swept = this.#published.then(() => this.#o.evaluation.sweep())
    this.#published = swept
    swept.catch(() => undefined)
    return swept
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.allSettled([this.#begun, this.#finished, this.#published])
  }

  /** The offset after the last entry whose results are stored. */
  get settledNext(): number {
    return this.#settledNext
  }

  #read(records: readonly StoredRecord[]): Stretch[] {
    const { network, view, figures } = this.#o
    const reader = this.#reader
    const stretches: Stretch[] = []
    let open: Stretch | undefined
    for (const record of records) {
      if (record.offset !== this.#next) {
        throw new HbError('log-diverged', `a hole before offset ${record.offset}`)
      }
      this.#next = record.offset + 1
      const read = reader.read(record.value)
      if (read.type === 'superseded') figures.superseded += 1
      if (read.type !== 'entry') continue
      if (open === undefined) {
        open = { entries: [], view, next: 0, at: 0, endsInterval: false, legs: undefined }
        stretches.push(open)
      }
      open.entries.push(read.entry)
      this.#trace(open, read.entry, record)
      open.next = this.#next
      open.at = record.offset
      if (!endsInterval(read.entry.height, network.genesis.intervalLength)) continue
      open.endsInterval = true
      open.view = copyView(view)
      open = undefined
    }
    if (open !== undefined) open.view = copyView(view)
    return stretches
  }

  #trace(stretch: Stretch, { height, message }: Entry, record: StoredRecord): void {
    const { publisher, tracing, view } = this.#o
    if (!publisher.active) return
    const { process, id } = message
    const trace = traceOf(record)
    const leg = tracing.begin('hb.evaluate', trace, view.partition, process, id)
    if (leg === undefined) return
    stretch.legs ??= new Map()
    stretch.legs.set(height, leg)
  }

  #take(stretch: Stretch): Promise<void> {
    const { evaluation } = this.#o
    const begun = this.#begun.then(() => evaluation.begin(stretch.entries))
    // what is behind this stretch must not be waited for here: it waits for this one
    const written = this.#published
    const finished = this.#finished.then(async () => evaluation.finish(await begun, written))
    const outgoing = finished.then(() => this.#o.ledger.outgoing.slice())
    const published = this.#published.then(async () =>
      this.#publish(stretch, await finished, await outgoing),
    )
    // nothing may begin beyond an interval's end before the interval is closed
    this.#begun = stretch.endsInterval ? published : begun.then(() => undefined)
    this.#finished = finished.then(() => undefined)
    this.#published = published
    const stages = [begun, this.#begun, finished, this.#finished, outgoing, published]
    for (const stage of stages) stage.catch(() => undefined)
    return published
  }

  async #publish(
    { entries, view, next, at, endsInterval, legs }: Stretch,
    settled: readonly Settled[],
    outgoing: readonly number[],
  ): Promise<void> {
    const { publisher, modules, intervals, evaluation, level } = this.#o
    // before its result: whoever names a module by its hash is evaluated after that
    for (const { carried, result } of settled) {
      if (carried === undefined) continue
      if (publisher.active) await modules.publish(carried)
      else await modules.keep(carried, view.partition, result.height)
    }
    const position = { view, next, at, outgoing, level: level.now }
    this.#observe(entries, await publisher.publish(settled, position, legs))
    if (legs !== undefined) {
      for (const { result } of settled) {
        legs.get(result.height)?.end(result.status === 'error' ? result.code : undefined)
      }
    }
    this.#settledNext = next
    if (endsInterval) {
      if (!publisher.active) await publisher.beyond(view.height, this.#o.signal)
      await intervals.close(position, publisher.active)
      if (level.goOn(position)) await evaluation.close()
    }
    await evaluation.evict()
  }

  /** How long the results of the last `count` entries took, which were published now. */
  #observe(entries: readonly Entry[], count: number): void {
    const { figures, clock } = this.#o
    const now = clock.now()
    figures.results += count
    for (let at = entries.length - count; at < entries.length; at++) {
      figures.publishSeconds.observeMs(now - (entries[at] as Entry).timestamp)
    }
  }
}
