// What a seed turns on of the archive: how many sinks there are, how it fails, and what befalls
// those who write it.

import type { Random } from '../../../src/std/random.ts'

/** Chances from 0 to 1, of each call. */
export type ArchiveRates = {
  /** A post fails, and nothing of it is kept: the disk was full, or half of it was sent. */
  readonly failed: number
  /** A post fails, and is kept long after its error. */
  readonly late: number
  /** A post is kept, and its answer is lost. */
  readonly unanswered: number
  /** What was posted is not found by its tags for a while. */
  readonly hidden: number
  /** A search or a read fails. */
  readonly unreadable: number
  /** An answer takes long. */
  readonly slow: number
}

export type ArchivePlan = {
  /** 0: nothing is archived. */
  readonly sinks: number
  readonly rates: ArchiveRates
  /** Heights of a segment at most. */
  readonly heightsMax: number
  /** Mean virtual seconds between two events that befall a sink; 0: none. */
  readonly eventSeconds: number
}

export const NO_ARCHIVE_FAULTS: ArchiveRates = {
  failed: 0,
  late: 0,
  unanswered: 0,
  hidden: 0,
  unreadable: 0,
  slow: 0,
}

export const NO_ARCHIVE: ArchivePlan = {
  sinks: 0,
  rates: NO_ARCHIVE_FAULTS,
  heightsMax: 1,
  eventSeconds: 0,
}

const ONE_IN = 3

/** One seed in three has sinks. */
export function archivePlanOf(random: Random): ArchivePlan {
  if (random.below(ONE_IN) !== 0) return NO_ARCHIVE
  const rate = (most: number): number => (random.below(2) === 0 ? 0 : random.float() * most)
  return {
    sinks: 1 + random.below(2),
    rates: {
      failed: rate(0.5),
      late: rate(0.5),
      unanswered: rate(0.2),
      hidden: rate(0.5),
      unreadable: rate(0.2),
      slow: rate(0.2),
    },
    heightsMax: [5, 20, 64][random.below(3)] as number,
    eventSeconds: random.below(4) === 0 ? 0 : 2 + random.below(6),
  }
}
