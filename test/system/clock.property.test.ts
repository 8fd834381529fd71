// The clock against a list that is sorted anew for every message: what fires, when, in which order,
// and what is left.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { tagValue } from '../../src/protocol/message.ts'
import { ALARM_COUNT, ALARM_HOPS, ALARMS_FIRED_MAX } from '../../src/system/clock-process.ts'
import { idOf } from '../contracts/network.ts'
import { checkBook, ClockBed } from './clock-bed.ts'

type Kept = { owner: string; name: string; at: number; every: number; sequence: number }
type Step =
  | { do: 'set'; owner: number; name: number; inMs: number; every: number }
  | { do: 'cancel'; owner: number; name: number }
  | { do: 'poke'; hops: number; alarms: number }
  | { do: 'wait'; ms: number }

const owner = fc.nat(3)
const name = fc.nat(9)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({
    do: fc.constant('set' as const),
    owner,
    name,
    inMs: fc.integer({ min: -50, max: 50 }),
    every: fc.constantFrom(0, 0, 1_000, 1_001),
  }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), owner, name }) },
  { weight: 2, arbitrary: fc.record({
    do: fc.constant('poke' as const),
    hops: fc.constantFrom(ALARM_HOPS, ALARM_HOPS + 1, 64),
    alarms: fc.nat(ALARMS_FIRED_MAX + 2),
  }) },
  { weight: 2, arbitrary: fc.record({
    do: fc.constant('wait' as const),
    ms: fc.constantFrom(1, 20, 999, 3_500),
  }) },
)

/** The list, as simple as can be. */
class Model {
  kept: Kept[] = []
  #sequence = 0

  set(owner: string, name: string, at: number, every: number): void {
    this.cancel(owner, name)
    this.kept.push({ owner, name, at, every, sequence: this.#sequence++ })
  }

  cancel(owner: string, name: string): void {
    this.kept = this.kept.filter((each) => each.owner !== owner || each.name !== name)
  }

  fire(now: number, most: number): string[] {
    const fired = this.sorted().filter(({ at }) => at <= now).slice(0, most)
    return fired.map((each) => {
      const { owner, name, at, every } = each
      if (every === 0) {
        this.cancel(owner, name)
        return `${owner} ${name} ${at} undefined`
      }
      let missed = -1
      for (; each.at <= now; missed++) each.at += every
      return `${owner} ${name} ${at} ${missed}`
    })
  }

  sorted(): Kept[] {
    return [...this.kept].sort((a, b) => a.at - b.at || a.sequence - b.sequence)
  }
}

function play(steps: readonly Step[]): void {
  const bed = new ClockBed()
  const model = new Model()
  for (const each of steps) {
    if (each.do === 'wait') {
      bed.now += each.ms
      continue
    }
    let most = ALARMS_FIRED_MAX
    if (each.do === 'poke') {
      most = each.hops > ALARM_HOPS ? Math.min(each.alarms, ALARMS_FIRED_MAX) : 0
    } else {
      most = Math.min(most, Math.floor(bed.limits.countDefault / 2 / (ALARM_COUNT + 1)))
    }
    const expected = model.fire(bed.now, most)
    const handled = ((): ReturnType<ClockBed['send']> => {
      if (each.do === 'poke') {
        return bed.poke({ hops: each.hops, count: each.alarms * (ALARM_COUNT + 1) })
      }
      const by = idOf(`owner ${each.owner}`)
      const name = `n${each.name}`
      if (each.do === 'cancel') {
        model.cancel(by, name)
        return bed.send({ by, tags: { Action: 'Cancel-Alarm', Name: name } })
      }
      const at = bed.now + each.inMs
      model.set(by, name, at, each.every)
      const every = each.every === 0 ? {} : { Every: String(each.every) }
      return bed.set(name, { At: String(at), ...every }, by)
    })()
    expect(handled.text).toBe('')
    const fired = handled.alarms.map(({ target, tags }) => {
      const [called, at, missed] = ['Name', 'At', 'Missed'].map((tag) => tagValue(tags, tag))
      return `${target} ${called} ${at} ${missed}`
    })
    expect(fired).toEqual(expected)
    expect(handled.next).toBe(model.sorted()[0]?.at)
    checkBook(bed.state)
  }
  bed.close()
}

test('fires what a sorted list would, in its order, and keeps what it would', () => {
  const runs = fc.array(step, { minLength: 1, maxLength: 60 })
  fc.assert(fc.property(runs, play), { numRuns: 150 })
})
