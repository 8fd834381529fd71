// Segments back into entries, each verified: nothing of a segment is believed but what its hashes,
// the rules of the chain and its root confirm.
//
// Invariants: V1 what is returned was judged by the same `accept` as the log's records. V2 the
// values are those of the log, bit for bit. V3 whatever bytes come in, it returns or throws one of
// the codes named here.

import type { View } from '../protocol/accept.ts'
import { accept, advance, copyView } from '../protocol/accept.ts'
import type { DataItem } from '../protocol/ans104/index.ts'
import { parseBundle, verifyDataItem } from '../protocol/ans104/index.ts'
import type { EntryRecord, Records, WireMessage } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import { entryOf } from '../protocol/log-reader.ts'
import { merkleRoot } from '../protocol/merkle.ts'
import type { OrderCodec, OrderedEntry, OrderHead, SegmentRange } from '../protocol/segment.ts'
import { rangeOf, viewBefore } from '../protocol/segment.ts'
import { asBuffer, equalBytes } from '../std/bytes.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { Kept } from './port.ts'

export type OpenedEntry = { readonly entry: Entry; readonly value: Buffer }

export type Segment = {
  readonly head: OrderHead
  readonly entries: readonly OpenedEntry[]
  /** After its last entry. */
  readonly after: View
  /** The signed messages of its entries, to have their signatures verified. */
  readonly items: readonly DataItem[]
}

export type SegmentReaderOptions = {
  readonly network: Network
  readonly records: Records
  readonly orders: OrderCodec
}

/**
 * Throws `archive-segment-altered` where its parts contradict one another,
 * `archive-segment-foreign` where it is of another network, and `archive-format-unsupported`; the
 * text names the item.
 */
export function openSegment(options: SegmentReaderOptions, kept: Kept): Segment {
  const name = `segment ${kept.id}`
  try {
    return open(options, kept)
  } catch (error) {
    if (!isHbError(error)) throw error
    const { code } = error
    const isOurs = code === 'archive-segment-foreign' || code === 'archive-format-unsupported'
    const text = isOurs ? error.detail : error.message
    const named = isOurs ? code : 'archive-segment-altered'
    throw new HbError(named, `${name}: ${text}`, { cause: error })
  }
}

function open({ network, records, orders }: SegmentReaderOptions, kept: Kept): Segment {
  const items = parseBundle(kept.data)
  const order = items.pop()
  if (order === undefined) throw altered('its bundle is empty')
  const verdict = verifyDataItem(order)
  if (!verdict.ok) throw altered(`its order: ${verdict.text}`)
  if (verdict.address !== kept.owner) throw altered(`its order is signed by ${verdict.address}`)
  const { head, entries } = orders.decode(order.data)
  for (const tags of [kept.tags, order.tags]) checkSame(rangeOf(tags), head)
  checkPlace(network, head)
  const before = viewBefore(head)
  const after = copyView(before)
  const used = new Set<number>()
  const opened = entries.map((each) => {
    const { height, timestamp, admission } = each
    const { wire, item } = partsOf(each, items, used)
    const head = { height, prev: asBuffer(after.hash), timestamp, admission }
    const record: EntryRecord = { ...head, message: wire }
    return take({ network, records, view: after }, each, record, item)
  })
  if (after.height !== head.to) throw altered(`it ends at height ${after.height}, not ${head.to}`)
  if (!equalBytes(after.hash, head.hash)) throw altered('its last hash is another one')
  if (!equalBytes(merkleRoot(opened.map(({ entry }) => entry.hash)), head.root)) {
    throw altered('its root is not that of its hashes')
  }
  if (used.size !== items.length) throw altered('an item of its bundle is of no entry')
  return { head, entries: opened, after, items }
}

/** What stands in the record, and the item of it that was parsed with the bundle. */
function partsOf(
  { height, message }: OrderedEntry,
  items: readonly DataItem[],
  used: Set<number>,
): { readonly wire: WireMessage; readonly item?: DataItem } {
  if ('org.hollowbeam.Relayed' in message) {
    return { wire: { type: 'relayed', relayed: message['org.hollowbeam.Relayed'] } }
  }
  if ('org.hollowbeam.Genesis' in message) {
    return { wire: { type: 'genesis', name: message['org.hollowbeam.Genesis'].name } }
  }
  const at = message['org.hollowbeam.Bundled'].item
  const item = items[at]
  if (item === undefined) throw altered(`height ${height}: its bundle has no item ${at}`)
  used.add(at)
  return { wire: { type: 'signed', item: item.bytes }, item }
}

function take(
  { network, records, view }: Pick<SegmentReaderOptions, 'network' | 'records'> & { view: View },
  ordered: OrderedEntry,
  record: EntryRecord,
  item: DataItem | undefined,
): OpenedEntry {
  const { height } = ordered
  const entry = entryOf(network, view.partition, record, item)
  if (!equalBytes(entry.hash, ordered.hash)) throw altered(`height ${height}: another hash`)
  const why = accept(view, entry)
  if (why !== undefined) throw altered(`height ${height} does not extend the chain (${why})`)
  advance(view, entry)
  if (ordered.original === null) return { entry, value: records.encodeEntry(record) }
  const value = asBuffer(ordered.original)
  const original = entryOf(network, view.partition, records.decodeEntry(value))
  if (!equalBytes(original.hash, entry.hash)) throw altered(`height ${height}: another record`)
  return { entry, value }
}

function checkPlace(network: Network, head: OrderHead): void {
  const { id, genesis } = network
  if (head.network !== id) throw foreign(`it is of network ${head.network}`)
  if (head.generation !== genesis.generation) throw foreign(`of generation ${head.generation}`)
  if (head.partition >= genesis.partitions) throw foreign(`of partition ${head.partition}`)
  if (head.counters.length !== genesis.partitions) throw foreign('not one counter a partition')
}

function checkSame(tags: SegmentRange, head: SegmentRange): void {
  const isSame =
    tags.network === head.network &&
    tags.generation === head.generation &&
    tags.partition === head.partition &&
    tags.from === head.from &&
    tags.to === head.to &&
    equalBytes(tags.prev, head.prev) &&
    equalBytes(tags.hash, head.hash) &&
    equalBytes(tags.root, head.root)
  if (!isSame) throw altered('its tags say something else than its order')
}

function altered(detail: string): HbError {
  return new HbError('archive-segment-altered', detail)
}

function foreign(detail: string): HbError {
  return new HbError('archive-segment-foreign', detail)
}
