// The id of a child that this process spawns by a salt, known before it is there.
//
// Layout, that of `hashParts('hb.child.1', [parent, salt])` in std/hash-parts.ts: SHA-256 of u8
// length of the domain · the domain · per text u32 big-endian length in bytes · UTF-8.
// Invariant: what is here gives what the network gives, for every text; it is bundled only into a
// contract that imports it.

import { refuse } from './refusal.ts'

/** Characters of a salt; `salt-malformed`. */
export const SALT_LENGTH_MAX = 64

/** The first 32 bits behind the point of the cube roots of the first 64 primes. */
const ROUND_CONSTANTS =
  '428a2f9871374491b5c0fbcfe9b5dba53956c25b59f111f1923f82a4ab1c5ed5' +
  'd807aa9812835b01243185be550c7dc372be5d7480deb1fe9bdc06a7c19bf174' +
  'e49b69c1efbe47860fc19dc6240ca1cc2de92c6f4a7484aa5cb0a9dc76f988da' +
  '983e5152a831c66db00327c8bf597fc7c6e00bf3d5a7914706ca635114292967' +
  '27b70a852e1b21384d2c6dfc53380d13650a7354766a0abb81c2c92e92722c85' +
  'a2bfe8a1a81a664bc24b8b70c76c51a3d192e819d6990624f40e3585106aa070' +
  '19a4c1161e376c082748774c34b0bcb5391c0cb34ed8aa4a5b9cca4f682e6ff3' +
  '748f82ee78a5636f84c878148cc7020890befffaa4506cebbef9a3f7c67178f2'
/** The same of the square roots of the first eight. */
const INITIAL = '6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19'
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** 43 characters of base64url; `parent` is this process's id. */
export function childId(parent: string, salt: string): string {
  if (salt.length < 1 || salt.length > SALT_LENGTH_MAX || !salt.isWellFormed()) {
    refuse('salt-malformed', `a salt has 1 to ${SALT_LENGTH_MAX} characters`)
  }
  const domain = utf8('hb.child.1')
  const bytes = [domain.length, ...domain]
  for (const part of [utf8(parent), utf8(salt)]) bytes.push(...word(part.length), ...part)
  return base64Url(sha256(bytes))
}

function utf8(text: string): number[] {
  const bytes: number[] = []
  for (const character of text) {
    const code = character.codePointAt(0) as number
    if (code < 0x80) bytes.push(code)
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63))
    else if (code < 0x10000) {
      bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
    } else {
      bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63))
      bytes.push(0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
    }
  }
  return bytes
}

function word(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
}

/** FIPS 180-4. */
function sha256(message: readonly number[]): number[] {
  const roundConstants = words(ROUND_CONSTANTS)
  const state = words(INITIAL)
  const bytes = [...message, 0x80]
  while (bytes.length % 64 !== 56) bytes.push(0)
  bytes.push(0, 0, 0, 0, ...word(message.length * 8))
  const schedule: number[] = []
  for (let block = 0; block < bytes.length; block += 64) {
    for (let t = 0; t < 64; t += 1) {
      const at = block + 4 * t
      schedule[t] = t < 16 ? wordAt(bytes, at) : expanded(schedule, t)
    }
    compress(state, schedule, roundConstants)
  }
  return state.flatMap(word)
}

function compress(state: number[], schedule: readonly number[], k: readonly number[]): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let t = 0; t < 64; t += 1) {
    const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)
    const one = (h + s1 + ((e & f) ^ (~e & g)) + (k[t] as number) + (schedule[t] as number)) | 0
    const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + one) | 0
    d = c
    c = b
    b = a
    a = (one + two) | 0
  }
  ;[a, b, c, d, e, f, g, h].forEach((value, at) => {
    state[at] = ((state[at] as number) + value) | 0
  })
}

function expanded(schedule: readonly number[], t: number): number {
  const at = (back: number): number => schedule[t - back] as number
  const s0 = turn(at(15), 7) ^ turn(at(15), 18) ^ (at(15) >>> 3)
  const s1 = turn(at(2), 17) ^ turn(at(2), 19) ^ (at(2) >>> 10)
  return (at(16) + s0 + at(7) + s1) | 0
}

function turn(value: number, by: number): number {
  return (value >>> by) | (value << (32 - by))
}

function wordAt(bytes: readonly number[], at: number): number {
  const byte = (offset: number): number => bytes[at + offset] as number
  return (byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)
}

/** Words from their hexadecimal digits, eight each. */
function words(digits: string): number[] {
  const list: number[] = []
  for (let at = 0; at < digits.length; at += 8) {
    list.push(Number.parseInt(digits.slice(at, at + 8), 16) | 0)
  }
  return list
}

function base64Url(bytes: readonly number[]): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.slice(at, at + 3)
    const bits = (a << 16) | (b << 8) | c
    const digits = Math.min(bytes.length - at, 3) + 1
    for (let digit = 0; digit < digits; digit += 1) {
      text += ALPHABET[(bits >> (18 - 6 * digit)) & 63]
    }
  }
  return text
}
