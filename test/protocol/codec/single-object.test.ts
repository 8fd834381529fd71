import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { SCHEMAS } from '../../../src/protocol/codec/schemas.ts'
import { fingerprint, RecordCodec } from '../../../src/protocol/codec/single-object.ts'
import { codeOf } from '../fixtures.ts'

/** CRC-64-AVRO bit by bit, as the Avro specification defines it, without the table. */
function rabin(text: string): bigint {
  const empty = 0xc15d213aa4d7a795n
  let crc = empty
  for (const byte of Buffer.from(text)) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ empty : crc >> 1n
  }
  return crc
}

const signed = (text: string): bigint => fingerprint(text).readBigInt64LE()

// apache/avro, share/test/data/schema-tests.txt
const PUBLISHED: [string, bigint][] = [
  ['"null"', 7195948357588979594n],
  ['"boolean"', -6970731678124411036n],
  ['"int"', 8247732601305521295n],
  ['"long"', -3434872931120570953n],
  ['"double"', -8181574048448539266n],
  ['"bytes"', 5746618253357095269n],
  ['"string"', -8142146995180207161n],
  ['[]', -1241056759729112623n],
  ['["int","boolean"]', 5392556393470105090n],
  ['{"name":"foo","type":"record","fields":[]}', -4824392279771201922n],
  ['{"name":"foo","type":"fixed","size":15}', 1756455273707447556n],
  ['{"name":"foo","type":"enum","symbols":["A1"]}', -6342190197741309591n],
]

describe('fingerprint', () => {
  test.each(PUBLISHED)('of %s is the published one', (text, expected) => {
    expect(signed(text)).toBe(expected)
  })

  test('is the Rabin fingerprint of the bytes, whatever they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(BigInt.asUintN(64, signed(text))).toBe(rabin(text))
      }),
      // the table is made anew for each schema, which is fine for eight of them
      { numRuns: 20 },
    )
  })
})

type Node = { [key: string]: unknown }

/** Avro's Parsing Canonical Form once more, from the specification's list of steps. */
function canonical(schema: unknown, defined: Set<string> = new Set()): string {
  if (typeof schema === 'string') return JSON.stringify(schema)
  if (Array.isArray(schema)) return `[${schema.map((part) => canonical(part, defined)).join(',')}]`
  const { type, name, namespace, fields, symbols, items, size } = schema as Node
  if (type === 'array') return `{"type":"array","items":${canonical(items, defined)}}`
  const parts = [`"name":"${String(namespace)}.${String(name)}"`, `"type":"${String(type)}"`]
  if (type === 'record') {
    const list = (fields as Node[]).map(
      (field) => `{"name":"${String(field['name'])}","type":${canonical(field['type'], defined)}}`,
    )
    parts.push(`"fields":[${list.join(',')}]`)
  }
  if (type === 'enum') parts.push(`"symbols":${JSON.stringify(symbols)}`)
  if (type === 'fixed') parts.push(`"size":${String(size)}`)
  return `{${parts.join(',')}}`
}

test.each(Object.entries(SCHEMAS))('%s is marked with its schema', (_name, schema) => {
  const codec = new RecordCodec<unknown>(schema)
  const header = Buffer.alloc(10)
  header.writeUInt16BE(0xc301)
  header.writeBigUInt64LE(rabin(canonical(JSON.parse(schema))), 2)
  expect(codec.matches(header)).toBe(true)
  for (let at = 0; at < 10; at++) {
    const other = Buffer.from(header)
    other[at] = (other[at] as number) ^ 1
    expect(codec.matches(other)).toBe(false)
    expect(codec.matches(header.subarray(0, at))).toBe(false)
  }
})

describe('a codec', () => {
  const schema = JSON.stringify({
    type: 'record',
    name: 'Probe',
    namespace: 'org.hollowbeam',
    fields: [
      { name: 'small', type: 'int' },
      { name: 'list', type: { type: 'array', items: 'long' } },
      { name: 'text', type: 'string' },
    ],
  })
  type Probe = { small: number; list: number[]; text: string }
  const codec = new RecordCodec<Probe>(schema)
  const header = codec.encode({ small: 0, list: [], text: '' }).subarray(0, 10)
  const record = (...body: number[]): Buffer => Buffer.concat([header, Buffer.from(body)])

  test('writes what the Avro specification says', () => {
    // zig-zag: 1 → 02, -1 → 01; one block of two longs, then its end; a text of one byte
    expect([...codec.encode({ small: 1, list: [-1, 64], text: 'a' }).subarray(10)]).toEqual([
      0x02, 0x04, 0x01, 0x80, 0x01, 0x00, 0x02, 0x61,
    ])
  })

  test('reads blocks of negative count, which other writers make', () => {
    const bytes = record(0x02, 0x03, 0x06, 0x01, 0x80, 0x01, 0x02, 0x06, 0, 0)
    expect(codec.decode(bytes).list).toEqual([-1, 64, 3])
  })

  test('grows to any size, and bytes once given out stay', () => {
    const small = codec.encode({ small: 1, list: [], text: 'small' })
    const copy = Buffer.from(small)
    const text = 'x'.repeat(100_000)
    expect(codec.decode(codec.encode({ small: 2, list: [], text })).text).toBe(text)
    codec.encode({ small: 3, list: [1, 2, 3], text: 'other' })
    expect(small.equals(copy)).toBe(true)
  })

  const longest = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f]
  const endless = Array.from({ length: 200 }, () => 0x80)
  test.each([
    ['an array of 2^52 items', [0, ...longest, 0x02]],
    ['an array of 2^30 items', [0, 0x80, 0x80, 0x80, 0x80, 0x08, 0x02]],
    [
      'a second block of more items than bytes',
      [0, 0x02, 0x02, 0x80, 0x80, 0x80, 0x80, 0x08, 0x02],
    ],
    ['a negative block of 2^30 items', [0, 0xff, 0xff, 0xff, 0xff, 0x07, 0x02, 0x02]],
    ['a count that is no number', [0, ...endless, 0x00, 0x02]],
    ['an int beyond 32 bits', [...longest, 0, 0]],
    ['an int that is no number', [...endless, 0x00, 0, 0]],
    ['a text of negative length', [0, 0, 0x03]],
    ['a text longer than the record', [0, 0, ...longest]],
    ['a long beyond 2^53', [0, 0x02, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0]],
    ['nothing', []],
  ])('refuses %s at once', (_name, body) => {
    const start = performance.now()
    expect(codeOf(() => codec.decode(record(...body)))).toBe('record-malformed')
    expect(performance.now() - start).toBeLessThan(5_000)
  })
})
