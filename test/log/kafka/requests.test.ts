// Produce, byte by byte as kafkajs encodes it, and its answers' bytes as it reads them; Fetch and
// Metadata, whose versions kafkajs does not have, against what Kafka's message definitions say.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { metadataRequest } from '../../../src/log/kafka/metadata.ts'
import { encodeBatch } from '../../../src/log/kafka/record-batch.ts'
import { fetchRequest, produceRequest } from '../../../src/log/kafka/requests.ts'
import type { FetchAnswer, ProduceAnswer } from '../../../src/log/kafka/requests.ts'
import { produceRequestV7, produceResponseV7 } from './reference.ts'
import type { Encoded } from './reference.ts'

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 })
const partition = fc.nat(9_999)
const code = fc.integer({ min: -1, max: 120 })
const int64 = fc.oneof(fc.constant(-1), fc.nat(), fc.integer({ min: 0, max: 2 ** 53 - 1 }))
const bytesOf = (encoded: unknown): Buffer => (encoded as Encoded).buffer

/** Bytes written by hand: kafkajs has encoders for what a client sends only. */
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

  i8(value: number): this {
    return this.raw(Buffer.from([value & 0xff]))
  }

  uvarint(value: number): this {
    let left = value
    for (; left > 0x7f; left = Math.floor(left / 128)) this.i8((left & 0x7f) | 0x80)
    return this.i8(left)
  }

  compactText(value: string): this {
    return this.compactBytes(Buffer.from(value))
  }

  compactBytes(bytes: Buffer): this {
    return this.uvarint(bytes.length + 1).raw(bytes)
  }

  compactList<T>(items: readonly T[], write: (item: T) => void): this {
    this.uvarint(items.length + 1)
    for (const item of items) write(item)
    return this
  }

  /** Of a newer broker: a client passes them over. */
  unknownTags(): this {
    return this.uvarint(2).uvarint(7).tagOf(3).uvarint(300).tagOf(200)
  }

  tagOf(length: number): this {
    return this.uvarint(length).raw(Buffer.alloc(length, 9))
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

const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'))

test('a fetch request asks for each partition by the id of its topic', () => {
  const at = fc.integer({ min: 0, max: 2 ** 53 - 1 })
  const epoch = fc.integer({ min: -1, max: 9 })
  const part = fc.record({ topic: name, topicId: id, partition, offset: at, epoch, bytesMax: fc.nat() })
  fc.assert(
    fc.property(fc.array(part, { maxLength: 300 }), fc.nat(30_000), fc.nat(), (given, waitMs, bytesMax) => {
      const ours = fetchRequest(given, { waitMs, bytesMax })
      expect([ours.apiKey, ours.apiVersion]).toEqual([1, 13])
      const expected = new Answer().i8(0).i32(-1).i32(waitMs).i32(1).i32(bytesMax).i8(0).i32(0).i32(-1)
      expected.compactList(given, (each) => {
        expected.raw(Buffer.from(each.topicId, 'hex')).compactList([each], () => {
          expected.i32(each.partition).i32(-1).i64(each.offset).i32(each.epoch).i64(-1)
          expected.i32(each.bytesMax).i8(0)
        })
        expected.i8(0)
      })
      expected.compactList([], () => undefined).compactText('').i8(0)
      expect(bytesOf(ours.encode()).equals(expected.bytes)).toBe(true)
    }),
  )
})

test('a fetch answer is read, tags and all, its batches without a copy', () => {
  const row = fc.record({
    partition,
    code,
    highWatermark: int64,
    start: int64,
    aborted: fc.nat(3),
    parted: fc.option(fc.nat(), { nil: undefined }),
    batches: fc.uint8Array({ maxLength: 300 }),
  })
  const topic = fc.record({ name, id, rows: fc.array(row, { maxLength: 4 }) })
  const topics = fc.uniqueArray(topic, { maxLength: 4, selector: (each) => each.id })
  fc.assert(
    fc.property(topics, (given) => {
      const answer = new Answer().unknownTags().i32(0).i16(0).i32(0)
      answer.compactList(given, (each) => {
        answer.raw(Buffer.from(each.id, 'hex')).compactList(each.rows, (found) => {
          answer.i32(found.partition).i16(found.code).i64(found.highWatermark)
          answer.i64(found.highWatermark).i64(found.start)
          answer.compactList(Array(found.aborted).fill(0), () => answer.i64(5).i64(6).i8(0)).i32(-1)
          answer.compactBytes(Buffer.from(found.batches))
          if (found.parted === undefined) answer.unknownTags()
          else answer.uvarint(1).uvarint(0).uvarint(13).i32(3).i64(found.parted).i8(0)
        })
        answer.unknownTags()
      })
      const { bytes } = answer.unknownTags()
      const parts = given.map((each) => ({
        ...{ topic: each.name, topicId: each.id },
        ...{ partition: 0, offset: 0, epoch: -1, bytesMax: 1 },
      }))
      const found: FetchAnswer[] = fetchRequest(parts, { waitMs: 1, bytesMax: 1 }).decode(bytes)
      expect(found.map((each) => ({ ...each, batches: each.batches.toString('hex') }))).toEqual(
        given.flatMap((each) =>
          each.rows.map(({ aborted: _, ...rest }) => ({
            topic: each.name,
            ...rest,
            batches: Buffer.from(rest.batches).toString('hex'),
          })),
        ),
      )
      for (const each of found) expect(each.batches.buffer).toBe(bytes.buffer)
    }),
  )
})

test('what a quota says: a time to wait, and of a fetch whether anything else came', () => {
  const produced = (throttleMs: number): Buffer => {
    const answer = new Answer()
    answer.list(['a', 'b'], (topic) => {
      answer.text(topic).list([0], () => answer.i32(0).i16(0).i64(5).i64(-1).i64(0))
    })
    return answer.i32(throttleMs).bytes
  }
  const produce = produceRequest([], 1)
  for (const throttleMs of [0, 1, 90_000]) {
    expect(produce.quota(produced(throttleMs))).toEqual({ throttleMs, isWithheld: false })
  }
  const fetch = fetchRequest([], { waitMs: 1, bytesMax: 1 })
  const fetched = (throttleMs: number, code: number, topics: number): Buffer => {
    const answer = new Answer().unknownTags().i32(throttleMs).i16(code).i32(0)
    answer.compactList(Array(topics).fill(0), () => answer.raw(Buffer.alloc(16)).uvarint(1).i8(0))
    return answer.i8(0).bytes
  }
  expect(fetch.quota(fetched(700, 0, 0))).toEqual({ throttleMs: 700, isWithheld: true })
  // by another quota than that of what is fetched, an error, and nothing to wait for
  expect(fetch.quota(fetched(700, 0, 1))).toEqual({ throttleMs: 700, isWithheld: false })
  expect(fetch.quota(fetched(700, 41, 0))).toEqual({ throttleMs: 700, isWithheld: false })
  expect(fetch.quota(fetched(0, 0, 0))).toEqual({ throttleMs: 0, isWithheld: false })
  const metadata = metadataRequest([]).quota(new Answer().unknownTags().i32(30).bytes)
  expect(metadata).toEqual({ throttleMs: 30, isWithheld: false })
})

test('an error of the whole answer is an error of every partition; no records may be null', () => {
  const answer = new Answer().i8(0).i32(0).i16(41).i32(0)
  answer.compactList([0], () => {
    answer.raw(Buffer.alloc(16)).compactList([0, 1], (index) => {
      answer.i32(index).i16(0).i64(9).i64(9).i64(0).uvarint(0).i32(-1).uvarint(0).i8(0)
    })
    answer.i8(0)
  })
  const found = fetchRequest([], { waitMs: 1, bytesMax: 1 }).decode(answer.i8(0).bytes)
  expect(found.map((each) => [each.partition, each.code, each.batches.length])).toEqual([
    [0, 41, 0],
    [1, 41, 0],
  ])
})

test('a metadata request names topics, and its answer has their ids', () => {
  const leader = fc.record({ leader: fc.integer({ min: -1, max: 9 }), replicas: fc.array(fc.nat(9)) })
  const topic = fc.record({ topic: name, code, id, partitions: fc.array(leader, { maxLength: 5 }) })
  const broker = fc.record({ id: fc.nat(), host: fc.domain(), port: fc.nat(65_535) })
  const brokers = fc.array(broker, { maxLength: 4 })
  fc.assert(
    fc.property(fc.array(topic, { maxLength: 4 }), brokers, fc.nat(), (topics, given, controller) => {
      const request = metadataRequest(topics.map((each) => each.topic))
      expect([request.apiKey, request.apiVersion]).toEqual([3, 12])
      const expected = new Answer().i8(0)
      expected.compactList(topics, (each) => {
        expected.raw(Buffer.alloc(16)).compactText(each.topic).i8(0)
      })
      expect(bytesOf(request.encode())).toEqual(expected.i8(0).i8(0).i8(0).bytes)
      const answer = new Answer().unknownTags().i32(0)
      answer.compactList(given, (each) => {
        answer.i32(each.id).compactText(each.host).i32(each.port).uvarint(0).unknownTags()
      })
      answer.compactText('cluster').i32(controller).compactList(topics, (each) => {
        answer.i16(each.code).compactText(each.topic).raw(Buffer.from(each.id, 'hex')).i8(0)
        // in any order
        answer.compactList([...each.partitions.entries()].toReversed(), ([index, found]) => {
          answer.i16(0).i32(index).i32(found.leader).i32(4)
          for (const list of [found.replicas, found.replicas.slice(1), []]) {
            answer.compactList(list, (replica) => answer.i32(replica))
          }
          answer.unknownTags()
        })
        answer.i32(-1).unknownTags()
      })
      expect(request.decode(answer.unknownTags().bytes)).toEqual({
        brokers: given,
        controller,
        topics: topics.map(({ partitions, ...rest }) => ({
          ...rest,
          partitions: partitions.map((each) => ({ ...each, inSync: each.replicas.slice(1) })),
        })),
      })
    }),
  )
})
