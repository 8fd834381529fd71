// What a DRE needs besides log, store and evaluator, and whom it tells.

import { LOG_END_WAIT_MS_MAX } from '../log/resume/index.ts'
import type { Result } from '../protocol/result.ts'
import { Histogram } from '../std/histogram.ts'

/**
 * Told only of what is published and durable; called synchronously, so it must be quick and must
 * not throw.
 */
export type DreListener = {
  results?(partition: number, results: readonly Result[]): void
  halted?(partition: number, error: unknown): void
  /** A warm copy failed; it begins again after `standbyRetryMs`, and no other is touched. */
  standbyFailed?(partition: number, error: unknown): void
}

/** Counts since the start, for metrics; of warm copies, too. */
export type DreFigures = {
  entries: number
  superseded: number
  errors: number
  gas: number
  runs: number
  /** Published here for the first time. */
  results: number
  opened: number
  evicted: number
  lost: number
  faults: number
  /** Seconds from an entry's timestamp to its result durable in the outbox, if published here. */
  readonly publishSeconds: Histogram
}

export function noDreFigures(): DreFigures {
  const evaluated = { entries: 0, superseded: 0, errors: 0, gas: 0, runs: 0, results: 0 }
  const instances = { opened: 0, evicted: 0, lost: 0, faults: 0 }
  return { ...evaluated, ...instances, publishSeconds: new Histogram() }
}

export type DreLimits = {
  /**
   * Instances that stay open in a partition; default 128. The least recently used is closed, its
   * state kept in the store.
   */
  readonly instancesMax: number
  /** Bytes that a partition's open instances may hold in all, about; default 1 GiB. */
  readonly instanceBytesMax: number
  /**
   * A process that nothing came for in so long is closed, its state kept in the store, ms; default
   * 10,000: well above what a crank takes on a busy machine, or messages under way would meet
   * closed processes.
   */
  readonly instanceIdleMsMax: number
  /** Bytes of one run; default 800,000. */
  readonly runBytesMax: number
  /** Bytes of one part of a snapshot or manifest; default 700,000. */
  readonly partBytesMax: number
  /** Tries of one entry after faults of this node, before its partition halts; default 5. */
  readonly triesMax: number
  /** How long a log may seem shorter than it was read before it halts, ms; default 10,000. */
  readonly logEndWaitMsMax: number
  /** How long a module that another partition names may take to be on its topic, ms; default
   * 10,000: then it is looked for in the logs. */
  readonly moduleWaitMsMax: number
  /** How long a copy that is no longer asked for is kept warm, ms; default 15,000. */
  readonly standbyLingerMs: number
  /** Pause before a standby that failed begins again, ms; default 5,000. */
  readonly standbyRetryMs: number
  /**
   * How long a run stays in the outbox though every target has settled it, ms; default 7 days: what
   * a challenge may be about.
   */
  readonly outboxRetentionMs: number
  /** How often the outbox is trimmed, ms; default 60,000. */
  readonly trimIntervalMs: number
  /** Runs that a trim deletes at least; default 100. */
  readonly trimRecordsMin: number
}

export const DRE_LIMITS: DreLimits = {
  instancesMax: 128,
  instanceBytesMax: 1_073_741_824,
  instanceIdleMsMax: 10_000,
  runBytesMax: 800_000,
  partBytesMax: 700_000,
  triesMax: 5,
  logEndWaitMsMax: LOG_END_WAIT_MS_MAX,
  moduleWaitMsMax: 10_000,
  standbyLingerMs: 15_000,
  standbyRetryMs: 5_000,
  outboxRetentionMs: 604_800_000,
  trimIntervalMs: 60_000,
  trimRecordsMin: 100,
}
