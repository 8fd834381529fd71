// The world keeps its invariants W1 to W3, and its agenda the order of time.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Agenda } from './agenda.ts'
import type { Planned } from './world.ts'
import { World } from './world.ts'

function planned(at: number, run: () => void = () => undefined): Planned {
  return { at, cancelled: false, run }
}

function drained(agenda: Agenda, until = Infinity): Planned[] {
  const all: Planned[] = []
  for (let next = agenda.next(until); next !== undefined; next = agenda.next(until)) all.push(next)
  return all
}

test('W3: the agenda gives events by time, and those of one instant as they were added', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 })), (times) => {
      const agenda = new Agenda()
      const added = times.map((at) => planned(at))
      for (const each of added) agenda.add(each)
      // a stable sort is the model
      expect(drained(agenda)).toEqual(added.toSorted((a, b) => a.at - b.at))
    }),
  )
})

test('adding and taking may alternate, and nothing is lost or given twice', () => {
  const step = fc.oneof(fc.nat({ max: 50 }), fc.constant('take' as const))
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const agenda = new Agenda()
      const left: Planned[] = []
      for (const each of steps) {
        if (each === 'take') {
          const first = left.toSorted((a, b) => a.at - b.at)[0]
          expect(agenda.next(Infinity)).toBe(first)
          if (first !== undefined) left.splice(left.indexOf(first), 1)
        } else {
          const event = planned(each)
          left.push(event)
          agenda.add(event)
        }
      }
    }),
  )
})

test('what is cancelled is passed over, also when it is cancelled late', () => {
  const agenda = new Agenda()
  const [a, b, c] = [planned(1), planned(2), planned(3)]
  for (const each of [a, b, c]) agenda.add(each)
  b.cancelled = true
  expect(agenda.next(Infinity)).toBe(a)
  c.cancelled = true
  expect(agenda.next(Infinity)).toBeUndefined()
})

test('an event at the boundary happens, and one behind it is kept for later', async () => {
  const world = new World(1)
  const happened: number[] = []
  for (const at of [10, 20, 21, 30]) world.after(at, () => happened.push(at))
  expect(await world.runUntil(() => false, 20)).toBe(false)
  expect([happened, world.now]).toEqual([[10, 20], 20])
  expect(await world.runUntil(() => false, 40)).toBe(false)
  expect([happened, world.now]).toEqual([[10, 20, 21, 30], 40])
  expect(world.steps).toBe(4)
})

test('a cancelled event before the boundary does not drag in one behind it', async () => {
  const world = new World(1)
  const happened: number[] = []
  world.after(5, () => happened.push(5)).cancelled = true
  world.after(50, () => happened.push(50))
  await world.runUntil(() => false, 10)
  expect(happened).toEqual([])
  await world.runUntil(() => false, 50)
  expect(happened).toEqual([50])
})

test('it stops as soon as the condition holds', async () => {
  const world = new World(1)
  let count = 0
  const more = (): void => {
    count += 1
    world.after(7, more)
  }
  world.after(7, more)
  expect(await world.runUntil(() => count === 3, 1_000)).toBe(true)
  expect([count, world.now]).toEqual([3, 21])
})

test('W1: promises are followed to their end before the next event', async () => {
  const world = new World(1)
  const order: string[] = []
  world.after(1, () => {
    void (async () => {
      for (let n = 0; n < 100; n++) await Promise.resolve()
      order.push('promises')
    })()
  })
  world.after(1, () => order.push('next event'))
  await world.runUntil(() => false, 10)
  expect(order).toEqual(['promises', 'next event'])
})

test('the first failure of the harness ends the run', async () => {
  const world = new World(1)
  world.after(1, () => {
    world.fail(new Error('one'))
    world.fail('two')
  })
  world.after(2, () => world.trace('never'))
  await expect(world.runUntil(() => false, 10)).rejects.toThrow('one')
  expect(world.now).toBe(1)
})

test('streams are of the seed and the name, and do not disturb one another', () => {
  const draws = (world: World, name: string): number[] =>
    Array.from({ length: 5 }, () => world.random(name).uint32())
  const [one, same, other] = [new World(1), new World(1), new World(2)]
  draws(same, 'b')
  const a = draws(one, 'a')
  expect(draws(same, 'a')).toEqual(a)
  expect(draws(other, 'a')).not.toEqual(a)
  expect(draws(one, 'b')).not.toEqual(a)
})

test('the trace hash tells traces apart, in their words and their times', () => {
  const traced = (lines: number, delay = 0, hashBetween = false): string => {
    const world = new World(1)
    for (let n = 0; n < lines; n++) {
      world.trace(`line ${n + delay}`)
      if (hashBetween) world.traceHash()
    }
    return world.traceHash()
  }
  // around the length of a piece, too, and whenever it is asked for
  for (const lines of [0, 1, 63, 64, 65, 200]) {
    expect(traced(lines, 0, true)).toBe(traced(lines))
    expect(traced(lines + 1)).not.toBe(traced(lines))
  }
  expect(traced(10, 1)).not.toBe(traced(10))
})

test('what was traced later has another hash', async () => {
  const [early, late] = [new World(1), new World(1)]
  early.after(1, () => early.trace('it'))
  late.after(2, () => late.trace('it'))
  await early.runUntil(() => false, 5)
  await late.runUntil(() => false, 5)
  expect(late.traceHash()).not.toBe(early.traceHash())
})
