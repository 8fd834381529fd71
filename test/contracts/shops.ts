// Best-price among its shops, in memory: two honest ones, one that says nothing and one that is
// not there; and the sums that must hold after every message.

import { handle as bestPrice } from '../../contracts/best-price/contract.ts'
import type { BestPriceState, Purchase } from '../../contracts/best-price/purchase.ts'
import { handle as shop } from '../../contracts/best-price/shop.ts'
import type { Reservation, ShopState } from '../../contracts/best-price/shop.ts'
import { handle as token } from '../../contracts/token/contract.ts'
import type { TokenState } from '../../contracts/token/core.ts'
import type { Balances, RequestQueue } from '../../src/lib/index.ts'
import { total } from './market.ts'
import { Network, idOf } from './network.ts'
import type { InFlight, Result } from './network.ts'

export const ADA = idOf('Ada')
export const BEN = idOf('Ben')
const OWNER = idOf('the owner of the goods')

export class Shops {
  readonly network = new Network()
  readonly u: string
  readonly goods: string
  /** Sells at 3. */
  readonly cheap: string
  /** Sells at 5. */
  readonly dear: string
  readonly silent: string
  readonly absent = idOf('a shop that is not there')
  readonly best: string

  constructor(stock = '1000') {
    const { network } = this
    const state = (balances: Balances) => ({ balances })
    this.u = network.spawn('u', token, state({ [ADA]: '10000', [BEN]: '10000' }))
    this.goods = network.spawn('goods', token, state({ [OWNER]: '2000' }))
    const { u, goods } = this
    this.cheap = network.spawn('cheap', shop, { token: u, goods, price: '3' })
    this.dear = network.spawn('dear', shop, { token: u, goods, price: '5' })
    this.silent = network.spawn('silent', () => ({}), {})
    const shops = [this.dear, this.silent, this.cheap, this.absent]
    this.best = network.spawn('best', bestPrice, { token: u, shops })
    for (const Recipient of [this.cheap, this.dear]) {
      network.send(OWNER, goods, { Action: 'Transfer', Recipient, Quantity: stock })
    }
    for (const wallet of [ADA, BEN]) {
      network.send(wallet, u, { Action: 'Transfer', Recipient: this.best, Quantity: '5000' })
    }
    network.settle()
    network.notices.length = 0
  }

  buy(wallet: string, Quantity: string, Limit: string, left: object = {}): Result {
    return this.network.send(wallet, this.best, { Action: 'Buy', Quantity, Limit }, left)
  }

  /** Time passes, and somebody does something: deadlines are told when work comes in. */
  wait(ms: number): void {
    this.network.time += ms
    this.network.send(ADA, this.best, { Action: 'Deposit-Of' })
  }

  get bestState(): BestPriceState {
    return this.network.state<BestPriceState>(this.best)
  }

  shopState(of: string): ShopState {
    return this.network.state<ShopState>(of)
  }

  balances(of: string): Balances {
    return this.network.state<TokenState>(of).balances
  }

  /** What wallets were told, by the action of the notice. */
  told(action: string): Record<string, string>[] {
    const { notices } = this.network
    return notices.filter(({ tags }) => tags['Action'] === action).map(({ tags }) => tags)
  }
}

/** Every rule that a message may not break; each throws and names itself. */
export function checkShops(shops: Shops): void {
  same('the total of u', total(shops.balances(shops.u)), 20_000n)
  same('the total of the goods', total(shops.balances(shops.goods)), 2_000n)
  const { deposits, requests } = shops.bestState
  let owned = total(deposits) + moving(shops, shops.u, shops.best)
  for (const context of contextsOf<Purchase | { purchase: Purchase }>(requests)) {
    if ('purchase' in context) owned += BigInt(context.purchase.limit)
    else if ('limit' in context) owned += BigInt(context.limit)
  }
  same('P1: the money of best-price', BigInt(shops.balances(shops.u)[shops.best] ?? '0'), owned)
  for (const shop of [shops.cheap, shops.dear]) {
    const { stock, reservations } = shops.shopState(shop)
    let goods = BigInt(stock) + moving(shops, shops.goods, shop)
    for (const { quantity } of contextsOf<Reservation>(reservations)) goods += BigInt(quantity)
    same('S1: the goods of a shop', BigInt(shops.balances(shops.goods)[shop] ?? '0'), goods)
  }
  const ids = shops.told('Buy-Reply').map(({ Order }) => Order)
  same('P2: one answer a purchase', new Set(ids).size, ids.length)
}

/** At rest: what a shop earned is what it sold, at its price. */
export function checkSales(shops: Shops, stock: bigint): void {
  for (const [shop, price] of [[shops.cheap, 3n], [shops.dear, 5n]] as const) {
    const state = shops.shopState(shop)
    const earned = BigInt(shops.balances(shops.u)[shop] ?? '0') - total(state.owed)
    same('what a shop earned', earned, price * (stock - BigInt(state.stock)))
  }
}

/** What the token holds for a process that its state does not say: credits, payments, bounces. */
function moving(shops: Shops, token: string, process: string): bigint {
  let sum = 0n
  for (const message of shops.network.moving) {
    const { kind, from, target, tags } = message
    const isCredit = tags['Action'] === 'Credit-Notice'
    if (from === token && target === process && isCredit) sum += BigInt(tags['Quantity'] ?? '0')
    if (from === token && target === process && kind === 'bounce') sum += carried(shops, message)
    if (from === process && target === token) sum += BigInt(tags['Quantity'] ?? '0')
  }
  return sum
}

function carried({ goods }: Shops, { from, tags }: InFlight): bigint {
  return BigInt((from === goods ? tags['X-Quantity'] : tags['X-Deposit-Quantity']) ?? '0')
}

function contextsOf<C extends object>({ tasks }: RequestQueue): C[] {
  return Object.values(tasks).flatMap(({ context }) => (context === null ? [] : [context as C]))
}

function same<T>(what: string, found: T, wanted: T): void {
  if (found !== wanted) throw new Error(`${what}: ${String(found)}, not ${String(wanted)}`)
}
