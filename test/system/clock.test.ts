// The clock: alarms set, replaced, cancelled and fired; what it refuses; what a message that brings
// too little does.

import { afterEach, describe, expect, test } from '@jest/globals'
import { tagValue } from '../../src/protocol/message.ts'
import { LIMIT_TABLE } from '../../src/protocol/limits.ts'
import { addAlarm } from '../../src/system/alarms.ts'
import { ALARMS_MAX, ALARMS_PER_OWNER_MAX, TIME_MS_MAX } from '../../src/system/clock.ts'
import { ALARM_COUNT, ALARM_HOPS, ALARMS_FIRED_MAX } from '../../src/system/clock-process.ts'
import { idOf } from '../contracts/network.ts'
import { ALICE, BOB, checkBook, ClockBed, START, told } from './clock-bed.ts'

let bed: ClockBed
afterEach(() => bed.close())

function opened(...options: ConstructorParameters<typeof ClockBed>): ClockBed {
  bed = new ClockBed(...options)
  return bed
}

describe('an alarm', () => {
  test('is sent to its owner once the time of an entry has come to it, and then it is gone', () => {
    const { now } = opened()
    const at = now + 100
    expect(bed.set('close', { At: String(at), 'X-Order': '7', Other: 'no' }).next).toBe(at)
    bed.now = at - 1
    expect(bed.poke()).toMatchObject({ text: '', alarms: [], next: at })
    bed.now = at
    const { alarms, next } = bed.poke()
    expect(alarms).toMatchObject([{ kind: 'notice', target: ALICE, hops: ALARM_HOPS }])
    expect(alarms[0]?.count).toBe(ALARM_COUNT)
    expect(Object.fromEntries((alarms[0]?.tags ?? []).map(({ name, value }) => [name, value])))
      .toEqual({ Action: 'Alarm', Name: 'close', At: String(at), 'X-Order': '7' })
    expect(next).toBeUndefined()
    expect(bed.poke().alarms).toEqual([])
    expect(bed.state).toMatchObject({ alarms: {}, owners: {}, heap: [] })
  })

  test('is answered only where the request has a Reference', () => {
    const { now } = opened()
    expect(bed.set('a', { After: '5' }).replies).toEqual([])
    const { replies } = bed.set('b', { After: '5', Reference: '3' })
    expect(replies).toMatchObject([{ kind: 'notice', target: ALICE }])
    const tags = replies[0]?.tags ?? []
    expect(['Action', 'Name', 'At', 'Reference'].map((each) => tagValue(tags, each)))
      .toEqual(['Set-Alarm-Reply', 'b', String(now + 5), '3'])
  })

  test('set again replaces its namesake, of the same owner alone', () => {
    const { now } = opened()
    bed.set('a', { After: '10' })
    bed.set('a', { After: '20' }, BOB)
    expect(bed.set('a', { After: '30' }).next).toBe(now + 20)
    bed.now = now + 100
    const { alarms } = bed.poke()
    expect(alarms.map(({ target }) => target)).toEqual([BOB, ALICE])
    expect(told(alarms)).toEqual([`a ${now + 20}`, `a ${now + 30}`])
  })

  test('that is past when it is set fires with the next entry, whoever sends it', () => {
    const { now } = opened()
    expect(bed.set('late', { At: '5' })).toMatchObject({ alarms: [], next: 5 })
    expect(told(bed.set('other', { After: '9' }, BOB).alarms)).toEqual(['late 5'])
    bed.set('zero', { After: '0' })
    expect(told(bed.send({ by: BOB, kind: 'notice', tags: {} }).alarms)).toEqual([`zero ${now}`])
  })

  test('that repeats is set to its next time in the future, and says how many it missed', () => {
    const { now } = opened()
    bed.set('tick', { After: '1000', Every: '1000' })
    bed.now = now + 1_000
    const first = bed.poke()
    expect([told(first.alarms), first.next]).toEqual([[`tick ${now + 1_000}`], now + 2_000])
    bed.now = now + 5_500
    const later = bed.poke()
    expect(told(later.alarms)).toEqual([`tick ${now + 2_000}`])
    expect(tagValue(later.alarms[0]?.tags ?? [], 'Missed')).toBe('3')
    expect(later.next).toBe(now + 6_000)
    expect(bed.poke().alarms).toEqual([])
  })

  test('is cancelled by its owner alone; cancelling what is not there is no error', () => {
    opened()
    const cancel = (by: string): string | undefined => {
      const tags = { Action: 'Cancel-Alarm', Name: 'a', Reference: '1' }
      const { text, replies } = bed.send({ by, tags })
      expect(text).toBe('')
      return tagValue(replies[0]?.tags ?? [], 'Cancelled')
    }
    bed.set('a', { After: '10' })
    expect([cancel(BOB), cancel(ALICE), cancel(ALICE)]).toEqual(['false', 'true', 'false'])
    bed.now += 10
    expect(bed.poke().alarms).toEqual([])
  })

  test('those of one time are sent in the order in which they were set', () => {
    opened()
    for (const name of ['c', 'a', 'b']) bed.set(name, { After: '10' })
    bed.set('first', { After: '9' })
    bed.now += 10
    const names = told(bed.poke().alarms).map((each) => each.split(' ')[0])
    expect(names).toEqual(['first', 'c', 'a', 'b'])
  })
})

describe('what is asked', () => {
  test('Alarms lists those of an owner, or the one of a name; Info says what there is', () => {
    const { now } = opened()
    bed.set('a', { After: '10' })
    bed.set('b', { After: '5', Every: '2000' })
    const listed = (tags: Record<string, string>): unknown => {
      const { replies } = bed.send({ by: BOB, from: 'wallet', tags: { Action: 'Alarms', ...tags } })
      return JSON.parse(Buffer.from(replies[0]?.data ?? []).toString())
    }
    const [a, b] = [
      { name: 'a', at: now + 10, every: 0 },
      { name: 'b', at: now + 5, every: 2_000 },
    ]
    expect(listed({ Owner: ALICE })).toEqual([a, b])
    expect(listed({ Owner: ALICE, Name: 'b' })).toEqual([b])
    expect(listed({ Owner: ALICE, Name: 'c' })).toEqual([])
    expect(listed({})).toEqual([])
    const { replies } = bed.send({ by: BOB, from: 'wallet', tags: { Action: 'Info' } })
    const tags = replies[0]?.tags ?? []
    expect([tagValue(tags, 'Alarms'), tagValue(tags, 'At')]).toEqual(['2', String(now + 5)])
  })
})

describe('a message that brings little', () => {
  const due = (count: number): void => {
    opened()
    for (let at = 0; at < count; at++) bed.set(`n${at}`, { After: '10' })
    bed.now += 10
  }

  test('fires nothing without the hops for an alarm, and all alarms stay', () => {
    due(2)
    expect(bed.poke({ hops: ALARM_HOPS }).alarms).toEqual([])
    expect(bed.poke({ hops: 0, count: 0 })).toMatchObject({ text: '', alarms: [] })
    expect(bed.poke({ hops: ALARM_HOPS + 1 }).alarms).toHaveLength(2)
  })

  test('fires as many as its count carries, each whole', () => {
    due(3)
    const each = ALARM_COUNT + 1
    expect(bed.poke({ count: each - 1 }).alarms).toEqual([])
    const { alarms, next } = bed.poke({ count: 2 * each })
    expect(alarms.map(({ count, hops }) => [count, hops])).toEqual([
      [ALARM_COUNT, ALARM_HOPS],
      [ALARM_COUNT, ALARM_HOPS],
    ])
    expect(next).toBe(bed.now)
    expect(bed.poke({ count: each }).alarms).toHaveLength(1)
  })

  test('a poke fires at most so many, however much it brings', () => {
    due(ALARMS_FIRED_MAX + 1)
    expect(bed.poke({ count: 1_000_000 }).alarms).toHaveLength(ALARMS_FIRED_MAX)
    expect(bed.poke({ count: 1_000_000 }).alarms).toHaveLength(1)
  })

  test('a request keeps half of its count, and its answer, whatever is due', () => {
    due(2)
    const count = 2 * (ALARM_COUNT + 1)
    const tags = { Action: 'Set-Alarm', Name: 'own', After: '9', Reference: '1' }
    const { text, alarms, replies } = bed.send({ by: BOB, count, tags })
    expect([text, alarms.length, replies.length]).toEqual(['', 1, 1])
    expect(replies[0]?.count).toBe(count - (ALARM_COUNT + 1) - 1)
    const poor = bed.send({ by: BOB, hops: 0, count: 0, tags: { ...tags, Reference: '2' } })
    expect(poor.text).toMatch(/^hops-exhausted/)
    const { Reference: _, ...quiet } = tags
    expect(bed.send({ by: BOB, hops: 0, count: 0, tags: quiet }).text).toBe('')
  })

  test('a refusal fires nothing: what was due is due still', () => {
    due(1)
    expect(bed.send({ tags: { Action: 'Nonsense' } }).text).toMatch(/action-unknown/)
    expect(bed.poke().alarms).toHaveLength(1)
  })
})

describe('hostile requests', () => {
  test.each([
    ['NaN', 'At', 'NaN'],
    ['a fraction', 'At', '1.5'],
    ['a negative time', 'At', '-1'],
    ['an exponent', 'At', '1e3'],
    ['a hexadecimal', 'After', '0x10'],
    ['nothing', 'After', ''],
    ['a leading zero', 'After', '007'],
    ['more than a Date has', 'At', String(TIME_MS_MAX + 1)],
    ['more than a Date has, from now', 'After', String(TIME_MS_MAX)],
    ['more than a number has', 'At', '9'.repeat(400)],
    ['Infinity', 'After', 'Infinity'],
  ])('%s is no time', (_, name, value) => {
    opened()
    expect(bed.set('a', { [name]: value }).text).toMatch(/alarm-time-malformed/)
  })

  test('neither At nor After, or both, or an interval under a second', () => {
    opened()
    expect(bed.set('a', {}).text).toMatch(/alarm-time-malformed/)
    expect(bed.set('a', { At: '1', After: '1' }).text).toMatch(/alarm-time-malformed/)
    for (const Every of ['0', '999', '-1', 'x', String(TIME_MS_MAX)]) {
      expect(bed.set('a', { After: '1', Every }).text).toMatch(/alarm-time-malformed/)
    }
    expect(bed.set('a', { At: String(TIME_MS_MAX), Every: '1000' }).text).toBe('')
  })

  test('an interval whose next time is beyond all time fires, and can be cancelled', () => {
    const { now } = opened()
    expect(bed.set('a', { At: '0', Every: String(TIME_MS_MAX - now) }).text).toBe('')
    expect(bed.poke().alarms).toHaveLength(1)
    checkBook(bed.state)
    expect(bed.send({ tags: { Action: 'Cancel-Alarm', Name: 'a' } }).next).toBeUndefined()
  })

  test('names that are none, and names that are names of other things', () => {
    opened()
    expect(bed.set('', { After: '1' }).text).toMatch(/alarm-name-malformed/)
    expect(bed.set('x'.repeat(65), { After: '1' }).text).toMatch(/alarm-name-malformed/)
    const names = ['__proto__', 'constructor', 'toString', '0', 'a/b', '\u0000', '✓'.repeat(64)]
    for (const name of names) expect(bed.set(name, { After: '1' }).text).toBe('')
    checkBook(bed.state)
    bed.now += 1
    expect(bed.poke().alarms).toHaveLength(names.length)
  })

  test('a wallet has no alarms, and nobody sets them for others', () => {
    opened()
    for (const Action of ['Set-Alarm', 'Cancel-Alarm']) {
      const tags = { Action, Name: 'a', After: '1', Owner: BOB }
      expect(bed.send({ from: 'wallet', tags }).text).toMatch(/alarm-owner-wallet/)
    }
    bed.set('a', { After: '1', Owner: BOB, Target: BOB, Caller: BOB })
    bed.now += 1
    expect(bed.poke().alarms).toMatchObject([{ target: ALICE }])
  })

  test('a notice or bounce that calls itself Set-Alarm or Alarm sets nothing', () => {
    opened()
    for (const kind of ['notice', 'bounce'] as const) {
      for (const Action of ['Set-Alarm', 'Alarm', 'Next-Alarm']) {
        const tags = { Action, Name: 'a', At: '1', After: '1' }
        expect(bed.send({ kind, tags })).toMatchObject({ text: '', next: undefined })
      }
    }
  })

  test('X- tags beyond the limit, which is counted in bytes', () => {
    const { limits } = opened()
    const most = 512 - 'X-'.length
    expect(bed.set('a', { After: '1', 'X-': 'x'.repeat(most) }).text).toBe('')
    expect(bed.set('b', { After: '1', 'X-': 'ü'.repeat(most) }).text).toMatch(/alarm-tags-too-large/)
    expect(limits.tagBytesMax).toBeGreaterThan(512)
  })

  test('by the many: an owner has so many, then its own are replaced and others still set', () => {
    opened()
    for (let at = 0; at < ALARMS_PER_OWNER_MAX; at++) bed.set(`n${at}`, { After: '9' })
    expect(bed.set('more', { After: '9' }).text).toMatch(/owner-alarms-full/)
    expect(bed.set('n3', { After: '1' })).toMatchObject({ text: '', next: bed.now + 1 })
    expect(bed.set('more', { After: '9' }, BOB).text).toBe('')
    checkBook(bed.state)
  })

  test('the clock is full for all at its limit, and what it holds still fires', () => {
    opened({}, (book) => {
      for (let at = 0; at < ALARMS_MAX; at++) {
        const owner = idOf(`owner ${Math.floor(at / ALARMS_PER_OWNER_MAX)}`)
        addAlarm(book, { owner, name: `n${at}`, at: START + 1 + ((at * 7919) % 5_003), every: 0, tags: {} })
      }
    })
    expect(bed.set('more', { After: '1' }).text).toMatch(/alarms-full/)
    expect(bed.state.heap).toHaveLength(ALARMS_MAX)
    bed.now += 10_000
    expect(bed.poke().alarms).toHaveLength(ALARMS_FIRED_MAX)
    expect(bed.state.heap).toHaveLength(ALARMS_MAX - ALARMS_FIRED_MAX)
  })
})

test('on the least limits that a network may have, what was taken is sent', () => {
  const least = Object.entries(LIMIT_TABLE).map(([name, row]) => [name, row.least] as const)
  const { stateBytesMax: _, outputBytesMax: __, ...limits } = Object.fromEntries(least)
  opened(limits)
  const { tagBytesMax } = bed.state.limits
  const name = '✓'.repeat(64)
  const tags = { At: '0', Every: '1000', 'X-': 'x'.repeat(tagBytesMax - 2) }
  expect(bed.set(name, tags)).toMatchObject({ text: '' })
  bed.set('b', { At: '1' }, BOB)
  const { hopsMax: hops = 0, countMax: count = 0 } = limits
  expect(bed.poke({ hops, count }).alarms).toHaveLength(1)
  expect(bed.poke({ hops, count }).alarms).toHaveLength(1)
})
