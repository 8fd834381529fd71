// How much is measured: the real thing, and a short form that only shows that all of it runs.

export type Plan = {
  readonly isQuick: boolean
  /** Each of the system and of the floor, in turn. */
  readonly rounds: number
  readonly warmMs: number
  readonly roundMs: number
  /** Cranks of a round at rest. */
  readonly cranks: number
  readonly pairs: number
  /** Messages under way between the two of a pair. */
  readonly balls: number
  /** Of the log that the DRE and the rebuild read. */
  readonly entries: number
  /** Signed messages of a round. */
  readonly items: number
  readonly takeover: {
    readonly entries: number
    readonly rounds: number
    readonly pairs: number
  }
}

export const FULL: Plan = {
  isQuick: false,
  rounds: 5,
  warmMs: 2_000,
  roundMs: 3_000,
  cranks: 500,
  pairs: 64,
  balls: 8,
  entries: 50_000,
  items: 12_000,
  takeover: { entries: 1_000_000, rounds: 3, pairs: 16 },
}

export const QUICK: Plan = {
  isQuick: true,
  rounds: 1,
  warmMs: 300,
  roundMs: 500,
  cranks: 40,
  pairs: 8,
  balls: 2,
  entries: 2_000,
  items: 500,
  takeover: { entries: 3_000, rounds: 1, pairs: 4 },
}
