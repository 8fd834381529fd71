// The token core: its notices, its refusals, and that no message changes the total.

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { handle } from '../../contracts/token/contract.ts'
import type { TokenState } from '../../contracts/token/core.ts'
import { AMOUNT_MAX } from '../../src/lib/index.ts'
import { DMAC, SAM, total } from './market.ts'
import { Network, idOf } from './network.ts'

function tokenOf(balances: Record<string, string>): { network: Network; token: string } {
  const network = new Network()
  const state = { name: 'A', ticker: 'A', denomination: 0, balances }
  return { network, token: network.spawn('token', handle, state) }
}

describe('a token', () => {
  test('moves a balance, and tells both with X- tags, the sender with its Reference', () => {
    const { network, token } = tokenOf({ [DMAC]: '5' })
    const tags = { Recipient: SAM, Quantity: '5', Reference: '7', 'X-Note': 'hi', Other: 'no' }
    const { sent } = network.send(DMAC, token, { Action: 'Transfer', ...tags })
    expect(sent.map(({ kind, target, tags }) => ({ kind, target, tags }))).toEqual([
      {
        kind: 'notice',
        target: DMAC,
        tags: { Action: 'Debit-Notice', Recipient: SAM, Quantity: '5', 'X-Note': 'hi', Reference: '7' },
      },
      {
        kind: 'notice',
        target: SAM,
        tags: { Action: 'Credit-Notice', Sender: DMAC, Quantity: '5', 'X-Note': 'hi' },
      },
    ])
    expect(network.state<TokenState>(token).balances).toEqual({ [SAM]: '5' })
  })

  test.each([
    [{ Recipient: SAM, Quantity: '6' }, /^balance-insufficient: /],
    [{ Recipient: SAM, Quantity: '0' }, /^amount-malformed: /],
    [{ Recipient: SAM, Quantity: '-1' }, /^amount-malformed: /],
    [{ Recipient: SAM, Quantity: '1e3' }, /^amount-malformed: /],
    [{ Recipient: SAM, Quantity: '05' }, /^amount-malformed: /],
    [{ Recipient: SAM, Quantity: String(AMOUNT_MAX + 1n) }, /^amount-malformed: /],
    [{ Recipient: SAM }, /^amount-malformed: /],
    [{ Recipient: '__proto__', Quantity: '1' }, /^address-malformed: /],
    [{ Recipient: `${'A'.repeat(42)}B`, Quantity: '1' }, /^address-malformed: /],
    [{ Quantity: '1' }, /^address-malformed: /],
  ])('refuses %j', (tags, text) => {
    const { network, token } = tokenOf({ [DMAC]: '5' })
    const result = network.send(DMAC, token, { Action: 'Transfer', ...tags })
    expect(result.text).toMatch(text)
    expect(network.state<TokenState>(token).balances).toEqual({ [DMAC]: '5' })
  })

  test('a transfer to oneself changes nothing, and one without hops does not happen', () => {
    const { network, token } = tokenOf({ [DMAC]: '5' })
    const tags = { Action: 'Transfer', Recipient: DMAC, Quantity: '5' }
    expect(network.send(DMAC, token, tags).status).toBe('ok')
    expect(network.send(DMAC, token, { ...tags, Recipient: SAM }, { hops: 0 }).status).toBe('error')
    expect(network.state<TokenState>(token).balances).toEqual({ [DMAC]: '5' })
  })

  test('answers Balance and Info to the caller, with its Reference', () => {
    const { network, token } = tokenOf({ [DMAC]: '5' })
    const [balance] = network.send(SAM, token, { Action: 'Balance', Target: DMAC, Reference: '1' }).sent
    expect(balance?.target).toBe(SAM)
    const answer = { Action: 'Balance-Reply', Account: DMAC, Balance: '5', Ticker: 'A', Reference: '1' }
    expect(balance?.tags).toEqual(answer)
    const [none] = network.send(SAM, token, { Action: 'Balance' }).sent
    expect(none?.tags['Balance']).toBe('0')
    const [info] = network.send(SAM, token, { Action: 'Info' }).sent
    expect(info?.tags).toEqual({ Action: 'Info-Reply', Name: 'A', Ticker: 'A', Denomination: '0' })
  })

  test('refuses an unknown request by name, and ignores unknown notices and bounces', () => {
    const { network, token } = tokenOf({ [DMAC]: '5' })
    for (const Action of ['Mint', '__proto__', 'constructor', 'toString']) {
      expect(network.send(DMAC, token, { Action }).text).toBe(
        `action-unknown: Action "${Action}"; this contract answers Balance, Info, Transfer`,
      )
    }
    expect(network.send(DMAC, token, {}).text).toMatch(/^action-unknown: no Action tag/)
    for (const kind of ['notice', 'bounce'] as const) {
      const tags = { Action: 'Transfer', Recipient: SAM, Quantity: '5' }
      expect(network.inject(DMAC, token, { kind, tags })?.status).toBe('ok')
    }
    expect(network.state<TokenState>(token).balances).toEqual({ [DMAC]: '5' })
  })

  test('an initial state that is no token fails the spawn; what is missing is filled in', () => {
    const network = new Network()
    expect(() => network.spawn('bad', handle, { balances: [] })).toThrow('state-malformed')
    expect(() => network.spawn('bad', handle, { denomination: 1.5 })).toThrow('state-malformed')
    const bare = network.spawn('bare', handle, {})
    expect(network.state(bare)).toEqual({ name: '', ticker: '', denomination: 0, balances: {} })
  })

  test('the total never changes, whatever anybody sends', () => {
    const names = [DMAC, SAM, idOf('third'), '__proto__', 'constructor', '', 'A'.repeat(43)]
    const amounts = ['0', '1', '7', '99', '1e2', '-5', '0x10', ' 1', '', 'NaN', String(AMOUNT_MAX)]
    const tags = fc.dictionary(
      fc.constantFrom('Action', 'Recipient', 'Quantity', 'Target', 'Sender', 'Reference', 'X-A'),
      fc.oneof(fc.constantFrom('Transfer', 'Balance', ...names, ...amounts), fc.string()),
    )
    const likely = fc.record({
      Action: fc.constant('Transfer'),
      Recipient: fc.constantFrom(...names),
      Quantity: fc.constantFrom(...amounts),
    })
    const sane = fc.record({
      Action: fc.constant('Transfer'),
      Recipient: fc.constantFrom(...names.slice(0, 3)),
      Quantity: fc.constantFrom('1', '7', '99'),
    })
    const kind = fc.constantFrom('message' as const, 'message' as const, 'notice' as const, 'bounce' as const)
    const message = fc.tuple(kind, fc.constantFrom(DMAC, SAM), fc.oneof(sane, likely, tags), fc.nat(2))
    let moved = 0
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40, size: 'max' }), (messages) => {
        const { network, token } = tokenOf({ [DMAC]: '100', [SAM]: String(AMOUNT_MAX - 100n) })
        for (const [kind, caller, tags, hops] of messages) {
          network.inject(caller, token, { kind, tags: { ...tags }, hops })
          const { balances } = network.state<TokenState>(token)
          expect(total(balances)).toBe(AMOUNT_MAX)
          expect(Object.values(balances)).not.toContain('0')
        }
        moved += network.results.filter(({ sent }) => sent.length === 2).length
      }),
      { numRuns: 200 },
    )
    expect(moved).toBeGreaterThan(100)
  })
})
