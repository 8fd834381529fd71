// Produce and Fetch, byte by byte as kafkajs encodes them, and its answers' bytes as it reads them.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { encodeBatch } from '../../../src/log/kafka/record-batch.ts'
import { fetchRequest, produceRequest } from '../../../src/log/kafka/requests.ts'
import type { FetchAnswer, ProduceAnswer } from '../../../src/log/kafka/requests.ts'
import {
  fetchRequestV11,
  fetchResponseV11,
  produceRequestV7,
  produceResponseV7,
  referenceEncode,
} from './reference.ts'
import type { Encoded } from './reference.ts'

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 })
const partition = fc.nat(9_999)
const code = fc.integer({ min: -1, max: 120 })
const int64 = fc.oneof(fc.constant(-1), fc.nat(), fc.integer({ min: 0, max: 2 ** 53 - 1 }))
const bytesOf = (encoded: unknown): Buffer => (encoded as Encoded).buffer

/** Answers are written by hand: kafkajs has encoders for what a client sends only. */
class Answer {
  readonly #parts: Buffer[] = []

  i16(value: number): this {
    const part = Buffer.alloc(2)
    part.writeInt16BE(value)
    return this.raw(part)
  }

  i32(value: number): this {
    const part = Buffer.alloc(4)
    part.writeInt32BE(value)
    return this.raw(part)
  }

  i64(value: number): this {
    const part = Buffer.alloc(8)
    part.writeBigInt64BE(BigInt(value))
    return this.raw(part)
  }

  text(value: string): this {
    const bytes = Buffer.from(value)
    return this.i16(bytes.length).raw(bytes)
  }

  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.i32(items.length)
    for (const item of items) write(item)
    return this
  }

  raw(part: Buffer): this {
    this.#parts.push(part)
    return this
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

test('a produce request is what kafkajs makes of the same', async () => {
  const part = fc.record({ topic: name, partition, value: fc.string({ maxLength: 30 }) })
  const parts = fc.array(part, { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(parts, fc.nat(60_000), async (given, timeout) => {
      const request = produceRequestV7({
        acks: -1,
        timeout,
        topicData: given.map(({ topic, partition: index, value }) => ({
          topic,
          partitions: [
            {
              partition: index,
              firstSequence: -1,
              messages: [{ key: null, value: Buffer.from(value), timestamp: 7 }],
            },
          ],
        })),
        producerEpoch: -1,
      })
      const ours = produceRequest(
        given.map(({ topic, partition: index, value }) => ({
          topic,
          partition: index,
          batch: batchLike(value),
        })),
        timeout,
      )
      expect([ours.apiKey, ours.apiVersion]).toEqual([0, 7])
      expect(bytesOf(ours.encode())).toEqual(bytesOf(await request.encode()))
    }),
  )
})

/** The leader epoch, which the broker writes itself, is −1 in ours and 0 in theirs. */
function batchLike(value: string): Buffer {
  const batch = encodeBatch([{ key: null, value: Buffer.from(value) }], 7)
  batch.writeInt32BE(0, 12)
  return batch
}

test('a produce answer is read as kafkajs reads it', async () => {
  const row = fc.record({ partition, code, base: int64 })
  const topics = fc.array(fc.tuple(name, fc.array(row, { maxLength: 4 })), { maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(topics, async (given) => {
      const answer = new Answer()
      answer
        .list(given, ([topic, rows]) => {
          answer.text(topic).list(rows, (each) => {
            answer.i32(each.partition).i16(each.code).i64(each.base).i64(-1).i64(3)
          })
        })
        .i32(0)
      const ours: ProduceAnswer[] = produceRequest([], 1).decode(answer.bytes)
      expect(ours).toEqual(given.flatMap(([topic, rows]) => rows.map((r) => ({ topic, ...r }))))
      const theirs = (await produceResponseV7.decode(answer.bytes)) as {
        topics: { topicName: string; partitions: Record<string, unknown>[] }[]
      }
      expect(ours.map((each) => [each.topic, each.partition, each.code, String(each.base)])).toEqual(
        theirs.topics.flatMap(({ topicName, partitions }) =>
          partitions.map((p) => [topicName, p['partition'], p['errorCode'], p['baseOffset']]),
        ),
      )
    }),
  )
})

test('a fetch request is what kafkajs makes of the same', async () => {
  const offset = fc.integer({ min: 0, max: 2 ** 53 - 1 })
  const part = fc.record({ topic: name, partition, offset, bytesMax: fc.nat() })
  const parts = fc.array(part, { maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(parts, fc.nat(30_000), fc.nat(), async (given, waitMs, bytesMax) => {
      const request = fetchRequestV11({
        replicaId: -1,
        maxWaitTime: waitMs,
        minBytes: 1,
        maxBytes: bytesMax,
        isolationLevel: 0,
        topics: given.map(({ topic, partition: index, offset: from, bytesMax: most }) => ({
          topic,
          // it takes texts, as it has them from answers
          partitions: [{ partition: index, fetchOffset: String(from), maxBytes: most }],
        })),
      })
      const ours = fetchRequest(given, { waitMs, bytesMax })
      expect([ours.apiKey, ours.apiVersion]).toEqual([1, 11])
      expect(bytesOf(ours.encode())).toEqual(bytesOf(await request.encode()))
    }),
  )
})

test('a fetch answer is read as kafkajs reads it, its batches without a copy', async () => {
  const row = fc.record({ partition, code, end: int64, start: int64, aborted: fc.nat(3), records: fc.nat(3) })
  const topics = fc.array(fc.tuple(name, fc.array(row, { maxLength: 4 })), { maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(topics, async (given) => {
      const value = { key: null, value: Buffer.from('v') }
      const batches = await referenceEncode({ records: [value] })
      const answer = new Answer().i32(0).i16(0).i32(0)
      answer.list(given, ([topic, rows]) => {
        answer.text(topic).list(rows, (each) => {
          answer.i32(each.partition).i16(each.code).i64(each.end).i64(each.end).i64(each.start)
          answer.list(Array(each.aborted).fill(0), () => answer.i64(5).i64(6)).i32(-1)
          answer.i32(each.records * batches.length)
          for (let n = 0; n < each.records; n++) answer.raw(batches)
        })
      })
      const { bytes } = answer
      const ours: FetchAnswer[] = fetchRequest([], { waitMs: 1, bytesMax: 1 }).decode(bytes)
      const theirs = (await fetchResponseV11.decode(bytes)) as {
        responses: { topicName: string; partitions: Record<string, unknown>[] }[]
      }
      const rows = ours.map((each) => [
        each.topic,
        each.partition,
        each.code,
        String(each.highWatermark),
        String(each.start),
        each.batches.length / batches.length,
      ])
      expect(rows).toEqual(
        theirs.responses.flatMap(({ topicName, partitions }) =>
          partitions.map((p) => [
            topicName,
            p['partition'],
            p['errorCode'],
            p['highWatermark'],
            p['lastStartOffset'],
            (p['messages'] as unknown[]).length,
          ]),
        ),
      )
      for (const each of ours) expect(each.batches.buffer).toBe(bytes.buffer)
    }),
  )
})

test('an error of the whole answer is an error of every partition; no records may be null', () => {
  const answer = new Answer().i32(0).i16(41).i32(0)
  answer.list([0, 1], (index) => {
    answer.text('t').list([index], () => {
      answer.i32(index).i16(0).i64(9).i64(9).i64(0).i32(-1).i32(-1).i32(-1)
    })
  })
  const found = fetchRequest([], { waitMs: 1, bytesMax: 1 }).decode(answer.bytes)
  expect(found.map((each) => [each.partition, each.code, each.batches.length])).toEqual([
    [0, 41, 0],
    [1, 41, 0],
  ])
})
