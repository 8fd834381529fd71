// Going on in a log: the same one, one that only looks shorter for a while, a shorter one, another
// one, a trimmed one.

import { beforeEach, describe, expect, test } from '@jest/globals'
import { createMemoryLog } from '../../../src/log/memory/index.ts'
import type { Log } from '../../../src/log/port.ts'
import type { LogPlace } from '../../../src/log/resume/index.ts'
import { checkPlace } from '../../../src/log/resume/index.ts'
import { initialView } from '../../../src/protocol/accept.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import { entryHash, NO_AUTHORITY } from '../../../src/protocol/entry.ts'
import { genesisSpawn } from '../../../src/protocol/genesis.ts'
import { LogReader } from '../../../src/protocol/log-reader.ts'
import type { Clock } from '../../../src/std/clock.ts'
import { HbError } from '../../../src/std/errors.ts'
import { passing } from '../../../src/log/passing/index.ts'
import { RECORDS, rigNetwork, TOPICS } from '../../node/rig.ts'

const network = rigNetwork(['walk', 'counter', 'book'], { partitions: 1 })
const records = RECORDS

type Made = { readonly entry: Entry; readonly value: Buffer }

/** The entries of genesis as they stand in the log, `timestamp` ms after the epoch. */
function entries(timestamp: number): [Made, Made, Made] {
  let { hash: prev } = initialView(network.id, 0, 1)
  return (network.spawns[0] ?? []).map((process, height) => {
    const message = genesisSpawn(network, process)
    const head = { partition: 0, height, prev, timestamp, admission: NO_AUTHORITY }
    const entry: Entry = { ...head, message, hash: entryHash(network.id, head, message) }
    const wire = { type: 'genesis' as const, name: process.name }
    const value = records.encodeEntry({ ...head, prev: Buffer.from(prev), message: wire })
    prev = entry.hash
    return { entry, value }
  }) as [Made, Made, Made]
}

describe('going on in a log', () => {
  let log: Log
  let place: LogPlace
  beforeEach(async () => {
    log = createMemoryLog()
    await log.provision([{ name: TOPICS.log, partitions: 1, cleanup: 'log' }])
    const all = entries(1)
    await log.append(TOPICS.log, 0, all.map(({ value }) => ({ key: null, value })))
    place = { at: 2, next: 3, hash: all[2].entry.hash }
  })

  /** A clock that jumps to the end of every sleep. */
  function jumping(onSleep: () => void = () => undefined): Clock & { passed: number } {
    const clock = {
      passed: 0,
      now: () => clock.passed,
      sleep: async (ms: number) => {
        clock.passed += ms
        onSleep()
      },
    }
    return clock
  }

  async function check(
    with_: { log?: Log; place?: Partial<LogPlace>; clock?: Clock; signal?: AbortSignal } = {},
  ): Promise<string> {
    const { clock = jumping(), signal = new AbortController().signal } = with_
    const where = { topic: TOPICS.log, partition: 0, logEndWaitMsMax: 10_000 }
    const options = { network, log: with_.log ?? log, clock, records, ...where, signal }
    try {
      await checkPlace(options, { ...place, ...with_.place })
      return 'there'
    } catch (error) {
      return (error as HbError).code
    }
  }

  test('the same log', async () => {
    const clock = jumping()
    expect(await check({ clock })).toBe('there')
    expect(await check({ clock, place: { next: 2, at: 1 } })).toBe('log-diverged')
    expect(clock.passed).toBe(0)
  })

  test('an end that is old for a while is waited for, no longer than the limit', async () => {
    let end = 1
    const clock = jumping(() => {
      if (clock.passed > 4_000) end = 3
    })
    const lagging: Log = {
      ...passing(log),
      ends: () => Promise.resolve([{ start: 0, end }]),
      read: (topic, partition, from, options) => {
        if (from < end) return log.read(topic, partition, from, options)
        return Promise.reject(new HbError('log-position-out-of-range', 'old'))
      },
    }
    expect(await check({ log: lagging, clock })).toBe('there')
    expect(clock.passed).toBeGreaterThan(4_000)
    expect(clock.passed).toBeLessThan(5_000)
    // the end is known again, and the record not yet
    end = 2
    const other = jumping(() => {
      if (other.passed > 1_000) end = 3
    })
    const ends: Log = { ...lagging, ends: () => log.ends(TOPICS.log) }
    expect(await check({ log: ends, clock: other })).toBe('there')
    expect(other.passed).toBeGreaterThan(1_000)
    const never = jumping()
    expect(await check({ clock: never, place: { next: 4 } })).toBe('log-diverged')
    expect(never.passed).toBeGreaterThanOrEqual(10_000)
    expect(never.passed).toBeLessThan(11_000)
    const stop = new AbortController()
    const clockOf = jumping(() => stop.abort())
    const stopped = check({ clock: clockOf, place: { next: 4 }, signal: stop.signal })
    expect(await stopped).toBe('partition-lost')
  })

  test('the entry was deleted, or is another one', async () => {
    await log.trim(TOPICS.log, 0, 2)
    expect(await check()).toBe('there')
    await log.trim(TOPICS.log, 0, 3)
    expect(await check()).toBe('log-position-out-of-range')
    const other = createMemoryLog()
    await other.provision([{ name: TOPICS.log, partitions: 1, cleanup: 'log' }])
    await other.append(
      TOPICS.log,
      0,
      entries(2).map(({ value }) => ({ key: null, value })),
    )
    expect(await check({ log: other })).toBe('log-diverged')
  })

  test('a reader without a position wants the log from height 0', () => {
    const claim = records.claim.encode({ member: 'm', generation: 1, nonce: 'n' })
    const [zero, one] = entries(1)
    const reader = () => new LogReader(network, records, initialView(network.id, 0, 1))
    const whole = reader()
    for (const value of [claim, null, zero.value, zero.value, one.value]) whole.read(value)
    const trimmed = reader()
    expect(trimmed.read(claim).type).toBe('claim')
    expect(trimmed.read(Buffer.from('junk')).type).toBe('superseded')
    expect(() => trimmed.read(one.value)).toThrow(/begins at height 1/)
    // an entry of height 0 came first: that the next ones do not extend it says nothing of a trim
    const foreign = reader()
    const [alien] = entries(5)
    expect(foreign.read(alien.value).type).toBe('entry')
    expect(foreign.read(zero.value)).toMatchObject({ type: 'superseded', why: 'height' })
  })
})
