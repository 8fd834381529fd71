// The two requests that carry records, encoded and decoded here: one batch a partition goes out, and
// what comes in is decoded without a copy.
//
//   Produce v7:  string transactional id (null) · i16 acks (−1) · i32 timeout ms · [topic · [i32
//   partition · i32 bytes · batch]]
//   answer: [topic · [i32 partition · i16 error · i64 base offset · i64 append time · i64 log start]] ·
//   i32 throttle
//   Fetch v11: i32 replica (−1) · i32 max wait ms · i32 min bytes · i32 max bytes · i8 isolation (0:
//   uncommitted) · i32 session (0) · i32 epoch (−1) · [topic · [i32 partition · i32 leader epoch (−1) ·
//   i64 offset · i64 log start (−1) · i32 max bytes]] · [] forgotten · string rack
//   answer: i32 throttle · i16 error · i32 session · [topic · [i32 partition · i16 error · i64 high
//   watermark · i64 last stable · i64 log start · [i64 · i64] aborted · i32 replica · i32 bytes ·
//   batches]]
//   string: i16 length · UTF-8; list: i32 length · items

import Encoder from 'kafkajs/src/protocol/encoder.js'
import type { OwnRequest } from './connection.ts'
import { readInt64 } from './record-batch.ts'

export type ProducePart = {
  readonly topic: string
  readonly partition: number
  readonly batch: Buffer
}
export type ProduceAnswer = {
  readonly topic: string
  readonly partition: number
  readonly code: number
  /** −1 where there is none. */
  readonly base: number
}

export function produceRequest(
  parts: readonly ProducePart[],
  timeoutMs: number,
): OwnRequest<ProduceAnswer[]> {
  return {
    name: 'Produce',
    apiKey: 0,
    apiVersion: 7,
    encode: () => {
      const bytes = parts.reduce((sum, part) => sum + part.batch.length + 300, 64)
      const encoder = new Encoder(bytes)
      encoder.writeString(null).writeInt16(-1).writeInt32(timeoutMs)
      // a topic may stand there more than once: one a part
      encoder.writeInt32(parts.length)
      for (const { topic, partition, batch } of parts) {
        encoder.writeString(topic).writeInt32(1).writeInt32(partition).writeInt32(batch.length)
        encoder.writeBufferInternal(batch)
      }
      return encoder
    },
    decode: (data) => {
      const reader = new Reader(data)
      const answers: ProduceAnswer[] = []
      for (let topics = reader.int32(); topics > 0; topics--) {
        const topic = reader.text()
        for (let count = reader.int32(); count > 0; count--) {
          const partition = reader.int32()
          const code = reader.int16()
          answers.push({ topic, partition, code, base: reader.int64() })
          reader.skip(16)
        }
      }
      return answers
    },
  }
}

export type FetchPart = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly bytesMax: number
}
export type FetchAnswer = {
  readonly topic: string
  readonly partition: number
  readonly code: number
  readonly highWatermark: number
  readonly start: number
  readonly batches: Buffer
}

export type FetchOptions = { readonly waitMs: number; readonly bytesMax: number }

export function fetchRequest(
  parts: readonly FetchPart[],
  { waitMs, bytesMax }: FetchOptions,
): OwnRequest<FetchAnswer[]> {
  return {
    name: 'Fetch',
    apiKey: 1,
    apiVersion: 11,
    encode: () => {
      const encoder = new Encoder(64 + parts.length * 128)
      encoder.writeInt32(-1).writeInt32(waitMs).writeInt32(1).writeInt32(bytesMax).writeInt8(0)
      encoder.writeInt32(0).writeInt32(-1).writeInt32(parts.length)
      for (const { topic, partition, offset, bytesMax: most } of parts) {
        encoder.writeString(topic).writeInt32(1).writeInt32(partition).writeInt32(-1)
        encoder.writeInt32(Math.floor(offset / 4_294_967_296)).writeInt32(offset | 0)
        encoder.writeInt32(-1).writeInt32(-1).writeInt32(most)
      }
      return encoder.writeInt32(0).writeString('')
    },
    decode: (data) => {
      const reader = new Reader(data)
      reader.skip(4)
      const code = reader.int16()
      reader.skip(4)
      const answers: FetchAnswer[] = []
      for (let topics = reader.int32(); topics > 0; topics--) {
        const topic = reader.text()
        for (let count = reader.int32(); count > 0; count--) {
          answers.push(readFetched(reader, topic, code))
        }
      }
      return answers
    },
  }
}

function readFetched(reader: Reader, topic: string, code: number): FetchAnswer {
  const partition = reader.int32()
  const own = reader.int16()
  const highWatermark = reader.int64()
  reader.skip(8)
  const start = reader.int64()
  for (let aborted = reader.int32(); aborted > 0; aborted--) reader.skip(16)
  reader.skip(4)
  const batches = reader.bytes()
  return { topic, partition, code: code === 0 ? own : code, highWatermark, start, batches }
}

class Reader {
  readonly #data: Buffer
  #at = 0

  constructor(data: Buffer) {
    this.#data = data
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

  text(): string {
    const length = this.int16()
    this.#at += length
    return this.#data.toString('utf8', this.#at - length, this.#at)
  }

  bytes(): Buffer {
    const length = Math.max(0, this.int32())
    this.#at += length
    return this.#data.subarray(this.#at - length, this.#at)
  }

  skip(count: number): void {
    this.#at += count
  }
}
