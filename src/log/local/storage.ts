// What a local log needs of its storage: chunks of records per partition, and the positions of
// groups.
// Owners: memory/memory-storage.ts and embedded/embedded-storage.ts; local-log.ts is the only user.
//
// Invariants: T1 `end` of a partition moves, and its listeners are called, only when the records
// below it are as durable as the storage promises. T2 reads are synchronous and see one state. T3 a
// rewrite is atomic.

import type { LogRecord, StoredRecord, TopicSpec } from '../port.ts'
import type { Slice } from '../pump.ts'

/**
 * Records of one append (or of one compaction), in offset order; it covers the offsets [base,
 * next).
 */
export type Chunk = {
  readonly base: number
  readonly next: number
  readonly records: readonly StoredRecord[]
  /** Approximate size in memory, in bytes. */
  readonly bytes: number
}

export type PartitionState = {
  readonly topic: TopicState
  readonly index: number
  /** First offset retained. */
  start: number
  /** Next offset to be written. */
  end: number
  /** Below it, compaction has been; and how many records it left there. */
  cleanedTo: number
  cleanRecords: number
  /** Called when `end` moved. Synchronous, must not throw. */
  readonly listeners: Set<() => void>
}

export type TopicState = {
  readonly id: number
  readonly spec: TopicSpec
  readonly partitions: readonly PartitionState[]
}

export type Storage = {
  readonly topics: ReadonlyMap<string, TopicState>
  createTopics(specs: readonly TopicSpec[]): Promise<void>
  /** Resolves with the base offset when durable; `bytes` is the batch's size as checked. */
  append(partition: PartitionState, records: readonly LogRecord[], bytes: number): Promise<number>
  /** The first chunk whose `next` is above `from`, or undefined. */
  chunkAt(partition: PartitionState, from: number): Chunk | undefined
  /**
   * Replaces the chunks whose base is in [from, to) and stores the partition's start and cleaning
   * marks.
   */
  rewrite(
    partition: PartitionState,
    from: number,
    to: number,
    chunks: readonly Chunk[],
  ): Promise<void>
  /** The newest position known to this OS process: where a group goes on. */
  position(group: string, partition: PartitionState): number | undefined
  /** The newest position that is durable. */
  durablePosition(group: string, partition: PartitionState): number | undefined
  /** Notes a position; it becomes durable with the next write, or soon (`commitDelayMs`). */
  commit(group: string, partition: PartitionState, next: number): void
  /** Makes noted positions durable. */
  flush(): Promise<void>
  describe(): string
  close(): Promise<void>
}

export function newTopicState(id: number, spec: TopicSpec): TopicState {
  const partitions: PartitionState[] = []
  const topic: TopicState = { id, spec, partitions }
  for (let index = 0; index < spec.partitions; index++) {
    partitions.push({
      topic,
      index,
      start: 0,
      end: 0,
      cleanedTo: 0,
      cleanRecords: 0,
      listeners: new Set(),
    })
  }
  return topic
}

export function wake(partition: PartitionState): void {
  for (const listener of partition.listeners) listener()
}

/** What a read of a partition may take. */
export type ReadBounds = {
  readonly to: number
  readonly recordsMax: number
  readonly bytesMax: number
}

/**
 * Records from `from` within the bounds; at least one if there is one. `from` must be in [start,
 * end].
 */
export function readSlice(
  storage: Storage,
  partition: PartitionState,
  from: number,
  bounds: ReadBounds,
): Slice {
  const to = Math.min(bounds.to, partition.end)
  let position = from
  let bytes = 0
  let records: StoredRecord[] | undefined
  while (position < to) {
    const chunk = storage.chunkAt(partition, position)
    if (chunk === undefined || chunk.base >= to) return { records: records ?? [], next: to }
    const all = chunk.records
    // The common case: a whole chunk that fits is handed on without a copy.
    if (
      records === undefined &&
      chunk.base >= position &&
      chunk.next === to &&
      all.length <= bounds.recordsMax &&
      chunk.bytes <= bounds.bytesMax
    ) {
      return { records: all, next: to }
    }
    records ??= []
    for (let i = indexOf(all, position); i < all.length; i++) {
      const record = all[i] as StoredRecord
      if (record.offset >= to) return { records, next: to }
      const size = record.value === null ? 0 : record.value.length
      if (records.length > 0) {
        const full = records.length >= bounds.recordsMax || bytes + size > bounds.bytesMax
        if (full) return { records, next: position }
      }
      records.push(record)
      bytes += size
      position = record.offset + 1
    }
    position = Math.max(position, chunk.next)
  }
  return { records: records ?? [], next: Math.max(from, to) }
}

/** Index of the first record at or above the offset. */
function indexOf(records: readonly StoredRecord[], offset: number): number {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((records[middle] as StoredRecord).offset < offset) low = middle + 1
    else high = middle
  }
  return low
}
