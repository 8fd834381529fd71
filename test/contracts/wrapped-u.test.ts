// Wrapped U case by case: minting, burning, and what goes back.

import { describe, expect, test } from '@jest/globals'

import { FOREIGN_OWED_MAX, RETURNS_OPEN_MAX } from '../../contracts/token/custody.ts'
import { handle as wrappedU } from '../../contracts/wrapped-u/contract.ts'
import { REQUESTS_MAX } from '../../src/lib/index.ts'
import { DMAC, SAM } from './market.ts'
import { Network, idOf } from './network.ts'
import { Wrapped } from './wrapped.ts'

const MALLORY = idOf('Mallory, a process')

function open(): Wrapped {
  return new Wrapped({ [DMAC]: '100000', [SAM]: '100000' })
}

function opened(quantity = '100'): Wrapped {
  const wrapped = open()
  wrapped.wrap(DMAC, quantity)
  wrapped.network.settle()
  wrapped.check()
  return wrapped
}

/** Tags of the last notice of this action that a wallet got. */
function told(wrapped: Wrapped, action: string): Record<string, string> | undefined {
  return wrapped.network.notices.filter(({ tags }) => tags['Action'] === action).at(-1)?.tags
}

describe('minting', () => {
  test('a credit of U is minted to its sender, who is told', () => {
    const wrapped = open()
    wrapped.wrap(DMAC, '7', { 'X-Note': 'hi' })
    wrapped.network.settle()
    expect(wrapped.state).toMatchObject({ balances: { [DMAC]: '7' }, supply: '7', pending: '0' })
    const credited = { Action: 'Credit-Notice', Sender: DMAC, Quantity: '7', 'X-Note': 'hi' }
    const notices = wrapped.network.notices.filter(({ from }) => from === wrapped.wrapper)
    expect(notices.map(({ target, tags }) => ({ target, tags }))).toEqual([{ target: DMAC, tags: credited }])
    wrapped.check()
  })

  test('or to X-Recipient, who is told the sender and not the tag', () => {
    const wrapped = open()
    wrapped.wrap(DMAC, '7', { 'X-Recipient': SAM })
    wrapped.network.settle()
    expect(wrapped.state.balances).toEqual({ [SAM]: '7' })
    expect(told(wrapped, 'Credit-Notice')).toEqual({ Action: 'Credit-Notice', Sender: DMAC, Quantity: '7' })
  })

  test.each(['nobody', '__proto__', '', 'itself'])('a recipient %j gets nothing: it goes back', (name) => {
    const wrapped = open()
    wrapped.wrap(DMAC, '7', { 'X-Recipient': name === 'itself' ? wrapped.wrapper : name })
    wrapped.network.settle()
    expect(wrapped.state).toMatchObject({ balances: {}, supply: '0', pending: '0', custody: { owed: {} } })
    expect(wrapped.balances(wrapped.u)).toEqual({ [DMAC]: '100000', [SAM]: '100000' })
    wrapped.check()
  })

  test('what can neither be minted nor sent back is owed, and claimed', () => {
    const wrapped = open()
    wrapped.wrap(DMAC, '7', {}, { hops: 1 })
    wrapped.network.settle()
    expect(wrapped.state).toMatchObject({ supply: '0', pending: '0' })
    expect(wrapped.owed(wrapped.u)).toBe(7n)
    wrapped.check()
    expect(wrapped.network.send(SAM, wrapped.wrapper, { Action: 'Claim' }).text).toMatch(/^nothing-owed: /)
    expect(wrapped.network.send(DMAC, wrapped.wrapper, { Action: 'Claim' }).text).toBe('')
    expect(wrapped.state.pending).toBe('7')
    wrapped.check()
    wrapped.network.settle()
    expect(wrapped.balances(wrapped.u)[DMAC]).toBe('100000')
    expect(wrapped.claim(DMAC, wrapped.u).text).toMatch(/^nothing-owed: /)
    wrapped.check()
  })

  test('a claim that bounces is owed again', () => {
    const wrapped = open()
    wrapped.wrap(DMAC, '7', {}, { hops: 1 })
    wrapped.network.settle()
    wrapped.network.failing = ({ from }) => from === wrapped.wrapper
    expect(wrapped.claim(DMAC, wrapped.u).text).toBe('')
    wrapped.network.settle()
    expect(wrapped.owed(wrapped.u)).toBe(7n)
    wrapped.check()
  })

  test("another token's credit goes back, or is owed; the wrapper's own units too", () => {
    const wrapped = opened()
    const { other, wrapper, network } = wrapped
    wrapped.transfer(DMAC, other, wrapper, '5')
    wrapped.transfer(DMAC, wrapper, wrapper, '5')
    network.settle()
    expect(wrapped.balances(other)[DMAC]).toBe('100000')
    expect(wrapped.state.balances).toEqual({ [DMAC]: '100' })
    for (const token of [other, wrapper]) wrapped.transfer(DMAC, token, wrapper, '5', {}, { hops: 1 })
    network.settle()
    expect([wrapped.owed(other), wrapped.owed(wrapper), wrapped.state.custody.foreign]).toEqual([5n, 5n, 2])
    wrapped.check()
    network.failing = ({ from, target }) => from === wrapper && target === other
    wrapped.claim(DMAC, other)
    network.settle()
    expect(wrapped.owed(other)).toBe(5n)
    network.failing = () => false
    for (const token of [other, wrapper]) wrapped.claim(DMAC, token)
    network.settle()
    expect(wrapped.balances(other)[DMAC]).toBe('100000')
    expect(wrapped.state.balances).toEqual({ [DMAC]: '100' })
    expect(wrapped.state.custody).toMatchObject({ owed: {}, foreign: 0 })
    wrapped.check()
  })
})

describe('burning', () => {
  test('releases as much U to the caller, who is told with its Reference', () => {
    const wrapped = opened()
    expect(wrapped.burn(DMAC, '40', { Reference: '3' }).text).toBe('')
    expect(wrapped.state).toMatchObject({ supply: '60', pending: '40' })
    wrapped.check()
    wrapped.network.settle()
    expect(wrapped.state).toMatchObject({ balances: { [DMAC]: '60' }, supply: '60', pending: '0' })
    expect(wrapped.balances(wrapped.u)[DMAC]).toBe('99940')
    expect(told(wrapped, 'Burn-Reply')).toEqual({
      Action: 'Burn-Reply',
      Status: 'released',
      Quantity: '40',
      Recipient: DMAC,
      Reference: '3',
    })
  })

  test('or to a recipient', () => {
    const wrapped = opened()
    wrapped.burn(DMAC, '100', { Recipient: SAM })
    wrapped.network.settle()
    expect(wrapped.state).toMatchObject({ balances: {}, supply: '0' })
    expect(wrapped.balances(wrapped.u)[SAM]).toBe('100100')
  })

  test('a bounce gives the units back', () => {
    const wrapped = opened()
    wrapped.network.failing = ({ target }) => target === wrapped.u
    wrapped.burn(DMAC, '40')
    wrapped.network.settle()
    expect(wrapped.state).toMatchObject({ balances: { [DMAC]: '100' }, supply: '100', pending: '0' })
    expect(told(wrapped, 'Burn-Reply')).toMatchObject({ Status: 'returned', Quantity: '40' })
    wrapped.check()
  })

  test('silence pays nothing back, however long; what is pending cannot be burned again', () => {
    const wrapped = opened()
    const { network, wrapper } = wrapped
    wrapped.burn(DMAC, '40')
    network.time += 365 * 86_400_000
    expect(wrapped.burn(DMAC, '61').text).toMatch(/^balance-insufficient: /)
    const { sent } = network.send(DMAC, wrapper, { Action: 'Reserves' })
    expect(sent[0]?.tags).toMatchObject({ Supply: '60', Pending: '40', Owed: '0', U: wrapped.u })
    wrapped.check()
    network.settle()
    expect(wrapped.balances(wrapped.u)[DMAC]).toBe('99940')
    wrapped.check()
  })

  test('an answer that is forged or comes again changes nothing', () => {
    const wrapped = opened()
    const { network, wrapper, u } = wrapped
    wrapped.burn(DMAC, '40')
    const before = network.processes.get(wrapper)?.text
    for (const kind of ['notice', 'bounce'] as const) {
      for (const Action of ['Debit-Notice', 'Credit-Notice', 'Bounce']) {
        const tags = { Action, Reference: '0', Quantity: '40', Recipient: DMAC }
        network.inject(MALLORY, wrapper, { kind, tags })
      }
    }
    expect(network.processes.get(wrapper)?.text).toBe(before)
    network.settle()
    const after = network.processes.get(wrapper)?.text
    const tags = { Action: 'Debit-Notice', Reference: '0', Quantity: '40', Recipient: DMAC }
    network.inject(u, wrapper, { kind: 'notice', tags })
    network.inject(u, wrapper, { kind: 'bounce', tags: { Reference: '0', Error: 'contract-error' } })
    expect(network.processes.get(wrapper)?.text).toBe(after)
    wrapped.check()
  })

  test.each([
    [{ Quantity: '101' }, {}, /^balance-insufficient: /],
    [{ Quantity: '0' }, {}, /^amount-malformed: /],
    [{ Quantity: '1.5' }, {}, /^amount-malformed: /],
    [{ Quantity: '1', Recipient: 'Sam' }, {}, /^address-malformed: /],
    [{ Quantity: '1', Recipient: idOf('wrapped-u') }, {}, /^recipient-malformed: /],
    [{ Quantity: '1', Reference: 'x'.repeat(65) }, {}, /^reference-malformed: /],
    [{ Quantity: '1' }, { hops: 1 }, /^payment-hops: /],
    [{ Quantity: '1' }, { count: 2 }, /^payment-hops: /],
  ])('%j %j is refused, and changes nothing', (tags, left, why) => {
    const wrapped = opened()
    const before = wrapped.network.processes.get(wrapped.wrapper)?.text
    expect(wrapped.burn(DMAC, '1', tags, left).text).toMatch(why)
    expect(wrapped.network.processes.get(wrapped.wrapper)?.text).toBe(before)
  })
})

describe('bounds', () => {
  test('open payments: those who ask are refused; what goes back by itself is owed earlier', () => {
    const wrapped = opened()
    const { network, wrapper, u } = wrapped
    const process = network.processes.get(wrapper)
    if (process === undefined) throw new Error('no wrapper')
    const { text } = process
    const tags = { Action: 'Credit-Notice', Sender: SAM, Quantity: '1', 'X-Recipient': 'nobody' }
    const returned = (open: number) => {
      process.text = text.replace('"open":0', `"open":${open}`)
      return network.inject(u, wrapper, { kind: 'notice', tags })?.sent.length
    }
    expect(returned(RETURNS_OPEN_MAX - 1)).toBe(1)
    expect(returned(RETURNS_OPEN_MAX)).toBe(0)
    expect(wrapped.owed(u)).toBe(1n)
    expect(wrapped.burn(DMAC, '1').text).toBe('')
    process.text = text.replace('"open":0', `"open":${REQUESTS_MAX}`)
    expect(wrapped.burn(DMAC, '1').text).toMatch(/^requests-full: /)
  })

  test('amounts owed in foreign tokens; U and who is owed already have room', () => {
    const wrapped = opened()
    const { network, wrapper, other, u } = wrapped
    const process = network.processes.get(wrapper)
    if (process === undefined) throw new Error('no wrapper')
    wrapped.transfer(SAM, other, wrapper, '5', {}, { hops: 1 })
    network.settle()
    process.text = process.text.replace('"foreign":1', `"foreign":${FOREIGN_OWED_MAX}`)
    const credit = (from: string, Sender: string) =>
      network.inject(from, wrapper, {
        kind: 'notice',
        tags: { Action: 'Credit-Notice', Sender, Quantity: '5' },
        hops: 0,
      })?.text
    expect(credit(other, DMAC)).toMatch(/^owed-full: /)
    expect(credit(other, SAM)).toBe('')
    expect(credit(u, DMAC)).toBe('')
    expect([wrapped.owed(other), wrapped.owed(u)]).toEqual([10n, 5n])
  })

  test.each([
    [{ u: 'U' }, /address-malformed: u /],
    [{}, /address-malformed: u /],
    [{ u: idOf('wrapped-u') }, /state-malformed: u is this process/],
    [{ u: idOf('u'), balances: { [DMAC]: '1' } }, /state-malformed: balances may not be given/],
    [{ u: idOf('u'), supply: '5' }, /state-malformed: supply may not be given/],
    [{ u: idOf('u'), denomination: -1 }, /state-malformed: denomination/],
  ])('a spawn with %j fails', (state, why) => {
    expect(() => new Network().spawn('wrapped-u', wrappedU, state)).toThrow(why)
  })
})
