// Matching: what an incoming order takes from the book, and what then becomes of the rest of it.
// Invariants: M1 price, then time: the best resting order first, at its own price. M2 what an order
// gives has left its owner's deposit before it comes here; each unit of it is transferred, rests,
// or returns to that deposit. M3 one order makes at most FILLS_MAX fills, so its messages fit an
// outbox.

import { event, notice, payOut } from '../../src/lib/index.ts'
import type { Amount, Outgoing } from '../../src/lib/index.ts'
import { bestOrder, removeOrder, restOrder, whyNotRest } from './book.ts'
import { addDeposit } from './deposits.ts'
import { crosses, fillOf, isDust } from './price.ts'
import type { Fill } from './price.ts'
import { FILLS_MAX } from './state.ts'
import type { Order, Side, UcmState } from './state.ts'

/** An order as it was asked for; parked in the request queue until its owner's stake is known. */
export type Incoming = {
  id: string
  owner: string
  type: 'limit' | 'market'
  side: Side
  base: string
  quote: string
  /** Of the token it gives. */
  quantity: Amount
  /** '' for a market order. */
  price: string
  /** The request's Reference, '' for none. */
  reference: string
}

export function givenToken(order: Pick<Order, 'side' | 'base' | 'quote'>): string {
  return order.side === 'sell' ? order.base : order.quote
}

export function wantedToken(order: Pick<Order, 'side' | 'base' | 'quote'>): string {
  return order.side === 'sell' ? order.quote : order.base
}

/**
 * Fills what can be filled, rests or returns the remainder; gives transfers, trades and the owner's
 * reply.
 */
export function place(state: UcmState, order: Incoming): Outgoing[] {
  const messages: Outgoing[] = []
  const { left, got, full } = take(state, order, messages)
  if (got > 0n) messages.push(pay(wantedToken(order), order.owner, String(got), order.id))
  let status = left === 0n ? 'filled' : 'closed'
  let returned = left
  if (order.type === 'limit' && !full && !isDust(order.side, order.price, left)) {
    const { owner, side, base, quote, price } = order
    const why = whyNotRest(state, order)
    if (why === undefined) {
      restOrder(state, order.id, { owner, side, base, quote, price, left: String(left) })
      status = 'open'
      returned = 0n
    } else if (String(left) === order.quantity) return refuseOrder(state, order, why)
  }
  if (order.type === 'market' && String(left) === order.quantity) {
    return refuseOrder(state, order, 'nothing-to-match')
  }
  addDeposit(state, order.owner, givenToken(order), String(returned))
  messages.push(
    answer(order, 'Create-Order-Reply', {
      Status: status,
      Given: String(BigInt(order.quantity) - left),
      Received: String(got),
      Left: String(left - returned),
      Returned: String(returned),
    }),
  )
  return messages
}

/** Everything the order gives goes back to its owner's deposit. */
export function refuseOrder(state: UcmState, order: Incoming, error: string): Outgoing[] {
  addDeposit(state, order.owner, givenToken(order), order.quantity)
  return [answer(order, 'Order-Refused', { Error: error, Returned: order.quantity })]
}

/** A transfer that says whose deposit it returns to, should it bounce. */
export function pay(token: string, account: string, quantity: Amount, order: string): Outgoing {
  return payOut(token, account, quantity, order === '' ? {} : { 'X-Order': order })
}

type Taken = { left: bigint; got: bigint; full: boolean }

function take(state: UcmState, order: Incoming, messages: Outgoing[]): Taken {
  const makerSide = order.side === 'sell' ? 'buy' : 'sell'
  let left = BigInt(order.quantity)
  let got = 0n
  for (let fills = 0; left > 0n; fills += 1) {
    const id = bestOrder(state, order.base, order.quote, makerSide)
    if (id === undefined) break
    const maker = state.orders[id] as Order
    if (order.type === 'limit' && !crosses(order.side, order.price, maker.price)) break
    if (fills === FILLS_MAX) return { left, got, full: true }
    const fill = fillOf(order.side, maker.price, left, BigInt(maker.left))
    if (fill.base === 0n || fill.quote === 0n) break
    const [given, gross] = order.side === 'sell' ? [fill.base, fill.quote] : [fill.quote, fill.base]
    left -= given
    got += afterFee(state, order, gross)
    messages.push(pay(wantedToken(maker), maker.owner, String(given), id))
    messages.push(trade(order, id, maker, fill))
    reduce(state, id, maker, gross)
  }
  return { left, got, full: false }
}

/** What the taker gets, rounded down; the fee is a deposit of the fee account. */
function afterFee(state: UcmState, order: Incoming, gross: bigint): bigint {
  if (state.feeBps === 0 || state.feeAccount === undefined) return gross
  const net = (gross * BigInt(10_000 - state.feeBps)) / 10_000n
  addDeposit(state, state.feeAccount, wantedToken(order), String(gross - net))
  return net
}

function reduce(state: UcmState, id: string, maker: Order, given: bigint): void {
  const left = BigInt(maker.left) - given
  if (!isDust(maker.side, maker.price, left)) {
    maker.left = String(left)
    return
  }
  addDeposit(state, maker.owner, givenToken(maker), String(left))
  removeOrder(state, id)
}

function trade(order: Incoming, makerId: string, maker: Order, fill: Fill): Outgoing {
  return event('Trade', {
    Base: order.base,
    Quote: order.quote,
    Price: maker.price,
    'Base-Quantity': String(fill.base),
    'Quote-Quantity': String(fill.quote),
    Maker: makerId,
    Taker: order.id,
  })
}

function answer(order: Incoming, action: string, tags: Record<string, string>): Outgoing {
  return notice(order.owner, action, {
    Order: order.id,
    ...tags,
    ...(order.reference === '' ? {} : { Reference: order.reference }),
  })
}
