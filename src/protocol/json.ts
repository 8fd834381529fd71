// Strict JSON at the door: what is accepted here, every correct parser reads alike.
//
// Refused beside what RFC 8259 refuses: bytes that are not UTF-8, a byte order mark, an object with
// one key twice (after unescaping), the key `__proto__`, lone surrogates, integers beyond ±(2^53 −
// 1) (write them as text), numbers that overflow to infinity, minus zero, nesting over a limit.
//
// How: the engine's own parser does the work; a scan of what stands between strings counts keys and
// depth, and a walk of the value counts keys again: a key given twice is one that the value has
// lost.
// Invariant: error texts do not depend on the engine (they can become part of results).

import { parseJson } from '../std/json-text.ts'
import { utf8Text } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'

export type JsonLimits = {
  /** Containers inside one another; a number or text alone has depth 0. Default 64. */
  readonly depthMax?: number
  /** Bytes of UTF-8. Default 1 MiB. */
  readonly bytesMax?: number
}

/**
 * The value. Throws `json-too-large`, `json-too-deep`, or `json-malformed` saying what was found.
 */
export function parseStrictJson(input: Uint8Array | string, limits: JsonLimits = {}): unknown {
  const { depthMax = 64, bytesMax = 1 << 20 } = limits
  const bytes = typeof input === 'string' ? Buffer.byteLength(input) : input.length
  if (bytes > bytesMax) throw new HbError('json-too-large', `${bytes} bytes, at most ${bytesMax}`)
  const text = typeof input === 'string' ? input : utf8Text(input)
  if (text === undefined) throw malformed('not UTF-8')
  if (!text.isWellFormed()) throw malformed('a lone surrogate')
  const keys = scanStructure(text, depthMax)
  let value: unknown
  try {
    value = parseJson(text)
  } catch {
    throw malformed('not JSON')
  }
  const walk: Walk = { keys: 0, escapes: text.includes('\\u'), big: false }
  walkValue(value, walk)
  if (walk.keys !== keys) throw malformed('an object has a key twice')
  if (walk.big) checkIntegers(text)
  return value
}

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39

// The keys of the text, if it is JSON at all (else any number: JSON.parse refuses it afterwards).
function scanStructure(text: string, depthMax: number): number {
  let keys = 0
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === QUOTE) {
      i = stringEnd(text, i)
      if (i < 0) throw malformed('not JSON')
    } else if (c === COLON) {
      keys++
    } else if (c === 0x7b || c === 0x5b) {
      if (++depth > depthMax) throw new HbError('json-too-deep', `at most ${depthMax}`)
    } else if (c === 0x7d || c === 0x5d) {
      depth--
    }
  }
  return keys
}

// The place of the quote that ends the string beginning at `start`, or -1. A quote ends it unless
// an odd number of backslashes stands before it. Linear: a backslash is looked at by one quote
// only.
function stringEnd(text: string, start: number): number {
  let from = start + 1
  for (;;) {
    const end = text.indexOf('"', from)
    if (end < 0) return -1
    let before = end
    while (before > from && text.charCodeAt(before - 1) === BACKSLASH) before--
    if (((end - before) & 1) === 0) return end
    from = end + 1
  }
}

type Walk = { keys: number; readonly escapes: boolean; big: boolean }

// As deep as the scan allowed.
function walkValue(value: unknown, walk: Walk): void {
  if (typeof value === 'string') {
    if (walk.escapes && !value.isWellFormed()) throw malformed('a lone surrogate')
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw malformed('a number too large for 64-bit floating point')
    if (value === 0 && Object.is(value, -0)) throw malformed('minus zero')
    if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) walk.big = true
  } else if (Array.isArray(value)) {
    for (const part of value) walkValue(part, walk)
  } else if (typeof value === 'object' && value !== null) {
    walkObject(value as Record<string, unknown>, walk)
  }
}

function walkObject(value: Record<string, unknown>, walk: Walk): void {
  const names = Object.keys(value)
  walk.keys += names.length
  for (const name of names) {
    if (name === '__proto__') throw malformed('the key __proto__')
    if (walk.escapes && !name.isWellFormed()) throw malformed('a lone surrogate')
    walkValue(value[name], walk)
  }
}

// Rare: only texts that hold a number beyond ±(2^53 − 1), which is fine with a fraction or exponent
// (1e30).
function checkIntegers(text: string): void {
  const number = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === QUOTE) {
      i = stringEnd(text, i)
    } else if (c === MINUS || (c >= ZERO && c <= NINE)) {
      number.lastIndex = i
      const [token = '', fraction, exponent] = number.exec(text) ?? []
      if (fraction === undefined && exponent === undefined && !isSafe(token)) {
        throw malformed('an integer beyond ±9007199254740991 (write it as text)')
      }
      i += token.length - 1
    }
  }
}

function isSafe(token: string): boolean {
  return Number.isSafeInteger(Number(token))
}

function malformed(detail: string): HbError {
  return new HbError('json-malformed', detail)
}
