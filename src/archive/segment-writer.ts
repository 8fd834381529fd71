// Accepted entries of a partition into a segment.
//
// Owners: the sink makes one per segment. Invariants: W1 where a segment ends is a function of its
// first height, the limits and the entries: never of when they came. W2 each signed message stands
// in the bundle once, as it was.

import type { View } from '../protocol/accept.ts'
import { advance, copyView } from '../protocol/accept.ts'
import type { BundleItem } from '../protocol/ans104/index.ts'
import { BUNDLE_TAGS, bundleOf, parseDataItem } from '../protocol/ans104/index.ts'
import type { EntryRecord, Records, WireMessage } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import { generationAt } from '../protocol/generations.ts'
import type { Network } from '../protocol/genesis.ts'
import { merkleRoot } from '../protocol/merkle.ts'
import type { OrderCodec, OrderedEntry, OrderedMessage, OrderHead } from '../protocol/segment.ts'
import { segmentTags } from '../protocol/segment.ts'
import { EMPTY, equalBytes } from '../std/bytes.ts'
import type { SegmentLimits } from './limits.ts'
import type { Archive, Upload } from './port.ts'

export type SegmentWriterOptions = {
  readonly network: Network
  readonly records: Records
  readonly orders: OrderCodec
  readonly limits: SegmentLimits
  /** Behind which the first entry stands. */
  readonly before: View
}

export class SegmentWriter {
  readonly #o: SegmentWriterOptions
  readonly #before: View
  readonly #after: View
  readonly #items: BundleItem[] = []
  /** By id of the message. */
  readonly #places = new Map<string, number>()
  readonly #entries: OrderedEntry[] = []
  /** Of its first entry: a segment is of one. */
  readonly #generation: number
  #bytes = 0
  #full = false

  constructor(options: SegmentWriterOptions) {
    const { network, before } = options
    this.#generation = generationAt(network.genesis, before.partition, before.height + 1)
    this.#o = options
    this.#before = copyView(options.before)
    this.#after = copyView(options.before)
  }

  /** After the last entry that was taken. */
  get after(): View {
    return copyView(this.#after)
  }

  get length(): number {
    return this.#entries.length
  }

  /** Nothing more goes into it. */
  get full(): boolean {
    return this.#full
  }

  /** False: the entry begins the next segment. Entries come in order of height, each once. */
  take(entry: Entry, record: EntryRecord, value: Uint8Array): boolean {
    const { heightsMax, bytesMax } = this.#o.limits
    if (this.#full) return false
    const { genesis } = this.#o.network
    const generation = generationAt(genesis, this.#before.partition, entry.height)
    const isNext = this.#bytes + value.length > bytesMax || generation !== this.#generation
    if (this.#entries.length > 0 && isNext) {
      this.#full = true
      return false
    }
    this.#bytes += value.length
    this.#full = (entry.height + 1) % heightsMax === 0
    const { height, hash, timestamp, admission } = entry
    const message = this.#message(entry.message.id, record.message)
    const isCanonical = this.#o.records.isCanonicalEntry(record, value)
    const original = isCanonical ? null : Buffer.from(value)
    advance(this.#after, entry)
    this.#entries.push({ height, hash, timestamp, admission, message, original })
    return true
  }

  /** `head`: its own, of at least one entry. `previous`: id of the segment before. */
  upload(
    archive: Pick<Archive, 'signItem'>,
    head: OrderHead,
    previous: string | undefined,
  ): Upload {
    const data = this.#o.orders.encode(head, this.#entries)
    const tags = segmentTags(head, 'Order', previous)
    const order = archive.signItem({
      tags: [{ name: 'Content-Type', value: 'application/avro' }, ...tags],
      data,
    })
    return {
      tags: [...BUNDLE_TAGS, ...segmentTags(head, 'Segment', previous)],
      data: bundleOf([...this.#items, parseDataItem(order)]),
    }
  }

  head(): OrderHead {
    const { network } = this.#o
    const { partition, height, hash: prev, timestamp, counters } = this.#before
    const hashes = this.#entries.map(({ hash }) => hash)
    return {
      network: network.id,
      generation: this.#generation,
      partition,
      from: height + 1,
      to: height + hashes.length,
      prev,
      hash: hashes.at(-1) ?? EMPTY,
      root: merkleRoot(hashes),
      timestamp,
      counters,
    }
  }

  #message(id: string, wire: WireMessage): OrderedMessage {
    if (wire.type === 'relayed') return { 'org.hollowbeam.Relayed': wire.relayed }
    if (wire.type === 'genesis') return { 'org.hollowbeam.Genesis': { name: wire.name } }
    let item = this.#places.get(id)
    // an id is the hash of a signature: other bytes with the same one are another item
    if (item === undefined || !equalBytes(this.#items[item]?.bytes ?? EMPTY, wire.item)) {
      item = this.#items.push({ id, bytes: wire.item }) - 1
      this.#places.set(id, item)
    }
    return { 'org.hollowbeam.Bundled': { item } }
  }
}
