// Follows the accepted entries of a partition from a height on, for those who do not speak Kafka.
//
// What is accepted is known from the results that this node published: an entry is shown when the
// record at hand has the hash that was evaluated; or, where those results are not at hand, from the
// chain itself. Invariant: heights come in order, each once, superseded records never.

import type { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import { initialView } from '../protocol/accept.ts'
import { entryOf, readRecord } from '../protocol/log-reader.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Log, StoredRecord } from '../log/port.ts'
import { firstEntry } from '../log/resume/index.ts'
import { asBuffer, equalBytes } from '../std/bytes.ts'
import { HbError, isHbError } from '../std/errors.ts'

export type TailOptions = {
  readonly network: Network
  readonly log: Log
  readonly topic: string
  readonly records: Records
  readonly partition: number
  /** Hash of the entry that was evaluated at a height; undefined: not yet. */
  readonly evaluated: (height: number) => Uint8Array | undefined
  /** The last height that was evaluated. */
  readonly evaluatedTo: () => number
  /** Resolves when more may be evaluated, or after `waitMs`. */
  readonly more: (waitMs: number, signal: AbortSignal) => Promise<void>
  readonly signal: AbortSignal
}

const WAIT_MS = 1_000

/** Throws `height-trimmed`. */
export async function* tailEntries(options: TailOptions, fromHeight: number): AsyncIterable<Entry> {
  const { log, topic, partition, records, signal } = options
  const first = await firstEntry(log, topic, partition, records)
  if (first !== undefined && first.height > fromHeight) {
    throw new HbError('height-trimmed', `height ${fromHeight}: the log begins at ${first.height}`)
  }
  let height = fromHeight
  if (options.evaluated(height) === undefined && options.evaluatedTo() >= height) {
    for await (const entry of judgedEntries(options, fromHeight)) {
      yield entry
      height = entry.height + 1
    }
  }
  let offset = await offsetNear(options, height)
  while (!signal.aborted) {
    const read = await log.read(topic, partition, offset, { signal, waitMs: WAIT_MS })
    for (const record of read.records) {
      const found = entryAt(options, record, height)
      if (found === undefined) continue
      let hash = options.evaluated(height)
      while (hash === undefined && !signal.aborted) {
        await options.more(WAIT_MS, signal)
        hash = options.evaluated(height)
      }
      if (signal.aborted) return
      if (hash === undefined || !equalBytes(hash, found.hash)) continue
      yield found
      height += 1
    }
    offset = read.next
  }
}

/**
 * Entries from a height on that this node evaluated before it lost its store, or never did (it
 * began at a manifest): judged again from the log's beginning, up to what its store holds.
 */
async function* judgedEntries(options: TailOptions, fromHeight: number): AsyncIterable<Entry> {
  const { network, log, topic, partition, records, signal } = options
  const view = initialView(network.id, partition, network.genesis.partitions)
  let offset = (await log.ends(topic))[partition]?.start ?? 0
  while (!signal.aborted) {
    const stored = await log.read(topic, partition, offset)
    for (const { value } of stored.records) {
      const read = readRecord(network, records, view, value)
      if (read.type !== 'entry' || read.entry.height < fromHeight) continue
      if (signal.aborted || options.evaluated(read.entry.height) !== undefined) return
      if (read.entry.height > options.evaluatedTo()) return
      yield read.entry
    }
    if (stored.records.length === 0) return
    offset = stored.next
  }
}

function entryAt(o: TailOptions, record: StoredRecord, height: number): Entry | undefined {
  if (record.value === null || !o.records.isEntry(record.value)) return undefined
  try {
    const entry = o.records.decodeEntry(asBuffer(record.value))
    return entry.height === height ? entryOf(o.network, o.partition, entry) : undefined
  } catch (error) {
    if (isHbError(error)) return undefined
    throw error
  }
}

/**
 * An offset at or before the first record of the height: by halving, on the heights that the
 * headers name.
 */
async function offsetNear(options: TailOptions, height: number): Promise<number> {
  const { log, topic, partition } = options
  const ends = (await log.ends(topic))[partition] ?? { start: 0, end: 0 }
  let low = ends.start
  let high = ends.end
  while (high - low > 64) {
    const middle = low + Math.floor((high - low) / 2)
    const to = Math.min(middle + 32, high)
    const { records } = await log.read(topic, partition, middle, { to })
    const named = records.find((record) => record.headers?.['hb-height'] !== undefined)
    const at = Number(named?.headers?.['hb-height'] ?? NaN)
    if (Number.isNaN(at) || at >= height) high = middle
    else low = middle
  }
  // a superseded record may name a height too early: a margin, and the hash decides
  return Math.max(ends.start, low - 1_024)
}
