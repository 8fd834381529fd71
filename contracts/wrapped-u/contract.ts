// U wrapped one to one: a token that is minted by a credit of U and burned for a transfer of U, see
// README.md.
//
// Owners: this file mints and burns; the token core moves balances; custody pays out.
// Invariants: W1 supply + pending + what is owed in U = the U that this process holds, as far as
// U's messages to it say; each of them comes once and in order (R3). W2 supply is the sum of all
// balances; only a credit of U makes it more. W3 a burn takes its units at once and parks them as
// pending; U's answer alone ends that, either way, once (Y1, Y2): nothing is released twice, and
// nothing both released and given back.

import {
  add,
  address,
  contract,
  crank,
  credit,
  debit,
  forwardedTags,
  isAddress,
  notice,
  on,
  optional,
  ownId,
  parseAddress,
  positive,
  refuse,
  reply,
  subtract,
  tag,
} from '../../src/lib/index.ts'
import type { Action, Amount, Ended, Outgoing } from '../../src/lib/index.ts'
import { TOKEN_ACTIONS, completeToken } from '../token/core.ts'
import type { TokenState } from '../token/core.ts'
import {
  claim,
  creditOf,
  giveBack,
  newCustody,
  owe,
  owedTo,
  parkedReference,
  pay,
  requirePayable,
  takeForeignBounce,
} from '../token/custody.ts'
import type { Custody, Payment } from '../token/custody.ts'

/** Spawned with {u}, and any of name, ticker, denomination; the rest is added. */
export type WrappedState = TokenState & {
  /** The U token's process. */
  u: string
  /** This process. */
  self: string
  /** The sum of `balances`. */
  supply: Amount
  /** In U: payments that U has not answered yet. */
  pending: Amount
  custody: Custody
}

/** Answers what a token answers, and Burn, Claim and Reserves; takes Credit-Notices. */
export const handle = contract<WrappedState>({
  spawn: complete,
  actions: {
    ...TOKEN_ACTIONS,
    Burn: on({ Quantity: positive, Recipient: optional(address) }, burn),
    Claim: on({ Token: optional(address) }, claimed),
    Reserves: on({ Address: optional(address) }, reserves),
  },
  notices: { 'Credit-Notice': credited },
  bounce: (state, message) => void takeForeignBounce(state.custody, message),
  crank: crank({ queue: (state) => state.custody.payments, steps: { paid } }),
})

function complete(state: WrappedState, spawn: Action): undefined {
  parseAddress(state.u, 'u')
  for (const given of ['balances', 'supply', 'pending', 'custody', 'self']) {
    if (Object.hasOwn(state, given)) {
      refuse('state-malformed', `${given} may not be given: U alone backs what there is`)
    }
  }
  completeToken(state)
  state.self = ownId(spawn)
  if (state.u === state.self) refuse('state-malformed', 'u is this process itself')
  state.supply = '0'
  state.pending = '0'
  state.custody = newCustody([state.u])
}

/** Of U: mints to its Sender, or to X-Recipient. Anything else goes back. */
function credited(state: WrappedState, message: Action): Outgoing[] | undefined {
  const taken = creditOf(message)
  if (taken === undefined) return undefined
  const { caller: token, hops, count } = message
  const { sender, quantity } = taken
  const recipient = tag(message, 'X-Recipient') ?? sender
  const isMintable = isAddress(recipient) && recipient !== state.self
  if (token !== state.u || !isMintable || hops < 1 || count < 1) {
    return returned(state, message, token, sender, quantity)
  }
  credit(state.balances, recipient, quantity)
  state.supply = add(state.supply, quantity)
  const { 'X-Recipient': _named, ...forwarded } = forwardedTags(message)
  const tags = { Sender: sender, Quantity: quantity, ...forwarded }
  return [notice(recipient, 'Credit-Notice', tags)]
}

/** Burn {Quantity, Recipient?}: takes the units, and asks U to transfer as much. */
function burn(
  state: WrappedState,
  { Quantity, Recipient }: { Quantity: Amount; Recipient: string | undefined },
  message: Action,
): Outgoing[] {
  const { caller } = message
  const recipient = Recipient ?? caller
  if (recipient === state.self) refuse('recipient-malformed', 'this contract cannot be released to')
  requirePayable(message)
  debit(state.balances, caller, Quantity)
  state.supply = subtract(state.supply, Quantity)
  state.pending = add(state.pending, Quantity)
  const payment = {
    purpose: 'burn',
    token: state.u,
    account: caller,
    recipient,
    quantity: Quantity,
    reference: parkedReference(message),
  }
  return [pay(state.custody, message, payment)]
}

/** Claim {Token?}: what the caller is owed, in U where no token is named. */
function claimed(
  state: WrappedState,
  { Token = state.u }: { Token: string | undefined },
  message: Action,
): Outgoing[] {
  const quantity = owedTo(state.custody, message.caller, Token)
  if (Token === state.u) state.pending = add(state.pending, quantity)
  return claim(state.custody, message, Token)
}

/** Reserves {Address?}: what backs what, and what an address is owed. */
function reserves(
  state: WrappedState,
  { Address }: { Address: string | undefined },
  message: Action,
): Outgoing[] {
  const account = Address ?? message.caller
  return [
    reply(message, 'Reserves-Reply', {
      U: state.u,
      Supply: state.supply,
      Pending: state.pending,
      Account: account,
      Owed: owedTo(state.custody, account, state.u),
    }),
  ]
}

/** U's word on a payment: it happened, or all of it is its owner's again. */
function paid(
  state: WrappedState,
  payment: Payment,
  { outcome, message: answer }: Ended,
): Outgoing[] {
  const { purpose, account, recipient, quantity, reference } = payment
  state.pending = subtract(state.pending, quantity)
  const isPaid = outcome === 'reply'
  if (purpose !== 'burn') {
    if (!isPaid) owe(state.custody, account, state.u, quantity)
    return []
  }
  if (!isPaid) {
    credit(state.balances, account, quantity)
    state.supply = add(state.supply, quantity)
  }
  if (answer.hops < 1 || answer.count < 1) return []
  return [
    notice(account, 'Burn-Reply', {
      Status: isPaid ? 'released' : 'returned',
      Quantity: quantity,
      Recipient: recipient,
      ...(reference === '' ? {} : { Reference: reference }),
    }),
  ]
}

function returned(
  state: WrappedState,
  message: Action,
  token: string,
  account: string,
  quantity: Amount,
): Outgoing[] {
  const messages = giveBack(state.custody, message, { token, account, quantity })
  if (token === state.u && messages.length > 0) state.pending = add(state.pending, quantity)
  return messages
}
