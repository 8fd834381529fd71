// R8: the root that a manifest commits to.

import { hashParts } from '../std/hash-parts.ts'
import type { HashPart } from '../std/hash-parts.ts'
import { merkleRoot } from './merkle.ts'
import type { ManifestPart, ManifestProcess } from './records.ts'

/**
 * Deltas behind one full state at most: then the state is written in full whatever they weigh, so
 * that a row of a manifest is bounded.
 */
export const DELTAS_MAX = 256

/** What a manifest says of its partition: a reader that starts from it believes all of this. */
export type ManifestHead = Pick<
  ManifestPart,
  'partition' | 'height' | 'hash' | 'timestamp' | 'counters' | 'outgoing'
>

/**
 * root = Merkle root over the head's leaf, then one leaf per process, in order of their spawns.
 * Head: H("hb.manifest-head.1", partition, height, entry hash, timestamp, P, incoming counters…,
 *   outgoing counters…).
 * Process: H("hb.manifest-row.1", id, slot, state hash, failed 0/1, engine, module, full height,
 *   full hash, number of deltas, their heights…, delta hash).
 * Behind them, where modules are known: H("hb.manifest-modules.1", their number, hashes sorted…).
 */
export function manifestRoot(
  head: ManifestHead,
  processes: readonly ManifestProcess[],
  modules: readonly string[] = [],
): Buffer {
  const leaves = [manifestHead(head), ...processes.map(manifestRow)]
  if (modules.length > 0) {
    leaves.push(hashParts('hb.manifest-modules.1', [modules.length, ...modules]))
  }
  return merkleRoot(leaves)
}

function manifestHead(head: ManifestHead): Buffer {
  const { partition, height, hash, timestamp, counters, outgoing } = head
  const place = [partition, height, hash, timestamp]
  return hashParts('hb.manifest-head.1', [...place, counters.length, ...counters, ...outgoing])
}

function manifestRow(row: ManifestProcess): Buffer {
  const parts: HashPart[] = [
    row.process,
    row.slot,
    row.stateHash,
    row.failed ? 1 : 0,
    row.engine,
    row.module,
    row.fullHeight,
    row.fullHash,
    row.deltaHeights.length,
    ...row.deltaHeights,
    row.deltaHash,
  ]
  return hashParts('hb.manifest-row.1', parts)
}
