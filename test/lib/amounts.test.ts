// Amounts against BigInt, and every text that is none.

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import {
  AMOUNT_MAX,
  add,
  compare,
  floorDivide,
  isAmount,
  multiply,
  parseAmount,
  parsePositive,
  subtract,
} from '../../src/lib/index.ts'

const amount = fc.oneof(fc.bigInt(0n, 1_000n), fc.bigInt(0n, AMOUNT_MAX))

describe('amounts', () => {
  test.each(['-1', '+1', '01', '1.0', '1e3', '0x1', ' 1', '1 ', '1\n', '', '1_0', '٣', 1, 1n, null, undefined, {}])(
    'are not %p',
    (value) => {
      expect(isAmount(value)).toBe(false)
      expect(() => parseAmount(value, 'Price')).toThrow(/^amount-malformed: Price /)
    },
  )

  test('go up to 2^256 - 1', () => {
    expect(AMOUNT_MAX).toBe(2n ** 256n - 1n)
    expect(parseAmount(String(AMOUNT_MAX))).toBe(String(AMOUNT_MAX))
    for (const more of [AMOUNT_MAX + 1n, 10n ** 77n * 9n, 10n ** 78n]) {
      expect(isAmount(String(more))).toBe(false)
    }
    expect(() => parsePositive('0')).toThrow(/^amount-malformed: Quantity must be more than 0/)
  })

  test('calculate as whole numbers do, or refuse', () => {
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        const [x, y] = [String(a), String(b)]
        const bounded = (value: bigint) => (value > AMOUNT_MAX ? 'amount-overflow' : String(value))
        expect(outcome(() => add(x, y))).toBe(bounded(a + b))
        expect(outcome(() => multiply(x, y))).toBe(bounded(a * b))
        expect(outcome(() => subtract(x, y))).toBe(a < b ? 'amount-insufficient' : String(a - b))
        expect(outcome(() => floorDivide(x, y))).toBe(b === 0n ? 'amount-division' : String(a / b))
        expect(compare(x, y)).toBe(a < b ? -1 : a > b ? 1 : 0)
      }),
      { numRuns: 500 },
    )
  })
})

/** The value, or the code of the refusal. */
function outcome(operation: () => string): string {
  try {
    return operation()
  } catch (error) {
    return (error as { code: string }).code
  }
}
