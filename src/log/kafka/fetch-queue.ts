// What was fetched of one topic-partition and not yet delivered: bounded by bytes.
// Owners: fetcher.ts fills it, the pump of membership.ts takes from it.
//
// Invariants: Q1 `position` is where to fetch on; it only grows. Q2 a queue at its limit is not
// fetched for: `hasRoom` is false. Q3 a queue that failed gives what it has, then the failure.

import type { StoredRecord } from '../port.ts'
import type { PumpSource, Slice } from '../pump.ts'

export type FetchQueueOptions = {
  readonly topic: string
  readonly partition: number
  readonly start: number
  readonly bytesMax: number
  readonly commit: (next: number) => void
}

type Chunk = { readonly records: readonly StoredRecord[]; readonly next: number; at: number }

export class FetchQueue implements PumpSource {
  readonly topic: string
  readonly partition: number
  readonly #bytesMax: number
  readonly #commit: (next: number) => void
  readonly #chunks: Chunk[] = []
  #bytes = 0
  #wake: (() => void) | undefined
  #failure: Error | undefined
  /** Called when there is room again. */
  onRoom: (() => void) | undefined
  /** Where to fetch on. */
  position: number
  /** Leader epoch of the newest batch. */
  epoch = -1
  /** Of the topic that it began with. */
  topicId: string | undefined
  /** Part of a fetch that is under way. */
  isBusy = false
  /** Its last fetch did not reach a leader. */
  isAstray = false
  /** Since when the topic has been gone, ms. */
  goneSince: number | undefined

  constructor(options: FetchQueueOptions) {
    this.topic = options.topic
    this.partition = options.partition
    this.position = options.start
    this.#bytesMax = options.bytesMax
    this.#commit = options.commit
  }

  get hasRoom(): boolean {
    return this.#bytes < this.#bytesMax && this.#failure === undefined
  }

  push(records: readonly StoredRecord[], next: number): void {
    this.position = next
    for (const { value } of records) this.#bytes += sizeOf(value)
    this.#chunks.push({ records, next, at: 0 })
    this.#wake?.()
  }

  fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error))
    this.#wake?.()
  }

  take(_position: number, recordsMax: number, bytesMax: number): Slice | undefined {
    const [chunk] = this.#chunks
    if (chunk === undefined) {
      if (this.#failure !== undefined) throw this.#failure
      return undefined
    }
    const hadRoom = this.hasRoom
    const { records } = chunk
    let bytes = 0
    let to = chunk.at
    for (; to < records.length && to - chunk.at < recordsMax; to++) {
      const size = sizeOf((records[to] as StoredRecord).value)
      if (to > chunk.at && bytes + size > bytesMax) break
      bytes += size
    }
    const isWhole = chunk.at === 0 && to === records.length
    const slice = {
      records: isWhole ? records : records.slice(chunk.at, to),
      next: to === records.length ? chunk.next : (records[to] as StoredRecord).offset,
    }
    if (to === records.length) this.#chunks.shift()
    else chunk.at = to
    this.#bytes -= bytes
    if (!hadRoom && this.hasRoom) this.onRoom?.()
    return slice
  }

  listen(wake: () => void): void {
    this.#wake = wake
  }

  unlisten(): void {
    this.#wake = undefined
  }

  commit(next: number): void {
    this.#commit(next)
  }
}

/** A record costs memory whatever its value holds. */
function sizeOf(value: Uint8Array | null): number {
  return 100 + (value === null ? 0 : value.length)
}
