// What contracts send, and the balances they keep.

import { describe, expect, test } from '@jest/globals'

import {
  balanceOf,
  credit,
  debit,
  event,
  forwardedTags,
  isAddress,
  notice,
  reply,
  send,
  transfer,
} from '../../src/lib/index.ts'
import type { Action } from '../../src/lib/index.ts'
import { isIdText } from '../../src/std/bytes.ts'
import { idOf } from '../contracts/network.ts'

const A = idOf('a')
const B = idOf('b')

describe('messages', () => {
  test('say what they are', () => {
    expect(send(A, 'Look', { At: 'x' }, { n: 1 })).toEqual({
      target: A,
      tags: { Action: 'Look', At: 'x' },
      data: { n: 1 },
    })
    expect(notice(A, 'Seen')).toEqual({ kind: 'notice', target: A, tags: { Action: 'Seen' } })
    expect(event('Trade')).toEqual({ kind: 'event', target: '', tags: { Action: 'Trade' } })
    expect(transfer(A, B, '5', { 'X-Why': 'y' })).toEqual({
      target: A,
      tags: { Action: 'Transfer', Recipient: B, Quantity: '5', 'X-Why': 'y' },
    })
  })

  test('a reply carries the Reference back, and never one that is inherited', () => {
    const asked: unknown = { caller: A, tags: { Reference: '7' } }
    const request = asked as Action
    expect(reply(request, 'Look-Reply').tags).toEqual({ Action: 'Look-Reply', Reference: '7' })
    const inherited: unknown = { caller: A, tags: Object.create({ Reference: '7' }) }
    const bare = inherited as Action
    expect(reply(bare, 'Look-Reply').tags).toEqual({ Action: 'Look-Reply' })
  })

  test('only X- tags are forwarded', () => {
    const tags = { 'X-A': '1', 'x-b': '2', Action: 'Transfer', Reference: '3' }
    expect(forwardedTags({ tags } as unknown as Action)).toEqual({ 'X-A': '1' })
  })
})

describe('balances', () => {
  test('add, take and forget accounts at 0', () => {
    const balances = {}
    credit(balances, A, '5')
    credit(balances, A, '0')
    expect(() => debit(balances, A, '6')).toThrow(/^balance-insufficient/)
    debit(balances, A, '2')
    expect([balanceOf(balances, A), balanceOf(balances, B)]).toEqual(['3', '0'])
    debit(balances, A, '3')
    expect(balances).toEqual({})
    expect(['__proto__', 'constructor', 'toString'].map((name) => balanceOf({}, name))).toEqual(['0', '0', '0'])
  })

  test('an address is what the network calls an id', () => {
    for (const text of [A, `${'A'.repeat(42)}E`, `${'A'.repeat(42)}B`, 'A'.repeat(42), '__proto__', '']) {
      expect(isAddress(text)).toBe(isIdText(text))
    }
    expect(isAddress({ length: 43 })).toBe(false)
  })
})
