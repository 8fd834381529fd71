// A connection that a broker does not listen to: after an answer that says that a quota is used up
// it reads nothing for so long (KIP-219). Whatever is sent meanwhile lies in its socket.
// Owners: connection.ts makes one a connection.
//
// Invariants: U1 nothing is begun on a connection that is muted: it waits here, in the order it
// came, and whoever closes the connection ends the wait. U2 what was under way already is not late
// before the broker listens again. U3 nothing takes a turn longer while nothing is muted.

import type { Clock } from '../../std/clock.ts'

/** A quota's word to one client id: be silent on this connection, for so much longer. */
export type Throttled = {
  readonly clientId: string
  /** What was answered so: Produce, Fetch, … */
  readonly request: string
  readonly ms: number
}

export class Mute {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #until = -Infinity
  #waiting = 0
  #last: Promise<void> = Promise.resolve()

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  /** Unix ms. */
  get until(): number {
    return this.#until
  }

  /** Returns how much longer it is for this, ms. */
  extend(ms: number): number {
    const now = this.#clock.now()
    const longer = Math.max(0, now + ms - Math.max(now, this.#until))
    this.#until = Math.max(this.#until, now + ms)
    return longer
  }

  /** Resolves when the broker listens, or the connection is closed; undefined: it listens. */
  over(): Promise<void> | undefined {
    if (this.#waiting === 0 && this.#clock.now() >= this.#until) return undefined
    this.#waiting += 1
    this.#last = this.#last.then(() => this.#wait())
    return this.#last
  }

  async #wait(): Promise<void> {
    for (;;) {
      const ms = this.#until - this.#clock.now()
      if (ms <= 0 || this.#signal.aborted) break
      await this.#clock.sleep(ms, this.#signal)
    }
    this.#waiting -= 1
  }
}
