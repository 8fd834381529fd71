// The HB contract among the real HyperCoin and UCM: stakes, unbonding, payments that fail.

import { describe, expect, test } from '@jest/globals'

import { FEATURE_LEVELS, ROLES, UNBONDINGS_MAX } from '../../src/system/index.ts'
import { handle } from '../../src/system/hb-contract.ts'
import { DMAC, Market, SAM } from '../contracts/market.ts'
import { Network, idOf } from '../contracts/network.ts'

const UNBONDING_MS = 1_000

function newMarket(): Market {
  const hyperCoin = { [DMAC]: '1000', [SAM]: '1000' }
  return new Market({ hyperCoin, u: { [SAM]: '500' }, asset: {}, unbondingMs: UNBONDING_MS })
}

function staked(role = 'user'): Market {
  const market = newMarket()
  market.stake(SAM, '100', { 'X-Role': role })
  market.network.settle()
  return market
}

function ask(market: Market, tags: Record<string, string>): Record<string, string> {
  const { text, sent } = market.network.send(SAM, market.hb, tags)
  expect(text).toBe('')
  return sent[0]?.tags ?? {}
}

describe('stakes', () => {
  test('are what HyperCoin credits with X-Action: Stake, by role', () => {
    const market = staked()
    for (const role of ROLES) market.stake(SAM, '7', { 'X-Role': role })
    market.network.settle()
    expect(ask(market, { Action: 'Stake-Of', Address: SAM, Reference: '9' })).toEqual({
      Action: 'Stake-Of-Reply',
      Address: SAM,
      Role: 'user',
      Quantity: '107',
      Unbonding: '0',
      Reference: '9',
    })
    expect(ask(market, { Action: 'Stake-Of', Role: 'fisher' })['Quantity']).toBe('7')
    expect(ask(market, { Action: 'Stake-Of', Address: DMAC })['Quantity']).toBe('0')
  })

  test.each([{}, { 'X-Action': 'Other' }, { 'X-Action': 'Stake', 'X-Role': 'king' }])(
    'a credit with %j is sent back',
    (tags) => {
      const market = newMarket()
      market.transfer(SAM, market.hyperCoin, market.hb, '100', tags)
      market.network.settle()
      expect(market.balances(market.hyperCoin)[SAM]).toBe('1000')
      expect(market.hbState.pendingWithdrawals.open).toBe(0)
    },
  )

  test.each([
    ['for want of hops', { hops: 1 }],
    ['for want of count', { count: 2 }],
    ['though a message is left', { count: 5 }],
  ])('a credit that cannot be sent back %s, or whose return fails, is due to its sender', (_, few) => {
    const market = newMarket()
    const tags = { Action: 'Transfer', Recipient: market.hb, Quantity: '100' }
    market.network.send(SAM, market.hyperCoin, tags, few)
    market.network.failing = ({ from }) => from === market.hb
    market.network.send(SAM, market.hyperCoin, tags)
    market.network.settle()
    expect(market.hbState.unbonding[SAM]?.map(({ amount }) => amount)).toEqual(['200'])
    market.network.failing = () => false
    ask(market, { Action: 'Withdraw' })
    market.network.settle()
    expect(market.balances(market.hyperCoin)[SAM]).toBe('1000')
  })

  test('nobody else makes a stake', () => {
    const market = newMarket()
    const before = market.hbState
    market.transfer(SAM, market.u, market.hb, '100', { 'X-Action': 'Stake' })
    market.network.settle()
    const tags = { Action: 'Credit-Notice', Sender: SAM, Quantity: '5', 'X-Action': 'Stake' }
    market.network.inject(idOf('mallory'), market.hb, { kind: 'notice', tags })
    expect(market.network.send(SAM, market.hb, tags).text).toMatch(/^action-unknown/)
    expect(market.hbState).toEqual(before)
  })
})

describe('unbonding', () => {
  test('lasts unbondingMs of log time, is shown, and is paid once', () => {
    const market = staked('dre')
    const { network } = market
    ask(market, { Action: 'Unstake', Quantity: '60', Role: 'dre' })
    expect(ask(market, { Action: 'Stake-Of', Role: 'dre' })).toMatchObject({ Quantity: '40', Unbonding: '60' })
    network.time += UNBONDING_MS - 10
    ask(market, { Action: 'Unstake', Quantity: '10', Role: 'dre' })
    expect(network.send(SAM, market.hb, { Action: 'Withdraw' }).text).toMatch(/^nothing-due: the next/)
    network.time += 10
    expect(ask(market, { Action: 'Withdraw' })).toMatchObject({ Recipient: SAM, Quantity: '60' })
    expect(network.send(SAM, market.hb, { Action: 'Withdraw' }).text).toMatch(/^nothing-due/)
    network.settle()
    expect(market.balances(market.hyperCoin)[SAM]).toBe('960')
    expect(market.hbState.unbonding[SAM]).toHaveLength(1)
    network.time += UNBONDING_MS
    ask(market, { Action: 'Withdraw' })
    network.settle()
    expect(market.balances(market.hyperCoin)[SAM]).toBe('970')
    expect(network.send(SAM, market.hb, { Action: 'Withdraw' }).text).toBe('nothing-due: nothing is unbonding')
  })

  test.each([
    [{ Quantity: '101' }, /^balance-insufficient/],
    [{ Quantity: '1', Role: 'dre' }, /^balance-insufficient/],
    [{ Quantity: '1', Role: '__proto__' }, /^role-unknown/],
    [{ Quantity: '0' }, /^amount-malformed/],
  ])('refuses to unstake %j', (tags, text) => {
    const market = staked()
    const before = market.hbState
    const all = { Action: 'Unstake', ...tags } as Record<string, string>
    expect(market.network.send(SAM, market.hb, all).text).toMatch(text)
    expect(market.hbState).toEqual(before)
  })

  test('has a bound for each account', () => {
    const market = staked()
    for (let n = 0; n < UNBONDINGS_MAX; n += 1) ask(market, { Action: 'Unstake', Quantity: '1' })
    const tags = { Action: 'Unstake', Quantity: '1' }
    expect(market.network.send(SAM, market.hb, tags).text).toMatch(/^unbonding-full/)
  })

  test('a withdrawal that bounces is due again, in full', () => {
    const market = staked()
    const { network } = market
    for (const Quantity of ['60', '30']) ask(market, { Action: 'Unstake', Quantity })
    network.time += UNBONDING_MS
    network.failing = ({ from }) => from === market.hb
    ask(market, { Action: 'Withdraw' })
    network.settle()
    expect(market.hbState.pendingWithdrawals.open).toBe(0)
    network.failing = () => false
    expect(ask(market, { Action: 'Withdraw' })['Quantity']).toBe('90')
    network.settle()
    expect(market.balances(market.hyperCoin)[SAM]).toBe('990')
  })
})

describe('the first feature level', () => {
  test('has the HB contract, which refuses a state that is none', () => {
    expect(FEATURE_LEVELS[0]?.natives['hb-contract@1']).toBe(handle)
    const network = new Network()
    expect(() => network.spawn('a', handle, { hyperCoin: 'x', unbondingMs: 1 })).toThrow('address-malformed')
    const hyperCoin = idOf('coin')
    expect(() => network.spawn('b', handle, { hyperCoin, unbondingMs: -1 })).toThrow('state-malformed')
  })
})
