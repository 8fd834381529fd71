// The tags of a data item: one Avro array of {name, value}, in the one form that every encoder
// writes.
//
//   no tags: no bytes at all
//   else:    long count | count × (long n | n name bytes | long v | v value bytes) | 0x00
//   long:    zig-zag, then 7 bits a byte, least significant first, high bit = more follows,
//            shortest form only
//
// Invariant: one list of tags has one encoding. Blocks of negative count, several blocks, padded
// longs and bytes after the end are legal Avro and refused here: two readers could take them for
// different tags under one signature.

import { isUtf8 } from 'node:buffer'
import { HbError } from '../../std/errors.ts'
import {
  TAG_NAME_BYTES_MAX,
  TAG_VALUE_BYTES_MAX,
  TAGS_BYTES_MAX,
  TAGS_MAX,
  type Tag,
} from './format.ts'

/**
 * Checks `bytes` without making strings: form, limits, UTF-8, and that there are exactly `count`
 * tags. Throws `item-malformed` saying which tag and where (offset within the tags).
 */
export function checkTags(bytes: Buffer, count: number): void {
  if (count > TAGS_MAX) throw malformed(`${count} tags, at most ${TAGS_MAX}`)
  if (bytes.length > TAGS_BYTES_MAX) {
    throw malformed(`${bytes.length} bytes of tags, at most ${TAGS_BYTES_MAX}`)
  }
  if (count === 0) {
    if (bytes.length > 0) throw malformed(`${bytes.length} bytes of tags for no tag`)
    return
  }
  const cursor: Cursor = { at: 0 }
  const block = readLength(bytes, cursor)
  if (block !== count) throw malformed(`the tag array has ${block} tags, the header ${count}`)
  for (let i = 0; i < count; i++) {
    skipText(bytes, cursor, TAG_NAME_BYTES_MAX, i, 'name')
    skipText(bytes, cursor, TAG_VALUE_BYTES_MAX, i, 'value')
  }
  if (bytes[cursor.at] !== 0) throw malformed(`the tag array has no end at ${cursor.at}`)
  if (cursor.at + 1 !== bytes.length) {
    throw malformed(`${bytes.length - cursor.at - 1} bytes after the tag array`)
  }
}

/** The tags of bytes that passed `checkTags`. */
export function decodeTags(bytes: Buffer): Tag[] {
  const tags: Tag[] = []
  if (bytes.length === 0) return tags
  const cursor: Cursor = { at: 0 }
  const count = readLength(bytes, cursor)
  for (let i = 0; i < count; i++) {
    const name = readText(bytes, cursor)
    tags.push({ name, value: readText(bytes, cursor) })
  }
  return tags
}

/** Throws `item-malformed` where a tag breaks a limit or is no well-formed text. */
export function encodeTags(tags: readonly Tag[]): Buffer {
  if (tags.length === 0) return Buffer.alloc(0)
  if (tags.length > TAGS_MAX) throw malformed(`${tags.length} tags, at most ${TAGS_MAX}`)
  const out = Buffer.allocUnsafe(TAGS_BYTES_MAX)
  let at = writeLength(out, 0, tags.length)
  for (let i = 0; i < tags.length; i++) {
    const tag = tags[i] as Tag
    at = writeText(out, at, tag.name, TAG_NAME_BYTES_MAX, i, 'name')
    at = writeText(out, at, tag.value, TAG_VALUE_BYTES_MAX, i, 'value')
  }
  if (at + 1 > TAGS_BYTES_MAX) throw tooLarge()
  out[at] = 0
  return Buffer.from(out.subarray(0, at + 1))
}

type Cursor = { at: number }

// At most two bytes: no length within the limits needs more (8191 is the largest of two bytes).
function readLength(bytes: Buffer, cursor: Cursor): number {
  const first = bytes[cursor.at]
  if (first === undefined) throw malformed(`the tag array is cut off at ${cursor.at}`)
  let zigzag = first
  let used = 1
  if (first > 0x7f) {
    const second = bytes[cursor.at + 1]
    if (second === undefined) throw malformed(`the tag array is cut off at ${cursor.at + 1}`)
    if (second > 0x7f || second === 0) {
      throw malformed(`a length too large or not in shortest form at ${cursor.at}`)
    }
    zigzag = (first & 0x7f) | (second << 7)
    used = 2
  }
  if ((zigzag & 1) === 1) throw malformed(`a negative length at ${cursor.at}`)
  cursor.at += used
  return zigzag >>> 1
}

function skipText(
  bytes: Buffer,
  cursor: Cursor,
  bytesMax: number,
  index: number,
  part: 'name' | 'value',
): void {
  const length = readLength(bytes, cursor)
  checkLength(length, bytesMax, index, part)
  const start = cursor.at
  const end = start + length
  if (end > bytes.length) throw malformed(`tag ${index}: its ${part} is cut off`)
  let seen = 0
  for (let i = start; i < end; i++) seen |= bytes[i] as number
  if (seen > 0x7f && !isUtf8(bytes.subarray(start, end))) {
    throw malformed(`tag ${index}: its ${part} is not UTF-8`)
  }
  cursor.at = end
}

function readText(bytes: Buffer, cursor: Cursor): string {
  const length = readLength(bytes, cursor)
  const start = cursor.at
  cursor.at = start + length
  return bytes.toString('utf8', start, cursor.at)
}

function writeText(
  out: Buffer,
  at: number,
  text: string,
  bytesMax: number,
  index: number,
  part: 'name' | 'value',
): number {
  if (typeof text !== 'string') throw malformed(`tag ${index}: its ${part} is no text`)
  if (!text.isWellFormed()) throw malformed(`tag ${index}: its ${part} has a lone surrogate`)
  const length = Buffer.byteLength(text)
  checkLength(length, bytesMax, index, part)
  if (at + 2 + length > TAGS_BYTES_MAX) throw tooLarge()
  const start = writeLength(out, at, length)
  return start + out.write(text, start, length, 'utf8')
}

function writeLength(out: Buffer, at: number, length: number): number {
  const zigzag = length << 1
  if (zigzag < 0x80) {
    out[at] = zigzag
    return at + 1
  }
  out[at] = (zigzag & 0x7f) | 0x80
  out[at + 1] = zigzag >>> 7
  return at + 2
}

function checkLength(length: number, bytesMax: number, index: number, part: string): void {
  if (length === 0) throw malformed(`tag ${index}: its ${part} is empty`)
  if (length > bytesMax) {
    throw malformed(`tag ${index}: its ${part} has ${length} bytes, at most ${bytesMax}`)
  }
}

function tooLarge(): HbError {
  return malformed(`more than ${TAGS_BYTES_MAX} bytes of tags`)
}

function malformed(detail: string): HbError {
  return new HbError('item-malformed', detail)
}
