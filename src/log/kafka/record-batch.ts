// Kafka's record batches, magic 2: encoded for one append, decoded from what a fetch brought.
//
//   i64 base offset · i32 length of what follows · i32 leader epoch · i8 magic 2 · u32 CRC-32C of
//   what follows · i16 attributes (bits 0–2 compression, 3 append time, 4 transactional, 5 control)
//   · i32 last offset delta · i64 first timestamp · i64 max timestamp · i64 producer id · i16
//   producer epoch · i32 first sequence · i32 number of records · records
//   record: varint length of what follows · i8 0 · varlong timestamp delta · varint offset delta ·
//   varint key length (−1: null) · key · varint value length (−1: null) · value · varint number of
//   headers · headers {varint length · name · varint length (−1: null) · value}
//   varint, varlong: zigzag, 7 bits a byte, the lowest first
//
// Invariants: B1 a batch that came in part is left for the next fetch. B2 keys and headers are
// decoded when they are asked for: most readers never do. B3 what is decompressed is bounded. B4 no
// length or count is believed beyond the batch that it stands in: what rotted on a disk is refused
// (the CRC is not checked: what must be exact has a hash of its own), or read as garbage, and ends.

import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import crc32C from 'kafkajs/src/protocol/recordBatch/crc32C/crc32C.js'
import { HbError } from '../../std/errors.ts'
import type { LogRecord, StoredRecord } from '../port.ts'

const HEAD_BYTES = 61
const CRC_AT = 17
const ATTRIBUTES_AT = 21
/** Base offset and length: what a batch's length does not count. */
const OUTSIDE_BYTES = 12
const APPEND_TIME = 0x8
const CONTROL = 0x20
const GZIP = 1
const ZSTD = 4
/** A length may be as long as 35 bits, a timestamp's delta as 70. */
const VARLONG_BYTES_MAX = 10
/** Bytes that one compressed batch may become; `log-batch-too-large`. */
export const UNPACKED_BYTES_MAX = 67_108_864

/** What lengths, deltas and counts take at most around a record, and around a header. */
const AROUND_RECORD_BYTES = 28
const AROUND_HEADER_BYTES = 10

/** Bytes that the records take at most in an append: headers, lengths and all. */
export function batchBytes(records: readonly LogRecord[]): number {
  let bytes = HEAD_BYTES
  for (const record of records) {
    bytes += recordBytes(record) + AROUND_RECORD_BYTES
    if (record.headers === undefined) continue
    bytes += Object.keys(record.headers).length * AROUND_HEADER_BYTES
  }
  return bytes
}

/** Bytes of key, value and headers. */
export function recordBytes({ key, value, headers }: LogRecord): number {
  let bytes = (key === null ? 0 : Buffer.byteLength(key)) + (value === null ? 0 : value.length)
  if (headers === undefined) return bytes
  for (const name in headers) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] as string)
  }
  return bytes
}

/** One batch; its records get the offsets from its base on. */
export function encodeBatch(records: readonly LogRecord[], timestamp: number): Buffer {
  const bytes = Buffer.allocUnsafe(batchBytes(records))
  let at = HEAD_BYTES
  for (let i = 0; i < records.length; i++) at = writeRecord(bytes, at, records[i] as LogRecord, i)
  const batch = bytes.subarray(0, at)
  writeInt64(batch, 0, 0)
  batch.writeInt32BE(at - OUTSIDE_BYTES, 8)
  batch.writeInt32BE(-1, 12)
  batch.writeInt8(2, 16)
  batch.writeInt16BE(0, ATTRIBUTES_AT)
  batch.writeInt32BE(records.length - 1, 23)
  writeInt64(batch, timestamp, 27)
  writeInt64(batch, timestamp, 35)
  // no producer id: a repeat is seen by the log's own chain and channels (R1, R3)
  batch.fill(0xff, 43, 57)
  batch.writeInt32BE(records.length, 57)
  batch.writeUInt32BE(crc32C(batch.subarray(ATTRIBUTES_AT)) >>> 0, CRC_AT)
  return batch
}

function writeRecord(bytes: Buffer, start: number, record: LogRecord, delta: number): number {
  const { key, value, headers } = record
  // the length comes first and is known last: five bytes are left for it, then closed up
  const body = start + 5
  let at = body
  bytes[at++] = 0
  bytes[at++] = 0
  at = writeVarint(bytes, at, delta)
  if (key === null) at = writeVarint(bytes, at, -1)
  else at = writeText(bytes, at, key)
  if (value === null) at = writeVarint(bytes, at, -1)
  else {
    at = writeVarint(bytes, at, value.length)
    bytes.set(value, at)
    at += value.length
  }
  if (headers === undefined) bytes[at++] = 0
  else {
    const names = Object.keys(headers)
    at = writeVarint(bytes, at, names.length)
    for (const name of names) {
      at = writeText(bytes, at, name)
      at = writeText(bytes, at, headers[name] as string)
    }
  }
  const from = writeVarint(bytes, start, at - body)
  bytes.copyWithin(from, body, at)
  return from + at - body
}

function writeText(bytes: Buffer, start: number, text: string): number {
  const length = Buffer.byteLength(text)
  const at = writeVarint(bytes, start, length)
  bytes.write(text, at)
  return at + length
}

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let left = ((value << 1) ^ (value >> 31)) >>> 0
  let at = start
  while (left > 0x7f) {
    bytes[at++] = (left & 0x7f) | 0x80
    left >>>= 7
  }
  bytes[at++] = left
  return at
}

function writeInt64(bytes: Buffer, value: number, at: number): void {
  bytes.writeInt32BE(Math.floor(value / 4_294_967_296), at)
  bytes.writeUInt32BE(value >>> 0, at + 4)
}

export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4_294_967_296 + bytes.readUInt32BE(at + 4)
}

class FetchedRecord implements StoredRecord {
  readonly offset: number
  readonly timestamp: number
  readonly value: Buffer | null
  readonly #bytes: Buffer
  readonly #keyAt: number
  readonly #keyBytes: number
  readonly #headersAt: number
  readonly #end: number

  constructor(
    place: { offset: number; timestamp: number },
    value: Buffer | null,
    parts: { bytes: Buffer; keyAt: number; keyBytes: number; headersAt: number; end: number },
  ) {
    this.offset = place.offset
    this.timestamp = place.timestamp
    this.value = value
    this.#bytes = parts.bytes
    this.#keyAt = parts.keyAt
    this.#keyBytes = parts.keyBytes
    this.#headersAt = parts.headersAt
    this.#end = parts.end
  }

  get key(): string | null {
    if (this.#keyBytes < 0) return null
    return this.#bytes.toString('utf8', this.#keyAt, this.#keyAt + this.#keyBytes)
  }

  get headers(): Readonly<Record<string, string>> {
    const cursor = { bytes: this.#bytes, at: this.#headersAt }
    const headers: [string, string][] = []
    for (let left = readVarint(cursor); left > 0 && cursor.at < this.#end; left--) {
      headers.push([readText(cursor), readText(cursor)])
    }
    // not by assignment: a header may have the name __proto__
    return Object.fromEntries(headers)
  }

  /** `name`: of ASCII. Of several of that name the last, as in `headers`. */
  header(name: string): string | undefined {
    const cursor = { bytes: this.#bytes, at: this.#headersAt }
    let found: string | undefined
    for (let left = readVarint(cursor); left > 0 && cursor.at < this.#end; left--) {
      const length = readVarint(cursor)
      const at = cursor.at
      cursor.at += Math.max(0, length)
      const isIt = length === name.length && this.#bytes.toString('latin1', at, cursor.at) === name
      if (isIt) found = readText(cursor)
      else skip(cursor)
    }
    return found
  }
}

/** Over a text. */
function skip(cursor: Cursor): void {
  const length = readVarint(cursor)
  cursor.at += Math.max(0, length)
}

type Cursor = { readonly bytes: Buffer; at: number }

/** Null is read as empty. */
function readText(cursor: Cursor): string {
  const length = readVarint(cursor)
  if (length <= 0) return ''
  const text = cursor.bytes.toString('utf8', cursor.at, cursor.at + length)
  cursor.at += length
  return text
}

/** Lengths, counts and offsets: within 32 bits. */
function readVarint(cursor: Cursor): number {
  const { bytes } = cursor
  let byte = bytes[cursor.at++] as number
  let value = byte & 0x7f
  for (let shift = 7; byte > 0x7f && shift < 35; shift += 7) {
    byte = bytes[cursor.at++] as number
    value |= (byte & 0x7f) << shift
  }
  return (value >>> 1) ^ -(value & 1)
}

/** A timestamp's delta may need more than 32 bits. */
function readVarlong(cursor: Cursor): number {
  const { bytes } = cursor
  let value = 0
  let unit = 1
  for (let left = VARLONG_BYTES_MAX; left > 0; left--) {
    const byte = bytes[cursor.at++] ?? 0
    value += (byte & 0x7f) * unit
    if (byte <= 0x7f) break
    unit *= 128
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

export type Decoded = {
  readonly records: StoredRecord[]
  /** The offset behind the last complete batch, whatever it held; undefined: there was none. */
  readonly next: number | undefined
  /** Of the last complete batch; −1 where there was none. */
  readonly epoch: number
}

/** The records of complete batches with offsets in [from, to). Errors: `log-batch-undecodable`. */
export function decodeBatches(bytes: Buffer, from: number, to: number): Decoded {
  const records: StoredRecord[] = []
  let next: number | undefined
  let epoch = -1
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const base = readInt64(bytes, at)
    const end = at + OUTSIDE_BYTES + bytes.readInt32BE(at + 8)
    if (end < at + HEAD_BYTES) throw undecodable(base, 'a length that is too small')
    if (end > bytes.length) break
    const batch = bytes.subarray(at, end)
    at = end
    const last = base + batch.readInt32BE(23)
    next = last + 1
    epoch = batch.readInt32BE(12)
    if (base >= to) return { records, next: to, epoch }
    if (last >= from) takeBatch(batch, base, { from, to }, records)
    if (next >= to) return { records, next: to, epoch }
  }
  return { records, next, epoch }
}

function takeBatch(
  batch: Buffer,
  base: number,
  bounds: { from: number; to: number },
  into: StoredRecord[],
): void {
  const magic = batch[16]
  if (magic !== 2) throw undecodable(base, `magic ${magic}`)
  const attributes = batch.readInt16BE(ATTRIBUTES_AT)
  if ((attributes & CONTROL) !== 0) return
  const firstTimestamp = readInt64(batch, 27)
  const appendTime = (attributes & APPEND_TIME) === 0 ? undefined : readInt64(batch, 35)
  const count = batch.readInt32BE(57)
  const body = unpack(batch.subarray(HEAD_BYTES), attributes & 0x7, base)
  const cursor: Cursor = { bytes: body, at: 0 }
  for (let i = 0; i < count; i++) {
    const length = readVarint(cursor)
    const end = cursor.at + length
    if (length < 0 || end > body.length) throw undecodable(base, 'a record longer than its batch')
    cursor.at += 1
    const timestamp = firstTimestamp + readVarlong(cursor)
    const offset = base + readVarint(cursor)
    if (offset >= bounds.to) return
    if (offset >= bounds.from) {
      into.push(readRecord(cursor, end, { offset, timestamp: appendTime ?? timestamp }))
    }
    cursor.at = end
  }
}

function readRecord(
  cursor: Cursor,
  end: number,
  place: { offset: number; timestamp: number },
): StoredRecord {
  const { bytes } = cursor
  const keyBytes = readVarint(cursor)
  const keyAt = cursor.at
  if (keyBytes > 0) cursor.at += keyBytes
  const valueBytes = readVarint(cursor)
  const value = valueBytes < 0 ? null : bytes.subarray(cursor.at, cursor.at + valueBytes)
  if (valueBytes > 0) cursor.at += valueBytes
  if (cursor.at > end) throw undecodable(place.offset, 'a key or value longer than its record')
  return new FetchedRecord(place, value, { bytes, keyAt, keyBytes, headersAt: cursor.at, end })
}

function unpack(body: Buffer, codec: number, base: number): Buffer {
  if (codec === 0) return body
  try {
    if (codec === GZIP) return gunzipSync(body, { maxOutputLength: UNPACKED_BYTES_MAX })
    if (codec === ZSTD) return zstdDecompressSync(body, { maxOutputLength: UNPACKED_BYTES_MAX })
  } catch (cause) {
    throw undecodable(base, (cause as Error).message)
  }
  throw undecodable(base, `compression ${codec}`)
}

function undecodable(offset: number, why: string): HbError {
  return new HbError('log-batch-undecodable', `offset ${offset}: ${why}`)
}
