// The storage of the embedded log: chunks and positions in one LMDB file, one commit (and sync) for
// all that waits.
// Owner: embedded/index.ts. LMDB's commits run on its own thread; everything here runs on the
// thread of the log.
//
// Invariants: E1 at most one transaction of appends is in flight; bases are given when it is
// formed, so a failed one leaves no hole. E2 an append resolves, `end` moves and readers see it
// only after its transaction was synced.
// E3 every transaction carries all positions noted so far, so a trim never becomes durable before
// the positions that allowed it. E4 after a failed transaction, `end` is what LMDB says, or nothing
// more is accepted.

import type { Clock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import type { LogLimits } from '../local/limits.ts'
import {
  newTopicState,
  wake,
  type Chunk,
  type PartitionState,
  type Storage,
  type TopicState,
} from '../local/storage.ts'
import { commitBatch } from '../../store/lmdb/index.ts'
import type { LogRecord, TopicSpec } from '../port.ts'
import {
  chunkKey,
  chunkKeyBase,
  chunkOf,
  chunkSpan,
  decodeChunk,
  encodeChunk,
  type EncodedChunk,
} from './chunk-codec.ts'
import type { LogFile } from './log-file.ts'
import { Positions } from './positions.ts'
import { TailCache } from './tail-cache.ts'

/** Bytes that one transaction takes at most: it bounds the time to a sync. */
const TRANSACTION_BYTES = 33_554_432
/** Decoded chunks kept for readers that go through old data in small steps. */
const RECENT_CHUNKS = 16
const OFFSET_MAX = 2 ** 48 - 1

type Append = {
  readonly partition: PartitionState
  readonly records: readonly LogRecord[]
  readonly encoded: EncodedChunk
  readonly timestamp: number
  readonly bytes: number
  readonly resolve: (base: number) => void
  readonly reject: (error: unknown) => void
}

type StoredTopic = { readonly id: number; readonly spec: TopicSpec }
type StoredPartition = Pick<PartitionState, 'start' | 'end' | 'cleanedTo' | 'cleanRecords'>

export class EmbeddedStorage implements Storage {
  readonly topics = new Map<string, TopicState>()
  readonly #file: LogFile
  readonly #dir: string
  readonly #clock: Clock
  readonly #limits: LogLimits
  readonly #tail: TailCache
  readonly #recent = new Map<string, Chunk>()
  readonly #positions: Positions
  readonly #closing = new AbortController()
  /** Another OS process may write: nothing is mended or written here. */
  readonly #isReader: boolean
  #waiting: Append[] = []
  #waitingBytes = 0
  #flushes: (() => void)[] = []
  #writing: Promise<void> | undefined
  #stale = false
  /** A timer for noted positions is running. */
  #watching = false
  #transactions = 0
  #broken: unknown

  constructor(file: LogFile, dir: string, clock: Clock, limits: LogLimits, isReader = false) {
    this.#file = file
    this.#isReader = isReader
    this.#dir = dir
    this.#clock = clock
    this.#limits = limits
    this.#tail = new TailCache(limits.tailBytesMax)
    this.#positions = new Positions(file.meta)
  }

  /** Reads topics and ends, and finishes trims that a crash interrupted. */
  async load(): Promise<void> {
    for (const { value } of this.#file.meta.getRange({ start: 'topic/', end: 'topic0' })) {
      const { id, spec } = value as StoredTopic
      const topic = newTopicState(id, spec)
      this.topics.set(spec.name, topic)
      for (const partition of topic.partitions) {
        const stored = this.#file.meta.get(partitionRow(partition)) as StoredPartition | undefined
        if (stored !== undefined) Object.assign(partition, stored)
        partition.end = Math.max(partition.end, this.#storedEnd(partition))
        if (this.#isReader) continue
        const floor = this.#floorBase(partition, partition.start)
        if (partition.start > 0 && floor !== undefined) await this.rewrite(partition, 0, floor, [])
      }
    }
    this.#positions.load(this.topics.values())
  }

  /** Of a reader: what the writer trimmed since, so that it is not taken for a hole. */
  noticeTrim(topic: string, index: number): void {
    const partition = this.topics.get(topic)?.partitions[index]
    if (partition === undefined) return
    this.#stale = true
    this.#refresh()
    const stored = this.#file.meta.get(partitionRow(partition)) as StoredPartition | undefined
    partition.start = Math.max(partition.start, stored?.start ?? 0)
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    const first = Math.max(0, ...[...this.topics.values()].map(({ id }) => id)) + 1
    const created = specs.map((spec, index) => newTopicState(first + index, { ...spec }))
    await this.#commit(() => {
      for (const { id, spec } of created) {
        void this.#file.meta.put(`topic/${spec.name}`, { id, spec })
      }
    })
    for (const topic of created) this.topics.set(topic.spec.name, topic)
  }

  append(partition: PartitionState, records: readonly LogRecord[], bytes: number): Promise<number> {
    if (this.#broken !== undefined || this.#closing.signal.aborted) {
      const detail = 'a write failed and the file cannot be read; open the log again'
      const refusal = this.#broken === undefined ? 'the log is closing' : detail
      return Promise.reject(new HbError('log-append-refused', refusal, { cause: this.#broken }))
    }
    if (this.#waitingBytes + bytes > this.#limits.pendingBytesMax) {
      const { pendingBytesMax } = this.#limits
      const detail = `${this.#waitingBytes} bytes wait, pendingBytesMax ${pendingBytesMax}`
      return Promise.reject(new HbError('log-append-refused', detail))
    }
    const timestamp = this.#clock.now()
    const encoded = encodeChunk(records, timestamp)
    this.#waitingBytes += bytes
    return new Promise((resolve, reject) => {
      this.#waiting.push({ partition, records, encoded, timestamp, bytes, resolve, reject })
      this.#write()
    })
  }

  chunkAt(partition: PartitionState, from: number): Chunk | undefined {
    if (from >= partition.end) return undefined
    return this.#tail.chunkAt(partition, from) ?? this.#storedChunkAt(partition, from)
  }

  async rewrite(
    partition: PartitionState,
    from: number,
    to: number,
    chunks: readonly Chunk[],
  ): Promise<void> {
    const { records, meta } = this.#file
    this.#refresh()
    const [start, end] = [this.#key(partition, from), this.#key(partition, to)]
    const removed = from < to ? [...records.getKeys({ start, end })] : []
    const { start: first, end: last, cleanedTo, cleanRecords } = partition
    const row: StoredPartition = { start: first, end: last, cleanedTo, cleanRecords }
    await this.#commit(() => {
      for (const key of removed) void records.remove(key)
      for (const chunk of chunks) {
        const { bytes } = encodeChunk(chunk.records, 0, chunk)
        void records.put(this.#key(partition, chunk.base), bytes)
      }
      void meta.put(partitionRow(partition), row)
    })
    if (removed.length === 0 && chunks.length === 0) return
    this.#recent.clear()
    // A trimmed prefix that is still cached cannot be read any more; rewritten chunks could.
    if (chunks.length > 0 || partition.topic.spec.cleanup === 'compact') {
      this.#tail.forget(partition)
    }
  }

  position(group: string, partition: PartitionState): number | undefined {
    return this.#positions.newest(group, partition)
  }

  durablePosition(group: string, partition: PartitionState): number | undefined {
    return this.#positions.durable(group, partition)
  }

  commit(group: string, partition: PartitionState, next: number): void {
    if (this.#positions.note(group, partition, next)) this.#watchPositions()
  }

  /**
   * Appends carry positions for nothing, so a transaction of their own is for those that none took
   * along: one timer at a time, armed again while there are newer ones.
   */
  #watchPositions(): void {
    if (this.#watching) return
    this.#watching = true
    const before = this.#transactions
    const delayMs = this.#limits.commitDelayMs / 2
    void this.#clock.sleep(delayMs, this.#closing.signal).then(() => {
      this.#watching = false
      if (!this.#positions.dirty || this.#closing.signal.aborted) return
      if (this.#transactions === before) void this.flush()
      else this.#watchPositions()
    })
  }

  async flush(): Promise<void> {
    if (!this.#positions.dirty && this.#writing === undefined) return
    await new Promise<void>((resolve) => {
      this.#flushes.push(resolve)
      this.#write()
    })
  }

  describe(): string {
    return `embedded log in ${this.#dir}`
  }

  async close(): Promise<void> {
    await this.flush()
    this.#closing.abort()
    await this.#writing
    await this.#file.root.close()
    this.#file.release()
  }

  /** Starts the write loop, in a microtask: what is appended in the same turn shares the sync. */
  #write(): void {
    this.#writing ??= Promise.resolve().then(() => this.#writeLoop())
  }

  async #writeLoop(): Promise<void> {
    while (this.#waiting.length > 0 || this.#flushes.length > 0) {
      const appends = this.#take()
      const flushes = this.#flushes
      this.#flushes = []
      if (appends.length > 0 || this.#positions.dirty) await this.#writeAppends(appends)
      for (const resolve of flushes) resolve()
    }
    // In the turn that found nothing waiting: what comes next must start a new loop.
    this.#writing = undefined
  }

  #take(): Append[] {
    let bytes = 0
    let count = 0
    for (const append of this.#waiting) {
      if (count > 0 && bytes + append.bytes > TRANSACTION_BYTES) break
      bytes += append.bytes
      count++
    }
    if (count === this.#waiting.length) {
      const all = this.#waiting
      this.#waiting = []
      return all
    }
    return this.#waiting.splice(0, count)
  }

  async #writeAppends(appends: readonly Append[]): Promise<void> {
    const ends = new Map<PartitionState, number>()
    const bases: number[] = []
    for (const { partition, records } of appends) {
      const base = ends.get(partition) ?? partition.end
      bases.push(base)
      ends.set(partition, base + records.length)
    }
    try {
      if (Math.max(0, ...ends.values()) > OFFSET_MAX) throw new Error('offsets are used up')
      const committed = this.#commit(() => {
        appends.forEach(({ partition, encoded }, i) => {
          void this.#file.records.put(this.#key(partition, bases[i] as number), encoded.bytes)
        })
      })
      // While the write thread works: what readers will see.
      const chunks = appends.map(({ encoded, records, timestamp }, i) =>
        chunkOf(encoded, records, bases[i] as number, timestamp),
      )
      await committed
      appends.forEach(({ partition }, i) => this.#tail.push(partition, chunks[i] as Chunk))
      for (const [partition, end] of ends) partition.end = end
      appends.forEach(({ bytes, resolve }, i) => {
        this.#waitingBytes -= bytes
        resolve(bases[i] as number)
      })
    } catch (error) {
      this.#failed(appends, error)
    }
    for (const partition of ends.keys()) wake(partition)
  }

  #failed(appends: readonly Append[], error: unknown): void {
    this.#stale = true
    for (const { partition, bytes, reject } of appends) {
      this.#waitingBytes -= bytes
      try {
        partition.end = Math.max(partition.end, this.#storedEnd(partition))
      } catch (unreadable) {
        this.#broken = unreadable
      }
      reject(new HbError('log-append-unclear', partition.topic.spec.name, { cause: error }))
    }
  }

  /** One durable transaction: what `put` writes and all positions noted so far (E3). */
  async #commit(put: () => void): Promise<void> {
    const positions = this.#positions.take()
    this.#transactions += 1
    try {
      await commitBatch(this.#file.root, () => {
        put()
        positions.put()
      })
      positions.done()
    } catch (error) {
      positions.failed()
      throw new HbError('log-write-failed', `${this.#dir}: ${String(error)}`, { cause: error })
    } finally {
      this.#stale = true
    }
  }

  #storedChunkAt(partition: PartitionState, from: number): Chunk | undefined {
    this.#refresh()
    const exact = this.#storedChunk(partition, from)
    if (exact !== undefined) return exact
    const floor = this.#floorBase(partition, from)
    const below = floor === undefined ? undefined : this.#storedChunk(partition, floor)
    if (below !== undefined && below.next > from) return below
    const range = { start: this.#key(partition, from), end: this.#key(partition, OFFSET_MAX) }
    for (const key of this.#file.records.getKeys({ ...range, limit: 1 })) {
      return this.#storedChunk(partition, chunkKeyBase(key))
    }
    return undefined
  }

  #storedChunk(partition: PartitionState, base: number): Chunk | undefined {
    const name = `${partition.topic.id}/${partition.index}/${base}`
    const recent = this.#recent.get(name)
    if (recent !== undefined) return recent
    const bytes = this.#file.records.getBinary(this.#key(partition, base))
    if (bytes === undefined) return undefined
    const chunk = decodeChunk(bytes, base)
    this.#recent.set(name, chunk)
    if (this.#recent.size > RECENT_CHUNKS) {
      for (const oldest of this.#recent.keys()) {
        this.#recent.delete(oldest)
        break
      }
    }
    return chunk
  }

  /** The greatest base at or below an offset. */
  #floorBase(partition: PartitionState, offset: number): number | undefined {
    const { topic, index } = partition
    const start = this.#key(partition, offset)
    for (const key of this.#file.records.getKeys({ start, reverse: true, limit: 1 })) {
      const isOurs = key.readUInt32BE(0) === topic.id && key.readUInt32BE(4) === index
      return isOurs ? chunkKeyBase(key) : undefined
    }
    return undefined
  }

  #storedEnd(partition: PartitionState): number {
    this.#refresh()
    const base = this.#floorBase(partition, OFFSET_MAX)
    if (base === undefined) return 0
    const bytes = this.#file.records.getBinary(this.#key(partition, base)) as Buffer
    return base + chunkSpan(bytes)
  }

  /** Reads after a commit must not see the snapshot of before. */
  #refresh(): void {
    if (!this.#stale) return
    this.#stale = false
    this.#file.root.resetReadTxn()
  }

  #key(partition: PartitionState, offset: number): Buffer {
    return chunkKey(partition.topic.id, partition.index, offset)
  }
}

function partitionRow(partition: PartitionState): string {
  return `partition/${partition.topic.id}/${partition.index}`
}
