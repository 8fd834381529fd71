import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { seededRandom } from '../../src/std/random.ts'

/** mulberry32 once more, in BigInt arithmetic. */
function* mulberry32(seed: number): Generator<number> {
  const cut = (value: bigint): bigint => BigInt.asUintN(32, value)
  let state = cut(BigInt(seed))
  for (;;) {
    state = cut(state + 0x6d2b79f5n)
    let t = cut((state ^ (state >> 15n)) * (1n | state))
    t = cut(t + cut((t ^ (t >> 7n)) * (61n | t))) ^ t
    yield Number(cut(t ^ (t >> 14n)))
  }
}

test('is mulberry32', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (seed) => {
      const expected = mulberry32(seed)
      const random = seededRandom(seed)
      for (let i = 0; i < 20; i++) expect(random.uint32()).toBe(expected.next().value)
    }),
  )
})

test('one seed is one stream, another seed another', () => {
  const take = (seed: number): number[] => {
    const random = seededRandom(seed)
    return Array.from({ length: 8 }, () => random.uint32())
  }
  expect(take(1)).toEqual(take(1))
  expect(take(1)).not.toEqual(take(2))
})

test('floats and bounded numbers stay in their range and reach all of it', () => {
  const random = seededRandom(7)
  const seen = new Set<number>()
  for (let i = 0; i < 1_000; i++) {
    const float = random.float()
    expect(float >= 0 && float < 1).toBe(true)
    seen.add(random.below(6))
  }
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5])
})
