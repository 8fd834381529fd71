// Which standbys of the sequencer run: what the group asks for, and nothing of what is assigned.
// Owner: service.ts. Invariant: per partition one standby at a time; one that is wanted and may run
// does, at the latest when the one before it has ended or its pause after a failure is over.

import type { Clock } from '../std/clock.ts'
import type { Standby } from './standby.ts'

export type StandbysOptions = {
  readonly clock: Clock
  /** Pause after a failure, ms. */
  readonly retryMs: number
  /** From then on none begins. */
  readonly signal: AbortSignal
  readonly mayRun: (partition: number) => boolean
  readonly begin: (partition: number, onFailed: (error: unknown) => void) => Standby
}

export class Standbys {
  readonly #o: StandbysOptions
  readonly #running = new Map<number, Standby>()
  #wanted: readonly number[] = []

  constructor(options: StandbysOptions) {
    this.#o = options
  }

  partitions(): number[] {
    return [...this.#running.keys()]
  }

  want(partitions: readonly number[]): void {
    this.#wanted = partitions
    this.reconcile()
  }

  /** Call when a partition may run that might not before. */
  reconcile(): void {
    for (const partition of this.#running.keys()) {
      if (this.#wanted.includes(partition)) continue
      // it may be wanted again by then
      void this.end(partition).then(() => this.reconcile())
    }
    for (const partition of this.#wanted) {
      if (this.#running.has(partition) || !this.#o.mayRun(partition)) continue
      if (this.#o.signal.aborted) return
      const standby = this.#o.begin(partition, () => void this.#again(partition, standby))
      this.#running.set(partition, standby)
    }
  }

  /** Resolves when its index is written. */
  async end(partition: number): Promise<void> {
    const standby = this.#running.get(partition)
    if (standby === undefined) return
    await standby.stop()
    if (this.#running.get(partition) === standby) this.#running.delete(partition)
  }

  async close(): Promise<void> {
    this.#wanted = []
    await Promise.all(this.partitions().map((partition) => this.end(partition)))
  }

  async #again(partition: number, failed: Standby): Promise<void> {
    await this.#o.clock.sleep(this.#o.retryMs, this.#o.signal)
    if (this.#running.get(partition) === failed) await this.end(partition)
    this.reconcile()
  }
}
