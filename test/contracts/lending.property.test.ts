// The lending pool under random deposits, loans, prices, waits, failures and hostile messages:
// after every message both tokens are conserved and the debts are what was lent; no healthy
// position is liquidated, and none stays unhealthy longer than an alarm takes to come.

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { idOf } from './network.ts'
import { LENDER, Pool } from './pool.ts'

const WALLETS = ['Ada', 'Bob', 'Cyd', 'Dan'].map(idOf)
const MALLORY = idOf('Mallory, a process')
const SWEEP_MS = 21_600_000
const STEP_MS = 7_200_000
/** A step of waiting, and what messages take on their way, a ms each. */
const SLACK_MS = STEP_MS + 10_000

const wallet = fc.constantFrom(...WALLETS)
const quantity = fc.integer({ min: 1, max: 200 }).map(String)
const hops = fc.oneof({ weight: 6, arbitrary: fc.constant(64) }, { weight: 1, arbitrary: fc.nat(5) })
const count = fc.oneof({ weight: 6, arbitrary: fc.constant(10_000) }, { weight: 1, arbitrary: fc.nat(80) })
const left = fc.record({ hops, count })
const credited = fc.constantFrom('Deposit', 'Deposit', 'Deposit', 'Repay', 'Repay', 'Repay', 'Fund', 'Nonsense')
const asked = fc.constantFrom('Borrow', 'Borrow', 'Borrow', 'Withdraw', 'Sweep', 'Claim', 'Withdraw-Funds')
const command = fc.oneof(
  { weight: 7, arbitrary: fc.record({ do: fc.constant('pay in' as const), wallet, quantity, as: credited, gold: fc.boolean(), right: fc.nat(6), left }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('ask' as const), wallet, quantity, action: asked, share: fc.nat(100), gold: fc.boolean(), left }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('price' as const), price: fc.constantFrom('10', '9.4', '9.39', '9.3', '8.8', '8', '7', '4', '0.5', '11'), left }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), steps: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forge' as const), reference: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('again' as const), which: fc.nat() }) },
  { weight: 7, arbitrary: fc.record({ do: fc.constant('move' as const), steps: fc.integer({ min: 1, max: 12 }), pick: fc.nat(50) }) },
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

/** Since when each position is unhealthy, at prices that counted all the while. */
class Watch {
  private readonly since = new Map<string, number>()
  longest = 0
  liquidations = 0
  byAlarm = 0

  check(pool: Pool): void {
    pool.check()
    const { time } = pool.network
    const unhealthy = new Set(pool.unhealthy())
    for (const each of this.since.keys()) if (!unhealthy.has(each)) this.since.delete(each)
    for (const each of unhealthy) {
      const since = this.since.get(each) ?? time
      this.since.set(each, since)
      this.longest = Math.max(this.longest, time - since)
    }
    if (this.longest > SWEEP_MS + SLACK_MS) throw new Error(`unhealthy for ${this.longest} ms`)
    for (const { borrower, before, at, price, by } of pool.liquidated.splice(0)) {
      this.liquidations += 1
      if (by === 'Alarm') this.byAlarm += 1
      if (at - before.priceAt > before.stalenessMs && by !== 'Price-Notice') throw new Error('stale')
      const fell = Pool.margin(before, borrower, at, price)
      if (fell >= 0n) throw new Error(`${borrower} was healthy, by ${fell}`)
    }
  }
}

function run(pool: Pool, wanted: Command, watch: Watch): void {
  const { network, gold, dollar } = pool
  switch (wanted.do) {
    case 'pay in': {
      const { as, right } = wanted
      const token = right === 0 ? (wanted.gold ? gold : dollar) : as === 'Deposit' ? gold : dollar
      const by = as === 'Fund' ? LENDER : wanted.wallet
      const tags: Record<string, string> = { 'X-Action': as }
      if (right === 1) tags['X-Borrower'] = WALLETS[0] as string
      if (right === 2) tags['X-Borrower'] = '__proto__'
      pool.transfer(by, token, wanted.quantity, tags, wanted.left)
      return
    }
    case 'ask': {
      const { action, left: may } = wanted
      const Token = wanted.gold ? gold : dollar
      if (action === 'Withdraw-Funds') {
        pool.ask(LENDER, action, { Token, Quantity: wanted.quantity }, may)
        return
      }
      if (action === 'Claim') {
        pool.ask(wanted.wallet, action, { Token }, may)
        return
      }
      pool.ask(wanted.wallet, action, { Quantity: sizeOf(pool, wanted) }, may)
      return
    }
    case 'price':
      pool.setPrice(wanted.price, wanted.left)
      return
    case 'wait':
      network.settle()
      watch.check(pool)
      for (let step = 0; step < wanted.steps; step += 1) {
        pool.tick(STEP_MS)
        watch.check(pool)
      }
      return
    case 'move':
      for (let step = 0; step < wanted.steps; step += 1) {
        if (!network.step((channels) => (wanted.pick + step) % channels)) return
        watch.check(pool)
      }
      return
    default:
      attack(pool, wanted, watch)
  }
}

/** Of a loan: mostly about as much as there may be. */
function sizeOf(pool: Pool, { action, wallet: by, share, quantity: some }: Command & { do: 'ask' }): string {
  const { positions, price, borrowBps } = pool.state
  const position = positions[by]
  if (action !== 'Borrow' || position === undefined || share < 30) return some
  const most = (Number(position.collateral) * Number(price) * borrowBps) / 10_000
  return String(Math.max(1, Math.floor(share > 90 ? most + 1 : most)))
}

function attack(pool: Pool, wanted: Command & { do: 'forge' | 'again' }, watch: Watch): void {
  const { network } = pool
  if (wanted.do === 'again') {
    // Answers once more; a credit twice is what the log rules out (R3).
    const answers = network.results.filter(
      ({ action: { kind, tags } }) => kind === 'notice' && tags['Reference'] !== undefined,
    )
    const answer = answers[wanted.which % Math.max(1, answers.length)]
    if (answer === undefined) return
    network.inject(answer.action.caller, pool.pool, { kind: 'notice', tags: answer.action.tags })
    return
  }
  const at = { Price: '0.001', At: String(network.time), Name: 'sweep', 'X-Alarm': 'sweep' }
  const tags = { ...at, Reference: String(wanted.reference), Quantity: '1000000', Recipient: MALLORY }
  for (const kind of ['notice', 'bounce', 'message'] as const) {
    for (const Action of ['Debit-Notice', 'Price-Notice', 'Alarm', 'Bounce', '__proto__']) {
      network.inject(MALLORY, pool.pool, { kind, tags: { Action, ...tags } })
      watch.check(pool)
    }
  }
}

/** Everybody repays, withdraws and claims, the lender last: then nothing may be left behind. */
function closeDown(pool: Pool, watch: Watch): void {
  const { network, gold, dollar } = pool
  network.failing = () => false
  network.settle()
  pool.setPrice('10')
  network.settle()
  watch.check(pool)
  for (const each of Object.keys(pool.state.positions)) {
    pool.transfer(LENDER, dollar, pool.positionOf(each)['Debt'] ?? '0', { 'X-Action': 'Repay', 'X-Borrower': each })
    network.settle()
    watch.check(pool)
    expect(pool.ask(each, 'Withdraw').text).toBe('')
  }
  network.settle()
  for (const key of Object.keys(pool.state.custody.owed)) {
    const [account, token] = key.split('/') as [string, string]
    expect(pool.ask(account, 'Claim', { Token: token }).text).toBe('')
  }
  const { cash, seized } = pool.state
  if (cash !== '0') pool.ask(LENDER, 'Withdraw-Funds', { Token: dollar })
  if (seized !== '0') pool.ask(LENDER, 'Withdraw-Funds', { Token: gold })
  network.settle()
  watch.check(pool)
  for (const token of [gold, dollar]) expect(pool.balances(token)[pool.pool]).toBeUndefined()
  expect(pool.state).toMatchObject({ positions: {}, positionCount: 0, heap: [], shares: '0' })
}

describe('a lending pool', () => {
  test('conserves both tokens, and liquidates what is unhealthy, in time, and nothing else', () => {
    const seen = { liquidations: 0, loans: 0, bounced: 0, badDebt: 0 }
    fc.assert(
      fc.property(
        fc.array(command, { minLength: 15, maxLength: 60, size: 'max' }),
        fc.constantFrom(0, 100_000),
        fc.constantFrom(0, 0, 3),
        (commands, rateBps, failEvery) => {
          const rich = Object.fromEntries(WALLETS.map((each) => [each, '10000']))
          const pool = new Pool(rich, { rateBps, stalenessMs: 86_400_000, sweepMs: SWEEP_MS })
          const watch = new Watch()
          pool.fund('5000')
          for (const each of WALLETS.slice(1)) pool.deposit(each, '100')
          pool.setPrice('10')
          pool.network.settle()
          for (const each of WALLETS.slice(2)) pool.ask(each, 'Borrow', { Quantity: '750' })
          let messages = 0
          pool.network.failing = ({ kind, fromKind, target }) =>
            failEvery > 0 &&
            kind === 'message' &&
            fromKind === 'process' &&
            target !== pool.clock &&
            (messages += 1) % failEvery === 0
          for (const wanted of commands) {
            run(pool, wanted, watch)
            watch.check(pool)
          }
          for (const { from, tags } of pool.network.notices) {
            if (from !== pool.pool) continue
            if (tags['Status'] === 'paid') seen.loans += 1
            if (tags['Status'] === 'returned') seen.bounced += 1
          }
          if (pool.state.badDebt !== '0') seen.badDebt += 1
          closeDown(pool, watch)
          seen.liquidations += watch.liquidations
        },
      ),
      { numRuns: 60 },
    )
    for (const times of Object.values(seen)) expect(times).toBeGreaterThan(2)
  })

  test('what interest alone makes unhealthy is liquidated by alarms, in time', () => {
    let byAlarm = 0
    const debts = fc.array(fc.integer({ min: 700, max: 750 }), { minLength: 1, maxLength: 40, size: 'max' })
    fc.assert(
      fc.property(debts, fc.integer({ min: 80_000, max: 100_000 }), (owed, rateBps) => {
        const wallets = owed.map((_debt, at) => idOf(`wallet ${at}`))
        const rich = Object.fromEntries(wallets.map((each) => [each, '100']))
        const pool = new Pool(rich, { rateBps, stalenessMs: 86_400_000, sweepMs: SWEEP_MS })
        const watch = new Watch()
        pool.fund('100000')
        for (const each of wallets) pool.deposit(each, '100')
        pool.setPrice('10')
        pool.network.settle()
        wallets.forEach((each, at) => pool.ask(each, 'Borrow', { Quantity: String(owed[at]) }))
        pool.network.settle()
        for (let step = 1; step < 70; step += 1) {
          if (step % 10 === 0) pool.setPrice('10')
          pool.tick(STEP_MS)
          watch.check(pool)
        }
        byAlarm += watch.byAlarm
        closeDown(pool, watch)
      }),
      { numRuns: 10 },
    )
    expect(byAlarm).toBeGreaterThan(20)
  })

  test('the checks can fail', () => {
    const pool = new Pool({ [WALLETS[0] as string]: '1000' }, { rateBps: 0 })
    pool.fund('1000')
    pool.deposit(WALLETS[0] as string, '100')
    pool.setPrice('10')
    pool.network.settle()
    pool.ask(WALLETS[0] as string, 'Borrow', { Quantity: '750' })
    pool.network.settle()
    pool.check()
    const process = pool.network.processes.get(pool.pool)
    if (process === undefined) throw new Error('no pool')
    const { text } = process
    const broken = (from: string, to: string) => {
      process.text = text.replace(from, to)
      return () => pool.check()
    }
    expect(broken('"cash":"250"', '"cash":"251"')).toThrow('loan held')
    expect(broken('"collateral":"100"', '"collateral":"99"')).toThrow('collateral held')
    expect(broken('"heap":["', '"heap":["x","')).toThrow('the heap')
    expect(broken('"lent":"750"', '"lent":"700"')).toThrow('debts without interest')
    broken('"price":"10"', '"price":"9"')
    expect(pool.unhealthy()).toEqual([WALLETS[0]])
  })
})
