// The one way in which structured values are hashed: SHA-256 over a domain and typed parts.
//
// Layout:  u8 length of domain · domain (ASCII)
//          then per part, by its type, which is fixed for each domain and so needs no tag:
//            number      u64 big-endian (two's complement for the -1 of "none")
//            text        u32 big-endian length in bytes · UTF-8
//            bytes       u32 big-endian length · bytes
// Invariant: for one domain the types and number of parts are fixed (or counted by an earlier
// number), so no two different lists of parts give the same bytes.

import { sha256, sha256Text } from './bytes.ts'

export type HashPart = number | string | Uint8Array

/** SHA-256 of the layout above, 32 bytes. Numbers must be safe integers ≥ -1. */
export function hashParts(domain: string, parts: readonly HashPart[]): Buffer {
  return sha256(layoutParts(domain, parts))
}

/** base64url of `hashParts`, 43 characters. */
export function hashPartsText(domain: string, parts: readonly HashPart[]): string {
  return sha256Text(layoutParts(domain, parts))
}

/** The bytes that `hashParts` hashes: for test vectors. */
export function layoutParts(domain: string, parts: readonly HashPart[]): Buffer {
  let size = 1 + domain.length
  for (const part of parts) {
    if (typeof part === 'number') size += 8
    else if (typeof part === 'string') size += 4 + Buffer.byteLength(part)
    else size += 4 + part.length
  }
  const out = Buffer.allocUnsafe(size)
  out[0] = domain.length
  let at = 1 + out.write(domain, 1, 'latin1')
  for (const part of parts) {
    if (typeof part === 'number') {
      writeUint32(out, at, Math.floor(part / 4294967296))
      writeUint32(out, at + 4, part)
      at += 8
    } else if (typeof part === 'string') {
      const length = out.write(part, at + 4)
      writeUint32(out, at, length)
      at += 4 + length
    } else {
      writeUint32(out, at, part.length)
      out.set(part, at + 4)
      at += 4 + part.length
    }
  }
  return out
}

/** Without the checks of Buffer's own, which are most of a short layout's time. */
function writeUint32(out: Buffer, at: number, value: number): void {
  out[at] = value >>> 24
  out[at + 1] = value >>> 16
  out[at + 2] = value >>> 8
  out[at + 3] = value
}
