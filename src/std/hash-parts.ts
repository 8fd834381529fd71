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
  return sha256(layOut(domain, parts))
}

/** base64url of `hashParts`, 43 characters. */
export function hashPartsText(domain: string, parts: readonly HashPart[]): string {
  return sha256Text(layOut(domain, parts))
}

/** The bytes that `hashParts` hashes: for test vectors. */
export function layoutParts(domain: string, parts: readonly HashPart[]): Buffer {
  return Buffer.from(layOut(domain, parts))
}

/** Room that is kept between calls: what is hashed is mostly short. */
const room = Buffer.allocUnsafeSlow(16_384)
/** Longer texts are written by the runtime: a call costs as much as so many characters here. */
const SHORT = 48

/** The layout, in the room that is kept where it fits: read it before the next call. */
function layOut(domain: string, parts: readonly HashPart[]): Uint8Array {
  const most = mostBytes(domain, parts)
  const out = most <= room.length ? room : Buffer.allocUnsafeSlow(most)
  out[0] = domain.length
  let at = 1 + writeText(out, 1, domain)
  for (const part of parts) {
    if (typeof part === 'number') {
      writeUint32(out, at, Math.floor(part / 4294967296))
      writeUint32(out, at + 4, part)
      at += 8
    } else if (typeof part === 'string') {
      const length = writeText(out, at + 4, part)
      writeUint32(out, at, length)
      at += 4 + length
    } else {
      writeUint32(out, at, part.length)
      out.set(part, at + 4)
      at += 4 + part.length
    }
  }
  return new Uint8Array(out.buffer, 0, at)
}

/** A character takes three bytes at most; counting them exactly would take as long as writing. */
function mostBytes(domain: string, parts: readonly HashPart[]): number {
  let most = 1 + domain.length
  for (const part of parts) {
    if (typeof part === 'number') most += 8
    else if (typeof part === 'string') most += 4 + 3 * part.length
    else most += 4 + part.length
  }
  return most
}

/** UTF-8; gives the bytes. */
function writeText(out: Buffer, at: number, text: string): number {
  const { length } = text
  if (length > SHORT) return out.write(text, at)
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 127) return out.write(text, at)
    out[at + i] = unit
  }
  return length
}

/** Without the checks of Buffer's own, which are most of a short layout's time. */
function writeUint32(out: Buffer, at: number, value: number): void {
  out[at] = value >>> 24
  out[at + 1] = value >>> 16
  out[at + 2] = value >>> 8
  out[at + 3] = value
}
