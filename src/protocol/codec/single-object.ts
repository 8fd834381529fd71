// Avro single-object encoding: C3 01 · CRC-64-AVRO of the schema's canonical form, little-endian ·
// the datum.
// Source: Avro specification, "Single-object encoding" and "Schema fingerprints".

import avro from 'avsc'
import type { Resolver, Type } from 'avsc'
import { equalBytes } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'
import { strictType } from './strict-types.ts'
import { writerType } from './writer-schema.ts'

const HEADER_BYTES = 10
const EMPTY_64 = 0xc15d213aa4d7a795n

function fingerprintTable(): BigUint64Array {
  const table = new BigUint64Array(256)
  for (let i = 0; i < 256; i++) {
    let value = BigInt(i)
    for (let bit = 0; bit < 8; bit++) value = (value >> 1n) ^ ((value & 1n) === 1n ? EMPTY_64 : 0n)
    table[i] = value
  }
  return table
}

/** CRC-64-AVRO (Rabin) of a schema's Parsing Canonical Form, 8 bytes little-endian. */
export function fingerprint(canonical: string): Buffer {
  const table = fingerprintTable()
  let crc = EMPTY_64
  for (const byte of Buffer.from(canonical)) {
    crc = (crc >> 8n) ^ (table[Number((crc ^ BigInt(byte)) & 0xffn)] as bigint)
  }
  const out = Buffer.alloc(8)
  out.writeBigUInt64LE(crc)
  return out
}

/** True where the bytes begin as Avro's single-object encoding does, whatever the schema. */
export function isSingleObject(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && bytes[0] === 0xc3 && bytes[1] === 0x01
}

type Form = { readonly type: Type; readonly header: Buffer }

function formOf(schema: string): Form {
  const options = { wrapUnions: 'auto' as const, typeHook: strictType }
  const type = avro.Type.forSchema(JSON.parse(schema) as never, options)
  const canonical = JSON.stringify(type.schema({ exportAttrs: false, noDeref: false }))
  return { type, header: Buffer.concat([Buffer.of(0xc3, 0x01), fingerprint(canonical)]) }
}

function begins(bytes: Uint8Array, header: Buffer): boolean {
  for (let i = 0; i < HEADER_BYTES; i++) if (bytes[i] !== header[i]) return false
  return true
}

/**
 * A schema with its ten-byte header: encodes to fresh bytes, decodes strictly (no byte may be left
 * over).
 */
export class RecordCodec<T> {
  readonly name: string
  readonly #forms: readonly [Form, ...Form[]]
  #scratch = Buffer.allocUnsafe(4096)

  /** `others`: earlier schemas of the same record, which are read too. */
  constructor(schema: string, ...others: readonly string[]) {
    this.#forms = [formOf(schema), ...others.map(formOf)]
    this.name = this.#forms[0].type.name ?? ''
  }

  matches(bytes: Uint8Array): boolean {
    return this.#formOf(bytes) !== undefined
  }

  encode(value: T): Buffer {
    return Buffer.from(this.#encoded(value))
  }

  /** True where these bytes are what `encode` gives. */
  encodesTo(value: T, bytes: Uint8Array): boolean {
    return equalBytes(this.#encoded(value), bytes)
  }

  /** In the scratch buffer: read it before the next call. */
  #encoded(value: T): Buffer {
    const [{ type, header }] = this.#forms
    let end = type.encode(value, this.#scratch, HEADER_BYTES)
    if (end < 0) {
      // avsc answers minus the bytes that were lacking
      const size = this.#scratch.length - end
      this.#scratch = Buffer.allocUnsafe(Math.max(size, this.#scratch.length * 2))
      end = type.encode(value, this.#scratch, HEADER_BYTES)
    }
    header.copy(this.#scratch)
    return this.#scratch.subarray(0, end)
  }

  /** Throws `record-malformed`. */
  decode(bytes: Buffer): T {
    const form = this.#formOf(bytes)
    if (form === undefined) throw new HbError('record-malformed', `not a ${this.name}`)
    return this.#read(form.type, bytes, HEADER_BYTES)
  }

  #formOf(bytes: Uint8Array): Form | undefined {
    if (bytes.length < HEADER_BYTES) return undefined
    for (const form of this.#forms) if (begins(bytes, form.header)) return form
    return undefined
  }

  /**
   * Reads data, from an offset to the end, that were written with another schema, resolved to this
   * one. Throws `writer-schema-unusable`; what is returned throws `record-malformed`.
   */
  reader(schema: string): (bytes: Buffer, from: number) => T {
    try {
      const { type } = this.#forms.at(-1) as Form
      const resolver = type.createResolver(writerType(schema))
      return (bytes, from) => this.#read(type, bytes, from, resolver)
    } catch (error) {
      const why = `it cannot be read as ${this.name}: ${String(error)}`
      throw new HbError('writer-schema-unusable', why, { cause: error })
    }
  }

  #read(type: Type, bytes: Buffer, from: number, resolver?: Resolver): T {
    let out: { value: unknown; offset: number }
    try {
      out = type.decode(bytes, from, resolver)
    } catch (error) {
      throw new HbError('record-malformed', `${this.name}: ${String(error)}`, { cause: error })
    }
    if (out.offset !== bytes.length) {
      throw new HbError(
        'record-malformed',
        `${this.name}: ends at ${out.offset} of ${bytes.length}`,
      )
    }
    return out.value as T
  }
}
