// The token core: balances, transfers with debit and credit notices, balance and info. hyper-coin
// and asset stand on it.
// Invariants: T1 the total of all balances never changes. T2 nothing but the holder's own request
// moves a balance. T3 a transfer that cannot send its notices (no hops left) does not happen at
// all.

import {
  balanceOf,
  credit,
  debit,
  forwardedTags,
  notice,
  parseAddress,
  parsePositive,
  referenceOf,
  refuse,
  reply,
  route,
  tag,
} from '../../src/lib/index.ts'
import type { Action, Balances, Handled, Outgoing, Routes } from '../../src/lib/index.ts'

/** `owner` has no power here: it is shown by Info. Accounts that hold nothing are not listed. */
export type TokenState = {
  name: string
  ticker: string
  /** How many decimal places of the smallest unit make one whole token, as people see it. */
  denomination: number
  balances: Balances
  owner?: string
}

/**
 * Answers Transfer, Balance and Info; `balance-insufficient`, `amount-malformed`,
 * `address-malformed` refuse.
 */
export function handleToken(state: TokenState, action: Action): Handled<TokenState> {
  return route(state, action, ROUTES)
}

const ROUTES: Routes<TokenState> = {
  spawn: complete,
  requests: { Transfer: transfer, Balance: balance, Info: info },
}

function complete(state: TokenState): undefined {
  const shape = state as Partial<TokenState>
  if (shape.name === undefined) state.name = ''
  if (shape.ticker === undefined) state.ticker = ''
  if (shape.denomination === undefined) state.denomination = 0
  if (shape.balances === undefined) state.balances = {}
  const { denomination, balances } = state
  if (typeof balances !== 'object' || balances === null || Array.isArray(balances)) {
    refuse('state-malformed', 'balances must be an object from address to amount')
  }
  if (!Number.isSafeInteger(denomination) || denomination < 0 || denomination > 77) {
    refuse('state-malformed', 'denomination must be a whole number from 0 to 77')
  }
}

/**
 * Transfer {Recipient, Quantity, X-…}: a Debit-Notice to the sender, with the request's Reference;
 * a Credit-Notice to the recipient, without it: a Reference belongs to whoever made it. X- tags go
 * with both.
 */
function transfer(state: TokenState, action: Action): Outgoing[] {
  const quantity = parsePositive(tag(action, 'Quantity'))
  const recipient = parseAddress(tag(action, 'Recipient'), 'Recipient')
  debit(state.balances, action.caller, quantity)
  credit(state.balances, recipient, quantity)
  const forwarded = forwardedTags(action)
  return [
    notice(action.caller, 'Debit-Notice', {
      Recipient: recipient,
      Quantity: quantity,
      ...forwarded,
      ...referenceOf(action),
    }),
    notice(recipient, 'Credit-Notice', {
      Sender: action.caller,
      Quantity: quantity,
      ...forwarded,
    }),
  ]
}

/** Balance {Target?}: of the caller where no Target is named. */
function balance(state: TokenState, action: Action): Outgoing[] {
  const account = parseAddress(tag(action, 'Target') ?? action.caller, 'Target')
  return [
    reply(action, 'Balance-Reply', {
      Account: account,
      Balance: balanceOf(state.balances, account),
      Ticker: state.ticker,
    }),
  ]
}

function info(state: TokenState, action: Action): Outgoing[] {
  return [
    reply(action, 'Info-Reply', {
      Name: state.name,
      Ticker: state.ticker,
      Denomination: String(state.denomination),
      ...(state.owner === undefined ? {} : { Owner: state.owner }),
    }),
  ]
}
