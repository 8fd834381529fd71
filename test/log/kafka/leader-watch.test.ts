// Requests that are not answered: given up as soon as somebody else leads, and not before.

import { afterEach, expect, test } from '@jest/globals'
import type { BrokerConnection } from '../../../src/log/kafka/connection.ts'
import { LeaderWatch } from '../../../src/log/kafka/leader-watch.ts'
import { systemClock } from '../../../src/std/clock.ts'
import { sleep, until } from '../recording-member.ts'
import { FakeBrokers } from './fake-brokers.ts'

const OVERDUE_MS = 40

let brokers: FakeBrokers | undefined

afterEach(() => brokers?.close())

function setUp() {
  const all = (brokers = new FakeBrokers())
  const partitions = all.make('t', [{ leader: 1 }, { leader: 1 }])
  const watch = new LeaderWatch(all.cluster, systemClock, OVERDUE_MS)
  let closed = 0
  const connection = { close: () => void (closed += 1) } as unknown as BrokerConnection
  const sent = { leader: 1, connection, parts: [0, 1].map((partition) => ({ topic: 't', partition })) }
  return { all, partitions, watch, sent, closed: () => closed }
}

test('what is answered in time costs nothing', async () => {
  const { all, watch, sent, closed } = setUp()
  for (let n = 0; n < 20; n++) {
    watch.add(sent)
    await sleep(5)
    watch.remove(sent)
  }
  await sleep(3 * OVERDUE_MS)
  expect({ refreshes: all.refreshes, closed: closed() }).toEqual({ refreshes: 0, closed: 0 })
})

test('a leader that is slow is waited for; one that leads no more is not', async () => {
  const { all, partitions, watch, sent, closed } = setUp()
  watch.add(sent)
  await until('it was asked', () => all.refreshes >= 3)
  expect(closed()).toBe(0)
  Object.assign(partitions[1] ?? {}, { leader: -1 })
  await until('it was asked again', () => all.refreshes >= 5)
  expect(closed()).toBe(0)
  Object.assign(partitions[1] ?? {}, { leader: 2 })
  await until('it is given up', () => closed() > 0)
  watch.remove(sent)
  await sleep(2 * OVERDUE_MS)
  const { refreshes } = all
  await sleep(3 * OVERDUE_MS)
  expect(all.refreshes).toBe(refreshes)
})
