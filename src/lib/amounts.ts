// Amounts: whole numbers of a token's smallest unit, as decimal texts, since JSON has no number
// that could hold them.
// Invariants: A1 an amount is '0' or digits without a leading zero, at most 2^256 - 1. A2 no
// operation here gives anything else, or rounds other than down; what would is refused.

import { refuse } from './refusal.ts'

/** A decimal text that satisfies A1. */
export type Amount = string

/** 2^256 - 1; written out, since a contract's scope is evaluated for every message. */
export const AMOUNT_MAX = 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffn
const DIGITS = /^(?:0|[1-9][0-9]{0,77})$/

export function isAmount(value: unknown): value is Amount {
  return (
    typeof value === 'string' &&
    DIGITS.test(value) &&
    (value.length < 78 || BigInt(value) <= AMOUNT_MAX)
  )
}

/** The value as an amount, or a refusal `amount-malformed` that names the field. */
export function parseAmount(value: unknown, field = 'Quantity'): Amount {
  if (isAmount(value)) return value
  const wanted = 'a whole number from 0 to 2^256-1'
  return refuse('amount-malformed', `${field} ${shown(value)} is not ${wanted}`)
}

/** As `parseAmount`, and not 0. */
export function parsePositive(value: unknown, field = 'Quantity'): Amount {
  const amount = parseAmount(value, field)
  return amount === '0' ? refuse('amount-malformed', `${field} must be more than 0`) : amount
}

/** a + b; `amount-overflow` past 2^256 - 1. */
export function add(a: Amount, b: Amount): Amount {
  return checked(BigInt(a) + BigInt(b))
}

/** a - b; `amount-insufficient` where b is more. */
export function subtract(a: Amount, b: Amount): Amount {
  const rest = BigInt(a) - BigInt(b)
  return rest < 0n ? refuse('amount-insufficient', `${a} is less than ${b}`) : String(rest)
}

/** a × b; `amount-overflow` past 2^256 - 1. */
export function multiply(a: Amount, b: Amount): Amount {
  return checked(BigInt(a) * BigInt(b))
}

/** a ÷ b rounded down; `amount-division` where b is 0. */
export function floorDivide(a: Amount, b: Amount): Amount {
  if (b === '0') refuse('amount-division', `${a} divided by 0`)
  return String(BigInt(a) / BigInt(b))
}

/** -1, 0 or 1. Texts of A1 compare by length, then by digit: no big number is made. */
export function compare(a: Amount, b: Amount): -1 | 0 | 1 {
  if (a === b) return 0
  if (a.length !== b.length) return a.length < b.length ? -1 : 1
  return a < b ? -1 : 1
}

function checked(value: bigint): Amount {
  if (value > AMOUNT_MAX) refuse('amount-overflow', `${value} is more than 2^256-1`)
  return String(value)
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 90)) : `(${typeof value})`
}
