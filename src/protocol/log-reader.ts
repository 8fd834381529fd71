// How every reader turns records of a log partition into accepted entries (R1): one decoder, one
// judge.

import type { Superseded, View } from './accept.ts'
import { accept, advance } from './accept.ts'
import type { DataItem } from './ans104/index.ts'
import type { Claim } from './records.ts'
import type { Entry } from './entry.ts'
import { entryHash } from './entry.ts'
import { beginningAt, generationAt, generationMessage } from './generations.ts'
import type { Network } from './genesis.ts'
import type { Message } from './message.ts'
import type { EntryRecord, Records } from './codec/records.ts'
import { messageOf } from './wire.ts'
import { HbError, isHbError } from '../std/errors.ts'
import { isSingleObject } from './codec/single-object.ts'
import { asBuffer, equalBytes } from '../std/bytes.ts'
import { partitionOf } from './topics.ts'

export type Read =
  | { readonly type: 'entry'; readonly entry: Entry; readonly record: EntryRecord }
  | { readonly type: 'superseded'; readonly why: Superseded | 'form'; readonly height?: number }
  | { readonly type: 'claim'; readonly claim: Claim }

/**
 * Judges one record on a view and advances it where the record is an entry that extends the chain.
 * Throws `schema-unknown` for a schema that this version lacks, `generation-unknown` where the log
 * goes on in a generation that the genesis at hand does not name: a reader must halt, not skip.
 * A record that is malformed by its bytes and genesis alone is superseded ('form'), alike for all.
 */
export function readRecord(
  network: Network,
  records: Records,
  view: View,
  value: Uint8Array | null,
): Read {
  if (value === null) return { type: 'superseded', why: 'form' }
  const bytes = asBuffer(value)
  if (isSingleObject(bytes) && !records.isEntry(bytes) && !records.claim.matches(bytes)) {
    throw new HbError('schema-unknown', bytes.subarray(2, 10).toString('hex'))
  }
  try {
    if (records.claim.matches(bytes)) return { type: 'claim', claim: records.claim.decode(bytes) }
    const record = records.decodeEntry(bytes)
    // the cheap half of `accept` first: a superseded record need not be parsed in full
    const { height } = record
    if (height !== view.height + 1) return { type: 'superseded', why: 'height', height }
    const entry = entryOf(network, view.partition, record)
    const why = accept(view, entry)
    if (why !== undefined) return { type: 'superseded', why }
    advance(view, entry)
    return { type: 'entry', entry, record }
  } catch (error) {
    if (!isHbError(error) || error.code === 'generation-unknown') throw error
    return { type: 'superseded', why: 'form' }
  }
}

/**
 * Reads the records of a partition one after another, and advances the view that it was given. A
 * view before the first entry needs a log that is whole: where the first entry met has another
 * height than 0, the log was trimmed, and nothing of it is superseded. Throws `log-diverged` then.
 */
export class LogReader {
  readonly #network: Network
  readonly #records: Records
  readonly #view: View
  #begun = false

  constructor(network: Network, records: Records, view: View) {
    this.#network = network
    this.#records = records
    this.#view = view
  }

  read(value: Uint8Array | null): Read {
    // whoever appends moves the view too
    this.#begun ||= this.#view.height >= 0
    const read = readRecord(this.#network, this.#records, this.#view, value)
    if (!this.#begun) this.#begin(read)
    return read
  }

  #begin(read: Read): void {
    if (read.type === 'claim') return
    if (read.type === 'superseded') {
      if (read.why === 'form') return
      if (read.height !== undefined) {
        const { partition } = this.#view
        const begins = `partition ${partition} of the log begins at height ${read.height}`
        const advice = 'what came before was trimmed: the archive has it (hb rebuild --from)'
        throw new HbError('log-diverged', `${begins}; ${advice}`)
      }
    }
    this.#begun = true
  }
}

/**
 * An entry with its hash, from its record. `item`: the record's own, where it was parsed before.
 * Throws `record-malformed` and what `messageOf` throws.
 */
export function entryOf(
  network: Network,
  partition: number,
  record: EntryRecord,
  item?: DataItem,
): Entry {
  const message = messageAt(network, partition, record, item)
  const { height, prev, timestamp, admission } = record
  const head = { partition, height, prev, timestamp, admission }
  if (partitionOf(message.process, network.genesis.partitions) !== partition) {
    throw new HbError('record-malformed', `${message.process} is not of partition ${partition}`)
  }
  return { ...head, message, hash: entryHash(network.id, head, message) }
}

/** What may stand there: the generation's messages, and as its first entry what genesis says. */
function messageAt(
  network: Network,
  partition: number,
  record: EntryRecord,
  item: DataItem | undefined,
): Message {
  const { genesis } = network
  const { height, prev, message } = record
  const beginning = beginningAt(genesis, partition, height)
  if (beginning === undefined) {
    return messageOf(network, message, generationAt(genesis, partition, height), item)
  }
  const isIt = message.type === 'genesis' && message.name === beginning.name
  if (isIt && equalBytes(prev, beginning.prev)) {
    return generationMessage(network, partition, beginning)
  }
  throw new HbError('record-malformed', `${beginning.name} begins at height ${height}`)
}
