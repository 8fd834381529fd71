// The positions of one member's partitions, on their way to the group's coordinator.
// Owners: membership.ts makes one; pumps note positions, revoking and leaving flush them.
//
// Invariants: O1 what is committed was noted before, and so all below it has had its effects. O2
// one commit is under way; positions that move meanwhile go with the next. O3 a commit carries the
// generation that the member has then: the coordinator refuses those of a member that is out.

import type { Clock } from '../../std/clock.ts'
import { BrokerFault, BrokerRefusal, CODE } from './broker-errors.ts'
import type { TopicOffsets } from './coordinator.ts'
import type { KafkaLogLimits } from './limits.ts'

export type CommitOptions = {
  readonly clock: Clock
  readonly limits: KafkaLogLimits
  readonly commit: (offsets: TopicOffsets) => Promise<void>
}

export class Commits {
  readonly #o: CommitOptions
  #noted = new Map<string, Map<number, number>>()
  /** What the commit that is under way carries: what failed is noted again from here. */
  #sent: ReadonlyMap<string, Map<number, number>> = new Map()
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #hurry = new AbortController()

  constructor(options: CommitOptions) {
    this.#o = options
  }

  note(topic: string, partition: number, next: number): void {
    const rows = this.#noted.get(topic)
    if (rows === undefined) this.#noted.set(topic, new Map([[partition, next]]))
    else rows.set(partition, next)
    this.#running ??= this.#run()
  }

  /** Commits what is noted, at once; resolves when it is, or when it could not be in time. */
  async flush(): Promise<void> {
    const { clock, limits } = this.#o
    const deadline = clock.now() + limits.drainTimeoutMs
    while (this.#running !== undefined && clock.now() < deadline) {
      this.#hurry.abort()
      const stop = new AbortController()
      const late = clock.sleep(deadline - clock.now(), stop.signal)
      await Promise.race([this.#running, late])
      stop.abort()
    }
  }

  /**
   * Positions of partitions that are somebody else's now: one that is under way is not repeated.
   */
  forget(partition?: number): void {
    for (const rows of [...this.#noted.values(), ...this.#sent.values()]) {
      if (partition === undefined) rows.clear()
      else rows.delete(partition)
    }
  }

  close(): void {
    this.#stop.abort()
    this.#hurry.abort()
    this.#noted.clear()
  }

  /** Once a `commitDelayMs` while something is noted; oftener when hurried. */
  async #run(): Promise<void> {
    const { clock, limits, commit } = this.#o
    let delayMs = limits.commitDelayMs
    while (!this.#stop.signal.aborted) {
      await clock.sleep(delayMs, this.#hurry.signal)
      this.#hurry = new AbortController()
      if (this.#stop.signal.aborted) break
      this.#sent = this.#noted
      this.#noted = new Map()
      if (![...this.#sent.values()].some((rows) => rows.size > 0)) break
      try {
        await commit(this.#sent)
        delayMs = limits.commitDelayMs
      } catch (error) {
        // a member that is out commits nothing: what was its own is somebody else's
        const isOut = error instanceof BrokerRefusal && error.code === CODE.unknownMember
        const again = error instanceof BrokerFault || error instanceof BrokerRefusal
        if (again && !isOut) this.#putBack(this.#sent)
        delayMs = Math.min(limits.retryDelayMs * 4, limits.retryDelayMsMax)
        // a hurried commit that failed is not repeated without a pause
        if (this.#hurry.signal.aborted) await clock.sleep(delayMs, this.#stop.signal)
      }
      if (this.#noted.size === 0) break
    }
    this.#running = undefined
  }

  #putBack(offsets: ReadonlyMap<string, Map<number, number>>): void {
    for (const [topic, rows] of offsets) {
      for (const [partition, next] of rows) {
        const newer = this.#noted.get(topic)?.get(partition)
        if (newer === undefined) this.note(topic, partition, next)
      }
    }
  }
}
