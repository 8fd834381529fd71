import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { sha256 } from '../../src/std/bytes.ts'
import type { HashPart } from '../../src/std/hash-parts.ts'
import { hashParts, layoutParts } from '../../src/std/hash-parts.ts'

const hex = (domain: string, ...parts: HashPart[]): string =>
  layoutParts(domain, parts).toString('hex')

describe('layout', () => {
  test('is the length of the domain, the domain, then the parts', () => {
    expect(hex('ab')).toBe('026162')
    expect(hex('', 'é', Uint8Array.of(1, 2))).toBe('00' + '00000002c3a9' + '000000020102')
    expect(hex('', '', new Uint8Array(0))).toBe('00' + '00000000' + '00000000')
  })

  test.each([
    [0, '0000000000000000'],
    [1, '0000000000000001'],
    [-1, 'ffffffffffffffff'],
    [2 ** 31, '0000000080000000'],
    [2 ** 32 - 1, '00000000ffffffff'],
    [2 ** 32, '0000000100000000'],
    [Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
  ])('writes the number %d as %s', (value, expected) => {
    expect(hex('', value)).toBe(`00${expected}`)
  })

  test('writes every safe number as BigInt would', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }), (value) => {
        const expected = BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0')
        expect(hex('', value)).toBe(`00${expected}`)
      }),
      { numRuns: 1000 },
    )
  })
})

test('hashParts is SHA-256 of the layout', () => {
  const parts = [1, 'a', Uint8Array.of(2)]
  expect(hashParts('d', parts).equals(sha256(layoutParts('d', parts)))).toBe(true)
})

// Parts of one shape: types as a domain fixes them.
const part = fc.constantFrom('number', 'text', 'bytes')
const small = fc.integer({ min: -1, max: 300 })
const large = fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER })
const valueOf = (type: string): fc.Arbitrary<HashPart> =>
  type === 'number'
    ? fc.oneof(small, large)
    : type === 'text'
      ? fc.string({ unit: 'binary', maxLength: 6 })
      : fc.uint8Array({ maxLength: 6 })
const twoOfOneShape = fc
  .array(part, { minLength: 1, maxLength: 4 })
  .chain((shape) =>
    fc.tuple(fc.tuple(...shape.map(valueOf)), fc.tuple(...shape.map(valueOf))),
  )

function plain(parts: readonly HashPart[]): string {
  return JSON.stringify(parts.map((value) => (value instanceof Uint8Array ? [...value] : value)))
}

test('no two lists of parts of one domain have one layout', () => {
  fc.assert(
    fc.property(twoOfOneShape, ([a, b]) => {
      expect(layoutParts('d', a).equals(layoutParts('d', b))).toBe(plain(a) === plain(b))
    }),
    { numRuns: 2000 },
  )
})

test('bytes cannot move from one part to the next, nor from the domain to a part', () => {
  expect(hex('d', 'ab', 'c')).not.toBe(hex('d', 'a', 'bc'))
  expect(hex('d', 'abc', '')).not.toBe(hex('d', '', 'abc'))
  expect(hex('dd', 1)).not.toBe(hex('d', 1))
})
