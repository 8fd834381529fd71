// What debts and collateral are worth: exact fractions of whole numbers, nowhere a rounded one
// before the last step.
//
// Interest is simple between two touches of `index`, as Compound has it: index grows by index ×
// rate × time, rounded up. A debt is shares × index, rounded up to whole units.
//
// Invariants: K1 every rounding is against the borrower: debts up, what a repayment takes off them
// down, what is seized up. K2 whether a debt is above its limit does not depend on rounding, so
// that the order of the heap (shares for collateral) is the order in which positions fail, whatever
// price and time. K3 after a liquidation the position is not unhealthy, at that price and time.

import type { LendingState, Position } from './state.ts'

/** Index and price have 18 decimal places; shares too. */
export const ONE = 10n ** 18n
const SHARE = ONE * ONE
const BPS = 10_000n
const YEAR_MS = 31_536_000_000n

/** A price text with at most 18 places → times ONE. */
export function scaledPrice(price: string): bigint {
  const dot = price.indexOf('.')
  if (dot < 0) return BigInt(price) * ONE
  return BigInt(price.slice(0, dot) + price.slice(dot + 1).padEnd(18, '0'))
}

/** True where the price may be acted on. */
export function isFresh({ price, priceAt, stalenessMs }: LendingState, now: number): boolean {
  return price !== '' && now - priceAt <= stalenessMs
}

/** The index at a time, at or after `accruedAt`. */
export function indexAt({ index, accruedAt, rateBps }: LendingState, now: number): bigint {
  const before = BigInt(index)
  if (now <= accruedAt) return before
  return before + ceilDivide(before * BigInt(rateBps) * BigInt(now - accruedAt), BPS * YEAR_MS)
}

/** Writes the index of this time. */
export function accrue(state: LendingState, now: number): bigint {
  const index = indexAt(state, now)
  if (now > state.accruedAt) {
    state.index = String(index)
    state.accruedAt = now
  }
  return index
}

/** Units owed for these shares, rounded up. */
export function debtOf(shares: bigint, index: bigint): bigint {
  return ceilDivide(shares * index, SHARE)
}

/** Shares for units: rounded down, which `debtOf` makes good to the unit. */
export function sharesFor(units: bigint, index: bigint): bigint {
  return (units * SHARE) / index
}

/** True where a debt may be of this size: at most `bps` of the collateral's value. */
export function isWithin(
  { collateral, shares }: Pick<Position, 'collateral' | 'shares'>,
  index: bigint,
  price: bigint,
  bps: number,
): boolean {
  const debt = BigInt(shares) * index * BPS * ONE
  return debt <= BigInt(collateral) * price * BigInt(bps) * SHARE
}

/** True where a's debt is more for its collateral than b's. */
export function isRiskier(a: Position, b: Position): boolean {
  return BigInt(a.shares) * BigInt(b.collateral) > BigInt(b.shares) * BigInt(a.collateral)
}

/**
 * Liquidation-limit × value ÷ debt, times 10,000 and rounded down: below 10,000 is unhealthy; for a
 * position with a debt.
 */
export function healthBps(
  { collateral, shares }: Position,
  index: bigint,
  price: bigint,
  liquidationBps: number,
): bigint {
  const limit = BigInt(collateral) * price * BigInt(liquidationBps) * SHARE
  return limit / (BigInt(shares) * index * ONE)
}

/** What a liquidation moves: `covered + bad` of debt go, and `seized` of collateral. */
export type Taking = { covered: bigint; bad: bigint; seized: bigint; shares: bigint }

/**
 * As much as brings the debt back to the borrowing limit; all of it where that does not make the
 * position healthy, or is not less than all.
 */
export function takingOf(
  position: Position,
  index: bigint,
  price: bigint,
  { borrowBps, liquidationBps, bonusBps }: LendingState,
): Taking {
  const shares = BigInt(position.shares)
  const collateral = BigInt(position.collateral)
  const debt = debtOf(shares, index)
  const limit = BigInt(borrowBps)
  const gross = BPS + BigInt(bonusBps)
  // x with debt - x = limit × (value - gross × x)
  const over = (debt * BPS * ONE - collateral * price * limit) * BPS
  const part = ceilDivide(over, ONE * (BPS * BPS - limit * gross))
  const seized = ceilDivide(part * gross * ONE, BPS * price)
  const taken = sharesFor(part, index)
  if (part < debt && seized < collateral) {
    const left = { collateral: String(collateral - seized), shares: String(shares - taken) }
    if (isWithin(left, index, price, liquidationBps)) {
      return { covered: part, bad: 0n, seized, shares: taken }
    }
  }
  const all = ceilDivide(debt * gross * ONE, BPS * price)
  if (all <= collateral) return { covered: debt, bad: 0n, seized: all, shares }
  // The bonus is given up first: what the collateral is worth covers, the rest is lost.
  const worth = (collateral * price) / ONE
  const covered = worth < debt ? worth : debt
  return { covered, bad: debt - covered, seized: collateral, shares }
}

function ceilDivide(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b
}
