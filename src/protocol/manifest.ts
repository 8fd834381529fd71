// R8: the root that a manifest commits to.

import { hashParts } from '../std/hash-parts.ts'
import type { HashPart } from '../std/hash-parts.ts'
import { merkleRoot } from './merkle.ts'
import type { ManifestProcess } from './records.ts'

/**
 * Merkle root over one leaf per process, in order of their spawns:
 * H("hb.manifest-row.1", id, slot, state hash, failed 0/1, engine, module, full height, full hash,
 * number of deltas,
 *   their heights…, delta hash).
 */
export function manifestRoot(processes: readonly ManifestProcess[]): Buffer {
  return merkleRoot(processes.map(manifestRow))
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
