// Going on in a partition of the log where reading stopped before: is it still the same log? (R1,
// R2: never a silent reset.)
//
// Owners: the roles that keep a position. Invariants: P1 a position is gone on from only where the
// log still holds the very entry that was read last. P2 what only looks shorter is looked at again
// for a while: after an election, a broker's end offset may be old. P3 nothing depends on offsets:
// who has no position begins at the earliest retained record.

import type { Records } from '../../protocol/codec/records.ts'
import type { Network } from '../../protocol/genesis.ts'
import { entryOf } from '../../protocol/log-reader.ts'
import { asBuffer, equalBytes } from '../../std/bytes.ts'
import type { Clock } from '../../std/clock.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import type { Log, PartitionEnds } from '../port.ts'

/** How long a log may seem shorter than it was read before it counts as such, ms. */
export const LOG_END_WAIT_MS_MAX = 10_000

const DELAY_MS = 10
const DELAY_MS_MAX = 500

export type ResumeOptions = {
  readonly network: Network
  readonly log: Log
  readonly clock: Clock
  readonly records: Records
  readonly topic: string
  readonly partition: number
  readonly logEndWaitMsMax: number
  /** Ends the wait, with `partition-lost`. */
  readonly signal: AbortSignal
}

/** Where reading stopped: behind the entry with this hash, at this offset. */
export type LogPlace = {
  readonly at: number
  readonly hash: Uint8Array
  /** The offset to read on from. */
  readonly next: number
}

/**
 * Resolves where the place is in the log. Throws `log-position-out-of-range` where its entry was
 * deleted, `log-diverged` where there is another one or the log stays shorter.
 */
export async function checkPlace(options: ResumeOptions, place: LogPlace): Promise<void> {
  const { clock, signal } = options
  const deadline = clock.now() + options.logEndWaitMsMax
  for (let delay = DELAY_MS; ; delay = Math.min(delay * 2, DELAY_MS_MAX)) {
    const lacking = await lookAt(options, place)
    if (lacking === undefined) return
    if (signal.aborted) throw new HbError('partition-lost', 'stopping')
    if (clock.now() >= deadline) throw new HbError('log-diverged', lacking)
    await clock.sleep(delay, signal)
  }
}

/** undefined: all is there. Otherwise what does not seem to be there (yet). */
async function lookAt(options: ResumeOptions, place: LogPlace): Promise<string | undefined> {
  const { network, log, records, topic, partition } = options
  const { at, next, hash } = place
  const { start, end } = await endsOf(log, topic, partition)
  if (at < start) {
    const begins = `${topic} ${partition} begins at ${start}`
    const needs = `the entry at offset ${at}, which was read last, is needed to go on`
    throw new HbError('log-position-out-of-range', `${begins}; ${needs}`)
  }
  if (end < next) return `${topic} ${partition} has ${start}–${end}, read up to ${next}`
  const record = await recordAt(options, at)
  if (record === undefined) return `offset ${at} of ${topic} ${partition} is missing`
  const { value } = record
  if (value !== null && carries(records, network, partition, value, hash)) return undefined
  throw new HbError('log-diverged', `offset ${at} of ${topic} ${partition} is another record`)
}

async function recordAt({ log, topic, partition }: ResumeOptions, at: number) {
  try {
    const { records } = await log.read(topic, partition, at, { to: at + 1 })
    return records[0]?.offset === at ? records[0] : undefined
  } catch (error) {
    // of two brokers one may know less
    if (isHbError(error, 'log-position-out-of-range')) return undefined
    throw error
  }
}

/** The earliest retained offset of a partition and the next to be written. */
export async function endsOf(log: Log, topic: string, partition: number): Promise<PartitionEnds> {
  const ends = (await log.ends(topic))[partition]
  if (ends === undefined) throw new HbError('log-topic-unknown', `${topic} ${partition}`)
  return ends
}

/** Records that a group with this position has not committed; without one, all that are there. */
export function lagOf({ start, end }: PartitionEnds, committed: number | undefined): number {
  return Math.max(0, end - Math.max(start, committed ?? start))
}

/** True where the record is the entry with this hash. */
export function carries(
  records: Records,
  network: Network,
  partition: number,
  value: Uint8Array,
  hash: Uint8Array,
): boolean {
  try {
    const record = records.decodeEntry(asBuffer(value))
    return equalBytes(entryOf(network, partition, record).hash, hash)
  } catch (error) {
    if (isHbError(error)) return false
    throw error
  }
}

export { firstEntry } from './first-entry.ts'
export { Holdings } from './holdings.ts'
export { Opening } from './opening.ts'
export type { OpeningView } from './opening.ts'
