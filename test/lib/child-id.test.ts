// A child's id as the lib computes it, against the host's.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'

import { SALT_LENGTH_MAX, childId } from '../../src/lib/index.ts'
import { hashPartsText } from '../../src/std/hash-parts.ts'
import { idOf } from '../contracts/network.ts'

const PARENT = idOf('parent')

test('is what the network gives the child', () => {
  const salt = fc.string({ unit: 'binary', minLength: 1, maxLength: SALT_LENGTH_MAX })
  fc.assert(
    fc.property(
      salt.filter((text) => text.length <= SALT_LENGTH_MAX && text.isWellFormed()),
      fc.nat(9).map((n) => idOf(`parent ${n}`)),
      (text, parent) => {
        expect(childId(parent, text)).toBe(hashPartsText('hb.child.1', [parent, text]))
      },
    ),
    { numRuns: 300 },
  )
})

test('of every length of text that ends a block differently', () => {
  for (let length = 1; length <= SALT_LENGTH_MAX; length += 1) {
    const salt = 'é'.repeat(length)
    expect(childId(PARENT, salt)).toBe(hashPartsText('hb.child.1', [PARENT, salt]))
  }
})

test.each(['', 'x'.repeat(SALT_LENGTH_MAX + 1), '\ud800'])('a salt %j is refused', (salt) => {
  expect(() => childId(PARENT, salt)).toThrow(/^salt-malformed/)
})
