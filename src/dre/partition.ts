// One partition's DRE: batches of the log in, results out.
//
// Owners: service.ts makes one per assigned partition. Three stages, each in order of height, so
// that they overlap: read and judge → evaluate → publish. Invariants: D1 results are published in
// order of height, without gap. D2 an interval is closed on exactly the states of its last height:
// nothing later begins before (R8).

import type { View } from '../protocol/accept.ts'
import { copyView } from '../protocol/accept.ts'
import type { Records } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import { LogReader } from '../protocol/log-reader.ts'
import type { StoredRecord } from '../log/port.ts'
import { HbError } from '../std/errors.ts'
import type { Ledger } from './core.ts'
import type { Evaluation, Settled } from './evaluation.ts'
import type { Intervals } from './intervals.ts'
import type { Modules } from './modules.ts'
import type { DreFigures } from './ports.ts'
import type { Publisher } from './publisher.ts'

export type DrePartitionOptions = {
  readonly network: Network
  readonly records: Records
  readonly ledger: Ledger
  readonly evaluation: Evaluation
  readonly publisher: Publisher
  readonly intervals: Intervals
  readonly modules: Modules
  readonly figures: DreFigures
  /** Where reading begins; owned by this partition from then on. */
  readonly view: View
  readonly next: number
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
}

export class DrePartition {
  readonly #o: DrePartitionOptions
  readonly #reader: LogReader
  #next: number
  /** Tails of the three stages. */
  #begun: Promise<void> = Promise.resolve()
  #finished: Promise<void> = Promise.resolve()
  #published: Promise<void> = Promise.resolve()

  constructor(options: DrePartitionOptions) {
    this.#o = options
    this.#next = options.next
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

  idle(): Promise<void> {
    return this.#published.catch(() => undefined)
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
        open = { entries: [], view, next: 0, at: 0, endsInterval: false }
        stretches.push(open)
      }
      open.entries.push(read.entry)
      open.next = this.#next
      open.at = record.offset
      if ((read.entry.height + 1) % network.genesis.intervalLength !== 0) continue
      open.endsInterval = true
      open.view = copyView(view)
      open = undefined
    }
    if (open !== undefined) open.view = copyView(view)
    return stretches
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
    { view, next, at, endsInterval }: Stretch,
    settled: readonly Settled[],
    outgoing: readonly number[],
  ): Promise<void> {
    for (const { spawned } of settled) {
      if (spawned !== undefined) await this.#o.modules.publish(spawned.module)
    }
    const position = { view, next, at, outgoing }
    await this.#o.publisher.publish(settled, position)
    if (endsInterval) await this.#o.intervals.close(position)
    await this.#o.evaluation.evict()
  }
}
