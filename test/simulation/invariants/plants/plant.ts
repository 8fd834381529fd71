// What a bad history is: a good one with one thing in it that may not be.

import type { GoodHistory } from '../good-history.ts'
import type { InvariantName } from '../index.ts'
import type { Tape } from '../tape.ts'

export type Plant = {
  /** The one invariant that must be named. */
  readonly breaks: InvariantName
  readonly tape: (good: GoodHistory) => Tape
  /** What must be said of it, where others of the invariant would name it as well. */
  readonly says?: RegExp
}

/** By what was planted. */
export type Plants = Readonly<Record<string, Plant>>
