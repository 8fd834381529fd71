// What wallets ask of a marketplace, rightly and not: transfers, deposits, stakes, orders,
// withdrawals.

import type { MarketNames } from './funds.ts'
import type { Turn } from './workload.ts'
import { oneOf } from './workload.ts'

const PRICES = ['1', '2', '2.5', '3', '0.75', '1.333333333333333333']

export type Order = { readonly id: string; readonly owner: string }
type Tags = Record<string, string>
export type MarketRequest = {
  readonly target: string
  readonly action: string
  readonly tags: Tags
}

/** `orders`: the newest that were asked for, whatever became of them. */
export function marketRequest(
  turn: Turn,
  names: MarketNames,
  orders: readonly Order[],
): MarketRequest {
  const { coin, stakes, market, assets } = names
  const { random, wallets } = turn
  const token = oneOf(random, [coin, ...assets])
  const dice = random.below(100)
  const Quantity = String(random.below(25) === 0 ? 9_999_999 : 1 + random.below(300))
  if (dice < 14) return transfer(token, market, Quantity)
  if (dice < 22) return transfer(token, oneOf(random, wallets).address, Quantity)
  if (dice < 34) return stakeRequest(turn, names, Quantity)
  if (dice < 76) {
    return { target: market, action: 'Create-Order', tags: trade(turn, names) }
  }
  if (dice < 86) {
    return { target: market, action: 'Cancel-Order', tags: { Order: orderOf(turn, orders) } }
  }
  if (dice < 95) {
    const tags: Tags = random.below(3) === 0 ? { Token: token } : { Token: token, Quantity }
    return { target: market, action: 'Withdraw-Deposit', tags }
  }
  if (dice < 97) return { target: market, action: 'Deposit-Of', tags: { Token: token } }
  // a credit notice is not for wallets to send
  if (dice < 98) return { target: market, action: 'Credit-Notice', tags: { Quantity } }
  return { target: oneOf(random, [stakes, market]), action: 'Info', tags: {} }
}

function stakeRequest(
  { random }: Turn,
  { coin, stakes }: MarketNames,
  quantity: string,
): MarketRequest {
  const dice = random.below(14)
  const some = String(1 + random.below(80))
  if (dice < 6) return transfer(coin, stakes, some, { 'X-Action': 'Stake' })
  if (dice < 8) return transfer(coin, stakes, quantity, { 'X-Role': 'nobody' })
  if (dice < 11) return { target: stakes, action: 'Unstake', tags: { Quantity: '30' } }
  return { target: stakes, action: 'Withdraw', tags: {} }
}

function trade({ random }: Turn, { coin, assets }: MarketNames): Tags {
  const dice = random.below(20)
  const limit = { Type: 'limit', Price: oneOf(random, PRICES) }
  const type = dice < 15 ? limit : dice < 19 ? { Type: 'market' } : { ...limit, Type: 'market' }
  const Side = random.below(40) === 0 ? 'hold' : oneOf(random, ['sell', 'buy'])
  const Quantity = String(random.below(30) === 0 ? 0 : 1 + random.below(60))
  const Base = oneOf(random, assets)
  const Quote = random.below(30) === 0 ? Base : coin
  return { ...type, Side, Base, Quote, Quantity }
}

/** One's own mostly; now and then another's, or none. */
function orderOf({ random, wallet }: Turn, orders: readonly Order[]): string {
  const own = orders.filter(({ owner }) => owner === wallet.address)
  const some = own.length === 0 || random.below(5) === 0 ? orders : own
  return some.length === 0 ? wallet.address : oneOf(random, some).id
}

function transfer(
  target: string,
  Recipient: string,
  Quantity: string,
  more: Tags = {},
): MarketRequest {
  return { target, action: 'Transfer', tags: { Recipient, Quantity, ...more } }
}
