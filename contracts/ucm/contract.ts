// The universal content market: deposits, limit and market orders between any two tokens, see
// README.md.
// Owners: this file turns messages into moves of deposits and orders; book.ts orders them,
// matching.ts fills them.
// Invariants: U1 (state.ts). U2 an order is placed only after the HB contract said that its owner
// has staked enough; what it gives is held meanwhile, and whatever comes of the question, it is
// placed or given back once. U3 what is refused after the deposit was taken returns to the deposit;
// a transfer that bounces becomes a deposit of its recipient.

import {
  address,
  contract,
  crank,
  isAddress,
  isAmount,
  on,
  oneOf,
  optional,
  positive,
  refuse,
  reply,
  requireStake,
  returnedPayment,
  stakeRefusal,
  tag,
} from '../../src/lib/index.ts'
import type { Action, Amount, Ended, Outgoing, Parsed, StakeQuestion } from '../../src/lib/index.ts'
import { removeOrder } from './book.ts'
import { addDeposit, depositOf, takeDeposit } from './deposits.ts'
import { givenToken, pay, place, refuseOrder } from './matching.ts'
import type { Incoming } from './matching.ts'
import { isDust, parsePrice } from './price.ts'
import {
  DEPOSITS_MAX,
  ORDER_COUNT_MIN,
  ORDER_HOPS_MIN,
  PLACING_MESSAGES_MAX,
  REFERENCE_LENGTH_MAX,
  RETURN_COUNT,
  RETURN_HOPS,
  STAKE_CHECK_MS_MAX,
  complete,
} from './state.ts'
import type { UcmState } from './state.ts'

const ORDER = {
  Type: oneOf(['limit', 'market'], 'order-malformed'),
  Side: oneOf(['sell', 'buy'], 'order-malformed'),
  Base: address,
  Quote: address,
  Quantity: positive,
}

/**
 * Answers Create-Order, Cancel-Order, Withdraw-Deposit, Deposit-Of and Info; takes Credit-Notices
 * of any token.
 */
export const handle = contract<UcmState>({
  spawn: complete,
  actions: {
    'Create-Order': on(ORDER, createOrder),
    'Cancel-Order': on({ Order: address }, cancelOrder),
    'Withdraw-Deposit': on({ Token: address, Quantity: optional(positive) }, withdrawDeposit),
    'Deposit-Of': on({ Token: address, Address: optional(address) }, depositReply),
    Info: info,
  },
  notices: { 'Credit-Notice': credited },
  bounce: bounced,
  crank: crank({ queue: (state) => state.requests, steps: { staked } }),
})

/**
 * A deposit of the Sender in the token that sent the notice; sent back only where the market's list
 * is full.
 */
function credited(state: UcmState, action: Action): Outgoing[] | undefined {
  const sender = tag(action, 'Sender')
  const quantity = tag(action, 'Quantity')
  if (action.from !== 'process' || !isAddress(sender) || !isAmount(quantity)) return undefined
  if (quantity === '0') return undefined
  const full = state.depositCount >= DEPOSITS_MAX
  const mayReturn = action.hops >= RETURN_HOPS && action.count >= RETURN_COUNT
  if (full && mayReturn && depositOf(state, sender, action.caller) === '0') {
    return [pay(action.caller, sender, quantity, '')]
  }
  addDeposit(state, sender, action.caller, quantity)
  return undefined
}

/**
 * A transfer of ours failed: what it carried is its recipient's, here. Only the network makes
 * bounces.
 */
function bounced(state: UcmState, message: Action): undefined {
  const returned = returnedPayment(message)
  if (returned === undefined) return
  addDeposit(state, returned.account, returned.token, returned.quantity)
}

/**
 * Create-Order: takes the deposit, parks the order and asks the HB contract for the owner's stake.
 */
function createOrder(
  state: UcmState,
  input: Parsed<typeof ORDER>,
  message: Action,
): Outgoing[] {
  const order = incoming(input, message)
  takeDeposit(state, order.owner, givenToken(order), order.quantity)
  const next = { then: 'staked', context: order, deadlineMs: STAKE_CHECK_MS_MAX }
  // no answer is kept, so there is always something to ask
  return requireStake(state.requests, message, stakeOf(state, order), next) ?? []
}

function stakeOf(state: UcmState, { owner: account }: Incoming): StakeQuestion {
  const { hbContract, minimumStake: amount } = state
  return { hbContract, account, role: 'user', amount }
}

/** The HB contract's word, or that there is none: the order is placed, or given back. */
function staked(state: UcmState, order: Incoming, ended: Ended): Outgoing[] {
  const { message } = ended
  const why = stakeRefusal(stakeOf(state, order), ended)
  if (why !== '') return refuseLate(state, order, message, why)
  if (message.count < PLACING_MESSAGES_MAX) return refuseLate(state, order, message, 'order-count')
  return place(state, order)
}

/** What the order gives returns in any case; its owner is told where a message is left to do it. */
function refuseLate(state: UcmState, order: Incoming, answer: Action, error: string): Outgoing[] {
  const told = refuseOrder(state, order, error)
  return answer.hops > 0 && answer.count > 0 ? told : []
}

/** Cancel-Order {Order}: by its owner; what is left of it returns to the deposit. */
function cancelOrder(
  state: UcmState,
  { Order: id }: { Order: string },
  message: Action,
): Outgoing[] {
  const order = Object.hasOwn(state.orders, id) ? state.orders[id] : undefined
  if (order === undefined) {
    return refuse('order-unknown', 'no such order rests here: it may be filled, or await its check')
  }
  if (order.owner !== message.caller) refuse('order-foreign', 'only its owner may cancel an order')
  const token = givenToken(order)
  const { left } = order
  removeOrder(state, id)
  addDeposit(state, message.caller, token, left)
  return [reply(message, 'Cancel-Order-Reply', { Order: id, Token: token, Returned: left })]
}

/** Withdraw-Deposit {Token, Quantity?}: all that is free where no Quantity is named. */
function withdrawDeposit(
  state: UcmState,
  { Token, Quantity }: { Token: string; Quantity: Amount | undefined },
  { caller }: Action,
): Outgoing[] {
  const quantity = Quantity ?? depositOf(state, caller, Token)
  if (quantity === '0') refuse('deposit-insufficient', `nothing of ${Token} is free`)
  takeDeposit(state, caller, Token, quantity)
  return [pay(Token, caller, quantity, '')]
}

/** Deposit-Of {Token, Address?}. */
function depositReply(
  state: UcmState,
  { Token, Address }: { Token: string; Address: string | undefined },
  message: Action,
): Outgoing[] {
  const account = Address ?? message.caller
  const quantity = depositOf(state, account, Token)
  return [reply(message, 'Deposit-Of-Reply', { Address: account, Token, Quantity: quantity })]
}

function info(state: UcmState, action: Action): Outgoing[] {
  return [
    reply(action, 'Info-Reply', {
      'Hb-Contract': state.hbContract,
      'Minimum-Stake': state.minimumStake,
      'Fee-Bps': String(state.feeBps),
      Orders: String(state.orderCount),
    }),
  ]
}

function incoming(input: Parsed<typeof ORDER>, message: Action): Incoming {
  const { Type: type, Side: side, Base: base, Quote: quote, Quantity: quantity } = input
  if (base === quote) refuse('order-malformed', 'Base and Quote are the same token')
  const named = tag(message, 'Price')
  const price = type === 'limit' ? parsePrice(named) : ''
  if (type === 'market' && named !== undefined) {
    refuse('order-malformed', 'a market order has no Price')
  }
  if (type === 'limit' && isDust(side, price, BigInt(quantity))) {
    refuse('order-too-small', `${quantity} buys nothing at ${price}`)
  }
  const reference = tag(message, 'Reference') ?? ''
  if (reference.length > REFERENCE_LENGTH_MAX) {
    refuse('order-malformed', `Reference is longer than ${REFERENCE_LENGTH_MAX}`)
  }
  const { id, caller: owner, hops, count } = message
  // Later it would be the market that fails for want of them, with the order parked and nobody to
  // tell.
  if (hops < ORDER_HOPS_MIN) {
    refuse('order-hops', `an order needs ${ORDER_HOPS_MIN} hops, ${hops} are left`)
  }
  if (count < ORDER_COUNT_MIN) {
    refuse('order-count', `an order needs a count of ${ORDER_COUNT_MIN}, ${count} are left`)
  }
  return { id, owner, type, side, base, quote, quantity, price, reference }
}
