// The request queue: each task ends once, whatever comes, and forged answers end none.

import { beforeEach, describe, expect, test } from '@jest/globals'

import { PARTS_MAX, REQUESTS_MAX, all, any, cancel, later, request } from '../../src/lib/index.ts'
import type { Action, Outgoing } from '../../src/lib/index.ts'
import { ANSWER_LENGTH_MAX } from '../../src/lib/index.ts'
import { idOf } from '../contracts/network.ts'
import { Asker, BANK, MALLORY, SELF } from './asking.ts'

const OTHER = idOf('another bank')
let asker: Asker
beforeEach(() => {
  asker = new Asker({})
})

function ask(context: unknown, more: { orElse?: string; then?: string } = {}): Outgoing[] {
  return asker.during((queue, message) => [
    request(queue, message, { target: BANK, action: 'Look', then: 'done', context, ...more }),
  ])
}

function fill(open: number): void {
  asker.during((queue, message) => {
    const look = { target: BANK, action: 'Look', then: 'done', context: 0 }
    return Array.from({ length: open }, () => request(queue, message, look))
  })
}

describe('a request', () => {
  test('is sent with a Reference, and resumes with its context once', () => {
    const tags = { At: 'x' }
    const sent = asker.during((queue, message) => [
      request(queue, message, { target: BANK, action: 'Look', tags, data: [1], then: 'done', context: { n: 1 } }),
    ])
    expect(sent).toEqual([{ target: BANK, tags: { Action: 'Look', At: 'x', Reference: '0' }, data: [1] }])
    asker.answer('0')
    asker.answer('0')
    expect(asker.ends).toEqual([[{ n: 1 }, 'reply']])
    expect(asker.state.queue).toEqual({ head: 1, tail: 1, open: 0, tasks: {}, self: SELF, first: '', last: '' })
  })

  test('that bounces resumes too, in its own step where it names one', () => {
    ask('a')
    ask('b', { orElse: 'failed' })
    const tags = { Action: 'Bounce', Error: 'x' }
    asker.answer('0', { kind: 'bounce', tags: { ...tags, Reference: '0' } })
    asker.answer('1', { kind: 'bounce', tags: { ...tags, Reference: '1' } })
    expect(asker.ends).toEqual([['a', 'bounce'], ['b', 'bounce']])
    expect(asker.state.ended.map(({ step }) => step)).toEqual(['done', 'failed'])
  })

  test.each<[string, Partial<Action>]>([
    ['another caller', { caller: MALLORY }],
    ['another caller, a bounce', { caller: MALLORY, kind: 'bounce' }],
    ['another Action', { tags: { Action: 'Other-Reply', Reference: '0' } }],
    ['another Reference', { tags: { Action: 'Look-Reply', Reference: '1' } }],
    ['an inherited Reference', { tags: { Action: 'Look-Reply', Reference: '__proto__' } }],
    ['another spelling of the Reference', { tags: { Action: 'Look-Reply', Reference: '00' } }],
    ['no Reference', { tags: { Action: 'Look-Reply' } }],
    ['a deadline that is not told', { kind: 'message', caller: SELF, tags: { Action: 'Deadline', 'X-Deadline': '0' } }],
    ['a deadline that another tells', { kind: 'message', tags: { Action: 'Deadline', 'X-Deadline': '0' } }],
    ['a bounce of a deadline never told', { kind: 'bounce', caller: SELF, tags: { 'X-Deadline': '0' } }],
    ['a bounce of a deadline without a task', { kind: 'bounce', caller: SELF, tags: { 'X-Deadline': '7' } }],
  ])('%s resumes nothing', (_what, changes) => {
    ask('a')
    const before = JSON.stringify(asker.state)
    asker.answer('0', changes)
    expect(JSON.stringify(asker.state)).toBe(before)
  })

  test('a request of the target with the Reference is a request', () => {
    ask('a')
    expect(() => asker.answer('0', { kind: 'message' })).toThrow(/^action-unknown/)
    expect(asker.state.queue.open).toBe(1)
  })

  test('cannot be parked for a step that there is not', () => {
    for (const name of ['none', 'toString', '__proto__']) {
      expect(() => ask('a', { then: name })).toThrow(/^step-unknown/)
      expect(() => ask('a', { orElse: name })).toThrow(/^step-unknown/)
    }
    expect(asker.state.queue.tail).toBe(0)
  })

  test('is refused where too many are open', () => {
    fill(REQUESTS_MAX)
    expect(() => ask('more')).toThrow(/^requests-full/)
    asker.answer('500')
    expect(ask('more')[0]?.tags?.['Reference']).toBe(String(REQUESTS_MAX))
  })

  test('whose step throws stays parked, and a later answer may resume it', () => {
    ask('a')
    asker.failing.add('done')
    expect(() => asker.answer('0')).toThrow('done fails')
    expect(asker.state.queue.open).toBe(1)
    asker.failing.clear()
    asker.answer('0')
    expect(asker.ends).toEqual([['a', 'reply']])
  })
})

describe('a join', () => {
  const parts = [BANK, OTHER, BANK].map((target) => ({ target, action: 'Look' }))
  const wanted = { then: 'done', orElse: 'failed', context: 'c' }
  const bounce = (Reference: string, caller = BANK) =>
    asker.answer(Reference, { kind: 'bounce', caller, tags: { Action: 'Bounce', Reference } })

  test('of all resumes when every part is answered, with the answers by part', () => {
    const sent = asker.during((queue, message) => all(queue, message, parts, wanted))
    expect(sent.map(({ target, tags }) => [target, tags?.['Reference']])).toEqual([
      [BANK, '1'],
      [OTHER, '2'],
      [BANK, '3'],
    ])
    asker.answer('3', { data: 'third' })
    asker.answer('3', { data: 'again' })
    asker.answer('2', { caller: BANK })
    asker.answer('2', { caller: OTHER, data: 'x'.repeat(ANSWER_LENGTH_MAX + 1) })
    expect(asker.ends).toEqual([])
    asker.answer('1', { data: 'first' })
    asker.answer('1')
    expect(asker.ends).toEqual([['c', 'reply']])
    expect(asker.state.ended[0]?.answers).toMatchObject([
      { outcome: 'reply', caller: BANK, data: 'first' },
      { outcome: 'reply', caller: OTHER, data: '', cut: true },
      { outcome: 'reply', data: 'third', tags: { Reference: '3' } },
    ])
    expect(asker.state.queue).toMatchObject({ open: 0, tasks: {}, first: '' })
  })

  test('of all of which one bounced tells which, once all are known', () => {
    asker.during((queue, message) => all(queue, message, parts, wanted))
    bounce('1')
    asker.answer('2', { caller: OTHER })
    expect(asker.ends).toEqual([])
    asker.answer('3')
    expect(asker.ends).toEqual([['c', 'bounce']])
    const { step, answers } = asker.state.ended[0] ?? { answers: [] }
    expect([step, ...answers.map((each) => (each as { outcome: string }).outcome)]).toEqual([
      'failed',
      'bounce',
      'reply',
      'reply',
    ])
  })

  test('of any resumes at the first reply; the others come late', () => {
    asker.during((queue, message) => any(queue, message, parts, wanted))
    bounce('1')
    asker.answer('3')
    asker.answer('2', { caller: OTHER })
    expect(asker.ends).toEqual([['c', 'reply']])
    expect(asker.state.queue).toMatchObject({ open: 0, tasks: {} })
  })

  test('of any of which all bounced has failed', () => {
    asker.during((queue, message) => any(queue, message, parts, wanted))
    for (const number of ['1', '3']) bounce(number)
    bounce('2', OTHER)
    expect(asker.ends).toEqual([['c', 'bounce']])
  })

  test('is resumed by nothing but its parts', () => {
    asker.during((queue, message) => any(queue, message, parts, wanted))
    for (const caller of [BANK, '', SELF]) {
      asker.answer('0', { caller, tags: { Action: '', Reference: '0' } })
      asker.answer('0', { caller, kind: 'bounce', tags: { Reference: '0' } })
    }
    expect([asker.ends, asker.state.queue.open]).toEqual([[], 4])
  })

  test('has a bound, counts against the queue, and is parked whole or not at all', () => {
    const many = Array.from({ length: PARTS_MAX + 1 }, () => ({ target: BANK, action: 'Look' }))
    for (const list of [many, []]) {
      expect(() => asker.during((queue, message) => all(queue, message, list, wanted))).toThrow(/^parts-too-many/)
    }
    fill(REQUESTS_MAX - 3)
    expect(() => asker.during((queue, message) => all(queue, message, parts, wanted))).toThrow(/^requests-full/)
    expect(asker.state.queue.open).toBe(REQUESTS_MAX - 3)
  })
})

describe('a timer', () => {
  test('can be cancelled once, and cancels nothing else', () => {
    let number = ''
    asker.during((queue, message) => {
      number = later(queue, message, { then: 'done', context: 'late', deadlineMs: 10 })
      return []
    })
    ask('a')
    const seen: unknown[] = []
    asker.during((queue) => {
      for (const each of [number, number, '1', '9', '__proto__']) seen.push(cancel(queue, each)?.context)
      return []
    })
    expect(seen).toEqual(['late', undefined, undefined, undefined, undefined])
    expect([asker.ends, asker.state.queue.open]).toEqual([[], 1])
  })
})
