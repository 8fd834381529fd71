// R1's judge: does this entry extend the chain? The same pure code for every reader of a log
// partition.
//
// Invariants: A1 `accept` reads and returns, it changes nothing; `advance` is the only writer of a
// view.
// A2 an entry that is not accepted has no effect on any view, whoever wrote it. A3 only order is
//    judged here.

import { asBuffer } from '../std/bytes.ts'
import type { Entry } from './entry.ts'
import { genesisHash } from './entry.ts'

/** Where a reader stands in a partition of the log. Small enough to be part of a manifest. */
export type View = {
  readonly partition: number
  /** Height of the last accepted entry, -1 before the first. */
  height: number
  /** Its hash. */
  hash: Uint8Array
  /** Its timestamp, 0 before the first. */
  timestamp: number
  /** Per source partition: `seq` of the last message accepted from it, 0 before the first. */
  readonly counters: number[]
}

/** Why an entry is superseded: a name for the metric, no more. */
export type Superseded = 'height' | 'prev' | 'timestamp' | 'duplicate' | 'gap'

export function initialView(network: string, partition: number, partitions: number): View {
  return {
    partition,
    height: -1,
    hash: genesisHash(network, partition),
    timestamp: 0,
    counters: new Array<number>(partitions).fill(0),
  }
}

export function copyView(view: View): View {
  return { ...view, counters: view.counters.slice() }
}

/** undefined: the entry extends the chain. Otherwise why it is superseded. */
export function accept(view: View, entry: Entry): Superseded | undefined {
  if (entry.height !== view.height + 1) return 'height'
  if (!asBuffer(entry.prev).equals(view.hash)) return 'prev'
  if (entry.timestamp < view.timestamp) return 'timestamp'
  const origin = entry.message.origin
  return origin === undefined ? undefined : channel(view.counters, origin)
}

/** R3's channel rule: only the next number of its channel is taken. */
export function channel(
  counters: readonly number[],
  origin: { readonly partition: number; readonly seq: number },
): 'duplicate' | 'gap' | undefined {
  const last = counters[origin.partition]
  if (last === undefined) return 'gap'
  if (origin.seq <= last) return 'duplicate'
  return origin.seq === last + 1 ? undefined : 'gap'
}

/** Moves the view over an entry that `accept` took. */
export function advance(view: View, entry: Entry): void {
  view.height = entry.height
  view.hash = entry.hash
  view.timestamp = entry.timestamp
  const origin = entry.message.origin
  if (origin !== undefined) view.counters[origin.partition] = origin.seq
}
