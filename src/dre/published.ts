// What the outbox of a partition holds beyond the position of the store: found once at the
// opening, and read a second time, in step with the evaluation, to be compared with it (U2 of the
// publisher).
//
// Invariants: O1 a run that begins above the height that is next is not counted (R7); the earliest
// record retained may begin anywhere. O2 at most one read's runs are held.

import type { Records } from '../protocol/codec/records.ts'
import type { Result, Run } from '../protocol/result.ts'
import type { Log } from '../log/port.ts'
import { asBuffer } from '../std/bytes.ts'
import { isHbError } from '../std/errors.ts'

type Held = { readonly run: Run; readonly offset: number }

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

  /**
   * Reads to the end: the height after the last one published, and the offset behind it. `from`:
   * the height that is next there, and an offset at or before its run.
   */
  async open(
    from: { readonly height: number; readonly offset: number } | undefined,
    visit: (run: Run) => void,
  ): Promise<{ next: number; offset: number }> {
    const ends = (await this.#log.ends(this.#topic))[this.#partition] ?? { start: 0, end: 0 }
    const kept = from !== undefined && from.offset >= ends.start && from.offset <= ends.end
    let offset = kept ? from.offset : ends.start
    let next = kept ? from.height : 0
    this.#offset = offset
    this.#first = !kept
    let first = !kept
    for (;;) {
      const read = await this.#read(offset)
      for (const { run } of read.runs) {
        if (run.from > next && !first) continue
        first = false
        visit(run)
        next = Math.max(next, run.from + run.results.length)
      }
      offset = read.next
      if (read.empty) return { next, offset }
    }
  }

  /** The published result of a height; heights are asked for in order. */
  async result(height: number): Promise<Result | undefined> {
    for (;;) {
      const [held] = this.#held
      if (held === undefined) {
        const read = await this.#read(this.#offset)
        if (read.empty) return undefined
        this.#offset = read.next
        this.#held.push(...read.runs)
        continue
      }
      const { from, results } = held.run
      if (from <= height && height < from + results.length) {
        this.#first = false
        return results[height - from]
      }
      if (from > height && this.#first) return undefined
      this.#held.shift()
    }
  }

  /** An offset at or before the run of the height after `height`, which was the last asked for. */
  offsetAfter(height: number): number {
    const held = this.#held.find(({ run }) => run.from + run.results.length > height + 1)
    return held?.offset ?? this.#offset
  }

  async #read(from: number): Promise<{ runs: Held[]; next: number; empty: boolean }> {
    const { records, next } = await this.#log.read(this.#topic, this.#partition, from)
    const runs: Held[] = []
    for (const { value, offset } of records) {
      const run = value === null ? undefined : this.#decode(value)
      if (run !== undefined) runs.push({ run, offset })
    }
    return { runs, next, empty: records.length === 0 }
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
