// What scraping costs the log, and what it shows when the log does not answer.

import { afterEach, describe, expect, test } from '@jest/globals'
import { createMemoryLog } from '../../../src/log/memory/index.ts'
import type { Log } from '../../../src/log/port.ts'
import type { Role } from '../../../src/node/ownership.ts'
import { Lag } from '../../../src/node/metrics/lag.ts'
import type { MetricsLimits } from '../../../src/node/metrics/limits.ts'
import { topicNames, topicSpecs } from '../../../src/protocol/topics.ts'
import { systemClock } from '../../../src/std/clock.ts'
import { passing } from '../../../src/log/passing/index.ts'

const topics = topicNames('hb')
const record = { key: 'k', value: Buffer.from('v') }

describe('lag', () => {
  let log: Log
  let asked: string[]
  const closing = new AbortController()
  afterEach(() => log.close())

  async function open(
    limits: Partial<MetricsLimits>,
    change: Partial<Log> = {},
    now = (): number => Date.now(),
  ): Promise<Lag> {
    const inner = createMemoryLog()
    await inner.provision(topicSpecs(topics, 2))
    asked = []
    log = {
      ...passing(inner),
      ends: (topic) => (asked.push(topic), inner.ends(topic)),
      ...change,
    }
    return new Lag({
      log,
      clock: { ...systemClock, now },
      applicationId: 'hb',
      topics,
      roles: ['sequencer'],
      limits: { lagIntervalMs: 1_000, lagWaitMsMax: 50, ...limits },
      held: (role: Role) => (role === 'sequencer' ? [1] : []),
      signal: closing.signal,
    })
  }

  test('many who scrape at once ask the log once, and again only after the interval', async () => {
    const time = { now: 1_000 }
    const lag = await open({}, {}, () => time.now)
    await Promise.all(Array.from({ length: 20 }, () => lag.refresh()))
    expect(asked.sort()).toEqual([topics.ingress, topics.log])
    time.now += 999
    await lag.refresh()
    expect(asked).toHaveLength(2)
    expect(lag.ageMs()).toBe(999)
    time.now += 1
    await lag.refresh()
    expect(asked).toHaveLength(4)
    expect(lag.ageMs()).toBe(0)
  })

  test('without a position all that is retained is lag; of what is here only', async () => {
    const lag = await open({ lagIntervalMs: 0 })
    expect(lag.lags()).toEqual([])
    await log.append(topics.ingress, 0, [record])
    for (let n = 0; n < 5; n++) await log.append(topics.ingress, 1, [record])
    await lag.refresh()
    const place = { group: 'hb.sequencer', topic: topics.ingress, partition: 1 }
    expect(lag.lags()).toEqual([{ ...place, records: 5 }])
    await log.trim(topics.ingress, 1, 2)
    await lag.refresh()
    expect(lag.lags()).toEqual([{ ...place, records: 3 }])
    expect(lag.end(topics.ingress, 1)).toBe(5)
  })

  test('a log that does not answer costs a scrape lagWaitMsMax, and its age shows', async () => {
    const stuck = { on: false }
    const never = new Promise<never>(() => undefined)
    const lag = await open(
      { lagIntervalMs: 0 },
      { committed: async () => (stuck.on ? never : [undefined, 3]) },
    )
    for (let n = 0; n < 5; n++) await log.append(topics.ingress, 1, [record])
    await lag.refresh()
    stuck.on = true
    const from = Date.now()
    await lag.refresh()
    expect(Date.now() - from).toBeGreaterThanOrEqual(45)
    expect(lag.lags()[0]?.records).toBe(2)
    expect(lag.ageMs()).toBeGreaterThanOrEqual(45)
  })

  test('a log that refuses is asked again; the node closing ends the wait', async () => {
    const lag = await open(
      { lagIntervalMs: 0, lagWaitMsMax: 60_000 },
      { committed: () => Promise.reject(new Error('refused')) },
    )
    await lag.refresh()
    expect(lag.ageMs()).toBeUndefined()
    const stuck = await open(
      { lagWaitMsMax: 60_000 },
      { committed: () => new Promise<never>(() => undefined) },
    )
    const waiting = stuck.refresh()
    closing.abort()
    await waiting
  })
})
