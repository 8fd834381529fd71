import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { murmur2, partitionOf, topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { id } from './arbitraries.ts'

/** murmur2 over bytes as Kafka's Java clients have it, in BigInt arithmetic. */
function javaMurmur2(bytes: Uint8Array): number {
  const m = 0x5bd1e995n
  const cut = (value: bigint): bigint => BigInt.asUintN(32, value)
  let h = cut(0x9747b28cn ^ BigInt(bytes.length))
  const whole = bytes.length - (bytes.length % 4)
  for (let i = 0; i < whole; i += 4) {
    let k = 0n
    for (let part = 3; part >= 0; part--) k = (k << 8n) | BigInt(bytes[i + part] as number)
    k = cut(k * m)
    k = cut((k ^ (k >> 24n)) * m)
    h = cut(h * m) ^ k
  }
  if (bytes.length > whole) {
    for (let i = whole; i < bytes.length; i++) {
      h ^= BigInt(bytes[i] as number) << BigInt(8 * (i - whole))
    }
    h = cut(h * m)
  }
  h = cut((h ^ (h >> 13n)) * m)
  return Number(BigInt.asIntN(32, h ^ (h >> 15n)))
}

describe('murmur2', () => {
  // apache/kafka, clients: UtilsTest.testMurmur2
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %s is what the Java clients compute', (key, expected) => {
    expect(murmur2(key)).toBe(expected)
    expect(javaMurmur2(Buffer.from(key))).toBe(expected)
  })

  test('of any ASCII key is what the Java clients compute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (key) => {
        expect(murmur2(key)).toBe(javaMurmur2(Buffer.from(key)))
      }),
      { numRuns: 500 },
    )
  })
})

test('partitionOf takes the hash without its sign, modulo the partitions', () => {
  fc.assert(
    fc.property(id, fc.integer({ min: 1, max: 1024 }), (process, partitions) => {
      const positive = javaMurmur2(Buffer.from(process)) & 0x7fffffff
      expect(partitionOf(process, partitions)).toBe(positive % partitions)
    }),
  )
})

describe('topics', () => {
  const specs = topicSpecs(topicNames('hb'), 8)

  test('are prefixed by the application id', () => {
    expect(topicNames('other').log).toBe('other.log')
    expect(specs.every(({ name }) => name.startsWith('hb.'))).toBe(true)
    expect(new Set(specs.map(({ name }) => name)).size).toBe(specs.length)
  })

  test('are kept and cut as the design says', () => {
    const kept = Object.fromEntries(specs.map((spec) => [spec.name, spec.cleanup]))
    expect(kept).toEqual({
      'hb.ingress': 'log',
      'hb.log': 'log',
      'hb.outbox': 'log',
      'hb.snapshots': 'compact',
      'hb.modules': 'compact',
      'hb.registry': 'compact',
      'hb.deadletters': 'log',
    })
  })

  test('dead letters are kept for four weeks, all others until they are trimmed', () => {
    const timed = specs.filter(({ retentionMs }) => retentionMs !== undefined)
    expect(timed.map(({ name, retentionMs }) => [name, retentionMs])).toEqual([
      ['hb.deadletters', 4 * 7 * 24 * 60 * 60 * 1_000],
    ])
  })

  test('that are read together have the same partitions', () => {
    const partitions = Object.fromEntries(specs.map((spec) => [spec.name, spec.partitions]))
    for (const name of ['hb.ingress', 'hb.log', 'hb.outbox']) expect(partitions[name]).toBe(8)
  })
})
