// The segments of a partition one behind another, each read and verified on the view that those
// before it left. What restores, verifies, and goes on writing reads so.
//
// Invariants: C1 a segment is handed on only when it extends the view: same hash, time, counters.
// C2 several segments may hold the same heights (two tasks that wrote them, one that was cut
// shorter): the longest is read, and all the others must say the same. C3 heights that are lacking
// are named; nothing behind them is read.

import type { View } from '../protocol/accept.ts'
import { copyView, initialView } from '../protocol/accept.ts'
import { viewBefore } from '../protocol/segment.ts'
import { equalBytes } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import type { Listed, Listing, Partition } from './catalogue.ts'
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

/** Where an archive ends: the last segment of those that hang together by their tags, read. */
export async function chainEnd(
  options: ChainOptions,
): Promise<{ readonly id: string; readonly view: View } | undefined> {
  const { network, partition, archive, listing } = options
  const view = initialView(network.id, partition, network.genesis.partitions)
  let end = view.height
  let hash = view.hash
  let last: Listed | undefined
  for (const listed of listing.segments) {
    const { from, to, prev, hash: after } = listed.range
    if (from !== end + 1 || !equalBytes(prev, hash)) continue
    last = listed
    end = to
    hash = after
  }
  if (last === undefined) return undefined
  const { after } = openSegment(options, await archive.read(last.found.id))
  return { id: last.found.id, view: after }
}
