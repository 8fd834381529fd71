// Best-price under random purchases among shops that are silent, absent, late, or say a thing twice,
// with messages that fail and answers that are forged; checked after every single message.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'

import { QUOTES_MS_MAX } from '../../contracts/best-price/purchase.ts'
import { RESERVATION_MS_MAX } from '../../contracts/best-price/shop.ts'
import { DEADLINE_MS_DEFAULT } from '../../src/lib/index.ts'
import { total } from './market.ts'
import { ADA, BEN, Shops, checkSales, checkShops } from './shops.ts'
import { idOf } from './network.ts'

const MALLORY = idOf('Mallory, a process')
const wallet = fc.constantFrom(ADA, BEN)
const hops = fc.oneof({ weight: 5, arbitrary: fc.constant(64) }, fc.integer({ min: 12, max: 24 }))
const count = fc.oneof({ weight: 5, arbitrary: fc.constant(10_000) }, fc.constant(512))
const quantity = fc.integer({ min: 1, max: 400 })

const command = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('buy' as const),
      wallet,
      quantity,
      each: fc.integer({ min: 2, max: 6 }),
      left: fc.record({ hops, count }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('price' as const), wallet, quantity }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('withdraw' as const), wallet }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deposit' as const), wallet, quantity }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('again' as const), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('late' as const), reference: fc.nat(60) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('forge' as const), reference: fc.nat(60) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), long: fc.boolean() }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      steps: fc.integer({ min: 1, max: 25 }),
      pick: fc.nat(50),
    }),
  },
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

class Run {
  readonly shops = new Shops('500')
  readonly purchases: string[] = []
  prices = 0

  do(wanted: Command): void {
    const { shops } = this
    const { network, best, u } = shops
    switch (wanted.do) {
      case 'buy': {
        const { quantity, each, left } = wanted
        const { status, action } = shops.buy(wanted.wallet, String(quantity), String(quantity * each), left)
        if (status === 'ok') this.purchases.push(action.id)
        return
      }
      case 'price': {
        const tags = { Action: 'Price', Quantity: String(wanted.quantity) }
        if (network.send(wanted.wallet, best, tags).status === 'ok') this.prices += 1
        return
      }
      case 'withdraw':
        network.send(wanted.wallet, best, { Action: 'Withdraw' })
        return
      case 'deposit': {
        const tags = { Recipient: best, Quantity: String(wanted.quantity) }
        network.send(wanted.wallet, u, { Action: 'Transfer', ...tags })
        return
      }
      case 'wait':
        shops.wait(wanted.long ? RESERVATION_MS_MAX : QUOTES_MS_MAX)
        return
      case 'move':
        for (let step = 0; step < wanted.steps; step += 1) {
          if (!network.step((channels) => (wanted.pick + step) % channels)) return
          checkShops(shops)
        }
        return
      default:
        this.hostile(wanted)
    }
  }

  private hostile(wanted: Extract<Command, { do: 'again' | 'late' | 'forge' }>): void {
    const { network, best, silent, cheap } = this.shops
    if (wanted.do === 'again') {
      // answers of shops, delivered once more; a token's credit twice is what the log rules out
      const answers = network.results.filter(
        ({ action: { kind, tags } }) => kind === 'notice' && tags['Reference'] !== undefined,
      )
      const action = answers[wanted.which % Math.max(1, answers.length)]?.action
      if (action !== undefined) network.inject(action.caller, best, { kind: 'notice', tags: action.tags })
      return
    }
    const Reference = String(wanted.reference)
    const from = wanted.do === 'late' ? silent : MALLORY
    const claims = { 'X-Order': idOf('none'), 'X-Buyer': BEN, 'X-Paid': '9', 'X-Deposit-Account': BEN, 'X-Deposit-Quantity': '9', Sender: BEN }
    for (const Action of ['Quote-Reply', 'Reserve-Reply', 'Debit-Notice', 'Credit-Notice', 'Deadline']) {
      const tags = { Action, Reference, Price: '1', Quantity: '9', Reservation: Reference }
      for (const kind of ['notice', 'message'] as const) {
        network.inject(from, best, { kind, tags: { ...tags, ...claims, 'X-Deadline': Reference } })
        network.inject(from, cheap, { kind, tags: { ...tags, ...claims, 'X-Reservation': Reference } })
      }
      if (wanted.do === 'forge') network.inject(MALLORY, best, { kind: 'bounce', tags: { ...tags, ...claims } })
    }
  }

  /** Nothing fails any more, and time passes: every purchase must have ended. */
  comeToRest(): void {
    const { network, best, cheap, dear } = this.shops
    network.failing = () => false
    for (let round = 0; round < 12; round += 1) {
      network.settle()
      checkShops(this.shops)
      this.shops.wait(DEADLINE_MS_DEFAULT * 2 ** round)
      for (const shop of [cheap, dear]) network.send(ADA, shop, { Action: 'Quote', Quantity: '1' })
    }
    network.settle()
    for (const wallet of [ADA, BEN]) network.send(wallet, best, { Action: 'Withdraw' })
    network.settle()
  }
}

test('every question is answered once, every purchase ends once, and no money is made or lost', () => {
  const ends: Record<string, number> = {}
  let bounces = 0
  fc.assert(
    fc.property(
      fc.array(command, { minLength: 15, maxLength: 50, size: 'max' }),
      fc.constantFrom(0, 0, 2, 3, 7),
      (commands, failEvery) => {
        const run = new Run()
        const { shops } = run
        let seen = 0
        shops.network.failing = ({ kind, fromKind, tags }) =>
          failEvery > 0 &&
          kind === 'message' &&
          fromKind === 'process' &&
          tags['Action'] !== 'Deadline' &&
          (seen += 1) % failEvery === 0
        for (const wanted of commands) {
          run.do(wanted)
          checkShops(shops)
        }
        run.comeToRest()
        const answers = shops.told('Buy-Reply')
        expect(answers.map(({ Order }) => Order).sort()).toEqual(run.purchases.sort())
        expect(shops.told('Price-Reply').length).toBe(run.prices)
        expect(shops.bestState).toMatchObject({ deposits: {}, requests: { open: 0 } })
        expect(total({ held: shops.balances(shops.u)[shops.best] ?? '0' })).toBe(0n)
        checkSales(shops, 500n)
        for (const { Status = '' } of answers) ends[Status] = (ends[Status] ?? 0) + 1
        bounces += shops.network.results.filter(({ action }) => action.kind === 'bounce').length
      },
    ),
    { numRuns: 30 },
  )
  expect(ends['bought']).toBeGreaterThan(20)
  expect(ends['returned']).toBeGreaterThan(20)
  expect(bounces).toBeGreaterThan(40)
})

test('the checks can fail', () => {
  const change = (of: 'best' | 'cheap', from: string, to: string) => {
    const shops = new Shops()
    const process = shops.network.processes.get(shops[of])
    if (process === undefined) throw new Error(`no ${of}`)
    process.text = process.text.replace(from, to)
    return () => checkShops(shops)
  }
  expect(change('best', '"5000"', '"5001"')).toThrow('P1: the money of best-price')
  expect(change('cheap', '"1000"', '"999"')).toThrow('S1: the goods of a shop')
})
