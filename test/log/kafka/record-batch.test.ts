// Record batches: what is encoded is decoded, by us and by kafkajs; what kafkajs encodes, we decode;
// and nothing that a broker could send makes the decoder hang or invent records.

import { deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { isHbError } from '../../../src/std/errors.ts'
import {
  batchBytes,
  decodeBatches,
  encodeBatch,
  recordBytes,
  UNPACKED_BYTES_MAX,
} from '../../../src/log/kafka/record-batch.ts'
import type { LogRecord, StoredRecord } from '../../../src/log/port.ts'
import { referenceDecode, referenceEncode } from './reference.ts'

const HEAD_BYTES = 61
const text = fc.string({ unit: 'binary', maxLength: 40 })
const bytes = fc.uint8Array({ maxLength: 300 })
const logRecord: fc.Arbitrary<LogRecord> = fc.record(
  {
    key: fc.oneof(fc.constant(null), text),
    value: fc.oneof(fc.constant(null), bytes),
    headers: fc.dictionary(text, text, { maxKeys: 4, noNullPrototype: true }),
  },
  { requiredKeys: ['key', 'value'] },
)
const records = fc.array(logRecord, { minLength: 1, maxLength: 20 })
/** kafkajs keeps headers in objects with a prototype: names that are there already go wrong. */
const forReference = records.filter((given) =>
  given.every(({ headers = {} }) => Object.keys(headers).every((name) => !(name in {}))),
)
/** Past 2³², up to what a JS number holds. */
const offset = fc.oneof(fc.nat(), fc.integer({ min: 2 ** 32 - 30, max: 2 ** 53 - 100_000 }))
const timestamp = fc.integer({ min: 0, max: 2 ** 43 })

type Plain = { key: string | null; value: string | null; headers: [string, string][] }

function plain({ key, value, headers = {} }: LogRecord): Plain {
  const hex = value === null ? null : Buffer.from(value).toString('hex')
  return { key, value: hex, headers: Object.entries(headers) }
}

/** As the broker stores it: with the base offset and the epoch. */
function placed(batch: Buffer, base: number, epoch = 0): Buffer {
  const stored = Buffer.from(batch)
  stored.writeBigInt64BE(BigInt(base), 0)
  stored.writeInt32BE(epoch, 12)
  return stored
}

function withAttributes(batch: Buffer, attributes: number): Buffer {
  const changed = Buffer.from(batch)
  changed.writeInt16BE(attributes, 21)
  return changed
}

function compressed(batch: Buffer, codec: number, pack: (body: Buffer) => Buffer): Buffer {
  const head = Buffer.from(batch.subarray(0, HEAD_BYTES))
  const body = pack(batch.subarray(HEAD_BYTES))
  head.writeInt32BE(HEAD_BYTES - 12 + body.length, 8)
  head.writeInt16BE(codec, 21)
  return Buffer.concat([head, body])
}

const offsets = (found: readonly StoredRecord[]): number[] => found.map((each) => each.offset)
const numbered = (count: number, from = 0): LogRecord[] =>
  Array.from({ length: count }, (_, n) => ({ key: null, value: Buffer.from(`${from + n}`) }))

test('what is encoded is decoded, at any offset', () => {
  fc.assert(
    fc.property(records, offset, timestamp, (given, base, time) => {
      const batch = encodeBatch(given, time)
      expect(batch.length).toBeLessThanOrEqual(batchBytes(given))
      const { records: found, next, epoch } = decodeBatches(placed(batch, base, 7), base, Infinity)
      expect(found.map(plain)).toEqual(given.map(plain))
      expect(offsets(found)).toEqual(given.map((_, at) => base + at))
      expect(found.every((each) => each.timestamp === time)).toBe(true)
      expect({ next, epoch }).toEqual({ next: base + given.length, epoch: 7 })
    }),
  )
})

test('kafkajs decodes what is encoded here', async () => {
  await fc.assert(
    fc.asyncProperty(forReference, offset, timestamp, async (given, base, time) => {
      const found = await referenceDecode(placed(encodeBatch(given, time), base))
      const seen = found.map(({ key, value, headers }) => ({
        key: key === null ? null : key.toString(),
        value: value === null ? null : value.toString('hex'),
        headers: Object.entries(headers).map(([name, each]) => [name, each.toString()]),
      }))
      expect(seen).toEqual(given.map(plain))
      expect(found.map((each) => Number(each.offset))).toEqual(given.map((_, at) => base + at))
      expect(found.every((each) => Number(each.timestamp) === time)).toBe(true)
    }),
  )
})

test('decodes what kafkajs encodes, in the open and with gzip', async () => {
  const deltas = fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { minLength: 20, maxLength: 20 })
  const codec = fc.constantFrom(0 as const, 1 as const)
  await fc.assert(
    fc.asyncProperty(records, offset, timestamp, deltas, codec, async (given, base, time, at, by) => {
      const encoded = await referenceEncode({
        records: given,
        firstOffset: base,
        firstTimestamp: time,
        timestampDeltas: at,
        partitionLeaderEpoch: 3,
        compression: by,
      })
      const { records: found, next, epoch } = decodeBatches(encoded, base, Infinity)
      expect(found.map(plain)).toEqual(given.map(plain))
      expect(offsets(found)).toEqual(given.map((_, n) => base + n))
      expect(found.map((each) => each.timestamp)).toEqual(given.map((_, n) => time + (at[n] ?? 0)))
      expect({ next, epoch }).toEqual({ next: base + given.length, epoch: 3 })
    }),
  )
})

test('headers keep their names, whatever these mean in JavaScript', () => {
  const headers = JSON.parse('{"__proto__":"a","toString":"b","":"c"}') as Record<string, string>
  const [found] = decodeBatches(encodeBatch([{ key: null, value: null, headers }], 1), 0, 1).records
  expect(Object.entries(found?.headers ?? {})).toEqual(Object.entries(headers))
  expect(Object.entries(headers)).toHaveLength(3)
})

test('one header alone is what is among all of them, and nothing where it is not', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 3 })
  const headers = fc.dictionary(fc.oneof(name, fc.string()), fc.string(), { maxKeys: 5 })
  fc.assert(
    fc.property(headers, name, (given, wanted) => {
      const record = { key: 'k', value: Buffer.from('v'), headers: { ...given } }
      const [found] = decodeBatches(encodeBatch([record], 1), 0, 1).records
      for (const each of [wanted, ...Object.keys(given).filter((one) => /^[ -~]*$/.test(one))]) {
        const own = Object.hasOwn(given, each) ? given[each] : undefined
        expect([each, found?.header?.(each)]).toEqual([each, own])
      }
    }),
  )
})

test('a record of the largest size, and one with as many headers as fit', async () => {
  const large = [{ key: 'k'.repeat(1_000), value: new Uint8Array(1_047_576).fill(7) }]
  expect(recordBytes(large[0] as LogRecord)).toBe(1_048_576)
  const headers = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`h${n}`, `${n}`]))
  const wide = [{ key: null, value: null, headers }]
  for (const given of [large, wide]) {
    const batch = encodeBatch(given, 1)
    expect(batch.length).toBeLessThanOrEqual(batchBytes(given))
    expect(decodeBatches(batch, 0, Infinity).records.map(plain)).toEqual(given.map(plain))
  }
  expect(await referenceDecode(encodeBatch(large, 1))).toHaveLength(1)
})

test('a batch that came in part is left for the next fetch', () => {
  fc.assert(
    fc.property(fc.array(records, { minLength: 1, maxLength: 4 }), fc.nat(), (batches, cut) => {
      let base = 0
      const ends: { at: number; next: number }[] = []
      const parts = batches.map((given) => {
        const part = placed(encodeBatch(given, 1), base)
        base += given.length
        ends.push({ at: part.length + (ends.at(-1)?.at ?? 0), next: base })
        return part
      })
      const whole = Buffer.concat(parts)
      const length = cut % (whole.length + 1)
      const { records: found, next } = decodeBatches(whole.subarray(0, length), 0, Infinity)
      const last = ends.findLast(({ at }) => at <= length)
      expect(next).toBe(last?.next)
      expect(offsets(found)).toEqual(Array.from({ length: last?.next ?? 0 }, (_, n) => n))
    }),
  )
})

test('only offsets from `from` and below `to` are given, and `next` never passes `to`', () => {
  const bound = fc.nat(40)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), bound, bound, (sizes, a, b) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)]
      let base = 0
      const parts = sizes.map((size) => {
        const part = placed(encodeBatch(numbered(size, base), 1), base)
        base += size
        return part
      })
      // a broker begins with the batch that holds `from`
      const { records: found, next } = decodeBatches(Buffer.concat(parts), from, to)
      const expected = Array.from({ length: base }, (_, n) => n).filter((n) => n >= from && n < to)
      expect(offsets(found)).toEqual(expected)
      expect(found.map(({ value }) => Number(value))).toEqual(expected)
      expect(next).toBe(Math.min(base, to))
    }),
  )
})

test('control batches are passed: no records, and `next` behind them', () => {
  const data = placed(encodeBatch(numbered(2), 1), 0)
  const control = withAttributes(placed(encodeBatch(numbered(1), 1), 2), 0x30)
  expect(decodeBatches(Buffer.concat([data, control]), 0, Infinity)).toMatchObject({ next: 3 })
  expect(offsets(decodeBatches(Buffer.concat([data, control]), 0, Infinity).records)).toEqual([0, 1])
  expect(decodeBatches(control, 2, Infinity)).toEqual({ records: [], next: 3, epoch: 0 })
  expect(decodeBatches(control, 2, 3)).toEqual({ records: [], next: 3, epoch: 0 })
})

test('records of a transaction are read as what they are', () => {
  const batch = withAttributes(placed(encodeBatch(numbered(2), 1), 5), 0x10)
  expect(offsets(decodeBatches(batch, 5, Infinity).records)).toEqual([5, 6])
})

test('holes that compaction left are jumps of the offset; an empty batch is passed', async () => {
  const some = await referenceEncode({
    records: numbered(2),
    firstOffset: 10,
    offsetDeltas: [3, 7],
    lastOffsetDelta: 9,
  })
  const empty = await referenceEncode({ records: [], firstOffset: 20, lastOffsetDelta: 4 })
  const both = Buffer.concat([some, empty])
  const { records: found, next } = decodeBatches(both, 10, Infinity)
  expect(offsets(found)).toEqual([13, 17])
  expect(next).toBe(25)
  expect(offsets(decodeBatches(both, 14, Infinity).records)).toEqual([17])
  expect(decodeBatches(empty, 20, Infinity)).toMatchObject({ records: [], next: 25 })
  expect(decodeBatches(Buffer.alloc(0), 20, Infinity)).toMatchObject({ next: undefined, epoch: -1 })
})

test('create time is each record’s own, append time is the batch’s', async () => {
  const batch = await referenceEncode({
    records: numbered(2),
    firstTimestamp: 1_000,
    timestampDeltas: [0, 5],
  })
  const times = (each: Buffer): number[] =>
    decodeBatches(each, 0, Infinity).records.map((found) => found.timestamp)
  expect(times(batch)).toEqual([1_000, 1_005])
  const appended = withAttributes(batch, 0x8)
  appended.writeBigInt64BE(2n ** 41n, 35)
  expect(times(appended)).toEqual([2 ** 41, 2 ** 41])
})

test('gzip and zstd are unpacked; snappy, lz4 and what is broken are refused with their offset', () => {
  const batch = placed(encodeBatch(numbered(100), 1), 2 ** 33)
  const found = (each: Buffer): number => decodeBatches(each, 0, Infinity).records.length
  expect(found(compressed(batch, 1, gzipSync))).toBe(100)
  expect(found(compressed(batch, 4, zstdCompressSync))).toBe(100)
  for (const [codec, pack] of [
    [2, deflateRawSync],
    [3, deflateRawSync],
    [1, zstdCompressSync],
    [4, gzipSync],
  ] as const) {
    const broken = compressed(batch, codec, pack)
    expect(() => decodeBatches(broken, 0, Infinity)).toThrow(
      expect.objectContaining({
        code: 'log-batch-undecodable',
        detail: expect.stringContaining(String(2 ** 33)),
      }),
    )
  }
  const old = Buffer.from(batch)
  old[16] = 1
  expect(() => decodeBatches(old, 0, Infinity)).toThrow(/magic 1/)
})

test('what unpacks to more than the limit is refused', () => {
  const bomb = compressed(encodeBatch(numbered(1), 1), 1, () =>
    gzipSync(Buffer.alloc(UNPACKED_BYTES_MAX + 1)),
  )
  expect(() => decodeBatches(bomb, 0, Infinity)).toThrow(
    expect.objectContaining({ code: 'log-batch-undecodable' }),
  )
})

test('bytes that rotted are decoded or refused: never a hang, never an error without a code', () => {
  const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) })
  const changes = fc.array(change, { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(records, { minLength: 1, maxLength: 3 }), changes, (batches, rot) => {
      const whole = Buffer.concat(batches.map((given) => encodeBatch(given, 1)))
      for (const { at, byte } of rot) whole[at % whole.length] = byte
      let found: readonly StoredRecord[] = []
      try {
        found = decodeBatches(whole, 0, Infinity).records
      } catch (error) {
        expect(isHbError(error, 'log-batch-undecodable')).toBe(true)
      }
      expect(found.length).toBeLessThanOrEqual(whole.length)
      for (const each of found) plain(each)
    }),
    { numRuns: 400 },
  )
})
