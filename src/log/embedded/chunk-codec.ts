// Bytes of a chunk: what one append (or a compaction) writes as one LMDB value. All integers are
// little endian.
//
//   chunk  = crc32 u32 (of all that follows) | version u32 = 1 | count u32 | span u32 | record*
//   record = offset − base u32 | timestamp f64 | key bytes i32 | value bytes i32
//            | headers bytes u32 | key | headers | value
//
// −1 for key or value bytes means null. Headers are the text of a JSON object, absent when 0 bytes.
// The chunk covers the offsets [base, base + span); base is in its LMDB key:
//
//   key    = topic id u32 BE | partition u32 BE | base u48 BE

import { crc32 } from 'node:zlib'
import { HbError } from '../../std/errors.ts'
import type { Chunk } from '../local/storage.ts'
import type { LogRecord, StoredRecord } from '../port.ts'

const CHUNK_HEADER = 16
const RECORD_HEADER = 24
const VERSION = 1
export const CHUNK_KEY_BYTES = 14
/** What a record costs in memory beside its bytes, roughly. */
const RECORD_OVERHEAD = 120

/** Bytes ready to be written, and where each record's value is in them (−1: null). */
export type EncodedChunk = { readonly bytes: Buffer; readonly valueStarts: readonly number[] }

export function chunkKey(topic: number, partition: number, base: number): Buffer {
  const key = Buffer.allocUnsafe(CHUNK_KEY_BYTES)
  key.writeUInt32BE(topic, 0)
  key.writeUInt32BE(partition, 4)
  key.writeUIntBE(base, 8, 6)
  return key
}

export function chunkKeyBase(key: Buffer): number {
  return key.readUIntBE(8, 6)
}

/** `offsets` and `timestamps` per record where they are not consecutive and one (compaction). */
export function encodeChunk(
  records: readonly LogRecord[],
  timestamp: number,
  stored?: Omit<Chunk, 'bytes'>,
): EncodedChunk {
  const headers = records.map((record) =>
    record.headers === undefined ? '' : JSON.stringify(record.headers),
  )
  const bytes = Buffer.allocUnsafe(encodedBytes(records, headers))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  view.setUint32(4, VERSION, true)
  view.setUint32(8, records.length, true)
  view.setUint32(12, stored === undefined ? records.length : stored.next - stored.base, true)
  const valueStarts: number[] = []
  let at = CHUNK_HEADER
  for (let i = 0; i < records.length; i++) {
    const { key, value } = records[i] as LogRecord
    const record = stored?.records[i]
    view.setUint32(at, record === undefined ? i : record.offset - (stored?.base ?? 0), true)
    view.setFloat64(at + 4, record === undefined ? timestamp : record.timestamp, true)
    const header = at
    at += RECORD_HEADER
    const keyBytes = key === null ? -1 : bytes.write(key, at)
    if (keyBytes > 0) at += keyBytes
    const text = headers[i] as string
    const headersBytes = text === '' ? 0 : bytes.write(text, at)
    at += headersBytes
    view.setInt32(header + 12, keyBytes, true)
    view.setInt32(header + 16, value === null ? -1 : value.length, true)
    view.setUint32(header + 20, headersBytes, true)
    valueStarts.push(value === null ? -1 : at)
    if (value !== null) {
      bytes.set(value, at)
      at += value.length
    }
  }
  view.setUint32(0, crc32(bytes.subarray(4)), true)
  return { bytes, valueStarts }
}

function encodedBytes(records: readonly LogRecord[], headers: readonly string[]): number {
  let bytes = CHUNK_HEADER
  for (let i = 0; i < records.length; i++) {
    const { key, value } = records[i] as LogRecord
    bytes += RECORD_HEADER
    if (key !== null) bytes += Buffer.byteLength(key)
    if (headers[i] !== '') bytes += Buffer.byteLength(headers[i] as string)
    if (value !== null) bytes += value.length
  }
  return bytes
}

/** The chunk as readers see it; values are views of the encoded bytes. */
export function chunkOf(
  encoded: EncodedChunk,
  records: readonly LogRecord[],
  base: number,
  timestamp: number,
): Chunk {
  const { bytes, valueStarts } = encoded
  const stored = records.map((record, i): StoredRecord => {
    const start = valueStarts[i] as number
    const value = record.value === null ? null : bytes.subarray(start, start + record.value.length)
    return withHeaders(record.key, value, record.headers, base + i, timestamp)
  })
  return {
    base,
    next: base + records.length,
    records: stored,
    bytes: bytes.length + records.length * RECORD_OVERHEAD,
  }
}

/** Throws `log-file-corrupt` where the bytes are not what was written. */
export function decodeChunk(bytes: Buffer, base: number): Chunk {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < CHUNK_HEADER || view.getUint32(0, true) !== crc32(bytes.subarray(4))) {
    throw new HbError('log-file-corrupt', `chunk at offset ${base}: its checksum differs`)
  }
  const version = view.getUint32(4, true)
  if (version !== VERSION) {
    throw new HbError('log-format-unsupported', `chunk at offset ${base}: version ${version}`)
  }
  const count = view.getUint32(8, true)
  const records: StoredRecord[] = []
  let at = CHUNK_HEADER
  for (let i = 0; i < count; i++) {
    const offset = base + view.getUint32(at, true)
    const timestamp = view.getFloat64(at + 4, true)
    const keyBytes = view.getInt32(at + 12, true)
    const valueBytes = view.getInt32(at + 16, true)
    const headersBytes = view.getUint32(at + 20, true)
    at += RECORD_HEADER
    const end = at + Math.max(keyBytes, 0) + headersBytes
    const value = valueBytes < 0 ? null : bytes.subarray(end, end + valueBytes)
    records.push(new DecodedRecord({ bytes, at, keyBytes, headersBytes }, value, offset, timestamp))
    at = end + Math.max(valueBytes, 0)
  }
  const next = base + view.getUint32(12, true)
  return { base, next, records, bytes: bytes.length + count * RECORD_OVERHEAD }
}

type Heads = {
  readonly bytes: Buffer
  /** Where the key begins; the headers follow it. */
  readonly at: number
  readonly keyBytes: number
  readonly headersBytes: number
}

/** Key and headers are decoded when they are asked for: most readers want the value alone. */
class DecodedRecord implements StoredRecord {
  readonly value: Uint8Array | null
  readonly offset: number
  readonly timestamp: number
  readonly #heads: Heads

  constructor(heads: Heads, value: Uint8Array | null, offset: number, timestamp: number) {
    this.#heads = heads
    this.value = value
    this.offset = offset
    this.timestamp = timestamp
  }

  get key(): string | null {
    const { bytes, at, keyBytes } = this.#heads
    return keyBytes < 0 ? null : bytes.toString('utf8', at, at + keyBytes)
  }

  get headers(): Readonly<Record<string, string>> {
    const { bytes, at, keyBytes, headersBytes } = this.#heads
    const from = at + Math.max(keyBytes, 0)
    const text = bytes.toString('utf8', from, from + headersBytes)
    return text === '' ? {} : (JSON.parse(text) as Record<string, string>)
  }
}

/** Offsets that the chunk covers, without decoding or checking it. */
export function chunkSpan(bytes: Buffer): number {
  return bytes.readUInt32LE(12)
}

function withHeaders(
  key: string | null,
  value: Uint8Array | null,
  headers: Readonly<Record<string, string>> | undefined,
  offset: number,
  timestamp: number,
): StoredRecord {
  return headers === undefined
    ? { key, value, offset, timestamp }
    : { key, value, headers, offset, timestamp }
}
