// Avro object container files: a schema, metadata, and values in blocks. Any Avro library reads
// them; ours are always the same bytes for the same values.
//
//   "Obj" 0x01 | map of metadata (text → bytes) | sync (16 bytes)
//   then blocks: long number of values | long bytes of values | the values | sync
//
// Source: Avro specification, "Object Container Files".
// Invariants: F1 deterministic: no compression, blocks are cut by bytes alone, and the sync marker
// is the hash of what stands before it. F2 the reader takes only files of its own schema's text,
// and no byte may be left over.

import avro from 'avsc'
import type { Type } from 'avsc'
import { asBuffer, equalBytes, sha256 } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'
import { strictType } from './strict-types.ts'

const MAGIC = Buffer.of(0x4f, 0x62, 0x6a, 0x01)
const SYNC_BYTES = 16
const BLOCK_BYTES = 65_536

export type Container<T> = {
  /** Without the names that Avro reserves (`avro.…`). */
  readonly metadata: ReadonlyMap<string, string>
  readonly values: readonly T[]
}

export class ContainerCodec<T> {
  readonly #schema: string
  readonly #type: Type

  constructor(schema: string) {
    const options = { wrapUnions: 'auto' as const, typeHook: strictType }
    this.#schema = schema
    this.#type = avro.Type.forSchema(JSON.parse(schema) as never, options)
  }

  writer(): ContainerWriter<T> {
    return new ContainerWriter(this.#schema, this.#type)
  }

  /** Throws `record-malformed`, or `archive-format-unsupported` for another schema or codec. */
  decode(input: Uint8Array): Container<T> {
    const bytes = asBuffer(input)
    if (!bytes.subarray(0, 4).equals(MAGIC)) throw malformed('it is no object container file')
    const { metadata, end } = this.#readHead(bytes)
    const sync = bytes.subarray(end, end + SYNC_BYTES)
    if (!equalBytes(sync, sha256(bytes.subarray(0, end)).subarray(0, SYNC_BYTES))) {
      throw malformed('its sync marker is not the hash of its head')
    }
    const values: T[] = []
    for (let at = end + SYNC_BYTES; at < bytes.length; ) {
      at = this.#readBlock(bytes, at, sync, values)
    }
    return { metadata, values }
  }

  #readHead(bytes: Buffer): { metadata: Map<string, string>; end: number } {
    const metadata = new Map<string, string>()
    const count = readLong(bytes, MAGIC.length)
    let at = count.end
    for (let n = 0; n < count.value; n++) {
      const name = readText(bytes, at)
      const value = readText(bytes, name.end)
      metadata.set(name.text, value.text)
      at = value.end
    }
    if (bytes[at] !== 0) throw malformed('its metadata have no end')
    const schema = metadata.get('avro.schema')
    const codec = metadata.get('avro.codec') ?? 'null'
    if (schema !== this.#schema || codec !== 'null') {
      const what = codec === 'null' ? 'its schema is another one' : `its codec is ${codec}`
      throw new HbError('archive-format-unsupported', what)
    }
    metadata.delete('avro.schema')
    metadata.delete('avro.codec')
    return { metadata, end: at + 1 }
  }

  #readBlock(bytes: Buffer, from: number, sync: Buffer, values: T[]): number {
    const count = readLong(bytes, from)
    const size = readLong(bytes, count.end)
    const end = size.end + size.value
    if (count.value < 1 || size.value < count.value || end + SYNC_BYTES > bytes.length) {
      throw malformed(`the block at byte ${from} is cut off`)
    }
    let at = size.end
    for (let n = 0; n < count.value; n++) {
      const { value, offset } = decodeAt(this.#type, bytes, at)
      if (offset > end) throw malformed(`a value is longer than its block, at byte ${at}`)
      values.push(value as T)
      at = offset
    }
    if (at !== end || !bytes.subarray(end, end + SYNC_BYTES).equals(sync)) {
      throw malformed(`the block at byte ${from} does not end where it says`)
    }
    return end + SYNC_BYTES
  }
}

/**
 * One file, of values that come one by one; nothing is kept of a value but its bytes. What its head
 * says may be known last.
 */
export class ContainerWriter<T> {
  readonly #schema: string
  readonly #type: Type
  /** Of each full block: number of values, and their bytes. */
  readonly #blocks: { readonly count: number; readonly body: Buffer }[] = []
  #scratch = Buffer.allocUnsafe(BLOCK_BYTES + BLOCK_BYTES / 4)
  #end = 0
  #count = 0

  constructor(schema: string, type: Type) {
    this.#schema = schema
    this.#type = type
  }

  add(value: T): void {
    this.#end = this.#put(value, this.#end)
    this.#count += 1
    if (this.#end >= BLOCK_BYTES) this.#cut()
  }

  /** Ends the file. Metadata in the order given. */
  finish(metadata: ReadonlyMap<string, string>): Buffer {
    if (this.#count > 0) this.#cut()
    const all = [['avro.schema', this.#schema], ['avro.codec', 'null'], ...metadata]
    const pairs = all.flatMap((pair) => pair.map(textBytes))
    const head = Buffer.concat([MAGIC, longBytes(all.length), ...pairs, longBytes(0)])
    const sync = sha256(head).subarray(0, SYNC_BYTES)
    const parts: Buffer[] = [head, sync]
    for (const { count, body } of this.#blocks) {
      parts.push(longBytes(count), longBytes(body.length), body, sync)
    }
    return Buffer.concat(parts)
  }

  #cut(): void {
    const body = Buffer.from(this.#scratch.subarray(0, this.#end))
    this.#blocks.push({ count: this.#count, body })
    this.#end = 0
    this.#count = 0
  }

  #put(value: T, at: number): number {
    const end = this.#type.encode(value, this.#scratch, at)
    if (end >= 0) return end
    // avsc answers minus the bytes that were lacking
    const grown = Buffer.allocUnsafe(Math.max(this.#scratch.length - end, this.#scratch.length * 2))
    this.#scratch.copy(grown, 0, 0, at)
    this.#scratch = grown
    return this.#type.encode(value, this.#scratch, at)
  }
}

function decodeAt(type: Type, bytes: Buffer, at: number): { value: unknown; offset: number } {
  try {
    const read = type.decode(bytes, at)
    if (read.offset >= 0) return read
  } catch (error) {
    throw new HbError('record-malformed', String(error), { cause: error })
  }
  throw malformed(`it is cut off behind byte ${at}`)
}

/** An Avro long ≥ 0: zig-zag, seven bits a byte, least significant first. */
function longBytes(value: number): Buffer {
  const out: number[] = []
  let rest = value * 2
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128)
  out.push(rest)
  return Buffer.from(out)
}

function textBytes(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([longBytes(bytes.length), bytes])
}

function readText(bytes: Buffer, from: number): { text: string; end: number } {
  const length = readLong(bytes, from)
  const end = length.end + length.value
  if (end > bytes.length) throw malformed(`a text at byte ${from} is cut off`)
  return { text: bytes.toString('utf8', length.end, end), end }
}

function readLong(bytes: Buffer, from: number): { value: number; end: number } {
  let zigzag = 0
  for (let at = from, unit = 1; at < from + 7; at++, unit *= 128) {
    const byte = bytes[at]
    if (byte === undefined) break
    zigzag += (byte & 127) * unit
    if (byte > 127) continue
    if (zigzag % 2 === 1) break
    return { value: zigzag / 2, end: at + 1 }
  }
  throw malformed(`no length at byte ${from}`)
}

function malformed(detail: string): HbError {
  return new HbError('record-malformed', detail)
}
