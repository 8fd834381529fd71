// The lending pool case by case: limits, interest, liquidation, what goes back.

import { describe, expect, test } from '@jest/globals'

import { handle as lending } from '../../contracts/lending/contract.ts'
import { LIQUIDATIONS_MAX, POSITIONS_MAX } from '../../contracts/lending/state.ts'
import type { LendingState } from '../../contracts/lending/state.ts'
import { DMAC, SAM } from './market.ts'
import { Network, idOf } from './network.ts'
import { LENDER, Pool } from './pool.ts'

const MALLORY = idOf('Mallory, a process')
const YEAR = 31_536_000_000
const LONG = { stalenessMs: 86_400_000, sweepMs: 3_600_000 }

/** Ten gold at 10 dollars each: 75 may be borrowed; above 80 it is liquidated. */
function open(options: Partial<LendingState> = {}): Pool {
  const pool = new Pool({ [DMAC]: '1000', [SAM]: '1000' }, { rateBps: 0, ...options })
  pool.fund('1000')
  pool.deposit(DMAC, '10')
  pool.setPrice('10')
  pool.network.settle()
  pool.check()
  return pool
}

function borrowed(quantity: string, options: Partial<LendingState> = {}): Pool {
  const pool = open(options)
  expect(pool.ask(DMAC, 'Borrow', { Quantity: quantity }).text).toBe('')
  pool.network.settle()
  pool.check()
  return pool
}

function told(pool: Pool, action: string): Record<string, string> | undefined {
  return pool.network.notices.filter(({ tags }) => tags['Action'] === action).at(-1)?.tags
}

describe('a loan', () => {
  test('is paid out, repaid in part and in whole, and the collateral withdrawn', () => {
    const pool = borrowed('75')
    expect(told(pool, 'Borrow-Reply')).toMatchObject({ Status: 'paid', Quantity: '75' })
    expect(pool.balances(pool.dollar)[DMAC]).toBe('1075')
    expect(pool.positionOf(DMAC)).toMatchObject({ Collateral: '10', Debt: '75', Health: '10666' })
    expect(pool.ask(DMAC, 'Withdraw', { Quantity: '1' }).text).toMatch(/^collateral-insufficient: /)
    pool.repay(DMAC, '25')
    pool.network.settle()
    expect(pool.positionOf(DMAC)).toMatchObject({ Debt: '50' })
    expect(pool.ask(DMAC, 'Withdraw', { Quantity: '3' }).text).toBe('')
    pool.repay(SAM, '60', { 'X-Borrower': DMAC })
    pool.network.settle()
    expect(pool.balances(pool.dollar)[SAM]).toBe('950')
    expect(pool.ask(DMAC, 'Withdraw').text).toBe('')
    pool.network.settle()
    expect(told(pool, 'Withdraw-Reply')).toMatchObject({ Status: 'paid', Quantity: '7' })
    expect(pool.balances(pool.gold)[DMAC]).toBe('1000')
    expect(pool.state).toMatchObject({ positions: {}, heap: [], cash: '1000', shares: '0', repaid: '75' })
    pool.check()
  })

  test.each([
    ['Borrow', { Quantity: '76' }, {}, /^collateral-insufficient: /],
    ['Borrow', { Quantity: '0' }, {}, /^amount-malformed: /],
    ['Borrow', { Quantity: '1001' }, {}, /^funds-insufficient: /],
    ['Borrow', { Quantity: '1' }, { hops: 1 }, /^payment-hops: /],
    ['Borrow', { Quantity: '1' }, { count: 63 }, /^payment-hops: /],
    ['Borrow', { Quantity: '1', Reference: 'x'.repeat(65) }, {}, /^reference-malformed: /],
    ['Withdraw', { Quantity: '11' }, {}, /^collateral-insufficient: /],
    ['Withdraw', { Quantity: '1' }, { count: 2 }, /^payment-hops: /],
    ['Withdraw-Funds', { Token: idOf('dollar') }, {}, /^lender-only: /],
    ['Claim', { Token: idOf('dollar') }, {}, /^nothing-owed: /],
    ['Liquidate', {}, {}, /^action-unknown: .*Sweep/],
  ])('%s %j %j is refused, and changes nothing', (action, tags, left, why) => {
    const pool = open()
    const before = pool.network.processes.get(pool.pool)?.text
    expect(pool.ask(DMAC, action, tags, left).text).toMatch(why)
    expect(pool.network.processes.get(pool.pool)?.text).toBe(before)
  })

  test('without a position, or a price, there is none', () => {
    const pool = new Pool({ [DMAC]: '1000' })
    expect(pool.ask(DMAC, 'Borrow', { Quantity: '1' }).text).toMatch(/^position-unknown: /)
    expect(pool.ask(DMAC, 'Withdraw').text).toMatch(/^position-unknown: /)
    pool.fund('10')
    pool.deposit(DMAC, '10')
    pool.network.settle()
    expect(pool.ask(DMAC, 'Borrow', { Quantity: '1' }).text).toMatch(/^price-stale: there is no price/)
  })

  test('a payment that bounces is undone', () => {
    const pool = open()
    pool.network.failing = ({ target }) => target === pool.dollar
    pool.ask(DMAC, 'Borrow', { Quantity: '50' })
    pool.check()
    pool.network.settle()
    expect(told(pool, 'Borrow-Reply')).toMatchObject({ Status: 'returned' })
    expect(pool.state).toMatchObject({ shares: '0', heap: [], cash: '1000', lent: '0' })
    pool.network.failing = ({ target }) => target === pool.gold
    pool.ask(DMAC, 'Withdraw')
    expect(pool.state.positions).toEqual({})
    pool.network.settle()
    expect(pool.positionOf(DMAC)).toMatchObject({ Collateral: '10', Debt: '0' })
    pool.check()
  })

  test('so is one that was repaid before it bounced: what was paid for it is owed', () => {
    const pool = open()
    const { network } = pool
    network.failing = ({ from, target }) => from === pool.pool && target === pool.dollar
    pool.ask(DMAC, 'Borrow', { Quantity: '50' })
    pool.repay(DMAC, '20')
    while (pool.state.repaid === '0') {
      network.step(() => [...network.channels.keys()].indexOf(`${pool.dollar}/${pool.pool}`))
    }
    network.settle()
    expect(pool.positionOf(DMAC)).toMatchObject({ Debt: '0', 'Owed-Loan': '20' })
    expect(pool.state).toMatchObject({ cash: '1000', shares: '0' })
    pool.check()
    network.failing = () => false
    expect(pool.ask(DMAC, 'Claim', { Token: pool.dollar }).text).toBe('')
    network.settle()
    expect(pool.balances(pool.dollar)[DMAC]).toBe('1000')
    pool.check()
  })

  test('interest is simple, whole, and never in favour of the borrower', () => {
    const pool = borrowed('50', { rateBps: 1_000 })
    pool.network.time += 1_000
    expect(pool.positionOf(DMAC)).toMatchObject({ Debt: '51' })
    pool.network.time += YEAR / 2
    expect(pool.positionOf(DMAC)).toMatchObject({ Debt: '53' })
    pool.network.time += YEAR / 2
    expect(pool.positionOf(DMAC)).toMatchObject({ Debt: '56' })
    pool.repay(DMAC, '60')
    pool.network.settle()
    expect(pool.balances(pool.dollar)[DMAC]).toBe('994')
    expect(pool.state).toMatchObject({ shares: '0', cash: '1006', repaid: '56' })
    pool.check()
  })
})

describe('a price', () => {
  test('that is stale refuses borrowing, withdrawing with a debt, and liquidation; not the rest', () => {
    const pool = borrowed('70', { rateBps: 100_000 })
    const { network } = pool
    network.time += pool.state.stalenessMs + 1
    expect(pool.ask(DMAC, 'Borrow', { Quantity: '1' }).text).toMatch(/^price-stale: the price is of /)
    expect(pool.ask(DMAC, 'Withdraw', { Quantity: '1' }).text).toMatch(/^price-stale: /)
    network.time += YEAR
    expect(pool.ask(SAM, 'Sweep').text).toBe('')
    pool.tick(YEAR)
    expect(pool.liquidated).toEqual([])
    pool.repay(DMAC, '5')
    pool.deposit(SAM, '5')
    network.settle()
    expect(pool.ask(SAM, 'Withdraw').text).toBe('')
    pool.check()
    pool.setPrice('10')
    network.settle()
    expect(pool.liquidated).toHaveLength(1)
    pool.check()
  })

  test('counts from the oracle alone, and never goes back', () => {
    const pool = borrowed('70')
    const { network } = pool
    const tags = { Action: 'Price-Notice', Price: '1', At: String(network.time) }
    network.inject(MALLORY, pool.pool, { kind: 'notice', tags })
    network.send(DMAC, pool.pool, tags)
    network.inject(pool.oracle, pool.pool, { kind: 'notice', tags: { ...tags, At: '1' } })
    network.inject(pool.oracle, pool.pool, { kind: 'notice', tags: { ...tags, At: 'soon' } })
    const broken = network.inject(pool.oracle, pool.pool, { kind: 'notice', tags: { ...tags, Price: '-1' } })
    expect(broken?.text).toMatch(/^price-malformed: /)
    expect(pool.state.price).toBe('10')
    const later = { ...tags, Price: '9', At: String(network.time + YEAR) }
    network.inject(pool.oracle, pool.pool, { kind: 'notice', tags: later })
    expect(pool.state.priceAt).toBeLessThanOrEqual(network.time)
    expect(pool.liquidated).toEqual([])
  })
})

/** A hundred times as much, so that parts are not rounded away. */
function large(): Pool {
  const pool = new Pool({ [DMAC]: '100000' }, { rateBps: 0, sweepMs: 60_000 })
  pool.fund('100000')
  pool.deposit(DMAC, '1000')
  pool.setPrice('10')
  pool.network.settle()
  pool.ask(DMAC, 'Borrow', { Quantity: '7500' })
  pool.network.settle()
  return pool
}

describe('a liquidation', () => {
  test('comes with the price, and takes what brings the debt back to the borrowing limit', () => {
    const pool = large()
    pool.setPrice('9.375')
    pool.network.settle()
    expect(pool.liquidated).toEqual([])
    pool.setPrice('9.37')
    pool.network.settle()
    // x = (7500 - 0.75 × 9370) ÷ (1 - 0.75 × 1.05) = 2223.53; seized 2224 × 1.05 ÷ 9.37 = 249.22
    const seen = { Covered: '2224', 'Bad-Debt': '0', Seized: '250', Price: '9.37' }
    expect(told(pool, 'Liquidation-Notice')).toEqual({ Action: 'Liquidation-Notice', ...seen })
    expect(pool.positionOf(DMAC)).toMatchObject({ Collateral: '750', Debt: '5276' })
    expect(pool.state).toMatchObject({ seized: '250', covered: '2224', badDebt: '0', cash: '92500' })
    pool.check()
    pool.ask(LENDER, 'Withdraw-Funds', { Token: pool.gold })
    pool.ask(LENDER, 'Withdraw-Funds', { Token: pool.dollar, Quantity: '92000' })
    pool.network.settle()
    expect(pool.balances(pool.gold)[LENDER]).toBe('250')
    expect(pool.state).toMatchObject({ seized: '0', cash: '500' })
    pool.check()
  })

  test('is of the whole debt where a part does not do', () => {
    const pool = new Pool({ [DMAC]: '1000' }, { rateBps: 0 })
    pool.fund('1000')
    pool.deposit(DMAC, '2')
    pool.setPrice('50')
    pool.network.settle()
    pool.ask(DMAC, 'Borrow', { Quantity: '75' })
    pool.setPrice('46.5')
    pool.network.settle()
    // a part would seize 1 of the 2, and leave a debt of 50 on 46.5
    const seen = { Covered: '75', Seized: '2', 'Bad-Debt': '0' }
    expect(told(pool, 'Liquidation-Notice')).toMatchObject(seen)
    expect(pool.state).toMatchObject({ positions: {}, heap: [], seized: '2' })
    pool.check()
  })

  test('gives up the bonus first, and writes off what the collateral is not worth', () => {
    const pool = large()
    pool.setPrice('7.6')
    pool.network.settle()
    expect(told(pool, 'Liquidation-Notice')).toMatchObject({ Covered: '7500', Seized: '1000', 'Bad-Debt': '0' })
    const worse = large()
    worse.setPrice('0.5')
    worse.network.settle()
    expect(told(worse, 'Liquidation-Notice')).toMatchObject({ Covered: '500', Seized: '1000', 'Bad-Debt': '7000' })
    expect(worse.state).toMatchObject({ positions: {}, heap: [], badDebt: '7000', seized: '1000' })
    for (const each of [pool, worse]) each.check()
  })

  test('comes by the alarm alone where interest makes a debt too large', () => {
    const pool = borrowed('74', { rateBps: 100_000, ...LONG })
    for (let hours = 0; hours < 20; hours += 1) {
      pool.tick(3_600_000)
      pool.check()
      expect(pool.unhealthy()).toEqual([])
    }
    expect(pool.liquidated).toEqual([])
    // 80 dollars of debt: 8 % of ten times a year
    for (let hours = 0; hours < 60 && pool.liquidated.length === 0; hours += 1) {
      if (hours % 20 === 3) pool.setPrice('10')
      pool.tick(3_600_000)
      expect(pool.unhealthy()).toEqual([])
    }
    expect(pool.liquidated).toHaveLength(1)
    pool.check()
  })

  test(`of more than ${LIQUIDATIONS_MAX} goes on by alarms, in turn, the riskiest first`, () => {
    const wallets = Array.from({ length: 2 * LIQUIDATIONS_MAX + 3 }, (_, at) => idOf(`wallet ${at}`))
    const pool = new Pool(Object.fromEntries(wallets.map((each) => [each, '1000'])), { rateBps: 0 })
    pool.fund('100000')
    for (const each of wallets) pool.deposit(each, '100')
    pool.setPrice('10')
    pool.network.settle()
    wallets.forEach((each, at) => pool.ask(each, 'Borrow', { Quantity: String(700 + at) }))
    pool.network.settle()
    pool.setPrice('8.5')
    pool.network.settle()
    expect(pool.liquidated).toHaveLength(LIQUIDATIONS_MAX)
    pool.check()
    pool.tick(2)
    expect(pool.liquidated).toHaveLength(2 * LIQUIDATIONS_MAX)
    pool.tick(2)
    expect(pool.liquidated.map(({ borrower }) => borrower)).toEqual([...wallets].reverse())
    expect(pool.unhealthy()).toEqual([])
    pool.check()
  })

  test('a clock that refuses is left alone for a while, and asked again; a lost alarm too', () => {
    const pool = open(LONG)
    const { network } = pool
    network.failing = ({ target }) => target === pool.clock
    pool.ask(DMAC, 'Borrow', { Quantity: '50' })
    network.settle()
    expect(pool.state.alarm).toBeUndefined()
    network.failing = () => false
    pool.ask(DMAC, 'Sweep')
    expect(pool.state.alarm).toBeUndefined()
    network.time += 60_001
    pool.ask(DMAC, 'Sweep')
    const first = pool.state.alarm as number
    expect(first).toBeGreaterThan(network.time)
    network.time = first + 60_001
    pool.ask(DMAC, 'Sweep')
    expect(pool.state.alarm).toBeGreaterThan(first)
  })

  test('an alarm that is not the clock’s does nothing', () => {
    const pool = borrowed('70')
    const before = pool.network.processes.get(pool.pool)?.text
    for (const kind of ['notice', 'bounce'] as const) {
      const tags = { Action: 'Alarm', Name: 'sweep', 'X-Alarm': 'sweep' }
      pool.network.inject(MALLORY, pool.pool, { kind, tags })
    }
    expect(pool.network.processes.get(pool.pool)?.text).toBe(before)
  })
})

describe('what comes in', () => {
  test('and is not asked for goes back to its sender, or is owed', () => {
    const pool = open()
    const { network, gold, dollar } = pool
    pool.transfer(SAM, gold, '5')
    pool.transfer(SAM, gold, '5', { 'X-Action': 'Repay' })
    pool.transfer(SAM, dollar, '5', { 'X-Action': 'Deposit' })
    pool.transfer(SAM, dollar, '5', { 'X-Action': 'Fund' })
    pool.repay(SAM, '5')
    pool.repay(SAM, '5', { 'X-Borrower': '__proto__' })
    network.settle()
    for (const token of [gold, dollar]) expect(pool.balances(token)[SAM]).toBe('1000')
    pool.transfer(SAM, dollar, '5', {}, { hops: 1 })
    network.settle()
    expect(pool.positionOf(SAM)).toMatchObject({ 'Owed-Loan': '5', 'Owed-Collateral': '0' })
    pool.check()
  })

  test('a first deposit below the least goes back; a later one does not', () => {
    const pool = open({ minimumDeposit: '10' })
    for (const [by, quantity] of [[SAM, '9'], [DMAC, '1']] as const) pool.deposit(by, quantity)
    pool.network.settle()
    expect(pool.balances(pool.gold)).toMatchObject({ [SAM]: '1000', [DMAC]: '989' })
    pool.check()
  })

  test('the lender may ask for what is there, of the two tokens', () => {
    const pool = open()
    const asked = (Token: string, Quantity: string) => pool.ask(LENDER, 'Withdraw-Funds', { Token, Quantity }).text
    expect(asked(idOf('other'), '1')).toMatch(/^token-unknown: /)
    expect(asked(pool.dollar, '1001')).toMatch(/^funds-insufficient: /)
    expect(asked(pool.gold, '1')).toMatch(/^funds-insufficient: 0 is there/)
    pool.network.failing = ({ target }) => target === pool.dollar
    expect(asked(pool.dollar, '1000')).toBe('')
    pool.network.settle()
    expect(pool.state.cash).toBe('1000')
    pool.check()
  })

  test('a deposit beyond the positions that there may be goes back; one of who is there does not', () => {
    const pool = open()
    const process = pool.network.processes.get(pool.pool)
    if (process === undefined) throw new Error('no pool')
    process.text = process.text.replace('"positionCount":1', `"positionCount":${POSITIONS_MAX}`)
    pool.deposit(SAM, '5')
    pool.deposit(DMAC, '5')
    pool.network.settle()
    expect(pool.balances(pool.gold)).toMatchObject({ [SAM]: '1000', [DMAC]: '985' })
  })

  const good = { collateral: idOf('gold'), loan: idOf('dollar'), oracle: idOf('o'), lender: LENDER }

  test.each([
    [{ loan: idOf('gold') }, /state-malformed: collateral and loan are the same/],
    [{ oracle: 'nobody' }, /address-malformed: .*oracle/],
    [{ borrowBps: 8_000 }, /state-malformed: borrowBps must be less/],
    [{ bonusBps: 2_500 }, /state-malformed: a debt at liquidationBps/],
    [{ sweepMs: 10 }, /input-malformed: .*sweepMs/],
    [{ stalenessMs: 0 }, /input-malformed: .*stalenessMs/],
    [{ minimumDeposit: '0' }, /amount-malformed: .*minimumDeposit/],
    [{ cash: '5' }, /state-malformed: cash may not be given/],
  ])('a spawn with %j fails', (state, why) => {
    expect(() => new Network().spawn('pool', lending, { ...good, ...state })).toThrow(why)
  })

  test('the numbers are told', () => {
    const pool = borrowed('50')
    const tags = pool.ask(SAM, 'Info').sent[0]?.tags
    expect(tags).toMatchObject({ Price: '10', 'Price-Fresh': 'true', Cash: '950', Debts: '50', Lent: '50' })
    expect(tags).toMatchObject({ 'Borrow-Bps': '7500', Borrowers: '1', Lender: LENDER })
  })
})
