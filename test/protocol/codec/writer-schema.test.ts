import { describe, expect, test } from '@jest/globals'
import { schemaIdOf } from '../../../src/protocol/codec/confluent.ts'
import { Records } from '../../../src/protocol/codec/records.ts'
import { SCHEMAS } from '../../../src/protocol/codec/schemas.ts'

const SIGNED = { type: 'record', name: 'Signed', fields: [{ name: 'item', type: 'bytes' }] }
const RECORDS = new Records()

/** An ingress schema with other fields before the message. */
function schemaWith(...fields: unknown[]): string {
  const all = [...fields.map((type, at) => ({ name: `f${at}`, type })), { name: 'message', type: SIGNED }]
  return JSON.stringify({ type: 'record', name: 'Ingress', namespace: 'org.hollowbeam', fields: all })
}

/** The item "x" behind what its schema has before it. */
function datum(...before: number[]): Buffer {
  return Buffer.of(...before, 2, 0x78)
}

const X = { type: 'signed', item: Buffer.from('x') }

describe('data written with another schema', () => {
  test('our own schema reads what we write', () => {
    const read = RECORDS.ingressReader(SCHEMAS.ingress, 10)
    const bytes = RECORDS.encodeIngress({ type: 'signed', item: Buffer.from('x') })
    expect(read(bytes)).toEqual(X)
    expect(() => read(Buffer.concat([bytes, Buffer.of(0)]))).toThrow('ends at 13 of 14')
    expect(() => read(bytes.subarray(0, -1))).toThrow()
  })

  test('fields that ours lacks are skipped, of every kind', () => {
    const list = { type: 'array', items: 'string' }
    const map = { type: 'map', values: list }
    const read = RECORDS.ingressReader(schemaWith('long', list, map, ['null', 'string']), 0)
    // 1 · ["a"] · {"k": ["b", "c"] in a block with its size} · "z"
    const before = [2, 2, 2, 0x61, 0, 2, 2, 0x6b, 3, 8, 2, 0x62, 2, 0x63, 0, 0, 2, 2, 0x7a]
    expect(read(datum(...before))).toEqual(X)
  })

  test.each([
    ['no JSON', 'x', 'SyntaxError'],
    ['another record', SCHEMAS.claim, 'Claim'],
    ['a field without a default is missing', '{"type":"record","name":"Ingress","namespace":"org.hollowbeam","fields":[]}', 'message'],
    ['a record that holds itself', schemaWith('org.hollowbeam.Ingress'), 'holds itself'],
    ['items without bytes', schemaWith({ type: 'array', items: 'null' }), 'items without bytes'],
    ['items without bytes, deep inside', schemaWith({ type: 'map', values: { type: 'array', items: { type: 'record', name: 'E', fields: [] } } }), 'items without bytes'],
    ['a schema of very many characters', schemaWith('long').padEnd(300_000), 'characters'],
  ])('%s: refused', (_, schema, why) => {
    expect(() => RECORDS.ingressReader(schema, 0)).toThrow(why)
    try {
      RECORDS.ingressReader(schema, 0)
    } catch (error) {
      expect(error).toMatchObject({ code: 'writer-schema-unusable' })
    }
  })

  test('a small schema that is a huge record is refused, and at once', () => {
    let inner: unknown = { type: 'record', name: 'R0', fields: [] }
    for (let depth = 1; depth <= 60; depth++) {
      const fields = [
        { name: 'a', type: inner },
        { name: 'b', type: `org.hollowbeam.R${depth - 1}` },
      ]
      inner = { type: 'record', name: `R${depth}`, fields }
    }
    const started = performance.now()
    expect(() => RECORDS.ingressReader(schemaWith(inner), 0)).toThrow('fields')
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  test('a record that may hold another of its kind is none that holds itself', () => {
    const read = RECORDS.ingressReader(schemaWith(['null', 'org.hollowbeam.Ingress']), 0)
    expect(read(datum(2, 0, 2, 0x79))).toEqual(X)
  })

  test.each([
    ['a count of 2^40', [0x80, 0x80, 0x80, 0x80, 0x80, 0x40]],
    ['a block that goes backwards', [1, 7]],
    ['a block longer than the record', [1, 0xfe, 1]],
  ])('skipping %s ends at once', (_, before) => {
    for (const type of [{ type: 'array', items: 'string' }, { type: 'map', values: 'long' }]) {
      const read = RECORDS.ingressReader(schemaWith(type), 0)
      const started = performance.now()
      expect(() => read(datum(...before))).toThrow('Ingress')
      expect(performance.now() - started).toBeLessThan(1_000)
    }
  })
})

test('the id of a schema: four bytes behind a zero', () => {
  expect(schemaIdOf(Buffer.of(0, 0, 0, 1, 2))).toBe(258)
  expect(schemaIdOf(Buffer.of(9, 0, 0, 0, 1, 2, 3).subarray(1))).toBe(258)
  expect(schemaIdOf(Buffer.of(0, 0x80, 0, 0, 0))).toBeUndefined()
  expect(schemaIdOf(Buffer.of(0, 0, 0, 1))).toBeUndefined()
  expect(schemaIdOf(Buffer.of(0xc3, 1, 0, 0, 0))).toBeUndefined()
})
