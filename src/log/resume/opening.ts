// How far a partition has got that is being opened: which topic is read, from where and up to where
// so far. Who shows it knows the topic's end.
// Invariant: telling costs an assignment; what is shown is never ahead of what was read.

import type { Clock } from '../../std/clock.ts'

/** Offsets of the topic's partition of the same number; `sinceMs`: when reading it began. */
export type OpeningView = {
  readonly topic: string
  readonly from: number
  readonly at: number
  readonly sinceMs: number
}

export class Opening implements OpeningView {
  readonly #clock: Clock
  topic = ''
  from = 0
  at = 0
  sinceMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** From now on this is read. */
  reads(topic: string, from: number): void {
    this.topic = topic
    this.from = from
    this.at = from
    this.sinceMs = this.#clock.now()
  }

  /** Everything below the offset was read. */
  has(next: number): void {
    this.at = next
  }
}
