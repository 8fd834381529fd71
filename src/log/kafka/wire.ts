// How Kafka's protocol writes numbers, texts and lists, as answers are read here.
//
//   classic:  string i16 length (−1: null) · UTF-8; bytes i32 length (−1: null) · bytes; list i32
//   length compact (flexible versions): string, bytes and list begin with an unsigned varint: 0
//   null, else the length + 1; every structure ends with tagged fields: uvarint count · {uvarint
//   tag · uvarint size · bytes}
//   uuid: 16 bytes, here as hex

import { readInt64 } from './record-batch.ts'

export class WireReader {
  readonly #data: Buffer
  #at = 0

  constructor(data: Buffer) {
    this.#data = data
  }

  int8(): number {
    this.#at += 1
    return this.#data.readInt8(this.#at - 1)
  }

  int16(): number {
    this.#at += 2
    return this.#data.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#data.readInt32BE(this.#at - 4)
  }

  int64(): number {
    this.#at += 8
    return readInt64(this.#data, this.#at - 8)
  }

  uuid(): string {
    this.#at += 16
    return this.#data.toString('hex', this.#at - 16, this.#at)
  }

  text(): string {
    return this.#take(this.int16()).toString()
  }

  /** Null is read as empty; of a list: its length. */
  compactLength(): number {
    return Math.max(0, this.#uvarint() - 1)
  }

  compactText(): string {
    return this.#take(this.compactLength()).toString()
  }

  /** Not copied. */
  compactBytes(): Buffer {
    return this.#take(this.compactLength())
  }

  compactList<T>(read: () => T): T[] {
    return Array.from({ length: this.compactLength() }, read)
  }

  /** `read` is asked for the fields that it knows; each begins where it should. */
  tags(read?: (tag: number) => void): void {
    for (let left = this.#uvarint(); left > 0; left--) {
      const tag = this.#uvarint()
      const end = this.#uvarint() + this.#at
      read?.(tag)
      this.#at = end
    }
  }

  skip(count: number): void {
    this.#at += count
  }

  #take(length: number): Buffer {
    const from = this.#at
    this.#at += Math.max(0, length)
    return this.#data.subarray(from, this.#at)
  }

  #uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.int8()
      value |= (byte & 0x7f) << shift
      if (byte >= 0) break
    }
    return value >>> 0
  }
}
