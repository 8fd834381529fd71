// Best-price case by case: who is asked, who is paid, what comes back.

import { describe, expect, test } from '@jest/globals'

import { BUY_COUNT_MIN, BUY_HOPS_MIN, QUOTES_MS_MAX } from '../../contracts/best-price/purchase.ts'
import { RESERVATION_MS_MAX } from '../../contracts/best-price/shop.ts'
import { ADA, BEN, Shops, checkSales, checkShops } from './shops.ts'
import { idOf } from './network.ts'

/** All have answered that will: one is silent, so time must pass. */
function quotes(shops: Shops): void {
  shops.network.settle()
  shops.wait(QUOTES_MS_MAX + 1)
}

describe('a purchase', () => {
  test('takes the cheapest of those that answered in time, and gives back the rest', () => {
    const shops = new Shops()
    const { id } = shops.buy(ADA, '10', '60').action
    expect(shops.bestState.deposits[ADA]).toBe('4940')
    quotes(shops)
    shops.network.settle()
    expect(shops.told('Buy-Reply')).toEqual([
      { Action: 'Buy-Reply', Order: id, Status: 'bought', Shop: shops.cheap, Price: '30' },
    ])
    expect(shops.balances(shops.goods)[ADA]).toBe('10')
    expect(shops.bestState).toMatchObject({ deposits: { [ADA]: '4970' }, requests: { open: 0 } })
    checkShops(shops)
    checkSales(shops, 1_000n)
  })

  test('goes on to the next where the best no longer has it', () => {
    const shops = new Shops()
    const { network, cheap } = shops
    shops.buy(ADA, '10', '60')
    network.settle()
    const took = network.send(BEN, cheap, { Action: 'Reserve', Quantity: '995', Price: '2985' })
    expect(took.status).toBe('ok')
    shops.wait(QUOTES_MS_MAX + 1)
    network.settle()
    expect(shops.told('Buy-Reply')).toMatchObject([{ Shop: shops.dear, Price: '50' }])
    network.time += RESERVATION_MS_MAX
    network.send(BEN, cheap, { Action: 'Quote', Quantity: '1' })
    network.settle()
    expect(shops.shopState(cheap)).toMatchObject({ stock: '1000', reservations: { open: 0 } })
  })

  test('returns all of it where nobody sells for that, or nobody has so many', () => {
    const shops = new Shops()
    for (const [quantity, limit] of [['10', '29'], ['1001', '5000']] as const) {
      shops.buy(ADA, quantity, limit)
      quotes(shops)
      shops.network.settle()
      const last = shops.told('Buy-Reply').at(-1)
      expect(last).toMatchObject({ Status: 'returned', Returned: limit })
      expect(shops.bestState.deposits[ADA]).toBe('5000')
    }
  })

  test('a payment that bounces comes back, and its shop keeps the goods', () => {
    const shops = new Shops()
    const { network, u, best, cheap } = shops
    network.failing = ({ from, target }) => from === best && target === u
    shops.buy(ADA, '10', '60')
    quotes(shops)
    network.settle()
    expect(shops.told('Buy-Reply')).toMatchObject([{ Status: 'returned', Returned: '30' }])
    expect(shops.bestState.deposits[ADA]).toBe('5000')
    network.time += RESERVATION_MS_MAX
    network.send(BEN, cheap, { Action: 'Quote', Quantity: '1' })
    network.settle()
    checkSales(shops, 1_000n)
  })

  test('goods that cannot be delivered bring the money back to the deposit', () => {
    const shops = new Shops()
    const { network, goods, cheap } = shops
    network.failing = ({ from, target }) => from === cheap && target === goods
    shops.buy(ADA, '10', '60')
    quotes(shops)
    network.settle()
    expect(shops.bestState.deposits[ADA]).toBe('5000')
    expect(shops.shopState(cheap)).toMatchObject({ stock: '1000', owed: {} })
    checkSales(shops, 1_000n)
  })

  test('money that comes after the reservation lapsed goes back', () => {
    const shops = new Shops()
    const { network, cheap, u } = shops
    network.send(BEN, cheap, { Action: 'Reserve', Quantity: '10', Price: '30' })
    network.time += RESERVATION_MS_MAX + 1
    network.send(BEN, cheap, { Action: 'Quote', Quantity: '1' })
    network.settle()
    const tags = { Recipient: cheap, Quantity: '30', 'X-Reservation': '0' }
    network.send(BEN, u, { Action: 'Transfer', ...tags })
    network.settle()
    expect(shops.balances(u)[BEN]).toBe('5000')
    checkSales(shops, 1_000n)
  })

  test.each([
    [{ Quantity: '1', Limit: '5001' }, {}, /^balance-insufficient/],
    [{ Quantity: '0', Limit: '5' }, {}, /^amount-malformed: Quantity/],
    [{ Quantity: '1' }, {}, /^amount-malformed: Limit/],
    [{ Quantity: '1', Limit: '5', Reference: 'r'.repeat(65) }, {}, /^reference-malformed/],
    [{ Quantity: '1', Limit: '5' }, { hops: BUY_HOPS_MIN - 1 }, /^buy-hops/],
    [{ Quantity: '1', Limit: '5' }, { count: BUY_COUNT_MIN - 1 }, /^buy-count/],
  ])('refuses %j with %j at once', (tags, left, text) => {
    const shops = new Shops()
    const before = shops.bestState
    const all = { Action: 'Buy', ...tags } as Record<string, string>
    expect(shops.network.send(ADA, shops.best, all, left).text).toMatch(text)
    expect(shops.bestState).toEqual(before)
  })
})

describe('a price', () => {
  test('is the first answer, and what comes later is harmless', () => {
    const shops = new Shops()
    const tags = { Action: 'Price', Quantity: '10', Reference: 'r' }
    shops.network.send(ADA, shops.best, tags)
    shops.network.settle()
    expect(shops.told('Price-Reply')).toMatchObject([{ Shop: shops.dear, Price: '50', Reference: 'r' }])
    expect(shops.bestState.requests.open).toBe(0)
  })

  test('nobody has one, or nobody says so in time', () => {
    const shops = new Shops()
    shops.network.send(ADA, shops.best, { Action: 'Price', Quantity: '1001' })
    quotes(shops)
    shops.network.settle()
    expect(shops.told('Price-Reply')).toMatchObject([{ Error: 'price-expired' }])
    const nobody = idOf('nobody')
    const tags = { Action: 'Price', Quantity: '1' }
    expect(shops.network.send(nobody, shops.best, tags).text).toMatch(/^deposit-missing/)
  })
})

test('a deposit is withdrawn, and comes back when the token will not', () => {
  const shops = new Shops()
  const { network, best, u } = shops
  network.failing = ({ from, target }) => from === best && target === u
  network.send(ADA, best, { Action: 'Withdraw', Quantity: '100' })
  network.settle()
  expect(shops.bestState.deposits[ADA]).toBe('5000')
  network.failing = () => false
  network.send(ADA, best, { Action: 'Withdraw' })
  network.settle()
  expect([shops.balances(u)[ADA], shops.bestState.deposits[ADA]]).toEqual(['10000', undefined])
  expect(shops.told('Buy-Reply')).toEqual([])
})

test.each([
  [{ shops: [] }, /^spawn.*state-malformed: shops must name/],
  [{ shops: [ADA, ADA] }, /names one twice/],
  [{ shops: [ADA], token: 'u' }, /address-malformed: state\/token/],
])('a spawn with %j is refused', (state, text) => {
  const shops = new Shops()
  const { handle } = shops.network.processes.get(shops.best) ?? {}
  expect(() => shops.network.spawn('more', handle, { token: shops.u, ...state })).toThrow(text)
})
