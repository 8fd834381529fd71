// Limits of the sink: each with its default, and what it bounds.

import type { SegmentLimits } from '../../src/index.ts'
import { SEGMENT_LIMITS } from '../../src/index.ts'

export type SinkLimits = SegmentLimits & {
  /**
   * Segments that are gathered or posted at the same time, over all partitions: memory is a few
   * times this by bytesMax, whatever the backlog.
   */
  readonly uploadsMax: number
  /** Entries wait no longer for their segment to be full, ms. */
  readonly flushDelayMsMax: number
  /** How often a partition's end is looked at where nothing wakes it, ms. */
  readonly pollDelayMs: number
  /** How long a log may seem to end before what the archive ends with, ms. */
  readonly logEndWaitMsMax: number
  /** Before what failed is tried again, ms: doubled each time, up to the greatest. */
  readonly retryDelayMs: number
  readonly retryDelayMsMax: number
  /** How long it is tried again before its partition fails, ms; -1: for ever. */
  readonly retryTimeoutMs: number
}

export const SINK_LIMITS: SinkLimits = {
  ...SEGMENT_LIMITS,
  uploadsMax: 2,
  flushDelayMsMax: 600_000,
  pollDelayMs: 1_000,
  logEndWaitMsMax: 10_000,
  retryDelayMs: 250,
  retryDelayMsMax: 60_000,
  retryTimeoutMs: -1,
}
