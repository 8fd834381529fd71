// What accounts have deposited and not given to an order.
// Invariants: D1 depositCount counts the keys of `deposits`; none is at '0'. D2 adding never fails,
// so that a refund never does: a token that lies about its credits can only inflate its own
// amounts, which may pass 2^256 - 1 here.

import { balanceOf, compare, refuse } from '../../src/lib/index.ts'
import type { Amount } from '../../src/lib/index.ts'
import type { UcmState } from './state.ts'

export function depositOf(state: UcmState, account: string, token: string): Amount {
  return balanceOf(state.deposits, keyOf(account, token))
}

export function addDeposit(
  state: UcmState,
  account: string,
  token: string,
  quantity: Amount,
): void {
  if (quantity === '0') return
  const key = keyOf(account, token)
  const before = balanceOf(state.deposits, key)
  if (before === '0') state.depositCount += 1
  state.deposits[key] = String(BigInt(before) + BigInt(quantity))
}

/** `deposit-insufficient` where less is free. */
export function takeDeposit(
  state: UcmState,
  account: string,
  token: string,
  quantity: Amount,
): void {
  const key = keyOf(account, token)
  const before = balanceOf(state.deposits, key)
  if (compare(before, quantity) < 0) {
    refuse('deposit-insufficient', `${before} of ${token} is free, less than ${quantity}`)
  }
  if (before === quantity) {
    delete state.deposits[key]
    state.depositCount -= 1
  } else state.deposits[key] = String(BigInt(before) - BigInt(quantity))
}

function keyOf(account: string, token: string): string {
  return `${account}/${token}`
}
