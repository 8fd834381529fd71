// Where in the log the archive ends: the offset behind the entry that it has last.
//
// Invariants: L1 it is found by the entry's hash, never believed of an offset: a committed position
// only says where to look first. L2 a log that does not hold that entry, or begins behind it, is an
// error with a code: nothing is archived of another chain. L3 what only looks shorter is looked at
// again for a while: after an election a listed end may be old.

import type { Clock, Log, Network, Records, View } from '../../src/index.ts'
import { endsOf, entryOf, firstEntry, HbError, isHbError } from '../../src/index.ts'
import type { SinkLimits } from './limits.ts'

export type PlaceOptions = {
  readonly network: Network
  readonly log: Log
  readonly records: Records
  readonly topic: string
  readonly partition: number
  readonly clock: Clock
  readonly limits: Pick<SinkLimits, 'logEndWaitMsMax' | 'retryDelayMs'>
  /** Ends the wait, with `partition-lost`. */
  readonly signal: AbortSignal
}

/** Throws `archive-behind`, `archive-diverged`. */
export async function placeBehind(
  options: PlaceOptions,
  view: View,
  committed: number | undefined,
): Promise<number> {
  const { clock, limits, signal } = options
  const deadline = clock.now() + limits.logEndWaitMsMax
  for (let delayMs = limits.retryDelayMs; ; delayMs *= 2) {
    const found = await look(options, view, committed)
    if (typeof found === 'number') return found
    if (signal.aborted) throw new HbError('partition-lost')
    const leftMs = deadline - clock.now()
    if (leftMs <= 0) throw new HbError('archive-diverged', found)
    await clock.sleep(Math.min(delayMs, leftMs), signal)
  }
}

/** A text: what does not seem to be there (yet). */
async function look(
  options: PlaceOptions,
  view: View,
  committed: number | undefined,
): Promise<number | string> {
  const { log, topic, partition } = options
  const { start, end } = await endsOf(log, topic, partition)
  if (view.height < 0) return start
  const hint = committed === undefined ? start : Math.min(Math.max(start, committed - 1), end)
  const behind = await search(options, view, hint, end)
  const found = behind ?? (await search(options, view, start, hint))
  if (found !== undefined) return found
  const first = await firstEntry(log, topic, partition, options.records)
  const where = `partition ${partition}: the archive ends at height ${view.height}`
  if (first !== undefined && first.height > view.height + 1) {
    throw new HbError('archive-behind', `${where}, the log begins at ${first.height}`)
  }
  // the archive's next entry may be the first that the log still has
  if (first?.height === view.height + 1 && first.prev.equals(view.hash)) return start
  return `${where}, and the log does not hold that entry`
}

async function search(
  options: PlaceOptions,
  view: View,
  from: number,
  to: number,
): Promise<number | undefined> {
  const { log, topic, partition } = options
  for (let at = from; at < to; ) {
    const read = await log.read(topic, partition, at, { to })
    for (const { value, offset } of read.records) {
      if (value !== null && carries(options, view, value)) return offset + 1
    }
    if (read.next === at) break
    at = read.next
  }
  return undefined
}

/** Heights first: hashing an entry takes far longer than decoding it. */
function carries({ network, records }: PlaceOptions, view: View, value: Uint8Array): boolean {
  if (!records.isEntry(value)) return false
  try {
    const record = records.decodeEntry(viewOf(value))
    if (record.height !== view.height) return false
    return Buffer.from(entryOf(network, view.partition, record).hash).equals(view.hash)
  } catch (error) {
    if (isHbError(error)) return false
    throw error
  }
}

/** No copy: it is asked of every record that is looked at. */
function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
