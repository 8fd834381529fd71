// The greatest consistent cut of what an archive holds of a network: where partitions lost their
// last entries, others are cut back until no entry is left whose source result lies behind a cut
// (R2). What is left is a network that never was otherwise.
//
// Invariants: X1 every relayed entry within the cut was sent by an entry within the cut. X2 it is
// the greatest: of two consistent cuts, the higher one in each partition is consistent too, so
// cutting back only what must be finds it. X3 nothing is believed that was not read and verified
// by its segment; that segments hang together is told by their tags, and found by whoever restores.
// X4 archives are read backwards, no further than the cut may lie: what is kept in memory is the
// sources of relayed entries of what was read.

import { genesisHash } from '../protocol/entry.ts'
import type { GenerationStart, Network } from '../protocol/genesis.ts'
import { stretchesOf } from '../protocol/generations.ts'
import { toBase64Url } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import type { Listed } from './catalogue.ts'
import { listSegments } from './catalogue.ts'
import type { Codecs, ReadArchiveOptions } from './follow.ts'
import { codecs } from './follow.ts'
import { hanging, startOf, viewAt } from './segment-chain.ts'
import { openSegment } from './segment-reader.ts'

export type CutOptions = Pick<
  ReadArchiveOptions,
  'archive' | 'network' | 'owners' | 'signal' | 'checkItems'
>

export type CutPartition = {
  readonly partition: number
  /** Last height that is kept; -1: none. */
  readonly height: number
  /** Of the entry there, base64url. */
  readonly hash: string
  /** Entries that the archive has behind it. */
  readonly dropped: number
}

/** A relayed entry: its height, and that of the entry that sent it. */
type Relayed = { readonly height: number; readonly sent: number }
/** Of one source partition: what was read, the highest first; `next`: those before are dropped. */
type Channel = { readonly relayed: Relayed[]; next: number }

/**
 * Lowers heights until none is left that holds an entry from behind another's. `first(q, heights)`:
 * the lowest height of partition q, up to its own, whose source lies behind `heights`; undefined:
 * there is none.
 */
export async function lowerToCut(
  heights: readonly number[],
  first: (partition: number, heights: readonly number[]) => Promise<number | undefined>,
): Promise<number[]> {
  const cut = [...heights]
  for (let lowered = true; lowered; ) {
    lowered = false
    for (let partition = 0; partition < cut.length; partition++) {
      const beyond = await first(partition, cut)
      if (beyond === undefined) continue
      cut[partition] = beyond - 1
      lowered = true
    }
  }
  return cut
}

export async function consistentCut(options: CutOptions): Promise<CutPartition[]> {
  const { partitions } = options.network.genesis
  const shared = codecs()
  const all: PartitionEnd[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const end = new PartitionEnd(options, shared, partition)
    await end.open()
    all.push(end)
  }
  const cut = await lowerToCut(
    all.map(({ height }) => height),
    (partition, heights) => (all[partition] as PartitionEnd).firstBehind(heights),
  )
  return Promise.all(
    all.map(async (end, partition) => {
      const height = cut[partition] as number
      const hash = toBase64Url(await end.hashAt(height))
      return { partition, height, hash, dropped: end.height - height }
    }),
  )
}

/** What a new generation of the network begins behind. */
export function startBehind(cut: readonly CutPartition[], begun: number): GenerationStart {
  return {
    begun,
    heights: cut.map(({ height }) => height),
    hashes: cut.map(({ hash }) => hash),
  }
}

type Piece = { readonly listed: Listed; readonly network: Network; readonly to: number }

/** A partition as the archive ends, read backwards. */
class PartitionEnd {
  readonly #o: CutOptions
  readonly #codecs: Codecs
  readonly #partition: number
  /** Not read yet, the last one at the end. */
  readonly #pieces: Piece[] = []
  /** By source. */
  readonly #channels: readonly Channel[]
  /** Sources that sent nothing before what was read. */
  readonly #silent = new Set<number>()
  #height = -1

  constructor(options: CutOptions, shared: Codecs, partition: number) {
    this.#o = options
    this.#codecs = shared
    this.#partition = partition
    const { partitions } = options.network.genesis
    this.#channels = Array.from({ length: partitions }, () => ({ relayed: [], next: 0 }))
  }

  /** Last height that the archive has. */
  get height(): number {
    return this.#height
  }

  async open(): Promise<void> {
    const { archive, owners } = this.#o
    const partition = this.#partition
    for (const { network, from, to } of stretchesOf(this.#o.network, partition)) {
      if (from !== this.#height + 1) break
      const { segments } = await listSegments(archive, { network, partition }, owners)
      for (const listed of hanging(segments, from, startOf(network, partition), to)) {
        this.#pieces.push({ listed, network, to })
        this.#height = Math.min(listed.range.to, to)
      }
    }
  }

  /**
   * The lowest height up to its own cut whose source lies behind the cuts. What one source sent is
   * ordered as it was sent: before an entry whose source is within, all of them are.
   */
  async firstBehind(cuts: readonly number[]): Promise<number | undefined> {
    const own = cuts[this.#partition] as number
    let first: number | undefined
    for (let source = 0; source < cuts.length; source++) {
      for (;;) {
        const latest = await this.#latest(source)
        if (latest === undefined) break
        const { height, sent } = latest
        if (height <= own && sent <= (cuts[source] as number)) break
        if (height <= own) first = Math.min(first ?? height, height)
        // cuts are only lowered: it is behind its own for ever
        ;(this.#channels[source] as Channel).next += 1
      }
    }
    return first
  }

  async hashAt(height: number): Promise<Uint8Array> {
    const partition = this.#partition
    if (height < 0) return genesisHash(this.#o.network.id, partition)
    for (const { network, from, to } of stretchesOf(this.#o.network, partition)) {
      if (height < from || height > to) continue
      const { archive, owners } = this.#o
      const { segments } = await listSegments(archive, { network, partition }, owners)
      const holds = segments.find(({ range }) => range.from <= height && height <= range.to)
      if (holds === undefined) break
      const kept = await archive.read(holds.found.id)
      return viewAt(openSegment({ network, ...this.#codecs }, kept), height).hash
    }
    throw new HbError('archive-segment-missing', `partition ${partition}: height ${height}`)
  }

  /** The highest that is not dropped; undefined: there is none. */
  async #latest(source: number): Promise<Relayed | undefined> {
    const channel = this.#channels[source] as Channel
    while (channel.next >= channel.relayed.length) {
      if (this.#silent.has(source) || !(await this.#readPiece())) return undefined
    }
    return channel.relayed[channel.next]
  }

  /** False: there is none left. */
  async #readPiece(): Promise<boolean> {
    const piece = this.#pieces.pop()
    if (piece === undefined) return false
    if (this.#o.signal?.aborted === true) throw new HbError('interrupted', 'nothing was written')
    const { network, listed, to } = piece
    const kept = await this.#o.archive.read(listed.found.id)
    const segment = openSegment({ network, ...this.#codecs }, kept)
    await this.#o.checkItems?.(segment.items)
    for (const { entry } of segment.entries.toReversed()) {
      const { origin } = entry.message
      if (origin === undefined || entry.height > to) continue
      const { relayed } = this.#channels[origin.partition] as Channel
      relayed.push({ height: entry.height, sent: origin.height })
    }
    segment.head.counters.forEach((seq, source) => seq === 0 && this.#silent.add(source))
    return true
  }
}
