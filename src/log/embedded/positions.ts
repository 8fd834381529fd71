// Where groups are, per partition: the newest position noted, and the newest that is durable.
// Owner: embedded-storage.ts, which puts what was noted into its next transaction. A position lost
// with the power only means that batches are delivered again.

import type { Database } from 'lmdb'
import type { PartitionState, TopicState } from '../local/storage.ts'

type Position = { readonly row: string; newest: number; durable: number | undefined }

/** Noted positions on their way: `put` inside the transaction, then `done` or `failed`. */
export type PositionsTaken = {
  readonly put: () => void
  readonly done: () => void
  readonly failed: () => void
}

export class Positions {
  readonly #meta: Database<unknown, string>
  readonly #groups = new Map<string, Map<PartitionState, Position>>()
  readonly #noted = new Set<Position>()

  constructor(meta: Database<unknown, string>) {
    this.#meta = meta
  }

  get dirty(): boolean {
    return this.#noted.size > 0
  }

  load(topics: Iterable<TopicState>): void {
    const byId = new Map([...topics].map((topic) => [topic.id, topic]))
    for (const { key, value } of this.#meta.getRange({ start: 'position/', end: 'position0' })) {
      const [, id, index, group = ''] = key.split('/')
      const partition = byId.get(Number(id))?.partitions[Number(index)]
      if (partition === undefined) continue
      const position = this.#of(group, partition)
      position.newest = value as number
      position.durable = value as number
    }
  }

  newest(group: string, partition: PartitionState): number | undefined {
    return this.#groups.get(group)?.get(partition)?.newest
  }

  durable(group: string, partition: PartitionState): number | undefined {
    return this.#groups.get(group)?.get(partition)?.durable
  }

  /** True where nothing was noted before: somebody must see to it that it gets written. */
  note(group: string, partition: PartitionState, next: number): boolean {
    const position = this.#of(group, partition)
    position.newest = next
    this.#noted.add(position)
    return this.#noted.size === 1
  }

  take(): PositionsTaken {
    const taken = [...this.#noted].map((position) => ({ position, next: position.newest }))
    this.#noted.clear()
    return {
      put: () => {
        for (const { position, next } of taken) void this.#meta.put(position.row, next)
      },
      done: () => {
        for (const { position, next } of taken) position.durable = next
      },
      failed: () => {
        for (const { position } of taken) this.#noted.add(position)
      },
    }
  }

  #of(group: string, partition: PartitionState): Position {
    let partitions = this.#groups.get(group)
    if (partitions === undefined) {
      partitions = new Map()
      this.#groups.set(group, partitions)
    }
    let position = partitions.get(partition)
    if (position === undefined) {
      const row = `position/${partition.topic.id}/${partition.index}/${group}`
      position = { row, newest: 0, durable: undefined }
      partitions.set(partition, position)
    }
    return position
  }
}
