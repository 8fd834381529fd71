// What of a partition's log may be deleted: only what a snapshot and the archive both hold, each
// compared with the log itself before anything goes.
//
// Invariants: K1 nothing is deleted here. K2 the snapshot opens, and its states and their hashes
// are those that the log gives. K3 the archive has every entry that would go (chain, hashes, roots)
// up to the log's own. K4 the entry that the snapshot stands at stays: whoever begins there
// looks for it.

import type { ReadArchiveOptions } from '../archive/index.ts'
import { verifyPartition } from '../archive/index.ts'
import type { View } from '../protocol/accept.ts'
import { Records } from '../protocol/codec/records.ts'
import { topicNames } from '../protocol/topics.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import type { Store } from '../store/port.ts'
import { endsOf, firstEntry } from '../log/resume/index.ts'
import { asBuffer, equalBytes, toBase64Url } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import { readEntries, Rebuilder } from '../dre/index.ts'
import type { ReplaySource } from './partition.ts'
import { interruptible } from './partition.ts'

export type TrimOptions = ReplaySource & {
  readonly archive: Pick<ReadArchiveOptions, 'archive' | 'owners' | 'checkItems'>
  /** What lies before this interval may go. */
  readonly beforeInterval: number
  /** As the scratch stores of nobody else: of what the log gives, and of what is recorded. */
  readonly evaluator: Evaluator
  readonly store: Store
  readonly recorded: Store
  /** Groups whose positions must lie behind what goes. */
  readonly groups: readonly string[]
}

export type Trimmable = {
  readonly partition: number
  /** Records below this offset may go; undefined: they are gone already, or there are none. */
  readonly before?: number
  readonly records: number
  /** The first height that stays. */
  readonly from: number
  readonly processes: number
}

/** Among so many at a log's end there is an entry. */
const LAST_RECORDS = 512

/**
 * Errors: `trim-snapshot-missing`, `trim-snapshot-differs`, `trim-archive-behind`,
 * `trim-archive-differs`, `trim-reader-behind`; those of the archive and of a replay.
 */
export async function checkTrim(options: TrimOptions): Promise<Trimmable> {
  const { network, partition, log, beforeInterval } = options
  const topic = topicNames(options.applicationId).log
  const from = beforeInterval * network.genesis.intervalLength - 1
  const { start } = await endsOf(log, topic, partition)
  const first = await firstEntry(log, topic, partition, new Records())
  const isBefore = first !== undefined && first.height < from
  if (!isBefore || !(await reaches(options, topic, from))) {
    return { partition, records: 0, from: first?.height ?? 0, processes: 0 }
  }
  const rebuilding = { ...options, topics: topicNames(options.applicationId) }
  // nothing is evaluated with it
  const recorded = new Rebuilder({ ...rebuilding, store: options.recorded })
  const replayed = new Rebuilder(rebuilding)
  try {
    const accepts = (head: { height: number }): boolean => head.height === from
    const { view, next, restored } = await recorded.begin({ accepts })
    if (!restored) {
      throw new HbError('trim-snapshot-missing', `partition ${partition}: of height ${from}`)
    }
    await compareArchive(options, view)
    await replay(options, replayed, from, first.height > 0)
    compareStates(partition, recorded, replayed)
    const before = next - 1
    await checkGroups(options, topic, before)
    const processes = recorded.ledger.rows.size
    return { partition, before, records: before - start, from, processes }
  } finally {
    await recorded.close()
    await replayed.close()
  }
}

/** Partitions do not grow alike: of one that has not got so far, nothing goes. */
async function reaches(
  { log, partition }: TrimOptions,
  topic: string,
  height: number,
): Promise<boolean> {
  const records = new Records()
  const { start, end } = await endsOf(log, topic, partition)
  for (let at = Math.max(start, end - LAST_RECORDS); at < end; ) {
    const read = await log.read(topic, partition, at, { to: end })
    for (const { value } of read.records) {
      if (value === null || !records.isEntry(value)) continue
      if (records.decodeEntry(asBuffer(value)).height >= height) return true
    }
    if (read.next === at) return false
    at = read.next
  }
  return false
}

async function compareArchive(
  { network, partition, archive, signal }: TrimOptions,
  { height, hash }: View,
): Promise<void> {
  const reading = { ...archive, network, to: height, ...(signal && { signal }) }
  const read = await verifyPartition(reading, partition)
  if (read.height < height) {
    const ends = `partition ${partition}: it ends at height ${read.height}, not ${height}`
    throw new HbError('trim-archive-behind', ends)
  }
  if (read.hash === toBase64Url(hash)) return
  throw new HbError('trim-archive-differs', `partition ${partition}, height ${height}`)
}

/** From height 0; of a log that was trimmed before, from the recorded states that it begins at. */
async function replay(
  options: TrimOptions,
  rebuilder: Rebuilder,
  to: number,
  isTrimmed: boolean,
): Promise<void> {
  const { network, partition, log, onProgress } = options
  const topic = topicNames(options.applicationId).log
  const accepts = (head: { height: number }): boolean => head.height < to
  const { view, next } = await rebuilder.begin(isTrimmed ? { accepts } : undefined)
  const { records } = rebuilder
  const { start, end } = await endsOf(log, topic, partition)
  const source = { network, log, topic, partition, records, view, from: next, end }
  for await (const read of readEntries(source)) {
    interruptible(options.signal)
    await rebuilder.take(read.entries.filter(({ height }) => height <= to))
    onProgress?.(read.next - start, end - start)
    if (view.height >= to) return
  }
}

function compareStates(partition: number, recorded: Rebuilder, replayed: Rebuilder): void {
  const differs = (what: string): never => {
    throw new HbError('trim-snapshot-differs', `partition ${partition}: ${what}`)
  }
  const [rows, others] = [recorded.ledger.rows, replayed.ledger.rows]
  if (rows.size !== others.size) differs(`${rows.size} processes, by the log ${others.size}`)
  for (const [process, row] of others) {
    const own = rows.get(process)
    if (own === undefined) return differs(`${process} is not in it`)
    const isSame =
      own.settledSlot === row.settledSlot &&
      own.failed === row.failed &&
      equalBytes(own.stateHash, row.stateHash) &&
      recorded.state(process)?.text === replayed.state(process)?.text
    if (!isSame) differs(`${process} at slot ${row.settledSlot}`)
  }
}

async function checkGroups(options: TrimOptions, topic: string, before: number): Promise<void> {
  const { log, groups, partition } = options
  for (const group of groups) {
    const at = (await log.committed(group, topic))[partition]
    if (at === undefined || at >= before) continue
    throw new HbError('trim-reader-behind', `partition ${partition}: ${group} is at offset ${at}`)
  }
}
