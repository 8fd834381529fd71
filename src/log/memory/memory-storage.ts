// Chunks in arrays: the storage of the memory log. "Durable" means: in this object.
// Invariant: appends take effect in a microtask, never inside `append` itself, as with every other
// storage.

import type { Clock } from '../../std/clock.ts'
import type { LogRecord, StoredRecord, TopicSpec } from '../port.ts'
import {
  newTopicState,
  wake,
  type Chunk,
  type PartitionState,
  type Storage,
  type TopicState,
} from '../local/storage.ts'

export class MemoryStorage implements Storage {
  readonly topics = new Map<string, TopicState>()
  readonly #chunks = new Map<PartitionState, Chunk[]>()
  readonly #positions = new Map<PartitionState, Map<string, number>>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    for (const spec of specs) {
      const topic = newTopicState(this.topics.size + 1, { ...spec })
      for (const partition of topic.partitions) {
        this.#chunks.set(partition, [])
        this.#positions.set(partition, new Map())
      }
      this.topics.set(spec.name, topic)
    }
  }

  async append(
    partition: PartitionState,
    records: readonly LogRecord[],
    bytes: number,
  ): Promise<number> {
    const copies = records.map(copyOf)
    const timestamp = this.#clock.now()
    await Promise.resolve()
    const base = partition.end
    const stored = copies.map((record, index): StoredRecord => ({
      ...record,
      offset: base + index,
      timestamp,
    }))
    const next = base + stored.length
    this.#of(partition).push({ base, next, records: stored, bytes })
    partition.end = next
    wake(partition)
    return base
  }

  chunkAt(partition: PartitionState, from: number): Chunk | undefined {
    const chunks = this.#of(partition)
    return chunks[firstIndex(chunks, (chunk) => chunk.next > from)]
  }

  async rewrite(
    partition: PartitionState,
    from: number,
    to: number,
    chunks: readonly Chunk[],
  ): Promise<void> {
    const all = this.#of(partition)
    const first = firstIndex(all, (chunk) => chunk.base >= from)
    const last = firstIndex(all, (chunk) => chunk.base >= to)
    all.splice(first, last - first, ...chunks)
  }

  position(group: string, partition: PartitionState): number | undefined {
    return this.#positions.get(partition)?.get(group)
  }

  durablePosition(group: string, partition: PartitionState): number | undefined {
    return this.position(group, partition)
  }

  commit(group: string, partition: PartitionState, next: number): void {
    this.#positions.get(partition)?.set(group, next)
  }

  async flush(): Promise<void> {}

  describe(): string {
    return 'memory log'
  }

  async close(): Promise<void> {}

  #of(partition: PartitionState): Chunk[] {
    return this.#chunks.get(partition) as Chunk[]
  }
}

/** The log's own copy: the caller may reuse its buffers once the append resolved. */
function copyOf(record: LogRecord): LogRecord {
  const value = record.value === null ? null : Buffer.from(record.value)
  return record.headers === undefined
    ? { key: record.key, value }
    : { key: record.key, value, headers: { ...record.headers } }
}

function firstIndex(chunks: readonly Chunk[], holds: (chunk: Chunk) => boolean): number {
  let low = 0
  let high = chunks.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(chunks[middle] as Chunk)) high = middle
    else low = middle + 1
  }
  return low
}
