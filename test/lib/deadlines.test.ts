// Deadlines: an answer that does not come ends a task all the same, by the clock's alarm or by the
// next work; and nothing that fails on the way loses or doubles it.

import { beforeEach, describe, expect, test } from '@jest/globals'
import { DEADLINE_MS_DEFAULT, DEADLINE_MS_MAX, all, newQueue, request } from '../../src/lib/index.ts'
import type { Action, Outgoing } from '../../src/lib/index.ts'
import {
  ALARM_RETRY_MS,
  EXPIRED_COUNT,
  EXPIRY_RETRY_MS,
  SPARE_COUNT_MIN,
  SPARE_HOPS_MIN,
  TOLD_PER_MESSAGE_MAX,
} from '../../src/lib/deadlines.ts'
import { Asker, BANK, CLOCK, MALLORY, SELF, actionOf, dueTimes, sentAs } from './asking.ts'

let asker: Asker
beforeEach(() => {
  asker = new Asker()
})

function ask(context: unknown, deadlineMs?: number, changes: Partial<Action> = {}): Outgoing[] {
  return asker.during((queue, message) => {
    const wanted = { target: BANK, action: 'Look', then: 'done', orElse: 'failed', context }
    return [request(queue, message, deadlineMs === undefined ? wanted : { ...wanted, deadlineMs })]
  }, changes)
}

function alarm(changes: Partial<Action> = {}): Outgoing[] {
  const tags = { Action: 'Alarm', Name: 'hb-deadline', At: '0', 'X-Alarm': 'hb-deadline' }
  return asker.deliver({ kind: 'notice', caller: CLOCK, tags, hops: 32, count: 256, ...changes })
}

/** As the network does with what the process sent to itself. */
function tell(sent: readonly Outgoing[]): void {
  for (const { tags = {}, count = 0 } of sentAs(sent, 'Deadline')) {
    const told = { kind: 'message' as const, caller: SELF, tags, count }
    try {
      asker.deliver(told)
    } catch {
      asker.deliver({ ...told, kind: 'bounce' })
    }
  }
}

describe('the alarm', () => {
  test('is set for the first deadline, and anew only for an earlier one', () => {
    const [, set] = ask('a', 500)
    expect(set).toEqual({
      target: CLOCK,
      tags: { Action: 'Set-Alarm', Name: 'hb-deadline', At: '1500', 'X-Alarm': 'hb-deadline' },
      count: 0,
    })
    expect(sentAs(ask('b', 900), 'Set-Alarm')).toEqual([])
    expect(sentAs(ask('c', 500), 'Set-Alarm')).toEqual([])
    expect(sentAs(ask('d', 200), 'Set-Alarm').map(({ tags }) => tags?.['At'])).toEqual(['1200'])
    expect(dueTimes(asker.state.queue)).toEqual([1200, 1500, 1500, 1900])
  })

  test('has each due deadline told, and is set for the next', () => {
    for (const [context, deadlineMs] of [['a', 500], ['b', 600], ['c', 900]] as const) ask(context, deadlineMs)
    asker.now = 1_650
    const sent = alarm()
    expect(sentAs(sent, 'Deadline')).toEqual(
      ['0', '1'].map((number) => ({
        target: SELF,
        tags: { Action: 'Deadline', 'X-Deadline': number },
        count: EXPIRED_COUNT,
      })),
    )
    expect(sentAs(sent, 'Set-Alarm').map(({ tags }) => tags?.['At'])).toEqual(['1900'])
    expect(asker.ends).toEqual([])
    tell(sent)
    tell(sent.filter(({ target }) => target !== SELF))
    expect(asker.state.ended.map(({ context, outcome, step }) => [context, outcome, step])).toEqual([
      ['a', 'expired', 'failed'],
      ['b', 'expired', 'failed'],
    ])
  })

  test('that comes for nothing is not set again', () => {
    ask('a', 500)
    asker.answer('0')
    asker.now = 1_500
    expect(alarm()).toEqual([])
    expect(asker.state.queue).toMatchObject({ open: 0 })
    expect(asker.state.queue.alarm).toBe(undefined)
  })

  test.each<[string, Partial<Action>]>([
    ['of another process', { caller: MALLORY }],
    ['by a message', { kind: 'message' }],
    ['of another name', { tags: { Action: 'Alarm', Name: 'mine' } }],
  ])('%s is none', (_what, changes) => {
    ask('a', 500)
    asker.now = 1_400
    const { queue } = asker.state
    try {
      alarm(changes)
    } catch (error) {
      expect((error as Error).message).toMatch(/^action-unknown/)
    }
    expect(asker.state.queue).toEqual(queue)
  })

  test('that is refused is left alone a while, then asked for again', () => {
    ask('a', 500)
    const tags = { Action: 'Bounce', Error: 'alarms-full', 'X-Alarm': 'hb-deadline' }
    asker.deliver({ kind: 'bounce', caller: MALLORY, tags })
    expect(asker.state.queue.alarm).toBe(1_500)
    expect(asker.deliver({ kind: 'bounce', caller: CLOCK, tags })).toEqual([])
    expect(sentAs(ask('b', 100), 'Set-Alarm')).toEqual([])
    asker.now += ALARM_RETRY_MS
    expect(sentAs(ask('c', 100), 'Set-Alarm')).toHaveLength(1)
  })

  test('that never came is taken for lost', () => {
    ask('a', 500)
    asker.now = 1_500 + 60_000
    expect(sentAs(ask('b', 900), 'Set-Alarm')).toHaveLength(1)
  })
})

describe('a deadline', () => {
  test('is ten minutes where none is named, and none in a queue without deadlines', () => {
    ask('a')
    expect(dueTimes(asker.state.queue)).toEqual([1_000 + DEADLINE_MS_DEFAULT])
    const queue = newQueue()
    const wanted = { target: BANK, action: 'Look', then: 'done', context: 0 }
    request(queue, actionOf({}), wanted)
    expect(Object.keys(queue)).toEqual(['head', 'tail', 'open', 'tasks'])
    expect(() => request(queue, actionOf({}), { ...wanted, deadlineMs: 5 })).toThrow(/^deadline-malformed: this queue/)
  })

  test.each([0, -1, 1.5, NaN, Infinity, DEADLINE_MS_MAX + 1])('of %p ms is refused', (deadlineMs) => {
    expect(() => ask('a', deadlineMs)).toThrow(/^deadline-malformed/)
  })

  test('without a clock is told when work comes in', () => {
    asker = new Asker({})
    expect(ask('a', 500)).toHaveLength(1)
    asker.now = 1_500
    const sent = ask('b', 500)
    expect(sent.map(({ tags }) => tags?.['Action'])).toEqual(['Look', 'Deadline'])
    tell(sent)
    expect(asker.ends).toEqual([['a', 'expired']])
  })

  test.each<[string, Partial<Action>]>([
    ['hops', { hops: SPARE_HOPS_MIN - 1 }],
    ['count', { count: SPARE_COUNT_MIN }],
  ])('burdens no message that is short of %s', (_what, changes) => {
    ask('a', 500)
    asker.now = 2_000
    expect(ask('b', 500, changes).map(({ tags }) => tags?.['Action'])).toEqual(['Look'])
    expect(sentAs(ask('c', 500), 'Deadline')).toHaveLength(1)
  })

  test('is told a few at a time, as far as the alarm carries', () => {
    for (let n = 0; n < 20; n += 1) ask(n, 500)
    asker.now = 2_000
    const sent = alarm({ count: 2 * (EXPIRED_COUNT + 1) + 1 })
    expect(sentAs(sent, 'Deadline')).toHaveLength(2)
    expect(sentAs(sent, 'Set-Alarm').map(({ tags }) => tags?.['At'])).toEqual(['2001'])
    expect(sentAs(alarm(), 'Deadline')).toHaveLength(TOLD_PER_MESSAGE_MAX)
  })

  test('that was told lets an answer in that comes before its step', () => {
    ask('a', 500)
    asker.now = 1_500
    const sent = alarm()
    asker.answer('0')
    tell(sent)
    expect(asker.ends).toEqual([['a', 'reply']])
  })

  test('whose step fails is told again, each time after twice as long', () => {
    ask('a', 500)
    ask('b', 500)
    asker.now = 1_500
    asker.failing.add('failed')
    tell(alarm())
    expect(dueTimes(asker.state.queue)).toEqual([61_500, 61_500])
    asker.now = 61_500
    tell(alarm())
    expect(dueTimes(asker.state.queue)).toEqual([61_500 + 2 * EXPIRY_RETRY_MS, 61_500 + 2 * EXPIRY_RETRY_MS])
    asker.failing.clear()
    asker.now = 1_000_000
    tell(alarm())
    expect(asker.ends).toEqual([['a', 'expired'], ['b', 'expired']])
    expect(asker.state.queue.open).toBe(0)
  })

  test('of a join ends it with the answers that came', () => {
    const parts = [{ target: BANK, action: 'Look' }, { target: BANK, action: 'Look' }]
    const wanted = { then: 'done', orElse: 'failed', context: 'c', deadlineMs: 500 }
    asker.during((queue, message) => all(queue, message, parts, wanted))
    asker.answer('2')
    asker.now = 1_500
    tell(alarm())
    asker.answer('1')
    const reply = { outcome: 'reply' }
    expect(asker.state.ended).toMatchObject([{ outcome: 'expired', step: 'failed', answers: [null, reply] }])
    expect(asker.state.queue).toMatchObject({ open: 0, tasks: {} })
  })
})
