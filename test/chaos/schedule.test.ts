// The schedule: the same for the same seed, one fault of each kind first, then at random.

import { expect, test } from '@jest/globals'
import { seededRandom } from '../../src/std/random.ts'
import type { Fault, ScheduleOptions } from './schedule.ts'
import { scheduleOf } from './schedule.ts'

const targets: ScheduleOptions['targets'] = [
  { name: 's0', role: 'sequencer' },
  { name: 's1', role: 'sequencer' },
  { name: 'd0', role: 'dre' },
  { name: 'd1', role: 'dre' },
  { name: 'b1', role: 'broker' },
  { name: 'b2', role: 'broker' },
]

function schedule(seed: number, change: Partial<ScheduleOptions> = {}): Fault[] {
  return scheduleOf({
    random: seededRandom(seed),
    targets,
    durationMs: 120_000,
    everyMs: 2_000,
    memberKinds: ['kill', 'lose', 'stop', 'freeze'],
    brokerKinds: ['kill', 'stop', 'freeze'],
    awayMsMax: 3_000,
    ...change,
  })
}

test('one seed is one schedule, another seed another', () => {
  expect(schedule(1)).toEqual(schedule(1))
  expect(schedule(2)).not.toEqual(schedule(1))
})

test('first one of each kind, for members and for brokers; then all of them again', () => {
  const faults = schedule(3)
  const kinds = (some: readonly Fault[]): string[] => some.map(({ kind }) => kind).sort()
  expect(kinds(faults.slice(0, 4))).toEqual(['freeze', 'kill', 'lose', 'stop'])
  expect(faults.slice(0, 4).every(({ target }) => !target.startsWith('b'))).toBe(true)
  expect(kinds(faults.slice(4, 7))).toEqual(['freeze', 'kill', 'stop'])
  expect(faults.slice(4, 7).every(({ target }) => target.startsWith('b'))).toBe(true)
  const rest = faults.slice(7)
  expect(new Set(rest.map(({ target }) => target)).size).toBe(targets.length)
  const ofBrokers = rest.filter(({ target }) => target.startsWith('b'))
  expect(ofBrokers.every(({ kind }) => kind !== 'lose')).toBe(true)
})

test('times grow, stay within the duration, and are about as often as asked', () => {
  const faults = schedule(4)
  const times = faults.map(({ atMs }) => atMs)
  expect(times).toEqual([...times].sort((a, b) => a - b))
  expect(Math.max(...times)).toBeLessThanOrEqual(120_000)
  expect(faults.length).toBeGreaterThan(45)
  expect(faults.length).toBeLessThan(80)
})

test('without brokers only members are hit', () => {
  const members = targets.filter(({ role }) => role !== 'broker')
  const faults = schedule(5, { targets: members })
  expect(faults.length).toBeGreaterThan(45)
  expect(faults.every(({ target }) => !target.startsWith('b'))).toBe(true)
})
