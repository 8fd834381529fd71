// What the outbox of a partition holds, read in step with the evaluation and compared with it (U2
// of the publisher), and once to its end by whoever is to publish.
//
// Invariants: O1 a run that begins above the height that is next is not counted (R7); the earliest
// record retained may begin anywhere. O2 at most one read's runs are held. O3 what was trimmed is
// passed over: reading goes on at the earliest retained record.

import type { Records } from '../protocol/codec/records.ts'
import type { Result, Run } from '../protocol/result.ts'
import type { Log, ReadOptions } from '../log/port.ts'
import { endsOf } from '../log/resume/index.ts'
import { asBuffer } from '../std/bytes.ts'
import { isHbError } from '../std/errors.ts'

type Held = { readonly run: Run; readonly offset: number }
type Slice = { runs: Held[]; next: number; empty: boolean; trimmed: boolean }

export class Published {
  readonly #log: Log
  readonly #topic: string
  readonly #partition: number
  readonly #records: Records
  readonly #held: Held[] = []
  #offset = 0
  #first = false

  constructor(log: Log, topic: string, partition: number, records: Records) {
    this.#log = log
    this.#topic = topic
    this.#partition = partition
    this.#records = records
  }

  /** An offset at or before the run of the height that was asked for last. */
  get offset(): number {
    return this.#held[0]?.offset ?? this.#offset
  }

  /**
   * Where to read: the height that is next, and an offset at or before its run; without, or where
   * the outbox does not have that offset, from its earliest record. Returns the height next there.
   */
  async begin(from?: { readonly height: number; readonly offset: number }): Promise<number> {
    const { start, end } = await endsOf(this.#log, this.#topic, this.#partition)
    const kept = from !== undefined && from.offset >= start && from.offset <= end
    this.#held.length = 0
    this.#offset = kept ? from.offset : start
    this.#first = !kept
    return kept ? from.height : 0
  }

  /**
   * Visits the runs from here to the outbox's end, `height` being the next: the height after the
   * last one published, and the offset behind it. What `result` reads does not move.
   */
  async toEnd(
    height: number,
    visit: (run: Run, offset: number) => void,
  ): Promise<{ next: number; offset: number }> {
    let next = height
    let first = this.#first
    for (let { offset } = this; ; ) {
      const read = await this.#read(offset)
      first ||= read.trimmed
      for (const { run, offset: at } of read.runs) {
        if (run.from > next && !first) continue
        first = false
        visit(run, at)
        next = Math.max(next, run.from + run.results.length)
      }
      offset = read.next
      if (read.empty) return { next, offset }
    }
  }

  /**
   * The published result of a height; heights are asked for in order. undefined: not yet (after the
   * wait that `options` allow); 'trimmed': it is below what the outbox retains.
   */
  async result(height: number, options?: ReadOptions): Promise<Result | 'trimmed' | undefined> {
    for (;;) {
      const [held] = this.#held
      if (held === undefined) {
        const read = await this.#read(this.#offset, options)
        this.#first ||= read.trimmed
        this.#offset = read.next
        if (read.empty) return undefined
        this.#held.push(...read.runs)
        continue
      }
      const { from, results } = held.run
      if (from <= height && height < from + results.length) {
        this.#first = false
        return results[height - from]
      }
      if (from > height && this.#first) return 'trimmed'
      this.#held.shift()
    }
  }

  /** An offset at or before the run of the height after `height`, which was the last asked for. */
  offsetAfter(height: number): number {
    const held = this.#held.find(({ run }) => run.from + run.results.length > height + 1)
    return held?.offset ?? this.#offset
  }

  async #read(from: number, options?: ReadOptions): Promise<Slice> {
    try {
      const { records, next } = await this.#log.read(this.#topic, this.#partition, from, options)
      const runs: Held[] = []
      for (const { value, offset } of records) {
        const run = value === null ? undefined : this.#decode(value)
        if (run !== undefined) runs.push({ run, offset })
      }
      return { runs, next, empty: records.length === 0, trimmed: false }
    } catch (error) {
      if (!isHbError(error, 'log-position-out-of-range')) throw error
      const { start, end } = await endsOf(this.#log, this.#topic, this.#partition)
      // out of range and yet in range: it was trimmed to here meanwhile, or the end is known late
      const trimmed = from < start || from > end
      return { runs: [], next: trimmed ? start : from, empty: false, trimmed }
    }
  }

  #decode(value: Uint8Array): Run | undefined {
    try {
      return this.#records.decodeRun(asBuffer(value))
    } catch (error) {
      if (isHbError(error)) return undefined
      throw error
    }
  }
}
