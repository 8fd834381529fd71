// Segments: what the archive holds of a partition, one piece behind another. This is the form; who
// writes and reads segments is src/archive's. docs/internals/archive-format.md describes it for
// other readers.
//
// Invariants: G1 a segment's order is a function of the log's range alone: not of who wrote it, nor
// when. G2 with the view that it begins with, a segment can be verified by itself.

import type { Tag } from './ans104/index.ts'
import type { View } from './accept.ts'
import type { ContainerWriter } from './codec/object-container.ts'
import { ContainerCodec } from './codec/object-container.ts'
import type { RelayedRecord } from './codec/records.ts'
import { SCHEMAS } from './codec/schemas.ts'
import type { Admission } from './entry.ts'
import { tagValue } from './message.ts'
import { fromBase64Url, isIdText, toBase64Url } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'

export const SEGMENT_FORMAT = '1'

/** Which heights a segment holds, and how they hang together with those before. */
export type SegmentRange = {
  readonly network: string
  readonly generation: number
  readonly partition: number
  /** Heights of its first and last entry. */
  readonly from: number
  readonly to: number
  /** Hash of the entry before its first; of the partition's genesis for height 0. */
  readonly prev: Uint8Array
  /** Of its last entry. */
  readonly hash: Uint8Array
  /** Merkle root over the hashes of its entries, in order (protocol/merkle.ts). */
  readonly root: Uint8Array
}

/** What the order says of itself: `timestamp` and `counters` are those of the view before it. */
export type OrderHead = SegmentRange & {
  readonly timestamp: number
  readonly counters: readonly number[]
}

export type OrderedMessage =
  | { readonly 'org.hollowbeam.Bundled': { readonly item: number } }
  | { readonly 'org.hollowbeam.Relayed': RelayedRecord }
  | { readonly 'org.hollowbeam.Genesis': { readonly name: string } }

/** schemas/ordered.avsc */
export type OrderedEntry = {
  readonly height: number
  readonly hash: Uint8Array
  readonly timestamp: number
  readonly admission: Admission
  readonly message: OrderedMessage
  readonly original: Uint8Array | null
}

const WHOLE = /^(0|[1-9][0-9]{0,15})$/
const TIP = 'hb.'

/** Of the item that a segment is; the order inside of it has them too, as an `Order`. */
export function segmentTags(
  range: SegmentRange,
  type: 'Segment' | 'Order',
  previous: string | undefined,
): Tag[] {
  const tags: [string, string][] = [
    ['App-Name', 'Hollow-BEAM'],
    ['HB-Type', type],
    ['HB-Format', SEGMENT_FORMAT],
    ...rangeTags(range),
  ]
  if (previous !== undefined) tags.push(['HB-Previous', previous])
  return tags.map(([name, value]) => ({ name, value }))
}

/** By which the segments of a partition are found. */
export function partitionTags(network: string, generation: number, partition: number): Tag[] {
  return [
    { name: 'HB-Type', value: 'Segment' },
    { name: 'HB-Network', value: network },
    { name: 'HB-Generation', value: String(generation) },
    { name: 'HB-Partition', value: String(partition) },
  ]
}

function rangeTags(range: SegmentRange): [string, string][] {
  return [
    ['HB-Network', range.network],
    ['HB-Generation', String(range.generation)],
    ['HB-Partition', String(range.partition)],
    ['HB-From', String(range.from)],
    ['HB-To', String(range.to)],
    ['HB-Prev', toBase64Url(range.prev)],
    ['HB-Hash', toBase64Url(range.hash)],
    ['HB-Root', toBase64Url(range.root)],
  ]
}

/** What the tags say; nothing of it is verified. Throws `archive-segment-foreign`. */
export function rangeOf(tags: readonly Tag[]): SegmentRange {
  const format = tagValue(tags, 'HB-Format')
  if (format !== SEGMENT_FORMAT) throw unsupported(format)
  return readRange((name) => tagValue(tags, `HB-${name}`))
}

function readRange(text: (name: string) => string | undefined): SegmentRange {
  const whole = (name: string): number => {
    const value = text(name)
    const number = value !== undefined && WHOLE.test(value) ? Number(value) : NaN
    if (!Number.isSafeInteger(number)) throw foreign(`${name} is ${value ?? 'missing'}`)
    return number
  }
  const id = (name: string): string => {
    const value = text(name)
    if (value === undefined || !isIdText(value)) throw foreign(`${name} is ${value ?? 'missing'}`)
    return value
  }
  return {
    network: id('Network'),
    generation: whole('Generation'),
    partition: whole('Partition'),
    from: whole('From'),
    to: whole('To'),
    prev: fromBase64Url(id('Prev')),
    hash: fromBase64Url(id('Hash')),
    root: fromBase64Url(id('Root')),
  }
}

/** The order of a segment: an object container file whose metadata are its head. */
export class OrderCodec {
  readonly #container = new ContainerCodec<OrderedEntry>(SCHEMAS.ordered)

  writer(): OrderWriter {
    return new OrderWriter(this.#container.writer())
  }

  /** Throws `record-malformed`, `archive-format-unsupported`, `archive-segment-foreign`. */
  decode(bytes: Uint8Array): { head: OrderHead; entries: readonly OrderedEntry[] } {
    const { metadata, values } = this.#container.decode(bytes)
    const format = metadata.get(`${TIP}format`)
    if (format !== SEGMENT_FORMAT) throw unsupported(format)
    const text = (name: string): string => metadata.get(`${TIP}${name}`) ?? ''
    const range = readRange((name) => metadata.get(`${TIP}${name.toLowerCase()}`))
    const timestamp = numberOf(text('timestamp'), 'timestamp')
    const counters = text('counters').split(',').map((each) => numberOf(each, 'counters'))
    return { head: { ...range, timestamp, counters }, entries: values }
  }
}

/** The order of one segment, of entries that come one by one, in order of height. */
export class OrderWriter {
  readonly #file: ContainerWriter<OrderedEntry>

  constructor(file: ContainerWriter<OrderedEntry>) {
    this.#file = file
  }

  add(entry: OrderedEntry): void {
    this.#file.add(entry)
  }

  /** `head`: of the entries that were added. */
  finish(head: OrderHead): Buffer {
    const metadata = new Map([[`${TIP}format`, SEGMENT_FORMAT]])
    for (const [name, value] of rangeTags(head)) {
      metadata.set(`${TIP}${name.slice(3).toLowerCase()}`, value)
    }
    metadata.set(`${TIP}timestamp`, String(head.timestamp))
    metadata.set(`${TIP}counters`, head.counters.join(','))
    return this.#file.finish(metadata)
  }
}

/** The view that the segment's first entry extends. */
export function viewBefore(head: OrderHead): View {
  const { partition, from, prev, timestamp, counters } = head
  return { partition, height: from - 1, hash: prev, timestamp, counters: [...counters] }
}

function numberOf(text: string, name: string): number {
  const number = WHOLE.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(number)) throw foreign(`${name} is ${text}`)
  return number
}

function foreign(detail: string): HbError {
  return new HbError('archive-segment-foreign', detail)
}

function unsupported(format: string | undefined): HbError {
  return new HbError('archive-format-unsupported', `format ${format ?? 'unknown'}`)
}
