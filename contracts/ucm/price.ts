// Prices and what a fill moves at one. A price is quote units for one base unit: decimal text with
// at most 18 places and no trailing zero ('3', '0.25'), an exact fraction here.
// Invariant F1: a taker gets what its side is worth, rounded down, and gives no more than that
// takes; so rounding costs it less than one quote unit a fill, and that remainder stays with the
// maker. A maker is never worse off than its price.

import { refuse } from '../../src/lib/index.ts'
import type { Side } from './state.ts'

const PRICE = /^(?:0|[1-9][0-9]{0,77})(?:\.[0-9]{0,17}[1-9])?$/

export function parsePrice(value: unknown): string {
  return typeof value === 'string' && value !== '0' && PRICE.test(value)
    ? value
    : refuse('price-malformed', 'Price must be a decimal above 0 (3, 0.25) of at most 18 places')
}

/** Negative where a is the lower price. */
export function comparePrices(a: string, b: string): number {
  if (a === b) return 0
  const dotA = a.indexOf('.')
  const dotB = b.indexOf('.')
  const wholeA = dotA < 0 ? a : a.slice(0, dotA)
  const wholeB = dotB < 0 ? b : b.slice(0, dotB)
  if (wholeA.length !== wholeB.length) return wholeA.length - wholeB.length
  // Same length before the point, so the texts compare as the numbers do.
  return a < b ? -1 : 1
}

/** True where an order at price `a` on this side comes before one at price `b`. */
export function isBetter(side: Side, a: string, b: string): boolean {
  const order = comparePrices(a, b)
  return side === 'sell' ? order < 0 : order > 0
}

/** True where a taker's limit allows a trade at the maker's price. */
export function crosses(takerSide: Side, limit: string, makerPrice: string): boolean {
  const order = comparePrices(makerPrice, limit)
  return takerSide === 'buy' ? order <= 0 : order >= 0
}

export type Fill = { base: bigint; quote: bigint }

/**
 * What a taker that gives `taker` and a maker that gives `maker` exchange at the maker's price;
 * zeros where nothing.
 */
export function fillOf(takerSide: Side, price: string, taker: bigint, maker: bigint): Fill {
  const [over, under] = fraction(price)
  if (takerSide === 'buy') {
    const affordable = (taker * under) / over
    const base = affordable < maker ? affordable : maker
    return { base, quote: ceilDivide(base * over, under) }
  }
  const affordable = (maker * under) / over
  const offered = affordable < taker ? affordable : taker
  const quote = (offered * over) / under
  return { base: ceilDivide(quote * under, over), quote }
}

/**
 * True where `left` can no longer trade at the order's own price: a buy whose quote buys no whole
 * unit.
 */
export function isDust(side: Side, price: string, left: bigint): boolean {
  if (left === 0n) return true
  if (side === 'sell') return false
  const [over, under] = fraction(price)
  return (((left * under) / over) * over) / under === 0n
}

function fraction(price: string): [over: bigint, under: bigint] {
  const dot = price.indexOf('.')
  if (dot < 0) return [BigInt(price), 1n]
  const places = price.slice(dot + 1)
  return [BigInt(price.slice(0, dot) + places), 10n ** BigInt(places.length)]
}

function ceilDivide(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b
}
