// What a relayer is bounded by (R9), and what it counts.

import { Histogram } from '../std/histogram.ts'

export type RelayerLimits = {
  /** Records of one append; default 500. */
  readonly appendRecordsMax: number
  /** Bytes of one append; default 900,000. */
  readonly appendBytesMax: number
  /** Pause after a failed append, ms, doubled up to 2 s; default 20. */
  readonly retryDelayMs: number
  /** How long a channel may stand still below what was sent, ms; default 5,000. */
  readonly stallMs: number
  /** Records of the outbox before the commit that are looked at after a start; default 1,024. */
  readonly lookBackRecordsMax: number
}

export const RELAYER_LIMITS: RelayerLimits = {
  appendRecordsMax: 500,
  appendBytesMax: 900_000,
  retryDelayMs: 20,
  stallMs: 5_000,
  lookBackRecordsMax: 1_024,
}

/** Counts since the start, for metrics. */
export type RelayerFigures = {
  relayed: number
  appends: number
  skipped: number
  resent: number
  /** Seconds from a run's append to the outbox to all its messages durable in ingress. */
  readonly relaySeconds: Histogram
}

export function noRelayerFigures(): RelayerFigures {
  return { relayed: 0, appends: 0, skipped: 0, resent: 0, relaySeconds: new Histogram() }
}
