// Whether a group's position in ingress lies beyond what was handled: somebody moved it forwards,
// and what lies between would never get its place.
//
// What can be known: every record of a wallet below the position has its place (the index of ids,
// whole by now), or was refused (for what its bytes say, for its expiry, or there is a dead
// letter). Messages of processes need no look: the relayer sends again what their targets lack.
// Invariants: K1 no false alarm: what cannot be told, as below what ingress retains, counts as
// handled. K2 the newest records below the position are looked at, and only where one of them was
// not handled those before it: what is skipped is a stretch that ends at the position.

import type { TopicNames } from '../protocol/topics.ts'
import { refusedOffset } from '../protocol/dead-letter.ts'
import type { Log, StoredRecord } from '../log/port.ts'
import { endsOf } from '../log/resume/index.ts'
import { HbError, isHbError } from '../std/errors.ts'

export type SkippedOptions = {
  readonly log: Log
  readonly topics: TopicNames
  readonly group: string
  readonly partition: number
  /** Of these records those that could have a place, and have none. */
  readonly unplaced: (records: readonly StoredRecord[]) => Promise<readonly StoredRecord[]>
}

/** Records that are looked at in one piece. */
const LOOK_BACK_RECORDS = 500

/** Throws `position-skips` where the position would skip what was not handled. */
export async function checkSkipped(options: SkippedOptions, committed: number): Promise<void> {
  const { log, topics, group, partition } = options
  const { start, end } = await endsOf(log, topics.ingress, partition)
  // a topic that is shorter than the position is another matter: the log halts over that
  if (committed > end) return
  let first: number | undefined
  for (let to = committed; to > start; ) {
    const from = Math.max(start, to - LOOK_BACK_RECORDS)
    const found = await unhandled(options, from, to)
    if (found === undefined) break
    first = found
    to = from
  }
  if (first === undefined) return
  const topic = `${topics.ingress}:${partition}`
  const stands = `${group} stands at ${committed} of ${topic}`
  const back = `--group ${group} --topic ${topic} --reset-offsets --to-offset ${first} --execute`
  const detail = `${stands}, and offset ${first} was not handled: kafka-consumer-groups ${back}`
  throw new HbError('position-skips', detail)
}

/** The first offset within [from, to) that was not handled. */
async function unhandled(
  { log, topics, partition, unplaced }: SkippedOptions,
  from: number,
  to: number,
): Promise<number | undefined> {
  const found: number[] = []
  for (let at = from; at < to; ) {
    const read = await readFrom(log, topics.ingress, partition, at, to)
    if (read === undefined || read.records.length === 0) break
    for (const { offset } of await unplaced(read.records)) found.push(offset)
    at = read.next
  }
  if (found.length === 0) return undefined
  const refused = await refusedOffsets(log, topics, partition)
  return found.find((offset) => !refused.has(offset))
}

async function readFrom(log: Log, topic: string, partition: number, from: number, to: number) {
  try {
    return await log.read(topic, partition, from, { to })
  } catch (error) {
    // trimmed meanwhile: handled
    if (isHbError(error, 'log-position-out-of-range')) return undefined
    throw error
  }
}

/** Read only where something seems to be skipped: there may be four weeks of them. */
async function refusedOffsets(
  log: Log,
  topics: TopicNames,
  partition: number,
): Promise<ReadonlySet<number>> {
  const offsets = new Set<number>()
  for (let at = (await endsOf(log, topics.deadletters, 0)).start; ; ) {
    const read = await log.read(topics.deadletters, 0, at)
    for (const { headers } of read.records) {
      const offset = refusedOffset(topics.ingress, partition, headers)
      if (offset !== undefined) offsets.add(offset)
    }
    at = read.next
    if (read.records.length === 0) return offsets
  }
}
