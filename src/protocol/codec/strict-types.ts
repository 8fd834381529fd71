// avsc's types, made strict: what comes from outside can neither stall the decoder nor pass for
// what it is not, and what goes out may be any Uint8Array (avsc takes Buffers only).
//
// What avsc 5 does without these: an array's count is believed, so ten bytes make it build 2^40
// items; an `int` is read as whatever a varint holds, NaN included; 2^53 - 1 is refused.
// Invariant: the work of decoding is linear in the record's bytes. `_read`, `_write`, `_getIndex`,
// `tap.buf` and `tap.pos` are avsc's inner names: the codec's tests hold them.

import avro from 'avsc'
import type { Schema, Type } from 'avsc'
import { asBuffer } from '../../std/bytes.ts'

type Tap = {
  readonly buf: Uint8Array
  readonly pos: number
  readInt(): number
  readLong(): number
  skipLong(): void
  writeLong(value: number): void
  writeBytes(bytes: Buffer): void
  writeFixed(bytes: Buffer, size: number): void
}
type Readable = { _read(tap: Tap): unknown }

class StrictInt extends avro.types.IntType {
  _read(tap: Tap): number {
    const value = tap.readInt()
    if (value !== (value | 0)) throw new Error('an int of more than 32 bits')
    return value
  }
}

class StrictLong extends avro.types.LongType {
  _read(tap: Tap): number {
    const value = tap.readLong()
    if (!Number.isSafeInteger(value)) throw new Error('a long beyond 53 bits')
    return value
  }

  _write(tap: Tap, value: unknown): void {
    // avsc's own stops one short of the greatest safe integer
    if (!Number.isSafeInteger(value)) throw new TypeError('not a safe integer')
    tap.writeLong(value as number)
  }
}

export class StrictArray extends avro.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const items = this.itemsType as unknown as Readable
    const out: unknown[] = []
    for (;;) {
      let count = tap.readLong()
      if (count === 0) return out
      if (count < 0) {
        count = -count
        tap.skipLong()
      }
      // every item of ours takes at least one byte; written so that NaN is refused too
      if (!(count <= tap.buf.length - tap.pos)) throw new Error('an array longer than its record')
      while (count-- > 0) out.push(items._read(tap))
    }
  }
}

class AnyBytes extends avro.types.BytesType {
  _write(tap: Tap, value: unknown): void {
    if (!(value instanceof Uint8Array)) throw new TypeError('not bytes')
    tap.writeBytes(asBuffer(value))
  }
}

class AnyFixed extends avro.types.FixedType {
  _write(tap: Tap, value: unknown): void {
    if (!(value instanceof Uint8Array) || value.length !== this.size) {
      throw new TypeError(`not ${this.size} bytes`)
    }
    tap.writeFixed(asBuffer(value), this.size)
  }
}

class NullOr extends avro.types.UnwrappedUnionType {
  _getIndex(value: unknown): number {
    return value === null ? 0 : 1
  }
}

/** avsc's `typeHook`: the type for a schema where ours differs, else undefined. */
export function strictType(schema: Schema, options: object): Type | undefined {
  if (schema === 'int') return new StrictInt()
  if (schema === 'long') return new StrictLong()
  if (schema === 'bytes') return new AnyBytes()
  if (Array.isArray(schema)) {
    return schema.length === 2 && schema[0] === 'null' ? new NullOr(schema, options) : undefined
  }
  if (typeof schema !== 'object') return undefined
  const { type } = schema as { type?: unknown }
  if (type === 'array') return new StrictArray(schema, options)
  if (type === 'fixed') return new AnyFixed(schema, options)
  return undefined
}
