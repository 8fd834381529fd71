// What a connector did since its worker started, by partition: for metrics.
// Invariant: F1 it outlives restarts of the connector's tasks: a counter never goes back.

export type PartitionFigures = {
  segments: number
  entries: number
  bytes: number
  poison: number
  /** Tries that failed and were followed by another, by the code of the error. */
  readonly retries: Map<string, number>
}

export class Figures {
  readonly #byPartition = new Map<number, PartitionFigures>()

  get partitions(): ReadonlyMap<number, PartitionFigures> {
    return this.#byPartition
  }

  of(partition: number): PartitionFigures {
    const known = this.#byPartition.get(partition)
    if (known !== undefined) return known
    const made = { segments: 0, entries: 0, bytes: 0, poison: 0, retries: new Map() }
    this.#byPartition.set(partition, made)
    return made
  }

  archived(partition: number, entries: number, bytes: number): void {
    const figures = this.of(partition)
    figures.segments += 1
    figures.entries += entries
    figures.bytes += bytes
  }

  retried(partition: number, code: string): void {
    const { retries } = this.of(partition)
    retries.set(code, (retries.get(code) ?? 0) + 1)
  }
}
