// Bytes in and out of text, and the one hash function. Ids are 32 bytes, shown as 43 characters of
// base64url.

import { hash as nodeHash } from 'node:crypto'

export const EMPTY = new Uint8Array(0)
const ID_TEXT = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

export function toBase64Url(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64url')
}

/** Lenient as Buffer is: check the text first where it comes from outside (`isIdText`). */
export function fromBase64Url(text: string): Buffer {
  return Buffer.from(text, 'base64url')
}

/** True for the one canonical text form of 32 bytes (the last character's spare bits are zero). */
export function isIdText(text: string): boolean {
  return text.length === 43 && ID_TEXT.test(text)
}

export function sha256(bytes: Uint8Array): Buffer {
  // by way of a text into the pool: asking for a buffer makes an ArrayBuffer, and takes twice as
  // long
  return Buffer.from(nodeHash('sha256', bytes, 'binary'), 'latin1')
}

/** base64url of the hash: as `toBase64Url(sha256(bytes))`, in a third of the time. */
export function sha256Text(bytes: Uint8Array): string {
  return nodeHash('sha256', bytes, 'base64url')
}

/** A Buffer over the same memory (no copy). */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && asBuffer(a).equals(b)
}

const utf8Strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text, or undefined where the bytes are not valid UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return utf8Strict.decode(bytes)
  } catch {
    return undefined
  }
}
