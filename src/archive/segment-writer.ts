// Accepted entries of a partition into a segment.
//
// Owners: the sink makes one per segment. Invariants: W1 where a segment ends is a function of its
// first height, the limits and the entries: never of when they came. W2 each signed message stands
// in the bundle once, as it was. W3 of what was taken only its bytes are kept: the garbage
// collector has nothing of it to carry along.

import type { View } from '../protocol/accept.ts'
import { advance, copyView } from '../protocol/accept.ts'
import { BUNDLE_TAGS, BundleWriter, parseDataItem } from '../protocol/ans104/index.ts'
import type { EntryRecord, Records, WireMessage } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import { generationAt } from '../protocol/generations.ts'
import type { Network } from '../protocol/genesis.ts'
import { MerkleTree } from '../protocol/merkle.ts'
import type { OrderCodec, OrderedMessage, OrderHead, OrderWriter } from '../protocol/segment.ts'
import { segmentTags } from '../protocol/segment.ts'
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
  readonly #bundle = new BundleWriter()
  readonly #order: OrderWriter
  readonly #hashes = new MerkleTree()
  /** Places in the bundle, by id of the message. */
  readonly #places = new Map<string, number>()
  /** Of its first entry: a segment is of one. */
  readonly #generation: number
  #bytes = 0
  #full = false

  constructor(options: SegmentWriterOptions) {
    const { network, before } = options
    this.#generation = generationAt(network.genesis, before.partition, before.height + 1)
    this.#o = options
    this.#order = options.orders.writer()
    this.#before = copyView(options.before)
    this.#after = copyView(options.before)
  }

  /** After the last entry that was taken. */
  get after(): View {
    return copyView(this.#after)
  }

  get length(): number {
    return this.#after.height - this.#before.height
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
    if (this.length > 0 && isNext) {
      this.#full = true
      return false
    }
    this.#bytes += value.length
    this.#full = (entry.height + 1) % heightsMax === 0
    const { height, hash, timestamp, admission } = entry
    const message = this.#message(entry.message.id, record.message)
    const isCanonical = this.#o.records.isCanonicalEntry(record, value)
    const original = isCanonical ? null : Buffer.from(value)
    this.#order.add({ height, hash, timestamp, admission, message, original })
    this.#hashes.add(hash)
    advance(this.#after, entry)
    return true
  }

  /** Ends it. `head`: its own, of at least one entry. `previous`: id of the segment before. */
  upload(
    archive: Pick<Archive, 'signItem'>,
    head: OrderHead,
    previous: string | undefined,
  ): Upload {
    const order = archive.signItem({
      tags: [
        { name: 'Content-Type', value: 'application/avro' },
        ...segmentTags(head, 'Order', previous),
      ],
      data: this.#order.finish(head),
    })
    this.#bundle.add(parseDataItem(order))
    const tags = [...BUNDLE_TAGS, ...segmentTags(head, 'Segment', previous)]
    return { tags, data: this.#bundle.finish() }
  }

  head(): OrderHead {
    const { network } = this.#o
    const { partition, height, hash: prev, timestamp, counters } = this.#before
    return {
      network: network.id,
      generation: this.#generation,
      partition,
      from: height + 1,
      to: this.#after.height,
      prev,
      hash: this.#after.hash,
      root: this.#hashes.root(),
      timestamp,
      counters,
    }
  }

  #message(id: string, wire: WireMessage): OrderedMessage {
    if (wire.type === 'relayed') return { 'org.hollowbeam.Relayed': wire.relayed }
    if (wire.type === 'genesis') return { 'org.hollowbeam.Genesis': { name: wire.name } }
    let item = this.#places.get(id)
    // an id is the hash of a signature: other bytes with the same one are another item
    if (item === undefined || !this.#bundle.isAt(item, wire.item)) {
      item = this.#bundle.length
      this.#bundle.add({ id, bytes: wire.item })
      this.#places.set(id, item)
    }
    return { 'org.hollowbeam.Bundled': { item } }
  }
}
