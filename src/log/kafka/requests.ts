// The two requests that carry records, encoded and decoded here: one batch a partition goes out,
// and what comes in is decoded without a copy.
//
//   Produce v7:  string transactional id (null) · i16 acks (−1) · i32 timeout ms · [topic · [i32
//   partition · i32 bytes · batch]]
//   answer: [topic · [i32 partition · i16 error · i64 base offset · i64 append time · i64 log
//   start]] · i32 throttle
//   Fetch v13: tagged fields of the header · i32 replica (−1) · i32 max wait · i32 min bytes · i32
//   max bytes · i8 isolation (0: uncommitted) · i32 session (0) · i32 epoch (−1) · [uuid topic ·
//   [i32 partition · i32 leader epoch (−1) · i64 offset · i32 epoch of the record before it (−1:
//   not known) · i64 log start (−1) · i32 max bytes · tagged] · tagged] · [] forgotten · string
//   rack · tagged
//   answer: tagged fields of the header · i32 throttle · i16 error · i32 session · [uuid topic ·
//   [i32 partition · i16 error · i64 high watermark · i64 last stable · i64 log start · [i64 · i64
//   · tagged] aborted · i32 replica · batches · tagged (0: {i32 epoch · i64 end} where the logs
//   parted)] · tagged] Produce is classic, Fetch compact (wire.ts)

import Encoder from 'kafkajs/src/protocol/encoder.js'
import type { OwnRequest } from './connection.ts'
import { WireReader } from './wire.ts'

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
    quota: (data) => ({ throttleMs: data.readInt32BE(data.length - 4), isWithheld: false }),
    decode: (data) => {
      const reader = new WireReader(data)
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
  /** Of metadata.ts: a topic that was made anew does not answer to it. */
  readonly topicId: string
  readonly partition: number
  readonly offset: number
  /**
   * Of the newest batch below `offset`, where it is known: what parted from it is told; else −1.
   */
  readonly epoch: number
  readonly bytesMax: number
}
export type FetchAnswer = {
  readonly topic: string
  readonly partition: number
  readonly code: number
  readonly highWatermark: number
  readonly start: number
  /** What is below the offset is not what was read there: where the broker's log parted from it. */
  readonly parted: number | undefined
  readonly batches: Buffer
}

export type FetchOptions = { readonly waitMs: number; readonly bytesMax: number }

export function fetchRequest(
  parts: readonly FetchPart[],
  { waitMs, bytesMax }: FetchOptions,
): OwnRequest<FetchAnswer[]> {
  const names = new Map(parts.map(({ topic, topicId }) => [topicId, topic]))
  return {
    name: 'Fetch',
    apiKey: 1,
    apiVersion: 13,
    encode: () => {
      const encoder = new Encoder(64 + parts.length * 64)
      encoder.writeInt8(0).writeInt32(-1).writeInt32(waitMs).writeInt32(1).writeInt32(bytesMax)
      encoder.writeInt8(0).writeInt32(0).writeInt32(-1).writeUVarInt(parts.length + 1)
      for (const { topicId, partition, offset, epoch, bytesMax: most } of parts) {
        encoder.writeBufferInternal(Buffer.from(topicId, 'hex'))
        encoder.writeUVarInt(2).writeInt32(partition).writeInt32(-1)
        encoder.writeInt32(Math.floor(offset / 4_294_967_296)).writeInt32(offset | 0)
        encoder.writeInt32(epoch).writeInt32(-1).writeInt32(-1).writeInt32(most)
        encoder.writeInt8(0).writeInt8(0)
      }
      return encoder.writeUVarInt(1).writeUVarIntString('').writeInt8(0)
    },
    quota: (data) => {
      const reader = new WireReader(data)
      reader.tags()
      const throttleMs = reader.int32()
      const code = reader.int16()
      reader.skip(4)
      // else an answer has every partition that was asked for, with records or without
      const isEmpty = code === 0 && reader.compactLength() === 0
      return { throttleMs, isWithheld: throttleMs > 0 && isEmpty }
    },
    decode: (data) => {
      const reader = new WireReader(data)
      reader.tags()
      reader.skip(4)
      const code = reader.int16()
      reader.skip(4)
      const answers = reader.compactList(() => {
        const id = reader.uuid()
        const topic = names.get(id) ?? id
        const found = reader.compactList(() => readFetched(reader, topic, code))
        reader.tags()
        return found
      })
      return answers.flat()
    },
  }
}

const PARTED_TAG = 0

function readFetched(reader: WireReader, topic: string, code: number): FetchAnswer {
  const partition = reader.int32()
  const own = reader.int16()
  const highWatermark = reader.int64()
  reader.skip(8)
  const start = reader.int64()
  for (let aborted = reader.compactLength(); aborted > 0; aborted--) {
    reader.skip(16)
    reader.tags()
  }
  reader.skip(4)
  const batches = reader.compactBytes()
  let parted: number | undefined
  reader.tags((tag) => {
    if (tag !== PARTED_TAG) return
    reader.skip(4)
    parted = reader.int64()
  })
  return { topic, partition, code: code === 0 ? own : code, highWatermark, start, parted, batches }
}
