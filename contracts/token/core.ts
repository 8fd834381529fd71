// The token core: balances, transfers with debit and credit notices, balance and info. hyper-coin
// and asset stand on it.
// Invariants: T1 the total of all balances never changes. T2 nothing but the holder's own request
// moves a balance. T3 a transfer that cannot send its notices (no hops left) does not happen at
// all.

import {
  address,
  balanceOf,
  contract,
  credit,
  debit,
  forwardedTags,
  notice,
  on,
  optional,
  positive,
  referenceOf,
  refuse,
  reply,
} from '../../src/lib/index.ts'
import type { Action, Amount, Balances, Outgoing } from '../../src/lib/index.ts'

/** `owner` has no power here: it is shown by Info. Accounts that hold nothing are not listed. */
export type TokenState = {
  name: string
  ticker: string
  /** How many decimal places of the smallest unit make one whole token, as people see it. */
  denomination: number
  balances: Balances
  owner?: string
}

/** What each token answers, for one that does more. */
export const TOKEN_ACTIONS = {
  Transfer: on({ Quantity: positive, Recipient: address }, transfer),
  Balance: on({ Target: optional(address) }, balance),
  Info: info,
}

/**
 * Answers Transfer, Balance and Info; `balance-insufficient`, `amount-malformed`,
 * `address-malformed` refuse.
 */
export const handleToken = contract<TokenState>({
  spawn: completeToken,
  actions: TOKEN_ACTIONS,
})

/** Checks and completes the state that the spawn gave; `state-malformed`. */
export function completeToken(state: TokenState): undefined {
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
function transfer(
  state: TokenState,
  { Quantity, Recipient }: { Quantity: Amount; Recipient: string },
  message: Action,
): Outgoing[] {
  const { caller } = message
  debit(state.balances, caller, Quantity)
  credit(state.balances, Recipient, Quantity)
  const forwarded = forwardedTags(message)
  const debited = { Recipient, Quantity, ...forwarded, ...referenceOf(message) }
  return [
    notice(caller, 'Debit-Notice', debited),
    notice(Recipient, 'Credit-Notice', { Sender: caller, Quantity, ...forwarded }),
  ]
}

/** Balance {Target?}: of the caller where no Target is named. */
function balance(
  state: TokenState,
  { Target }: { Target: string | undefined },
  message: Action,
): Outgoing[] {
  const account = Target ?? message.caller
  return [
    reply(message, 'Balance-Reply', {
      Account: account,
      Balance: balanceOf(state.balances, account),
      Ticker: state.ticker,
    }),
  ]
}

function info(state: TokenState, message: Action): Outgoing[] {
  const { name, ticker, denomination, owner } = state
  return [
    reply(message, 'Info-Reply', {
      Name: name,
      Ticker: ticker,
      Denomination: String(denomination),
      ...(owner === undefined ? {} : { Owner: owner }),
    }),
  ]
}
