// The UCM case by case: matching, refusals that give back, deposits.

import { describe, expect, test } from '@jest/globals'

import {
  FILLS_MAX,
  ORDERS_PER_OWNER_MAX,
  STAKE_CHECK_MS_MAX,
} from '../../contracts/ucm/state.ts'
import { DMAC, Market, SAM } from './market.ts'
import { idOf } from './network.ts'

const LEA = idOf('Lea')

function open(ucm = {}): Market {
  const all = { [DMAC]: '1000', [SAM]: '1000', [LEA]: '1000' }
  const market = new Market({ hyperCoin: all, u: all, asset: all, ucm })
  for (const wallet of [DMAC, SAM, LEA]) {
    market.stake(wallet, '10')
    for (const token of [market.u, market.asset]) market.transfer(wallet, token, market.ucm, '500')
  }
  market.network.settle()
  return market
}

function placed(market: Market, wallet: string, tags: Record<string, string>): Record<string, string> {
  const { network } = market
  const before = network.notices.length
  const result = market.order(wallet, tags)
  expect(result.text).toBe('')
  network.settle()
  const answer = network.notices.slice(before).find((each) => each.tags['Order'] === result.action.id)
  return answer?.tags ?? {}
}

const sell = (Quantity: string, Price: string) => ({ Type: 'limit', Side: 'sell', Quantity, Price })
const buy = (Quantity: string, Price: string) => ({ Type: 'limit', Side: 'buy', Quantity, Price })
const marketBuy = (Quantity: string) => ({ Type: 'market', Side: 'buy', Quantity })
const marketSell = (Quantity: string) => ({ Type: 'market', Side: 'sell', Quantity })

function deposit(market: Market, wallet: string, token: string): string {
  return market.ucmState.deposits[`${wallet}/${token}`] ?? '0'
}

describe('matching', () => {
  test('takes the best price first, then the first come, at the maker price, in part', () => {
    const market = open()
    const dear = placed(market, DMAC, sell('10', '4'))['Order'] as string
    const first = placed(market, LEA, sell('10', '3'))['Order'] as string
    const second = placed(market, DMAC, sell('10', '3'))['Order'] as string
    expect(placed(market, SAM, marketBuy('45'))).toMatchObject({ Status: 'filled', Received: '15' })
    const { orders } = market.ucmState
    expect(orders[first]).toBe(undefined)
    expect([orders[second]?.left, orders[dear]?.left]).toEqual(['5', '10'])
    expect(market.balances(market.u)[LEA]).toBe('530')
    expect(market.balances(market.asset)[SAM]).toBe('515')
  })

  test('a limit that crosses trades at the better price, and the rest of it waits', () => {
    const market = open()
    placed(market, DMAC, sell('10', '3'))
    const answer = placed(market, SAM, buy('100', '5'))
    expect(answer).toMatchObject({ Status: 'open', Given: '30', Received: '10', Left: '70' })
    expect(placed(market, LEA, marketSell('20'))).toMatchObject({ Given: '14', Received: '70' })
    expect(market.balances(market.u)[LEA]).toBe('570')
    expect(market.ucmState).toMatchObject({ orders: {}, books: {} })
  })

  test('what a buy cannot spend returns to its deposit', () => {
    const market = open()
    placed(market, SAM, buy('31', '3'))
    placed(market, DMAC, marketSell('10'))
    expect(market.ucmState.orders).toEqual({})
    expect(deposit(market, SAM, market.u)).toBe('470')
    placed(market, DMAC, sell('10', '3'))
    const answer = placed(market, LEA, marketBuy('40'))
    expect(answer).toMatchObject({ Status: 'closed', Given: '30', Returned: '10' })
    expect(deposit(market, LEA, market.u)).toBe('470')
  })

  test('the fee is floored off what the taker gets and is a deposit of the fee account', () => {
    const market = open({ feeBps: 250, feeAccount: LEA })
    placed(market, DMAC, sell('10', '3'))
    expect(placed(market, SAM, marketBuy('30'))).toMatchObject({ Given: '30', Received: '9' })
    expect(market.balances(market.u)[DMAC]).toBe('530')
    expect(deposit(market, LEA, market.asset)).toBe('501')
  })

  test('a fee that eats all that a market order got does not give back what it paid', () => {
    const market = open({ feeBps: 10_000, feeAccount: LEA })
    placed(market, DMAC, sell('1', '3'))
    const answer = placed(market, SAM, marketBuy('30'))
    expect(answer).toMatchObject({ Status: 'closed', Given: '3', Received: '0', Returned: '27' })
    expect(deposit(market, SAM, market.u)).toBe('497')
  })

  test('an order makes at most FILLS_MAX fills, and its messages fit an outbox', () => {
    const market = open()
    for (let n = 0; n < FILLS_MAX + 2; n += 1) placed(market, DMAC, sell('1', '1'))
    expect(placed(market, SAM, buy('200', '1'))).toMatchObject({
      Status: 'closed',
      Received: String(FILLS_MAX),
      Returned: String(200 - FILLS_MAX),
    })
    expect(market.ucmState.orderCount).toBe(2)
  })
})

describe('refusals give back', () => {
  test('an order without enough stake', () => {
    const market = open()
    market.network.send(SAM, market.hb, { Action: 'Unstake', Quantity: '1' })
    const answer = placed(market, SAM, { ...marketBuy('30'), Reference: 'r1' })
    expect(answer).toMatchObject({
      Action: 'Order-Refused',
      Error: 'stake-insufficient',
      Returned: '30',
      Reference: 'r1',
    })
    expect(deposit(market, SAM, market.u)).toBe('500')
  })

  test('a stake in another role does not count', () => {
    const market = new Market({ hyperCoin: { [SAM]: '50' }, u: { [SAM]: '50' }, asset: {} })
    market.stake(SAM, '50', { 'X-Role': 'dre' })
    market.transfer(SAM, market.u, market.ucm, '50')
    market.network.settle()
    expect(placed(market, SAM, marketBuy('30'))['Error']).toBe('stake-insufficient')
  })

  test('a stake check that bounces, or a market without an HB contract', () => {
    const market = open()
    market.network.failing = ({ tags }) => tags['Action'] === 'Stake-Of'
    expect(placed(market, SAM, marketBuy('30'))['Error']).toBe('stake-check-bounce')
    const lost = open({ hbContract: idOf('nobody') })
    expect(placed(lost, SAM, marketBuy('30'))['Error']).toBe('stake-check-bounce')
    expect(deposit(lost, SAM, lost.u)).toBe('500')
  })

  test('a market order that meets nobody, an order that cannot rest', () => {
    const market = open()
    expect(placed(market, SAM, marketSell('30'))['Error']).toBe('nothing-to-match')
    for (let n = 0; n < ORDERS_PER_OWNER_MAX; n += 1) placed(market, SAM, sell('1', '9'))
    expect(placed(market, SAM, sell('1', '9'))['Error']).toBe('owner-orders-full')
    expect(deposit(market, SAM, market.asset)).toBe(String(500 - ORDERS_PER_OWNER_MAX))
  })

  test('an answer that never comes: the next order after the deadline sweeps it, and a late one is harmless', () => {
    const market = open()
    const { network } = market
    market.order(SAM, marketBuy('30'))
    const [question] = network.moving
    network.channels.clear()
    expect(deposit(market, SAM, market.u)).toBe('470')
    network.time += STAKE_CHECK_MS_MAX + 1
    placed(market, DMAC, sell('10', '3'))
    const refused = network.notices.find(({ tags }) => tags['Error'] === 'stake-check-expired')
    expect(refused?.target).toBe(SAM)
    const tags = { Action: 'Stake-Of-Reply', Address: SAM, Role: 'user', Quantity: '10' }
    const Reference = question?.tags['Reference'] as string
    network.inject(market.hb, market.ucm, { kind: 'notice', tags: { ...tags, Reference } })
    expect([deposit(market, SAM, market.u), network.moving]).toEqual(['500', []])
  })

  test.each([
    [{ ...marketBuy('501') }, /^deposit-insufficient/],
    [{ ...marketBuy('1'), Price: '3' }, /^order-malformed/],
    [{ ...sell('1', '0') }, /^price-malformed/],
    [{ ...buy('2', '3') }, /^order-too-small/],
    [{ ...sell('1', '3'), Side: '__proto__' }, /^order-malformed: Side/],
    [{ ...sell('1', '3'), Base: 'x' }, /^address-malformed/],
    [{ ...sell('1', '3'), Reference: 'r'.repeat(65) }, /^order-malformed: Reference/],
  ])('refuses %j at once', (tags, text) => {
    const market = open()
    const before = market.ucmState
    expect(market.order(SAM, tags).text).toMatch(text)
    expect(market.ucmState).toEqual(before)
  })

  test('an order with too few hops to be carried out', () => {
    const market = open()
    const tags = { Action: 'Create-Order', Base: market.asset, Quote: market.u, ...marketSell('1') }
    expect(market.network.send(SAM, market.ucm, tags, { hops: 3 }).text).toMatch(/^order-hops/)
    expect(market.network.send(SAM, market.ucm, tags, { count: 43 }).text).toMatch(/^order-count/)
    expect(market.network.send(SAM, market.ucm, tags, { count: 44 }).status).toBe('ok')
  })
})

describe('deposits', () => {
  test('cancel by the owner alone, withdraw in part and in full', () => {
    const market = open()
    const { network, ucm } = market
    const Order = placed(market, SAM, sell('10', '3'))['Order'] as string
    expect(network.send(DMAC, ucm, { Action: 'Cancel-Order', Order }).text).toMatch(/^order-foreign/)
    expect(network.send(SAM, ucm, { Action: 'Cancel-Order', Order }).status).toBe('ok')
    expect(network.send(SAM, ucm, { Action: 'Cancel-Order', Order }).text).toMatch(/^order-unknown/)
    const tags = { Action: 'Withdraw-Deposit', Token: market.asset }
    network.send(SAM, ucm, { ...tags, Quantity: '20' })
    expect(deposit(market, SAM, market.asset)).toBe('480')
    network.send(SAM, ucm, tags)
    expect(network.send(SAM, ucm, tags).text).toMatch(/^deposit-insufficient/)
    network.settle()
    expect(market.balances(market.asset)[SAM]).toBe('1000')
  })

  test('a transfer that bounces is a deposit of the one it was for', () => {
    const market = open()
    market.network.failing = ({ from, target }) => from === market.ucm && target === market.asset
    placed(market, DMAC, sell('10', '3'))
    placed(market, SAM, marketBuy('30'))
    expect(deposit(market, SAM, market.asset)).toBe('510')
    expect(market.balances(market.u)[DMAC]).toBe('530')
  })

  test('credits from a wallet, or without sense, are no deposits', () => {
    const market = open()
    const tags = { Action: 'Credit-Notice', Sender: SAM, Quantity: '5' }
    expect(market.network.send(SAM, market.ucm, tags).text).toMatch(/^action-unknown/)
    const before = market.ucmState
    for (const bad of [{ Sender: '__proto__' }, { Quantity: '-5' }, { Quantity: '0' }]) {
      market.network.inject(market.u, market.ucm, { kind: 'notice', tags: { ...tags, ...bad } })
    }
    expect(market.ucmState).toEqual(before)
  })

  test('Deposit-Of and Info answer', () => {
    const market = open()
    const tags = { Action: 'Deposit-Of', Token: market.u, Address: SAM }
    expect(market.network.send(DMAC, market.ucm, tags).sent[0]?.tags['Quantity']).toBe('500')
    expect(market.network.send(DMAC, market.ucm, { Action: 'Info' }).sent[0]?.tags).toMatchObject({
      'Minimum-Stake': '10',
      'Fee-Bps': '0',
      Orders: '0',
    })
  })
})
