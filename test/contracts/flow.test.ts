// The example flow, to the balances that the demo promises.

import { describe, expect, test } from '@jest/globals'

import { DMAC, Market, SAM } from './market.ts'

const GENESIS = {
  hyperCoin: { [DMAC]: '1000', [SAM]: '1000' },
  u: { [SAM]: '500' },
  asset: { [DMAC]: '100' },
}

describe('the example flow', () => {
  test('ends in the balances that the demo promises', () => {
    const market = new Market(GENESIS)
    const { network, ucm } = market
    const ok = (result: { status: string; text: string }) => {
      expect(result.text).toBe('')
      network.settle()
    }
    ok(market.stake(DMAC, '100'))
    ok(market.transfer(DMAC, market.asset, ucm, '10'))
    ok(market.order(DMAC, { Type: 'limit', Side: 'sell', Quantity: '10', Price: '3' }))
    ok(market.stake(SAM, '100'))
    ok(market.transfer(SAM, market.u, ucm, '30'))
    ok(market.order(SAM, { Type: 'market', Side: 'buy', Quantity: '30', Reference: 'mine' }))
    const placed = network.notices.find((notice) => notice.tags['Reference'] === 'mine')
    expect(placed?.tags).toMatchObject({ Status: 'filled', Given: '30', Received: '10', Left: '0' })
    ok(network.send(SAM, market.hb, { Action: 'Unstake', Quantity: '100' }))
    expect(network.send(SAM, market.hb, { Action: 'Withdraw' }).text).toMatch(/^nothing-due: /)
    network.time += 1_000
    ok(network.send(SAM, market.hb, { Action: 'Withdraw' }))

    expect(market.balances(market.hyperCoin)).toEqual({ [DMAC]: '900', [SAM]: '1000', [market.hb]: '100' })
    expect(market.balances(market.asset)).toEqual({ [DMAC]: '90', [SAM]: '10' })
    expect(market.balances(market.u)).toEqual({ [DMAC]: '30', [SAM]: '470' })
    expect(market.hbState.stakes.user).toEqual({ [DMAC]: '100' })
    expect(market.hbState.unbonding).toEqual({})
    expect(market.hbState.pendingWithdrawals.open).toBe(0)
    expect(market.ucmState).toMatchObject({ deposits: {}, orders: {}, books: {}, orderCount: 0 })
  })

  test('the credit of a stake names the two that the demo shows', () => {
    const market = new Market(GENESIS)
    const { sent } = market.stake(DMAC, '100')
    expect(sent.map(({ target, tags }) => [target, tags['Action']])).toEqual([
      [DMAC, 'Debit-Notice'],
      [market.hb, 'Credit-Notice'],
    ])
  })
})
