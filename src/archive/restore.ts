// A partition of the log out of its segments: the same entries with the same heights and hashes, in
// a log that is empty, or that an earlier restore left where it stopped.
//
// Owners: one restore at a time per log, and no node on it. Invariants: D1 an entry is appended
// only when its segment was verified and extends what the target holds. D2 what the target holds
// already must be what the archive says, or nothing is written. D3 an append whose fate is unclear
// is read back before anything follows it: the chain drops whatever then comes twice.

import type { View } from '../protocol/accept.ts'
import { accept, advance, initialView } from '../protocol/accept.ts'
import type { Records } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import { entryHeaders } from '../protocol/entry.ts'
import { atGeneration, generationAt } from '../protocol/generations.ts'
import type { Network } from '../protocol/genesis.ts'
import { LogReader } from '../protocol/log-reader.ts'
import { partitionOf, topicNames, topicSpecs } from '../protocol/topics.ts'
import { equalBytes } from '../std/bytes.ts'
import type { ErrorCode } from '../std/errors.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { Log, LogRecord } from '../log/port.ts'
import { endsOf } from '../log/resume/index.ts'
import { listSegments } from './catalogue.ts'
import type { Codecs, ReadArchiveOptions, ReadPartition, Used } from './follow.ts'
import { codecs, follow } from './follow.ts'
import { carriedOf, moduleRecord, NeededModules } from './needed-modules.ts'
import type { ChainedSegment } from './segment-chain.ts'
import type { OpenedEntry } from './segment-reader.ts'
import { openSegment } from './segment-reader.ts'

export type RestoreOptions = ReadArchiveOptions & {
  readonly log: Log
  readonly applicationId?: string
  /** Of a new generation: refuses a target whose other topics have had records. */
  readonly unused?: boolean
  /**
   * Only what the evaluation of this process needs: the log of its partition (its own entries and
   * those before them that the hashes chain, that set its level, or that carry its module), and
   * modules that it names and only other partitions have.
   */
  readonly process?: string
}

/** One append: well below what any log takes. */
const APPEND_RECORDS = 500
const APPEND_BYTES = 524_288
const TRIES = 20
const MAY_MEND: readonly ErrorCode[] = ['log-append-refused', 'log-append-unclear']

/** Makes the topics where they are missing, and restores partitions one after another. */
export async function restore(options: RestoreOptions): Promise<ReadPartition[]> {
  const { network, log, applicationId = 'hb' } = options
  const names = topicNames(applicationId)
  const { partitions } = network.genesis
  await log.provision(topicSpecs(names, partitions))
  if (options.unused === true) await checkUnused(log, [names.ingress, names.outbox])
  const shared = codecs()
  const { process } = options
  const needed = process === undefined ? undefined : new NeededModules(network, process)
  const onEntry = ({ message }: Entry): void => needed?.note(message)
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const chosen = process === undefined ? all : [partitionOf(process, partitions)]
  const targets: TargetPartition[] = []
  for (const partition of chosen) {
    const place = { log, topic: names.log, partition }
    const target = new TargetPartition(network, shared.records, place, onEntry)
    await target.open()
    await checkTarget(options, shared, target.view)
    targets.push(target)
  }
  const done: ReadPartition[] = []
  for (const target of targets) {
    const { view } = target
    const append = (each: ChainedSegment, entries: readonly OpenedEntry[]): Promise<void> =>
      target.append(entries, each)
    done.push(await follow(options, shared, view, append))
  }
  done.forEach((each, at) => targets[at]?.checkEnd(each))
  const elsewhere = all.filter((partition) => !chosen.includes(partition))
  if (needed !== undefined) await restoreModules(options, shared, needed.missing, elsewhere)
  return done
}

/** Reads other partitions only for what is missing, and only as far as that takes. */
async function restoreModules(
  options: RestoreOptions,
  shared: Codecs,
  missing: Set<string>,
  partitions: readonly number[],
): Promise<void> {
  const { network, log, archive, owners, signal, applicationId = 'hb' } = options
  const topic = topicNames(applicationId).modules
  const reading = { archive, network, ...(owners && { owners }), ...(signal && { signal }) }
  for (const partition of partitions) {
    if (missing.size === 0) return
    const view = initialView(network.id, partition, network.genesis.partitions)
    await follow(reading, shared, view, async (_segment, entries): Promise<Used> => {
      for (const { entry } of entries) {
        const module = carriedOf(network, entry.message, missing)
        if (module === undefined) continue
        await log.append(topic, 0, [moduleRecord(shared.records, module)])
        missing.delete(module.hash)
      }
      return missing.size === 0 ? 'enough' : undefined
    })
  }
}

/** What a lost tail sent could pass for what the new generation sends. */
async function checkUnused(log: Log, topics: readonly string[]): Promise<void> {
  for (const topic of topics) {
    const partition = (await log.ends(topic)).findIndex(({ end }) => end > 0)
    if (partition < 0) continue
    throw new HbError('restore-target-used', `${topic} partition ${partition} has had records`)
  }
}

/** What is there must be of the archive's own chain: told by the entry that it ends with. */
async function checkTarget(
  options: RestoreOptions,
  shared: Codecs,
  { partition, height, hash }: View,
): Promise<void> {
  if (height < 0) return
  const { archive, network, owners } = options
  const then = atGeneration(network, generationAt(network.genesis, partition, height))
  const { segments } = await listSegments(archive, { network: then, partition }, owners)
  const listed = segments.find(({ range }) => range.from <= height && height <= range.to)
  const where = `partition ${partition} is at height ${height}`
  if (listed === undefined) {
    throw new HbError('restore-target-differs', `${where}, of which the archive has nothing`)
  }
  const kept = await archive.read(listed.found.id)
  const { head, entries } = openSegment({ network: then, ...shared }, kept)
  const at = entries[height - head.from]
  if (at !== undefined && equalBytes(at.entry.hash, hash)) return
  throw new HbError('restore-target-differs', `${where} with another entry than the archive's`)
}

class TargetPartition {
  readonly #log: Log
  readonly #topic: string
  readonly #partition: number
  readonly #reader: LogReader
  readonly #onEntry: (entry: Entry) => void
  readonly view: View
  #next = 0

  /** `onEntry`: told of each entry that the target holds, in order. */
  constructor(
    network: Network,
    records: Records,
    place: { readonly log: Log; readonly topic: string; readonly partition: number },
    onEntry: (entry: Entry) => void,
  ) {
    const { log, topic, partition } = place
    this.#log = log
    this.#topic = topic
    this.#partition = partition
    this.#onEntry = onEntry
    this.view = initialView(network.id, partition, network.genesis.partitions)
    this.#reader = new LogReader(network, records, this.view)
  }

  /** Reads what is there already. */
  async open(): Promise<void> {
    this.#next = (await endsOf(this.#log, this.#topic, this.#partition)).start
    await this.#readToEnd()
  }

  async append(entries: readonly OpenedEntry[], { listed }: ChainedSegment): Promise<void> {
    for (let at = 0; at < entries.length; ) {
      const to = batchEnd(entries, at)
      await this.#appendAll(entries.slice(at, to))
      at = to
      const { entry } = entries[at - 1] as OpenedEntry
      // a listed end may be old: there was more in the log, and it is compared when it is come to
      if (this.view.height > entry.height) continue
      if (this.view.height === entry.height && equalBytes(this.view.hash, entry.hash)) continue
      const where = `partition ${this.#partition}, height ${entry.height} of ${listed.found.place}`
      throw new HbError('restore-target-differs', `${where}: somebody else writes this log`)
    }
  }

  /** Throws `restore-target-differs` where there is more than was compared. */
  checkEnd({ height }: ReadPartition): void {
    if (this.view.height === height) return
    const ends = `partition ${this.#partition} is at height ${this.view.height}`
    throw new HbError('restore-target-differs', `${ends}, which is not the archive's: run it again`)
  }

  /** What is read back counts, not what an append said. */
  async #appendAll(entries: readonly OpenedEntry[]): Promise<void> {
    let refused = new HbError('log-append-refused', `${this.#topic} ${this.#partition}`)
    for (let tried = 0; tried < TRIES; tried++) {
      const rest = entries.filter(({ entry }) => entry.height > this.view.height)
      if (rest.length === 0) return
      try {
        await this.#log.append(this.#topic, this.#partition, rest.map(recordOf))
      } catch (error) {
        if (!isHbError(error) || !MAY_MEND.includes(error.code)) throw error
        refused = error
      }
      await this.#readToEnd(entries)
      const at = entries[this.view.height - (entries[0] as OpenedEntry).entry.height]
      if (at !== undefined && !equalBytes(at.entry.hash, this.view.hash)) return
    }
    throw refused
  }

  /** `expected`: entries that were just verified; a record that is one of them is not again. */
  async #readToEnd(expected: readonly OpenedEntry[] = []): Promise<void> {
    const first = expected[0]?.entry.height ?? 0
    const { end } = await endsOf(this.#log, this.#topic, this.#partition)
    while (this.#next < end) {
      const read = await this.#log.read(this.#topic, this.#partition, this.#next, { to: end })
      for (const { value } of read.records) {
        const next = expected[this.view.height + 1 - first]
        if (next === undefined || value === null || !equalBytes(next.value, value)) {
          const each = this.#reader.read(value)
          if (each.type === 'entry') this.#onEntry(each.entry)
        } else if (accept(this.view, next.entry) === undefined) {
          advance(this.view, next.entry)
          this.#onEntry(next.entry)
        }
      }
      if (read.next === this.#next) return
      this.#next = read.next
    }
  }
}

function batchEnd(entries: readonly OpenedEntry[], from: number): number {
  let bytes = 0
  let to = from
  while (to < entries.length && to - from < APPEND_RECORDS) {
    bytes += (entries[to] as OpenedEntry).value.length
    if (to > from && bytes > APPEND_BYTES) break
    to += 1
  }
  return to
}

function recordOf({ entry, value }: OpenedEntry): LogRecord {
  return { key: entry.message.process, value, headers: entryHeaders(entry) }
}
