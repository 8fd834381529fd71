// What a DRE needs besides log, store and evaluator, and whom it tells.

import { LOG_END_WAIT_MS_MAX } from '../log/resume/index.ts'
import type { Result } from '../protocol/result.ts'

/**
 * Told only of what is published and durable; called synchronously, so it must be quick and must
 * not throw.
 */
export type DreListener = {
  results?(partition: number, results: readonly Result[]): void
  halted?(partition: number, error: unknown): void
}

export type DreFigures = {
  entries: number
  superseded: number
  errors: number
  runs: number
  opened: number
  evicted: number
  lost: number
  faults: number
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
   * 1,000.
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
}

export const DRE_LIMITS: DreLimits = {
  instancesMax: 128,
  instanceBytesMax: 1_073_741_824,
  instanceIdleMsMax: 1_000,
  runBytesMax: 800_000,
  partBytesMax: 700_000,
  triesMax: 5,
  logEndWaitMsMax: LOG_END_WAIT_MS_MAX,
}
