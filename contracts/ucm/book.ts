// The order book: best price first, then first come. A heap of prices, and at each price a doubly
// linked list of orders: resting and taking cost a few writes whatever the book holds, and nothing
// is ever shifted.
// Invariants: K1 a price is in the heap if and only if it has a level, and a level has at least one
// order. K2 orderCount and ordersOf count `orders`. K3 a book without orders is not listed.

import type { Book, Half, Order, Side, UcmState } from './state.ts'
import { LEVELS_MAX, ORDERS_MAX, ORDERS_PER_OWNER_MAX } from './state.ts'
import { isBetter } from './price.ts'

/** The id of the order that the next taker meets on this side, or undefined. */
export function bestOrder(
  state: UcmState,
  base: string,
  quote: string,
  side: Side,
): string | undefined {
  const half = bookOf(state, base, quote)?.[side]
  const price = half?.prices[0]
  return price === undefined ? undefined : half?.levels[price]?.first
}

/** Why an order of this owner and price cannot rest, or undefined. */
export function whyNotRest(
  state: UcmState,
  order: Pick<Order, 'owner' | 'side' | 'base' | 'quote' | 'price'>,
): string | undefined {
  if (state.orderCount >= ORDERS_MAX) return 'book-full'
  if ((state.ordersOf[order.owner] ?? 0) >= ORDERS_PER_OWNER_MAX) return 'owner-orders-full'
  const half = bookOf(state, order.base, order.quote)?.[order.side]
  if (half === undefined || Object.hasOwn(half.levels, order.price)) return undefined
  return half.prices.length >= LEVELS_MAX ? 'levels-full' : undefined
}

/** Puts an order behind all others at its price. */
export function restOrder(
  state: UcmState,
  id: string,
  order: Omit<Order, 'before' | 'after'>,
): void {
  const key = keyOf(order.base, order.quote)
  if (bookOf(state, order.base, order.quote) === undefined) {
    state.books[key] = { sell: { prices: [], levels: {} }, buy: { prices: [], levels: {} } }
  }
  const half = (state.books[key] as Book)[order.side]
  let before = ''
  if (Object.hasOwn(half.levels, order.price)) {
    const level = half.levels[order.price] as { first: string; last: string }
    before = level.last
    ;(state.orders[before] as Order).after = id
    level.last = id
  } else {
    half.levels[order.price] = { first: id, last: id }
    pushPrice(half, order.side, order.price)
  }
  state.orders[id] = { ...order, before, after: '' }
  state.orderCount += 1
  state.ordersOf[order.owner] = (state.ordersOf[order.owner] ?? 0) + 1
}

/** Takes an order out of its book; what it had left is the caller's to give back. */
export function removeOrder(state: UcmState, id: string): void {
  const { owner, side, base, quote, price, before, after } = state.orders[id] as Order
  const book = state.books[keyOf(base, quote)] as Book
  const half = book[side]
  const level = half.levels[price] as { first: string; last: string }
  if (before !== '') (state.orders[before] as Order).after = after
  else level.first = after
  if (after !== '') (state.orders[after] as Order).before = before
  else level.last = before
  delete state.orders[id]
  if (before === '' && after === '') {
    delete half.levels[price]
    removePrice(half, side, price)
    if (book.sell.prices.length === 0 && book.buy.prices.length === 0) {
      delete state.books[keyOf(base, quote)]
    }
  }
  state.orderCount -= 1
  const others = (state.ordersOf[owner] ?? 0) - 1
  if (others > 0) state.ordersOf[owner] = others
  else delete state.ordersOf[owner]
}

function keyOf(base: string, quote: string): string {
  return `${base}/${quote}`
}

function bookOf(state: UcmState, base: string, quote: string): Book | undefined {
  const key = keyOf(base, quote)
  return Object.hasOwn(state.books, key) ? state.books[key] : undefined
}

function pushPrice(half: Half, side: Side, price: string): void {
  half.prices.push(price)
  riseFrom(half.prices, side, half.prices.length - 1)
}

function removePrice(half: Half, side: Side, price: string): void {
  const { prices } = half
  const at = prices[0] === price ? 0 : prices.indexOf(price)
  const last = prices.pop() as string
  if (at >= prices.length) return
  prices[at] = last
  riseFrom(prices, side, at)
  sinkFrom(prices, side, at)
}

function riseFrom(prices: string[], side: Side, from: number): void {
  let at = from
  const price = prices[at] as string
  while (at > 0) {
    const up = (at - 1) >> 1
    const above = prices[up] as string
    if (!isBetter(side, price, above)) return
    prices[at] = above
    prices[up] = price
    at = up
  }
}

function sinkFrom(prices: string[], side: Side, from: number): void {
  const { length } = prices
  let at = from
  for (;;) {
    const left = 2 * at + 1
    if (left >= length) return
    const right = left + 1
    let best = left
    let below = prices[left] as string
    if (right < length && isBetter(side, prices[right] as string, below)) {
      best = right
      below = prices[right] as string
    }
    const price = prices[at] as string
    if (!isBetter(side, below, price)) return
    prices[at] = below
    prices[best] = price
    at = best
  }
}
