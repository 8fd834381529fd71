// What an archive holds of a partition, read and verified from a place on, over all generations:
// what verifies and what restores go the same way.
//
// Invariant: F1 of each generation only the heights up to the cut at which it was left are handed
// on.

import type { View } from '../protocol/accept.ts'
import { advance, copyView, initialView } from '../protocol/accept.ts'
import type { DataItem } from '../protocol/ans104/index.ts'
import { Records } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import { stretchesOf } from '../protocol/generations.ts'
import type { Network } from '../protocol/genesis.ts'
import { OrderCodec } from '../protocol/segment.ts'
import { toBase64Url } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import { listSegments } from './catalogue.ts'
import type { Archive } from './port.ts'
import type { ChainedSegment } from './segment-chain.ts'
import { readChain } from './segment-chain.ts'
import type { OpenedEntry } from './segment-reader.ts'

export type ReadArchiveOptions = {
  readonly archive: Archive
  readonly network: Network
  /** Last height, of every partition; default: all there are. */
  readonly to?: number
  /** Only what these addresses signed. */
  readonly owners?: readonly string[]
  /** Verifies the signatures of wallets' messages, and throws; default: hashes and chain only. */
  readonly checkItems?: (items: readonly DataItem[]) => Promise<void>
  /** Heights that are done, of how many that the archive has. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

/** Made once: a codec compiles its schema. */
export type Codecs = { readonly records: Records; readonly orders: OrderCodec }

export function codecs(): Codecs {
  return { records: new Records(), orders: new OrderCodec() }
}

export type ReadPartition = {
  readonly partition: number
  /** Its last height now; -1: nothing. */
  readonly height: number
  /** Of the entry there. */
  readonly hash: string
  /** How many were read: of them so many entries, beyond what the target had. */
  readonly segments: number
  readonly entries: number
}

/** Reads and verifies a partition, and writes nothing. */
export async function verifyPartition(
  options: ReadArchiveOptions,
  partition: number,
): Promise<ReadPartition> {
  const { network } = options
  const view = initialView(network.id, partition, network.genesis.partitions)
  return follow(options, codecs(), view, async () => undefined)
}

/** The same, and hands the entries of each segment on once it was verified. */
export function followPartition(
  options: ReadArchiveOptions,
  from: View,
  use: (entries: readonly Entry[]) => Promise<Used>,
): Promise<ReadPartition> {
  return follow(options, codecs(), from, (_, opened) => use(opened.map(({ entry }) => entry)))
}

/** `enough`: nothing behind it is wanted. */
export type Used = void | 'enough'
type Use = (segment: ChainedSegment, entries: readonly OpenedEntry[]) => Promise<Used>

/** From behind the view on. Throws `archive-segment-missing` also where a cut is not reached. */
export async function follow(
  options: ReadArchiveOptions,
  parts: Codecs,
  from: View,
  use: Use,
): Promise<ReadPartition> {
  const { archive, to = Infinity, owners, signal } = options
  const { partition } = from
  const view = copyView(from)
  let segments = 0
  let entries = 0
  for (const stretch of stretchesOf(options.network, partition)) {
    const last = Math.min(to, stretch.to)
    if (view.height >= last) continue
    const { network } = stretch
    const listing = await listSegments(archive, { network, partition }, owners)
    const end = Math.min(last, Math.max(-1, ...listing.segments.map(({ range }) => range.to)))
    const place = { archive, network, partition, listing, from: view, to: last }
    for await (const each of readChain({ ...parts, ...place })) {
      if (signal?.aborted === true) throw new HbError('interrupted', `at height ${view.height}`)
      await options.checkItems?.(each.segment.items)
      const wanted = each.entries.filter(({ entry }) => entry.height <= last)
      const used = await use(each, wanted)
      segments += 1
      entries += wanted.length
      for (const { entry } of wanted) advance(view, entry)
      options.onProgress?.(view.height + 1, end + 1)
      if (used === 'enough') return readOf(view, segments, entries)
    }
    if (stretch.to < Infinity && view.height < last) {
      const lacking = `partition ${partition}: heights ${view.height + 1} to ${last}`
      const kept = `up to which generation ${network.genesis.generation} was kept`
      throw new HbError('archive-segment-missing', `${lacking}, ${kept}`)
    }
  }
  return readOf(view, segments, entries)
}

function readOf(view: View, segments: number, entries: number): ReadPartition {
  const { partition, height, hash } = view
  return { partition, height, hash: toBase64Url(hash), segments, entries }
}
