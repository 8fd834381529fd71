// What a sequencer needs besides log, store and verifier, and whom it tells.

import { LOG_END_WAIT_MS_MAX } from '../log/resume/index.ts'
import type { Entry } from '../protocol/entry.ts'
import type { HbError } from '../std/errors.ts'
import { Histogram } from '../std/histogram.ts'
import type { Place } from './core.ts'

/** Told only of what is settled; called synchronously, so it must be quick and must not throw. */
export type SequencerListener = {
  /** These entries have their place for ever. */
  settled?(partition: number, entries: readonly Entry[]): void
  /** A message came again and has this place already. */
  repeated?(id: string, partition: number, place: Place): void
  /** A wallet's message will not be ordered. */
  refused?(id: string, error: HbError): void
  halted?(partition: number, error: unknown): void
  /** A schema registry does not answer: from here on the partition's ingress waits for it. */
  schemaAwaited?(partition: number, error: HbError): void
  /** A warm copy failed; it begins again after `standbyRetryMs`, and no other is touched. */
  standbyFailed?(partition: number, error: unknown): void
}

/** Counts since the start, for metrics. */
export type SequencerFigures = {
  entries: number
  superseded: number
  duplicates: number
  gaps: number
  refused: number
  deadLetters: number
  claims: number
  unclear: number
  /** Times that a schema registry was asked and could not answer; its ingress waits meanwhile. */
  schemaWaits: number
  /** Seconds from a message's append to ingress, by the log's clock, to its settled entry. */
  readonly settleSeconds: Histogram
}

export function noSequencerFigures(): SequencerFigures {
  const judged = { entries: 0, superseded: 0, duplicates: 0, gaps: 0, refused: 0, deadLetters: 0 }
  return { ...judged, claims: 0, unclear: 0, schemaWaits: 0, settleSeconds: new Histogram() }
}

export type SequencerLimits = {
  /** Entries of one append; default 500. */
  readonly appendEntriesMax: number
  /** Bytes of one append; default 900,000 (under a broker's default of 1 MiB). */
  readonly appendBytesMax: number
  /**
   * How far the machine's clock may be off the log's append time, ms; default 30,000
   * (`clock-skew`).
   */
  readonly clockSkewMsMax: number
  /** Least time between two heads of a partition, ms; default 250. */
  readonly headIntervalMs: number
  /** Pause after an unclear append before the next try, ms; doubled up to 2 s; default 20. */
  readonly retryDelayMs: number
  /** How long a log may seem shorter than it was read before it halts, ms; default 10,000. */
  readonly logEndWaitMsMax: number
  /** Pause before a standby that failed begins again, ms; default 5,000. */
  readonly standbyRetryMs: number
  /**
   * How long, in log time, the id of a message is kept after its expiry, ms; default a day. What is
   * read from ingress again within it (after a crash before the commit, or sent again) is answered
   * with its place; after it, it is refused as expired.
   */
  readonly idGraceMs: number
  /** How often committed ingress is trimmed, ms; default 60,000. */
  readonly trimIntervalMs: number
  /** Records that a trim deletes at least; default 10,000. */
  readonly trimRecordsMin: number
}

export const SEQUENCER_LIMITS: SequencerLimits = {
  appendEntriesMax: 500,
  appendBytesMax: 900_000,
  clockSkewMsMax: 30_000,
  headIntervalMs: 250,
  retryDelayMs: 20,
  logEndWaitMsMax: LOG_END_WAIT_MS_MAX,
  standbyRetryMs: 5_000,
  idGraceMs: 86_400_000,
  trimIntervalMs: 60_000,
  trimRecordsMin: 10_000,
}
