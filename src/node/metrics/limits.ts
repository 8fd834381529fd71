// Limits of what a scrape may cost the log (R9): a node's configuration, never part of a result.

export type MetricsLimits = {
  /** Offsets of groups and ends of topics are asked of the log at most so often; default 5,000. */
  readonly lagIntervalMs: number
  /** A scrape waits for them so long at most, and shows what was known before; default 1,000. */
  readonly lagWaitMsMax: number
}

export const METRICS_LIMITS: MetricsLimits = { lagIntervalMs: 5_000, lagWaitMsMax: 1_000 }
