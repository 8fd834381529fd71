// What a pump delivers on a host: records fetched ahead from the brokers, in order.
// Invariants: F1 one fetch at a time. F2 a position that the brokers do not have is an error of
// `take`, never a reset. F3 closed, it calls nobody back.

import type { PumpSource, Slice } from '../../../src/log/pump.ts'
import type { SimLog } from './sim-log.ts'

const FETCH_BYTES = 1_048_576
/** A fetch that finds nothing waits so long at the brokers, ms. */
const WAIT_MS = 5_000

export class FetchedSource implements PumpSource {
  readonly topic: string
  readonly partition: number
  readonly #log: SimLog
  readonly #note: (next: number) => void
  readonly #gauge: string
  readonly #wakes = new Set<() => void>()
  readonly #stop = new AbortController()
  #ahead: Slice | undefined
  #error: unknown
  #isFetching = false

  constructor(log: SimLog, topic: string, partition: number, note: (next: number) => void) {
    this.#log = log
    this.topic = topic
    this.partition = partition
    this.#note = note
    this.#gauge = `fetched ${topic}[${partition}]`
  }

  take(position: number, recordsMax: number, bytesMax: number): Slice | undefined {
    if (this.#error !== undefined) throw this.#error
    const ahead = this.#ahead
    if (ahead === undefined) {
      if (!this.#isFetching) void this.#fetch(position)
      return undefined
    }
    const { records } = ahead
    let count = 0
    let bytes = 0
    for (; count < records.length && count < recordsMax; count++) {
      bytes += records[count]?.value?.length ?? 0
      if (bytes > bytesMax && count > 0) break
    }
    const taken = records.slice(0, count)
    this.#log.host.gauges.fall(this.#gauge, count)
    const rest = records.slice(count)
    this.#ahead = rest.length === 0 ? undefined : { records: rest, next: ahead.next }
    const next = rest[0]?.offset ?? ahead.next
    if (this.#ahead === undefined) void this.#fetch(next)
    return { records: taken, next }
  }

  listen(wake: () => void): void {
    this.#wakes.add(wake)
  }

  unlisten(wake: () => void): void {
    this.#wakes.delete(wake)
  }

  commit(next: number): void {
    this.#note(next)
  }

  close(): void {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    this.#log.host.gauges.fall(this.#gauge, this.#ahead?.records.length ?? 0)
    this.#ahead = undefined
  }

  async #fetch(position: number): Promise<void> {
    const { signal } = this.#stop
    this.#isFetching = true
    for (let from = position; !signal.aborted; ) {
      try {
        const options = { bytesMax: FETCH_BYTES, waitMs: WAIT_MS, signal }
        const slice = await this.#log.read(this.topic, this.partition, from, options)
        if (slice.records.length === 0 && slice.next === from) continue
        if (signal.aborted) break
        this.#ahead = slice
        this.#log.host.gauges.rise(this.#gauge, slice.records.length)
      } catch (error) {
        this.#error = error
      }
      break
    }
    this.#isFetching = false
    if (!signal.aborted) for (const wake of [...this.#wakes]) wake()
  }
}
