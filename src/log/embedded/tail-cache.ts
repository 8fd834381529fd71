// The newest chunks of every partition, decoded, so that a reader that keeps up never reads from
// disk.
// Owner: embedded-storage.ts. Invariants: per partition the chunks held are contiguous and end at
// the partition's end; the bytes held, over all partitions, stay at or below the limit (the oldest
// go first).

import type { Chunk, PartitionState } from '../local/storage.ts'

/** Chunks of one partition: those before `head` are dropped already and cut off now and then. */
type Tail = { chunks: Chunk[]; head: number }

export class TailCache {
  readonly #tails = new Map<PartitionState, Tail>()
  readonly #bytesMax: number
  /** Whose chunk is the oldest, second oldest, …: one element per chunk held. */
  #order: PartitionState[] = []
  #orderHead = 0
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  push(partition: PartitionState, chunk: Chunk): void {
    let tail = this.#tails.get(partition)
    if (tail === undefined) {
      tail = { chunks: [], head: 0 }
      this.#tails.set(partition, tail)
    }
    tail.chunks.push(chunk)
    this.#order.push(partition)
    this.#bytes += chunk.bytes
    while (this.#bytes > this.#bytesMax) this.#dropOldest()
  }

  /** The first chunk whose `next` is above `from`, if it is among those held. */
  chunkAt(partition: PartitionState, from: number): Chunk | undefined {
    const tail = this.#tails.get(partition)
    const first = tail?.chunks[tail.head]
    if (tail === undefined || first === undefined || from < first.base) return undefined
    let low = tail.head
    let high = tail.chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((tail.chunks[middle] as Chunk).next > from) high = middle
      else low = middle + 1
    }
    return tail.chunks[low]
  }

  /** Forgets a partition's chunks (they were rewritten on disk). */
  forget(partition: PartitionState): void {
    const tail = this.#tails.get(partition)
    if (tail === undefined) return
    for (const chunk of tail.chunks.slice(tail.head)) this.#bytes -= chunk.bytes
    this.#tails.delete(partition)
    this.#order = this.#order.slice(this.#orderHead).filter((owner) => owner !== partition)
    this.#orderHead = 0
  }

  #dropOldest(): void {
    const partition = this.#order[this.#orderHead++]
    const tail = partition && this.#tails.get(partition)
    const chunk = tail?.chunks[tail.head]
    if (tail === undefined || chunk === undefined) return
    this.#bytes -= chunk.bytes
    tail.head++
    // Cutting off in proportion keeps the cost per chunk constant.
    if (tail.head * 2 > tail.chunks.length) {
      tail.chunks = tail.chunks.slice(tail.head)
      tail.head = 0
    }
    if (this.#orderHead * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#orderHead)
      this.#orderHead = 0
    }
  }
}
