// An OS process of the simulated network: it lives, may be frozen, and dies. Whatever comes back to
// it comes through `resume`.
//
// Invariants: H1 a dead host's promises never settle. H2 what comes to a frozen host waits, in
// order, until it thaws. H3 `now` is the machine's clock with its error; sleeps are not moved by a
// clock that jumps.

import type { Clock } from '../../../src/std/clock.ts'
import { EPOCH_MS, MS } from './world.ts'
import type { World } from './world.ts'

export class Host {
  readonly world: World
  readonly name: string
  /** What this machine's clock is off, ms. */
  clockErrorMs = 0
  /** Calls of ports so far. */
  calls = 0
  /** Until then (µs) nothing passes between it and the brokers: it lives, and hears nothing. */
  cutUntil = 0
  /** Dies at this call of a port; `written`: after the request has gone out. */
  crashAt: { readonly call: number; readonly written: boolean } | undefined
  readonly clock: Clock
  #isAlive = true
  #isFrozen = false
  readonly #held: (() => void)[] = []
  readonly #dying: (() => void)[] = []

  constructor(world: World, name: string) {
    this.world = world
    this.name = name
    this.clock = {
      now: () => Math.floor(EPOCH_MS + world.now / MS + this.clockErrorMs),
      sleep: (delayMs, signal) => this.#sleep(delayMs, signal),
    }
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  get isFrozen(): boolean {
    return this.#isFrozen
  }

  get isCut(): boolean {
    return this.cutUntil > this.world.now
  }

  /** Called once, at its death, before anything else happens. */
  onDeath(run: () => void): void {
    this.#dying.push(run)
  }

  die(): void {
    if (!this.#isAlive) return
    this.#isAlive = false
    this.#held.length = 0
    for (const run of this.#dying) run()
  }

  freeze(): void {
    this.#isFrozen = true
  }

  thaw(): void {
    this.#isFrozen = false
    for (const run of this.#held.splice(0)) this.world.after(0, () => this.resume(run))
  }

  /** Now, later or never: as the host is. */
  resume(run: () => void): void {
    if (!this.#isAlive) return
    if (this.#isFrozen) this.#held.push(run)
    else run()
  }

  /**
   * Counts a call of a port; false: the host died at it, and the caller's promise never settles.
   * `send` is what the call does outside; it is done even so where the crash comes after it.
   */
  calling(send: () => void): boolean {
    if (!this.#isAlive) return false
    this.calls += 1
    const { crashAt } = this
    if (crashAt?.call === this.calls) {
      this.world.trace(`${this.name} dies at call ${this.calls}`)
      this.die()
      if (crashAt.written) send()
      return false
    }
    send()
    return true
  }

  #sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#isAlive) return
      if (signal?.aborted === true) return resolve()
      const finish = (): void => {
        planned.cancelled = true
        signal?.removeEventListener('abort', finish)
        resolve()
      }
      const planned = this.world.after(delayMs * MS, () => this.resume(finish))
      signal?.addEventListener('abort', finish, { once: true })
    })
  }
}
