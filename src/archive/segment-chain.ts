// The segments of a partition one behind another, each read and verified on the view that those
// before it left. What restores, verifies, and goes on writing reads so.
//
// Invariants: C1 a segment is handed on only when it extends the view: same hash, time, counters.
// C2 several segments may hold the same heights (two tasks that wrote them, one that was cut
// shorter): the longest is read, and all the others must say the same. C3 heights that are lacking
// are named; nothing behind them is read.

import type { View } from '../protocol/accept.ts'
import { advance, copyView, initialView } from '../protocol/accept.ts'
import { genesisHash } from '../protocol/entry.ts'
import { currentBeginning, stretchesOf } from '../protocol/generations.ts'
import type { Network } from '../protocol/genesis.ts'
import { viewBefore } from '../protocol/segment.ts'
import { equalBytes } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import type { Listed, Listing, Partition } from './catalogue.ts'
import { listSegments } from './catalogue.ts'
import type { Archive } from './port.ts'
import type { OpenedEntry, Segment, SegmentReaderOptions } from './segment-reader.ts'
import { openSegment } from './segment-reader.ts'

export type ChainOptions = Partition &
  SegmentReaderOptions & {
    readonly archive: Archive
    readonly listing: Listing
    /** Behind which it begins; default: the partition's genesis. */
    readonly from?: View
    /** Last height that is wanted. */
    readonly to?: number
  }

/** `entries`: those behind the view. `after`: the view that they leave. */
export type ChainedSegment = {
  readonly listed: Listed
  readonly segment: Segment
  readonly entries: readonly OpenedEntry[]
  readonly after: View
}

/**
 * Throws `archive-segment-missing`, `archive-segment-doubled`, `archive-segment-altered`,
 * `archive-segment-foreign`, `archive-item-altered`.
 */
export async function* readChain(options: ChainOptions): AsyncGenerator<ChainedSegment> {
  const { network, partition, listing, to = Infinity } = options
  const { partitions } = network.genesis
  let view = copyView(options.from ?? initialView(network.id, partition, partitions))
  while (view.height < to) {
    const listed = nextOf(options, view.height + 1)
    if (listed === undefined) return
    const kept = await options.archive.read(listed.found.id)
    const segment = openSegment(options, kept)
    checkContinues(listed, segment, view)
    checkOthers(listing, listed, segment)
    const behind = view.height
    view = copyView(segment.after)
    const entries = segment.entries.filter(({ entry }) => entry.height > behind)
    yield { listed, segment, entries, after: segment.after }
  }
}

/** The longest segment that holds the height; undefined: there are none from it on. */
function nextOf({ listing, partition }: ChainOptions, height: number): Listed | undefined {
  let best: Listed | undefined
  let beyond: Listed | undefined
  for (const listed of listing.segments) {
    const { from, to } = listed.range
    if (from > height) beyond ??= listed
    else if (to >= height && (best === undefined || to >= best.range.to)) best = listed
  }
  if (best !== undefined) return best
  const flawed = listing.flawed.map(({ found, why }) => `${found.place} (${why})`)
  if (beyond === undefined && flawed.length === 0) return undefined
  const upTo = beyond === undefined ? 'on' : `to ${beyond.range.from - 1}`
  const missing = `partition ${partition}: heights ${height} ${upTo}`
  if (flawed.length === 0) throw new HbError('archive-segment-missing', missing)
  throw new HbError('archive-item-altered', `${flawed.join(', ')}; ${missing} are lacking`)
}

function checkContinues(listed: Listed, segment: Segment, view: View): void {
  const before = viewBefore(segment.head)
  if (before.height < view.height) {
    const at = segment.entries[view.height - segment.head.from]
    if (at !== undefined && equalBytes(at.entry.hash, view.hash)) return
    throw foreign(listed, `at height ${view.height} it has another entry than what came before it`)
  }
  const isSame =
    before.height === view.height &&
    equalBytes(before.hash, view.hash) &&
    before.timestamp === view.timestamp &&
    before.counters.join() === view.counters.join()
  if (!isSame) throw foreign(listed, `it does not continue what ends at height ${view.height}`)
}

/** Where others begin or end within it, their hashes must be its own. */
function checkOthers({ segments }: Listing, listed: Listed, segment: Segment): void {
  const { from, prev } = segment.head
  const hashAt = (height: number): Uint8Array | undefined =>
    height === from - 1 ? prev : segment.entries[height - from]?.entry.hash
  for (const other of segments) {
    if (other === listed) continue
    const { range } = other
    const first = hashAt(range.from - 1)
    const last = range.to < from ? undefined : hashAt(range.to)
    const isOther =
      (first !== undefined && !equalBytes(first, range.prev)) ||
      (last !== undefined && !equalBytes(last, range.hash))
    if (!isOther) continue
    const names = [listed, other].map(({ found }) => `${found.place} by ${found.owner}`)
    const heights = `heights ${range.from} to ${range.to}`
    throw new HbError('archive-segment-doubled', `${heights}: ${names.join(' and ')}`)
  }
}

function foreign({ found }: Listed, detail: string): HbError {
  return new HbError('archive-segment-foreign', `${found.place}: ${detail}`)
}

export type EndOptions = Partition &
  SegmentReaderOptions & {
    readonly archive: Archive
    readonly owners?: readonly string[]
    /** Id of what is still being posted: it may be found, and neither be durable nor readable. */
    readonly except?: string
  }

/**
 * Where an archive ends: the last segment of those that hang together by their tags, read. Of a
 * generation that was left, what lies behind the cut does not count.
 */
export async function chainEnd(
  options: EndOptions,
): Promise<{ readonly id: string; readonly view: View } | undefined> {
  const { partition, archive, owners, except } = options
  for (const { network, from, to } of stretchesOf(options.network, partition).reverse()) {
    const listing = await listSegments(archive, { network, partition }, owners)
    const segments = listing.segments.filter(({ found }) => found.id !== except)
    const last = hanging(segments, from, startOf(network, partition), to).at(-1)
    if (last === undefined) continue
    const { id } = last.found
    const segment = openSegment({ ...options, network }, await archive.read(id))
    return { id, view: viewAt(segment, to) }
  }
  return undefined
}

/** Those that continue one another from a height on, none of them begun beyond `to`. */
export function hanging(
  segments: readonly Listed[],
  from: number,
  prev: Uint8Array,
  to: number,
): Listed[] {
  const chained: Listed[] = []
  let next = from
  let hash = prev
  for (const listed of segments) {
    const { range } = listed
    if (range.from !== next || range.from > to || !equalBytes(range.prev, hash)) continue
    chained.push(listed)
    next = range.to + 1
    hash = range.hash
  }
  return chained
}

/** Hash of what a network's last generation begins behind, in a partition. */
export function startOf({ genesis, id }: Network, partition: number): Uint8Array {
  return currentBeginning(genesis, partition)?.prev ?? genesisHash(id, partition)
}

/** After the entry at a height, or at its end where that lies before. */
export function viewAt({ head, entries, after }: Segment, height: number): View {
  if (head.to <= height) return after
  const view = viewBefore(head)
  for (const { entry } of entries) if (entry.height <= height) advance(view, entry)
  return view
}
