// Looks at an LMDB data file before LMDB does, which would crash on a torn one and start afresh on
// an empty one.
// Layout read here (page = meta.psize bytes, little endian): page 0 and 1 are meta pages, of which
// the one with the higher txnid counts: 16 bytes page header, 8 unused, magic u32 0xbeefc0de,
// version u32, … psize u32 at 48, last page u64 at 144, txnid u64 at 152.

import { closeSync, fstatSync, fsyncSync, openSync, readSync, truncateSync } from 'node:fs'

const MAGIC = 0xbeefc0de
const META_BYTES = 160
const PAGE_BYTES_MAX = 65_536

/**
 * `short`: pages that the newest meta page speaks of are not in the file: torn, or they were free
 * pages at its end, never written; only reading everything tells (see `padded`).
 */
export type DataFile =
  | { readonly kind: 'absent' | 'foreign' | 'empty' }
  | { readonly kind: 'whole'; readonly bytes: number }
  | { readonly kind: 'short'; readonly bytes: number; readonly bytesWanted: number }

export function inspectDataFile(path: string): DataFile {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'absent' }
    throw error
  }
  try {
    const bytes = fstatSync(file).size
    if (bytes === 0) return { kind: 'empty' }
    const first = readMeta(file, 0)
    if (first === undefined) return { kind: 'foreign' }
    const second = readMeta(file, first.pageBytes)
    const newest = second !== undefined && second.txnId > first.txnId ? second : first
    const bytesWanted = Math.max(2, newest.lastPage + 1) * first.pageBytes
    return bytes < bytesWanted ? { kind: 'short', bytes, bytesWanted } : { kind: 'whole', bytes }
  } finally {
    closeSync(file)
  }
}

type Meta = { readonly pageBytes: number; readonly lastPage: number; readonly txnId: bigint }

function readMeta(file: number, position: number): Meta | undefined {
  const meta = Buffer.alloc(META_BYTES)
  if (readSync(file, meta, 0, META_BYTES, position) < META_BYTES) return undefined
  if (meta.readUInt32LE(24) !== MAGIC) return undefined
  const pageBytes = meta.readUInt32LE(48)
  if (pageBytes < 512 || pageBytes > PAGE_BYTES_MAX) return undefined
  return {
    pageBytes,
    lastPage: Number(meta.readBigUInt64LE(144)),
    txnId: meta.readBigUInt64LE(152),
  }
}

/**
 * Fills a short file with empty pages, so that reading what is missing is an error and not a crash.
 */
export function padDataFile(path: string, bytesWanted: number): void {
  truncateSync(path, bytesWanted)
}

/**
 * Makes the names in a directory durable: a synced file may still lose its name in a power loss.
 */
export function syncDirectory(dir: string): void {
  const handle = openSync(dir, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
