// One of the shops that best-price asks: sells a token for another at a fixed price, from its
// stock. It reserves before it sells: a price that was asked for may be gone when the money comes.
//
// Invariants: S1 what `goods` holds for this process = stock + what is reserved + what is on its
// way. S2 a reservation ends once: paid, or lapsed at its deadline. S3 money that buys nothing here
// goes back to whom it came from, with the order it was for; if it cannot, it is owed.

import {
  add,
  address,
  balanceOf,
  cancel,
  compare,
  completeState,
  contract,
  crank,
  credit,
  debit,
  isAddress,
  isAmount,
  later,
  multiply,
  newQueue,
  on,
  payOut,
  positive,
  refuse,
  reply,
  returnedPayment,
  subtract,
  transfer,
} from '../../src/lib/index.ts'
import type {
  Action,
  Amount,
  Balances,
  Outgoing,
  Parsed,
  RequestQueue,
  Tags,
} from '../../src/lib/index.ts'

/** Spawned with {token, goods, price}; the rest is added. */
export type ShopState = {
  /** What it is paid with, and what it sells. */
  token: string
  goods: string
  /** Of one unit of the goods. */
  price: Amount
  /** Grows by any credit of the goods. */
  stock: Amount
  /** Money that could not go back: what Withdraw sends. */
  owed: Balances
  reservations: RequestQueue
}
export type Reservation = { quantity: Amount; price: Amount; by: string }

/** How long goods wait for their money, in ms of the log's time. */
export const RESERVATION_MS_MAX = 60_000

const RESERVE = { Quantity: positive, Price: positive }

export const handle = contract<ShopState>({
  spawn: open,
  actions: {
    Quote: on({ Quantity: positive }, quote),
    Reserve: on(RESERVE, reserve),
    Withdraw: withdraw,
  },
  notices: { 'Credit-Notice': credited },
  bounce: failed,
  crank: crank({ queue: (state) => state.reservations, steps: { lapsed } }),
})

function open(state: ShopState, message: Action): undefined {
  completeState(state, { token: address, goods: address, price: positive })
  if (state.token === state.goods) refuse('state-malformed', 'token and goods are the same')
  state.stock = '0'
  state.owed = {}
  state.reservations = newQueue(message)
}

function quote(state: ShopState, input: { Quantity: Amount }, message: Action): Outgoing[] {
  return [reply(message, 'Quote-Reply', { Price: priceOf(state, input.Quantity) })]
}

/** Reserve {Quantity, Price}: at that price or not at all; the goods wait for the money. */
function reserve(
  state: ShopState,
  { Quantity: quantity, Price: price }: Parsed<typeof RESERVE>,
  message: Action,
): Outgoing[] {
  if (compare(priceOf(state, quantity), price) > 0) refuse('price-changed', `it is not ${price}`)
  state.stock = subtract(state.stock, quantity)
  const context: Reservation = { quantity, price, by: message.caller }
  const number = later(state.reservations, message, {
    then: 'lapsed',
    context,
    deadlineMs: RESERVATION_MS_MAX,
  })
  return [reply(message, 'Reserve-Reply', { Reservation: number })]
}

function lapsed(state: ShopState, { quantity }: Reservation): undefined {
  state.stock = add(state.stock, quantity)
}

/** Goods are stock; money is for a reservation, or goes back. */
function credited(state: ShopState, message: Action): Outgoing[] | undefined {
  const { caller } = message
  const { Sender: sender, Quantity: paid, 'X-Reservation': number = '' } = message.tags
  if (!isAddress(sender) || !isAmount(paid) || paid === '0') return undefined
  if (caller === state.goods) state.stock = add(state.stock, paid)
  if (caller !== state.token) return undefined
  const waiting = reservationOf(state, number)
  if (waiting === undefined || waiting.by !== sender || waiting.price !== paid) {
    return [payOut(state.token, sender, paid, orderOf(message))]
  }
  cancel(state.reservations, number)
  const { quantity } = waiting
  const order = orderOf(message)
  const recipient = order['X-Buyer'] ?? sender
  const returning = { 'X-Customer': sender, 'X-Paid': paid, 'X-Quantity': quantity }
  return [transfer(state.goods, recipient, quantity, { ...order, ...returning })]
}

/** Goods that could not be delivered are stock again; money that could not go back is owed. */
function failed(state: ShopState, message: Action): Outgoing[] | undefined {
  const returned = returnedPayment(message)
  if (returned?.token === state.token) credit(state.owed, returned.account, returned.quantity)
  const { 'X-Customer': customer, 'X-Paid': paid, 'X-Quantity': quantity } = message.tags
  if (message.caller !== state.goods || !isAddress(customer)) return undefined
  if (!isAmount(paid) || !isAmount(quantity)) return undefined
  state.stock = add(state.stock, quantity)
  return [payOut(state.token, customer, paid, orderOf(message))]
}

function withdraw(state: ShopState, { caller }: Action): Outgoing[] {
  const quantity = balanceOf(state.owed, caller)
  if (quantity === '0') refuse('balance-insufficient', 'nothing is owed')
  debit(state.owed, caller, quantity)
  return [payOut(state.token, caller, quantity)]
}

/** What it was for travels on by name: a payer's other tags could claim a bounce that is ours. */
function orderOf(message: Action): Tags {
  const { 'X-Order': order, 'X-Buyer': buyer } = message.tags
  return {
    ...(order === undefined ? {} : { 'X-Order': order }),
    ...(isAddress(buyer) ? { 'X-Buyer': buyer } : {}),
  }
}

function reservationOf({ reservations }: ShopState, number: string): Reservation | undefined {
  const { tasks } = reservations
  return Object.hasOwn(tasks, number) ? (tasks[number]?.context as Reservation) : undefined
}

/** Of so many; `stock-insufficient`. */
function priceOf({ stock, price }: ShopState, quantity: Amount): Amount {
  if (compare(stock, quantity) < 0) refuse('stock-insufficient', `${stock} are left`)
  return multiply(price, quantity)
}
