// The fetcher against brokers that misbehave: slow members, leaders that move, positions that are
// gone, topics made anew, and no tight loop in any of it.

import { afterEach, expect, test } from '@jest/globals'
import { CODE } from '../../../src/log/kafka/broker-errors.ts'
import { Fetcher } from '../../../src/log/kafka/fetcher.ts'
import { FetchQueue } from '../../../src/log/kafka/fetch-queue.ts'
import { KAFKA_LOG_LIMITS } from '../../../src/log/kafka/limits.ts'
import { systemClock } from '../../../src/std/clock.ts'
import { sleep, until } from '../recording-member.ts'
import { FakeBrokers } from './fake-brokers.ts'

const LIMITS = { ...KAFKA_LOG_LIMITS, fetchWaitMs: 50, topicGoneMsMax: 300 }
const QUEUE_BYTES = 4_000

let running: { brokers: FakeBrokers; fetcher: Fetcher } | undefined

afterEach(() => {
  running?.fetcher.close()
  running?.brokers.close()
})

function setUp() {
  const brokers = new FakeBrokers()
  const { cluster } = brokers
  const fetcher = new Fetcher({ name: 'n', cluster, clock: systemClock, limits: LIMITS })
  running = { brokers, fetcher }
  const add = (partition: number, start = 0, topic = 't'): FetchQueue => {
    const commit = (): void => undefined
    const queue = new FetchQueue({ topic, partition, start, bytesMax: QUEUE_BYTES, commit })
    fetcher.add(queue)
    return queue
  }
  return { brokers, fetcher, add }
}

/** Offsets of all that there is now. */
function drained(queue: FetchQueue): number[] {
  const found: number[] = []
  for (;;) {
    const slice = queue.take(0, 1_000, 1_000_000)
    if (slice === undefined) return found
    found.push(...slice.records.map(({ offset }) => offset))
  }
}

function failureOf(queue: FetchQueue): unknown {
  try {
    drained(queue)
    return undefined
  } catch (error) {
    return error
  }
}

const failed = (queue: FetchQueue, code: string): Promise<void> =>
  until(code, () => {
    const error = failureOf(queue)
    if (error !== undefined) expect(error).toMatchObject({ code })
    return error !== undefined
  })

test('a member that takes nothing stalls its own partition only, and only up to its limit', async () => {
  const { brokers, add } = setUp()
  brokers.make('t', [{ end: 1_000, bytes: 500 }, {}, { leader: 2, end: 50 }])
  const [slow, quick, other] = [add(0), add(1), add(2)]
  await until('the slow one is full', () => !slow.hasRoom)
  const held = slow.position
  const quickPartition = brokers.topics.get('t')?.[1]
  for (let n = 1; n <= 20; n++) {
    if (quickPartition) quickPartition.end = n
    await until('a record', () => drained(quick).includes(n - 1), 1_000)
  }
  expect(slow.position).toBe(held)
  // what one answer brings beyond the limit is all that is kept beyond it
  expect(held * 600).toBeLessThan(QUEUE_BYTES + 10 * 600)
  await until('the other', () => (drained(other), other.position === 50))
  drained(slow)
  await until('it goes on', () => slow.position > held)
})

test('queues of one partition are fetched for together where they are at one position', async () => {
  const { brokers, add } = setUp()
  const [partition] = brokers.make('t', [{ end: 3 }])
  const queues = [add(0), add(0), add(0), add(0, 3), add(0, 1)]
  await until('all', () => queues.every(({ position }) => position === 3))
  expect(queues.map(drained)).toEqual([[0, 1, 2], [0, 1, 2], [0, 1, 2], [], [1, 2]])
  await sleep(3 * LIMITS.fetchWaitMs)
  const before = brokers.fetches
  Object.assign(partition ?? {}, { end: 4 })
  await until('the next', () => queues.every(({ position }) => position === 4))
  // as many as chains that may be under way, and not one for each queue
  expect(brokers.fetches - before).toBeLessThanOrEqual(4)
})

test('what is removed is fetched no more', async () => {
  const { brokers, fetcher, add } = setUp()
  const [partition] = brokers.make('t', [{ end: 5 }])
  const queue = add(0)
  await until('the first', () => queue.position === 5)
  fetcher.remove(queue)
  if (partition) partition.end = 9
  await sleep(3 * LIMITS.fetchWaitMs)
  expect(queue.position).toBe(5)
})

test.each([
  ['below the start', { start: 10, end: 20 }, 3],
  ['above the end', { start: 0, end: 5 }, 6],
])('L6: a position %s fails its queue, with both ends, and no other', async (_, place, position) => {
  const { brokers, add } = setUp()
  brokers.make('t', [place, { end: 3 }])
  const [lost, sound] = [add(0, position), add(1)]
  await failed(lost, 'log-position-out-of-range')
  expect(failureOf(lost)).toMatchObject({ data: { position, start: place.start, end: place.end } })
  expect(lost.position).toBe(position)
  await until('the other goes on', () => sound.position === 3)
})

test('L6: an epoch that falls is a partition cut back or made anew', async () => {
  const { brokers, add } = setUp()
  const [partition] = brokers.make('t', [{ end: 5, epoch: 4 }])
  const queue = add(0)
  await until('the first', () => drained(queue).length === 5)
  Object.assign(partition ?? {}, { end: 9, epoch: 5 })
  await until('a newer epoch is read on', () => drained(queue).length === 4)
  Object.assign(partition ?? {}, { end: 12, epoch: 3 })
  await failed(queue, 'log-diverged')
})

test('L6: a log that was cut back below the position and written on is told by the broker', async () => {
  const { brokers, add } = setUp()
  const [partition] = brokers.make('t', [{ end: 5, epoch: 4, parted: 3 }])
  const [queue, fresh] = [add(0), add(0, 5)]
  await failed(queue, 'log-diverged')
  // nothing was read yet: there is nothing that it could have parted from
  Object.assign(partition ?? {}, { end: 7 })
  await until('it is read', () => fresh.position === 7)
})

test('L6: a topic deleted and made again is another, however many records it has', async () => {
  const { brokers, add } = setUp()
  brokers.make('t', [{ end: 5 }])
  const queue = add(0)
  await until('the first', () => drained(queue).length === 5)
  brokers.make('t', [{ end: 50 }])
  await failed(queue, 'log-diverged')
  expect(queue.position).toBe(5)
})

test('what cannot be decoded fails its queue, and no other', async () => {
  const { brokers, add } = setUp()
  brokers.make('t', [{ end: 1, garbage: Buffer.alloc(80, 1) }, { end: 3 }])
  brokers.topics.get('t')?.[0]?.garbage?.writeInt32BE(60, 8)
  const [broken, sound] = [add(0), add(1)]
  await failed(broken, 'log-batch-undecodable')
  await until('the other goes on', () => sound.position === 3)
})

test('who may not read is told so', async () => {
  const { brokers, add } = setUp()
  brokers.make('t', [{ end: 1, code: CODE.topicAuthorizationFailed }])
  await failed(add(0), 'log-not-authorized')
})

test('a leader that moves, or is gone for a while, is followed', async () => {
  const { brokers, add } = setUp()
  const [partition] = brokers.make('t', [{ end: 5 }])
  const queue = add(0)
  await until('the first', () => queue.position === 5)
  brokers.down.add(1)
  await sleep(2 * LIMITS.fetchWaitMs)
  Object.assign(partition ?? {}, { leader: -1 })
  await sleep(100)
  Object.assign(partition ?? {}, { leader: 2, end: 8 })
  await until('the rest', () => queue.position === 8)
})

test('a topic that is gone for a moment is waited for, for long is an error', async () => {
  const { brokers, add } = setUp()
  brokers.make('t', [{ end: 5 }])
  const queue = add(0)
  await until('the first', () => drained(queue).length === 5)
  const kept = brokers.topics.get('t') ?? []
  brokers.topics.delete('t')
  await sleep(LIMITS.topicGoneMsMax / 3)
  brokers.topics.set('t', kept)
  Object.assign(kept[0] ?? {}, { end: 7 })
  await until('it goes on', () => drained(queue).length === 2)
  brokers.topics.delete('t')
  await failed(queue, 'log-topic-unknown')
})

test.each(['a leader that denies it', 'no leader', 'a leader that is down'])(
  'no tight loop: %s, while others are fetched',
  async (what) => {
    const { brokers, add } = setUp()
    const [bad, good] = brokers.make('t', [{ leader: 1 }, { leader: 2 }])
    add(0)
    const sound = add(1)
    if (what === 'no leader') Object.assign(bad ?? {}, { leader: -1 })
    if (what === 'a leader that denies it') Object.assign(bad ?? {}, { code: CODE.notLeader })
    if (what === 'a leader that is down') brokers.down.add(1)
    await brokers.cluster.refresh()
    await sleep(700)
    const before = { fetches: brokers.fetches, refreshes: brokers.refreshes }
    await sleep(600)
    // retryDelayMsMax is 500, fetchWaitMs 50: a round or two, and a dozen fetches of what is sound
    expect(brokers.refreshes - before.refreshes).toBeLessThanOrEqual(4)
    expect(brokers.fetches - before.fetches).toBeLessThanOrEqual(30)
    Object.assign(good ?? {}, { end: 3 })
    await until('what is sound', () => sound.position === 3, 1_000)
  },
)

test('a leader that moved, heard of by somebody else, is followed without an error', async () => {
  for (const others of [0, 3]) {
    const { brokers, add, fetcher } = setUp()
    const names = Array.from({ length: 1 + others }, () => ({ end: 1 }))
    const [moving] = brokers.make('t', names)
    const queues = names.map((_, partition) => add(partition))
    await until('all', () => queues.every(({ position }) => position === 1))
    await sleep(2 * LIMITS.fetchWaitMs)
    for (let turn = 0; turn < 6; turn++) {
      Object.assign(moving ?? {}, { leader: 2 + (turn % 2) })
      await brokers.cluster.refresh()
      await sleep(turn * 7)
      Object.assign(moving ?? {}, { end: 2 + turn })
      await until('the record', () => queues[0]?.position === 2 + turn, 2_000)
      if (queues[0]) drained(queues[0])
    }
    fetcher.close()
    brokers.close()
  }
})
