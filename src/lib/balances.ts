// Balances: a JSON object from address to amount, written in place.
// Invariants: B1 a key is an address; names like __proto__ never are. B2 no value is '0': an
// account at 0 is deleted.

import { add, compare, subtract } from './amounts.ts'
import type { Amount } from './amounts.ts'
import { refuse } from './refusal.ts'
import type { Fields } from './types.ts'

export type Balances = Fields<Amount>

const ADDRESS = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/**
 * True for the one text form of a wallet address or process id: 32 bytes as 43 characters of
 * base64url.
 */
export function isAddress(value: unknown): value is string {
  return typeof value === 'string' && value.length === 43 && ADDRESS.test(value)
}

/** The value as an address, or a refusal `address-malformed` that names the field. */
export function parseAddress(value: unknown, field: string): string {
  return isAddress(value)
    ? value
    : refuse('address-malformed', `${field} must be an address: 43 characters of base64url`)
}

/**
 * What an account holds, '0' where it is not listed. Every inherited name is no text, so none is
 * ever read.
 */
export function balanceOf(balances: Balances, account: string): Amount {
  const held: unknown = balances[account]
  return typeof held === 'string' ? held : '0'
}

/** Adds to an account; `amount-overflow` past 2^256 - 1. */
export function credit(balances: Balances, account: string, quantity: Amount): void {
  if (quantity !== '0') balances[account] = add(balanceOf(balances, account), quantity)
}

/** Takes from an account; `balance-insufficient` where it holds less. */
export function debit(balances: Balances, account: string, quantity: Amount): void {
  if (quantity === '0') return
  const held = balanceOf(balances, account)
  const order = compare(held, quantity)
  if (order < 0) refuse('balance-insufficient', `${account} holds ${held}, less than ${quantity}`)
  if (order === 0) delete balances[account]
  else balances[account] = subtract(held, quantity)
}
