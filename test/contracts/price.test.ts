// Prices and fills as exact fractions: who bears the rounding, and how much of it.

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { comparePrices, crosses, fillOf, isDust, parsePrice } from '../../contracts/ucm/price.ts'

const price = fc
  .tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 999 }))
  .filter(([whole, part]) => whole + part > 0)
  .map(([whole, part]) => ({ text: decimal(whole, part), over: BigInt(whole * 1_000 + part) }))

function decimal(whole: number, part: number): string {
  return part === 0 ? String(whole) : `${whole}.${String(part).padStart(3, '0').replace(/0+$/, '')}`
}

const amount = fc.oneof(fc.integer({ min: 1, max: 100_000 }).map(BigInt), fc.bigInt(1n, 2n ** 256n - 1n))

describe('prices', () => {
  test.each(['0', '', '3.0', '.5', '03', '-1', '1e3', '3.', '1.0000000000000000001', 3, undefined])(
    'refuses %j',
    (text) => expect(() => parsePrice(text)).toThrow(/^price-malformed/),
  )

  test('compare as the numbers do', () => {
    fc.assert(
      fc.property(price, price, (a, b) => {
        expect(parsePrice(a.text)).toBe(a.text)
        const wanted = a.over < b.over ? -1 : a.over > b.over ? 1 : 0
        expect(Math.sign(comparePrices(a.text, b.text))).toBe(wanted)
        expect(crosses('buy', a.text, b.text)).toBe(b.over <= a.over)
        expect(crosses('sell', a.text, b.text)).toBe(b.over >= a.over)
      }),
    )
  })
})

describe('a fill', () => {
  test('floors what the taker gets; rounding stays with the maker and is less than one quote unit', () => {
    let filled = 0
    const side = fc.constantFrom('buy' as const, 'sell' as const)
    fc.assert(
      fc.property(side, price, amount, amount, (takerSide, { text, over }, taker, maker) => {
        const under = 1_000n
        const { base, quote } = fillOf(takerSide, text, taker, maker)
        const [gives, gets] = takerSide === 'buy' ? [quote, base] : [base, quote]
        expect(gives >= 0n && gives <= taker && gets >= 0n && gets <= maker).toBe(true)
        if (base === 0n || quote === 0n) return
        filled += 1
        // What the taker loses to rounding, in thousandths of a quote unit, never negative: the
        // maker has its price.
        const lost = takerSide === 'buy' ? quote * under - base * over : base * over - quote * under
        expect(lost >= 0n && lost < under).toBe(true)
      }),
      { numRuns: 2_000 },
    )
    expect(filled).toBeGreaterThan(500)
  })

  test('a maker that is no dust always trades with one who offers enough, so it never blocks a book', () => {
    fc.assert(
      fc.property(price, amount, ({ text }, maker) => {
        const enough = 2n ** 300n
        const buys = fillOf('sell', text, enough, maker)
        expect(isDust('buy', text, maker)).toBe(buys.quote === 0n || buys.base === 0n)
        const sells = fillOf('buy', text, enough, maker)
        expect([isDust('sell', text, maker), sells.base]).toEqual([false, maker])
      }),
    )
  })

  test.each([
    ['buy', '3', 31n, 20n, 10n, 30n],
    ['buy', '3', 2n, 20n, 0n, 0n],
    ['buy', '0.25', 1n, 3n, 3n, 1n],
    ['sell', '3', 20n, 31n, 10n, 30n],
    ['sell', '0.25', 7n, 50n, 4n, 1n],
    ['sell', '0.3', 3n, 50n, 0n, 0n],
  ] as const)('a taker that would %s at %s', (side, text, taker, maker, base, quote) => {
    expect(fillOf(side, text, taker, maker)).toEqual({ base, quote })
  })
})
