// Store keys: their limit, and their order (S3: by UTF-8 bytes, which is by code point; strings
// compare by UTF-16 unit).

import { HbError } from '../std/errors.ts'

export const STORE_KEY_BYTES_MAX = 1_900

/**
 * Throws `store-key-invalid` for the empty key and for keys over STORE_KEY_BYTES_MAX bytes of
 * UTF-8.
 */
export function checkKey(key: string): void {
  // Three bytes a unit at most: the exact count is needed for long keys only.
  if (key.length > 0 && key.length * 3 <= STORE_KEY_BYTES_MAX) return
  const bytes = Buffer.byteLength(key)
  if (bytes > 0 && bytes <= STORE_KEY_BYTES_MAX) return
  throw new HbError('store-key-invalid', `${bytes} bytes, at most ${STORE_KEY_BYTES_MAX}`)
}

/** Negative, zero or positive, in the order of the keys' UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Surrogates stand for code points above all others, so they go behind U+E000 to U+FFFF. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000
}
