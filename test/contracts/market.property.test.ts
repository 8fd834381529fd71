// The whole market under random orders, cancels, failures and hostile replies, checked after every
// single message.

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { STAKE_CHECK_MS_MAX } from '../../contracts/ucm/state.ts'
import { Market, total } from './market.ts'
import { checkMarket, totalsOf } from './market-invariants.ts'
import type { Totals } from './market-invariants.ts'
import { idOf } from './network.ts'

const WALLETS = ['Ada', 'Bob', 'Cyd', 'Dan'].map(idOf)
const MALLORY = idOf('Mallory, a process')
const PRICES = ['3', '2.5', '3.000000000000000001', '0.3', '0.25', '10', '7', '1']

const wallet = fc.constantFrom(...WALLETS)
const quantity = fc.integer({ min: 1, max: 60 }).map(String)
const few = fc.constantFrom(5, 4, 3, 2, 1, 0)
const hops = fc.oneof({ weight: 6, arbitrary: fc.constant(64) }, { weight: 1, arbitrary: few })
const count = fc.oneof({ weight: 6, arbitrary: fc.constant(10_000) }, { weight: 1, arbitrary: fc.nat(50) })
/** What a message may cause. */
const left = fc.record({ hops, count })
const command = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('deposit' as const), wallet, quantity, which: fc.nat(2), left }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('order' as const),
      wallet,
      quantity,
      limit: fc.boolean(),
      sell: fc.boolean(),
      price: fc.constantFrom(...PRICES),
      left,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), by: fc.nat(8), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('withdraw' as const), wallet, which: fc.nat(2), left }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('stake' as const),
      wallet,
      quantity,
      role: fc.constantFrom('user', 'user', 'dre', 'nobody', '__proto__'),
      plain: fc.boolean(),
      left,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unstake' as const), wallet, quantity }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pay out' as const), wallet }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('again' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('forge' as const), reference: fc.nat(30), kind: fc.constantFrom('notice' as const, 'bounce' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), long: fc.boolean() }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('move' as const), steps: fc.integer({ min: 1, max: 30 }), pick: fc.nat(50) }) },
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

function newMarket(feeBps: number): Market {
  const rich = Object.fromEntries(WALLETS.map((address) => [address, '100000']))
  const ucm = feeBps === 0 ? {} : { feeBps, feeAccount: WALLETS[3] as string }
  const market = new Market({ hyperCoin: rich, u: rich, asset: rich, ucm })
  for (const address of WALLETS.slice(0, 3)) {
    market.stake(address, '10')
    for (const token of [market.u, market.asset]) market.transfer(address, token, market.ucm, '100')
  }
  market.network.settle()
  return market
}

function run(market: Market, wanted: Command, totals: Totals): void {
  const { network } = market
  const tokens = [market.u, market.asset, market.hyperCoin]
  switch (wanted.do) {
    case 'deposit': {
      const tags = { Action: 'Transfer', Recipient: market.ucm, Quantity: wanted.quantity }
      network.send(wanted.wallet, tokens[wanted.which] as string, tags, wanted.left)
      return
    }
    case 'order': {
      const { limit, sell, price, wallet: by } = wanted
      const tags = { Type: limit ? 'limit' : 'market', Side: sell ? 'sell' : 'buy', Quantity: wanted.quantity }
      const all = { Action: 'Create-Order', Base: market.asset, Quote: market.u, ...tags }
      network.send(by, market.ucm, limit ? { ...all, Price: price } : all, wanted.left)
      return
    }
    case 'cancel': {
      const orders = Object.entries(market.ucmState.orders)
      const [id, order] = orders[wanted.which % Math.max(1, orders.length)] ?? [idOf('none'), undefined]
      const by = wanted.by < 6 ? (order?.owner ?? MALLORY) : (WALLETS[wanted.by % 4] as string)
      network.send(by, market.ucm, { Action: 'Cancel-Order', Order: id })
      return
    }
    case 'withdraw': {
      const tags = { Action: 'Withdraw-Deposit', Token: tokens[wanted.which] as string }
      network.send(wanted.wallet, market.ucm, tags, wanted.left)
      return
    }
    case 'move':
      for (let step = 0; step < wanted.steps; step += 1) {
        if (!network.step((channels) => (wanted.pick + step) % channels)) break
        checkMarket(market, totals)
      }
      return
    default:
      runMore(market, wanted)
  }
}

type Trading = { do: 'deposit' | 'order' | 'cancel' | 'withdraw' | 'move' }

function runMore(market: Market, wanted: Exclude<Command, Trading>): void {
  const { network } = market
  switch (wanted.do) {
    case 'stake': {
      const says: Record<string, string> = wanted.plain ? {} : { 'X-Action': 'Stake', 'X-Role': wanted.role }
      const tags = { Action: 'Transfer', Recipient: market.hb, Quantity: wanted.quantity, ...says }
      network.send(wanted.wallet, market.hyperCoin, tags, wanted.left)
      return
    }
    case 'unstake':
      network.send(wanted.wallet, market.hb, { Action: 'Unstake', Quantity: wanted.quantity })
      return
    case 'pay out':
      network.send(wanted.wallet, market.hb, { Action: 'Withdraw' })
      return
    case 'again': {
      // Answers of requests, delivered once more; a credit delivered twice is what the log rules
      // out (R3).
      const answers = network.results.filter(
        ({ action: { kind, tags } }) => kind === 'notice' && tags['Reference'] !== undefined,
      )
      const answer = answers[wanted.which % Math.max(1, answers.length)]
      if (answer === undefined) return
      const { caller, tags } = answer.action
      for (const target of [market.ucm, market.hb]) network.inject(caller, target, { kind: 'notice', tags })
      return
    }
    case 'forge': {
      const Reference = String(wanted.reference)
      const claims = { Quantity: '1000000', Address: WALLETS[3] as string, Role: 'user', Sender: MALLORY }
      for (const Action of ['Stake-Of-Reply', 'Debit-Notice', 'Nonsense', '__proto__']) {
        const tags = { Action, Reference, ...claims }
        for (const target of [market.ucm, market.hb]) network.inject(MALLORY, target, { kind: wanted.kind, tags })
      }
      return
    }
    case 'wait':
      network.time += wanted.long ? STAKE_CHECK_MS_MAX + 1 : 1_000
  }
}

/** Everybody cancels, withdraws and leaves: then nothing may be left behind. */
function closeDown(market: Market): void {
  const { network } = market
  network.failing = () => false
  network.silent = () => false
  network.settle()
  // what the HB contract never answered ends by its deadline, at any work
  network.time += STAKE_CHECK_MS_MAX + 1
  for (let round = 0; market.ucmState.requests.open > 0; round += 1) {
    if (round > 50) throw new Error('orders stay parked')
    network.send(MALLORY, market.ucm, { Action: 'Info' })
    network.settle()
  }
  for (const [id, { owner }] of Object.entries(market.ucmState.orders)) {
    expect(network.send(owner, market.ucm, { Action: 'Cancel-Order', Order: id }).text).toBe('')
  }
  for (const key of Object.keys(market.ucmState.deposits)) {
    const [account, token] = key.split('/') as [string, string]
    if (account === MALLORY || token === MALLORY) continue
    expect(network.send(account, market.ucm, { Action: 'Withdraw-Deposit', Token: token }).text).toBe('')
  }
  network.settle()
  for (const token of [market.u, market.asset, market.hyperCoin]) {
    expect(market.balances(token)[market.ucm]).toBe(undefined)
  }
  expect(market.ucmState).toMatchObject({ books: {}, orders: {}, orderCount: 0, ordersOf: {} })
  expect(market.ucmState.requests.open).toBe(0)
  expect(market.hbState.pendingWithdrawals.open).toBe(0)
}

describe('the market', () => {
  test('conserves every token, and owes what it holds, after every message', () => {
    let trades = 0
    let bounces = 0
    let expired = 0
    fc.assert(
      fc.property(
        fc.array(command, { minLength: 20, maxLength: 100, size: 'max' }),
        fc.constantFrom(0, 0, 1, 137, 10_000),
        fc.constantFrom(0, 0, 3, 7),
        fc.constantFrom(0, 0, 0, 3),
        (commands, feeBps, failEvery, silentEvery) => {
          const market = newMarket(feeBps)
          const totals = totalsOf(market)
          let seen = 0
          market.network.failing = ({ kind, fromKind }) =>
            failEvery > 0 && kind === 'message' && fromKind === 'process' && (seen += 1) % failEvery === 0
          market.network.silent = ({ tags }) =>
            silentEvery > 0 && tags['Action'] === 'Stake-Of' && (seen += 1) % silentEvery === 0
          for (const wanted of commands) {
            run(market, wanted, totals)
            checkMarket(market, totals)
          }
          for (const { action } of market.network.results) {
            if (action.kind === 'bounce') bounces += 1
            if (action.tags['Action'] === 'Deadline' && action.caller === market.ucm) expired += 1
            if (action.tags['X-Order'] !== undefined && action.kind === 'message') trades += 1
          }
          closeDown(market)
          checkMarket(market, totals)
        },
      ),
      { numRuns: 120 },
    )
    expect(trades).toBeGreaterThan(150)
    expect(bounces).toBeGreaterThan(20)
    expect(expired).toBeGreaterThan(5)
  })

  test('the checks can fail', () => {
    const market = newMarket(0)
    const totals = totalsOf(market)
    const process = market.network.processes.get(market.ucm)
    if (process === undefined) throw new Error('no market')
    process.text = process.text.replace('"100"', '"101"')
    expect(() => checkMarket(market, totals)).toThrow('what the market holds and owes')
    expect(total(market.balances(market.u))).toBe(400_000n)
  })
})
