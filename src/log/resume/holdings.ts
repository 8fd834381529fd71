// Which partitions of a topic this member has a local copy of, and how far that is behind: what a
// group's assigner prefers by (`Member.holds`).
// Invariant: asking costs nothing; ends are as they were at the last `refresh`.

import type { Log } from '../port.ts'

export class Holdings {
  readonly #log: Log
  readonly #topic: string
  readonly #next = new Map<number, number>()
  readonly #owned = new Set<number>()
  #ends: readonly number[] = []

  constructor(log: Log, topic: string) {
    this.#log = log
    this.#topic = topic
  }

  /** The copy has everything below this offset. */
  has(partition: number, next: number): void {
    this.#next.set(partition, next)
  }

  /** Of an owned partition there is nothing better than its copy. */
  owns(partition: number): void {
    this.#owned.add(partition)
  }

  gaveUp(partition: number): void {
    this.#owned.delete(partition)
  }

  /** The copy is gone or cannot be trusted. */
  lost(partition: number): void {
    this.#next.delete(partition)
  }

  /** True where a lag could be old. */
  get needsEnds(): boolean {
    for (const partition of this.#next.keys()) if (!this.#owned.has(partition)) return true
    return false
  }

  async refresh(): Promise<void> {
    this.#ends = (await this.#log.ends(this.#topic)).map(({ end }) => end)
  }

  /** Per partition the records that the copy lags. */
  lags(): ReadonlyMap<number, number> {
    const lags = new Map<number, number>()
    for (const [partition, next] of this.#next) {
      lags.set(partition, Math.max(0, (this.#ends[partition] ?? 0) - next))
    }
    for (const partition of this.#owned) lags.set(partition, 0)
    return lags
  }
}
