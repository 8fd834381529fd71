// Faults on targets that only remember: who may be away together, and that all are back at the end.

import { expect, test } from '@jest/globals'
import { seededRandom } from '../../src/std/random.ts'
import type { Target } from './faults.ts'
import { Faults } from './faults.ts'
import type { Fault, Role } from './schedule.ts'
import { scheduleOf } from './schedule.ts'

class Remembered implements Target {
  readonly name: string
  readonly role: Role
  up = true
  frozen = false
  isCold = false
  readonly calls: string[] = []
  /** Asked so often before its partitions have moved. */
  movesAfter = 2
  failsToStart = false

  constructor(name: string, role: Role) {
    this.name = name
    this.role = role
  }

  async kill(): Promise<void> {
    this.calls.push('kill')
    this.up = false
  }

  async stop(): Promise<void> {
    this.calls.push('stop')
    this.up = false
  }

  freeze(): void {
    this.calls.push('freeze')
    this.frozen = true
  }

  thaw(): void {
    this.calls.push('thaw')
    this.frozen = false
  }

  async clear(): Promise<void> {
    if (this.up) throw new Error('cleared while up')
    this.isCold = true
  }

  async start(): Promise<void> {
    if (this.failsToStart) throw new Error('it would not start')
    this.calls.push('start')
    this.up = true
  }

  async moved(): Promise<boolean> {
    this.movesAfter -= 1
    return this.movesAfter < 0
  }

  get away(): boolean {
    return !this.up || this.frozen
  }
}

function targetsOf(): Remembered[] {
  const members = (['sequencer', 'dre', 'relayer'] as const).flatMap((role) =>
    [0, 1].map((n) => new Remembered(`${role}-${n}`, role)),
  )
  return [...members, ...[1, 2, 3].map((n) => new Remembered(`broker-${n}`, 'broker'))]
}

const once = (target: string, kind: Fault['kind']): Fault[] => [
  { atMs: 0, target, kind, awayMs: 1 },
]

test('one of each role, and all brokers but one, are up all the time; at the end all', async () => {
  const targets = targetsOf()
  const together = new Set<number>()
  const say = (): void => {
    for (const role of ['sequencer', 'dre', 'relayer', 'broker'] as const) {
      const all = targets.filter((target) => target.role === role)
      const away = all.filter((target) => target.away).length
      expect(away).toBeLessThanOrEqual(1)
    }
    together.add(targets.filter((target) => target.away).length)
  }
  const faults = new Faults({ targets, say, brokerPauseMs: 10 })
  const schedule = scheduleOf({
    random: seededRandom(1),
    targets,
    durationMs: 800,
    everyMs: 10,
    memberKinds: ['kill', 'lose', 'stop', 'freeze'],
    brokerKinds: ['kill', 'stop', 'freeze'],
    awayMsMax: 1,
  }).map((fault) => ({ ...fault, awayMs: fault.awayMs % 40 }))
  expect(schedule.length).toBeGreaterThan(30)
  await faults.run(schedule)
  expect(faults.problems).toEqual([])
  expect(targets.filter((target) => target.away)).toEqual([])
  expect(Math.max(...together)).toBeGreaterThan(1)
  const called = new Set(targets.flatMap(({ calls }) => calls))
  expect([...called].sort()).toEqual(['freeze', 'kill', 'start', 'stop', 'thaw'])
})

test('a frozen one is thawed only after its partitions have moved', async () => {
  const targets = targetsOf()
  const [target] = targets as [Remembered]
  target.movesAfter = 4
  const faults = new Faults({ targets, say: () => undefined })
  await faults.run(once(target.name, 'freeze'))
  expect(faults.events.map(({ what }) => what)).toEqual(['freeze', 'moved', 'thaw'])
  expect(target.movesAfter).toBe(-1)
})

test('one whose partitions never move is thawed all the same, and told of', async () => {
  const targets = targetsOf()
  const [target] = targets as [Remembered]
  target.movesAfter = Infinity
  const faults = new Faults({ targets, say: () => undefined, movedMsMax: 100 })
  await faults.run(once(target.name, 'freeze'))
  expect(target.frozen).toBe(false)
  expect(faults.problems.length).toBe(1)
  expect(faults.problems[0]).toContain('nothing moved')
})

test('one that does not start again is told of, and the others go on', async () => {
  const targets = targetsOf()
  const [bad, , good] = targets as [Remembered, Remembered, Remembered]
  bad.failsToStart = true
  const faults = new Faults({ targets, say: () => undefined })
  await faults.run([...once(bad.name, 'lose'), ...once(good.name, 'kill')])
  expect(faults.problems).toEqual([`lose ${bad.name}: Error: it would not start`])
  expect(bad.isCold).toBe(true)
  expect(good.calls).toEqual(['kill', 'start'])
})

test('what is away already waits for its next fault until it is back', async () => {
  const targets = targetsOf()
  const [target] = targets as [Remembered]
  const faults = new Faults({ targets, say: () => undefined })
  const began = performance.now()
  await faults.run([
    { atMs: 0, target: target.name, kind: 'kill', awayMs: 150 },
    { atMs: 1, target: target.name, kind: 'stop', awayMs: 1 },
  ])
  expect(target.calls).toEqual(['kill', 'start', 'stop', 'start'])
  expect(performance.now() - began).toBeGreaterThanOrEqual(149)
})
