// What must hold in the market after every single message; each check throws and names itself.

import { isBetter } from '../../contracts/ucm/price.ts'
import type { Half, Side, UcmState } from '../../contracts/ucm/state.ts'
import { total } from './market.ts'
import type { Market } from './market.ts'

export type Totals = Readonly<Record<string, bigint>>

export function totalsOf(market: Market): Totals {
  const totals: Record<string, bigint> = {}
  for (const token of [market.hyperCoin, market.u, market.asset]) {
    totals[token] = total(market.balances(token))
  }
  return totals
}

export function checkMarket(market: Market, totals: Totals): void {
  for (const [token, sum] of Object.entries(totals)) {
    const balances = market.balances(token)
    same('the total of a token', total(balances), sum)
    if (Object.values(balances).includes('0')) throw new Error('an account at 0 is listed')
  }
  for (const token of [market.u, market.asset, market.hyperCoin]) {
    const held = BigInt(market.balances(token)[market.ucm] ?? '0')
    same('what the market holds and owes', held, market.owed(token) + market.onTheWay(token))
  }
  const staked = BigInt(market.balances(market.hyperCoin)[market.hb] ?? '0')
  same('stakes', staked, market.stakedInAll() + market.stakesOnTheWay())
  checkBooks(market.ucmState)
}

export function checkBooks(state: UcmState): void {
  const owners: Record<string, number> = {}
  let listed = 0
  for (const [key, book] of Object.entries(state.books)) {
    if (book.sell.prices.length + book.buy.prices.length === 0) throw new Error(`${key} is empty`)
    for (const side of ['sell', 'buy'] as const) {
      checkHeap(book[side], side)
      for (const price of book[side].prices) listed += checkLevel(state, key, side, price)
    }
  }
  for (const { owner } of Object.values(state.orders)) owners[owner] = (owners[owner] ?? 0) + 1
  same('orders in books', listed, Object.keys(state.orders).length)
  same('orderCount', state.orderCount, listed)
  same('ordersOf', JSON.stringify(sorted(state.ordersOf)), JSON.stringify(sorted(owners)))
  same('depositCount', state.depositCount, Object.keys(state.deposits).length)
  same('open requests', state.requests.open, Object.keys(state.requests.tasks).length)
}

function checkHeap({ prices, levels }: Half, side: Side): void {
  same('levels', JSON.stringify([...prices].sort()), JSON.stringify(Object.keys(levels).sort()))
  for (let at = 1; at < prices.length; at += 1) {
    const up = prices[(at - 1) >> 1] as string
    if (isBetter(side, prices[at] as string, up)) throw new Error(`${up} is above ${prices[at]}`)
  }
}

function checkLevel(state: UcmState, key: string, side: Side, price: string): number {
  const level = state.books[key]?.[side].levels[price]
  let before = ''
  let count = 0
  for (let id = level?.first ?? ''; id !== ''; count += 1) {
    const order = state.orders[id]
    if (order === undefined) throw new Error(`${id} is listed and no order`)
    same('order', `${order.base}/${order.quote} ${order.side} ${order.price}`, `${key} ${side} ${price}`)
    same('order before', order.before, before)
    if (BigInt(order.left) <= 0n) throw new Error('an order gives nothing')
    before = id
    id = order.after
  }
  same('the last order of a level', level?.last, before)
  if (count === 0) throw new Error(`no orders at ${price}`)
  return count
}

function sorted(counts: Record<string, number>): [string, number][] {
  return Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))
}

function same(what: string, seen: unknown, wanted: unknown): void {
  if (seen !== wanted) throw new Error(`${what}: ${String(seen)}, not ${String(wanted)}`)
}
