// Positions on their way to the coordinator: one commit at a time, the newest positions, and nothing
// of partitions that are somebody else's by then.

import { expect, test } from '@jest/globals'
import { BrokerFault, BrokerRefusal } from '../../../src/log/kafka/broker-errors.ts'
import { Commits } from '../../../src/log/kafka/commits.ts'
import { KAFKA_LOG_LIMITS } from '../../../src/log/kafka/limits.ts'
import { systemClock } from '../../../src/std/clock.ts'
import { sleep, until } from '../recording-member.ts'

type Attempt = {
  readonly offsets: Record<string, Record<number, number>>
  succeed(): void
  fail(error: Error): void
}

const LIMITS = { ...KAFKA_LOG_LIMITS, commitDelayMs: 10, retryDelayMs: 2, drainTimeoutMs: 300 }
const LONG_ENOUGH_MS = 60

function commitsOf(limits = LIMITS) {
  const attempts: Attempt[] = []
  let underWay = 0
  const commits = new Commits({
    clock: systemClock,
    limits,
    commit: (offsets) => {
      underWay += 1
      expect(underWay).toBe(1)
      const plain = Object.fromEntries(
        [...offsets].map(([topic, rows]) => [topic, Object.fromEntries(rows)]),
      )
      return new Promise<void>((resolve, reject) => {
        const done = (): void => void (underWay -= 1)
        attempts.push({
          offsets: plain,
          succeed: () => (done(), resolve()),
          fail: (error) => (done(), reject(error)),
        })
      })
    },
  })
  const attempt = async (at: number): Promise<Attempt> => {
    await until(`attempt ${at}`, () => attempts.length > at)
    return attempts[at] as Attempt
  }
  return { commits, attempts, attempt }
}

const fault = (): Error => new BrokerFault('cut', { sent: true })

test('positions that move while a commit is under way go with the next', async () => {
  const { commits, attempts, attempt } = commitsOf()
  commits.note('a', 0, 1)
  commits.note('a', 0, 2)
  commits.note('b', 1, 5)
  const first = await attempt(0)
  expect(first.offsets).toEqual({ a: { 0: 2 }, b: { 1: 5 } })
  commits.note('a', 0, 3)
  commits.note('a', 0, 4)
  await sleep(LONG_ENOUGH_MS)
  expect(attempts).toHaveLength(1)
  first.succeed()
  const second = await attempt(1)
  expect(second.offsets).toEqual({ a: { 0: 4 } })
  second.succeed()
  await sleep(LONG_ENOUGH_MS)
  expect(attempts).toHaveLength(2)
})

test('what failed is tried again with the newest positions', async () => {
  const { commits, attempt } = commitsOf()
  commits.note('a', 0, 1)
  commits.note('a', 1, 1)
  const first = await attempt(0)
  commits.note('a', 0, 9)
  first.fail(fault())
  const second = await attempt(1)
  expect(second.offsets).toEqual({ a: { 0: 9, 1: 1 } })
  second.fail(new BrokerRefusal('OffsetCommit', 27))
  expect((await attempt(2)).offsets).toEqual({ a: { 0: 9, 1: 1 } })
})

test('a flush does not wait for the delay, and not for ever', async () => {
  const { commits, attempts, attempt } = commitsOf({ ...LIMITS, commitDelayMs: 60_000 })
  await commits.flush()
  commits.note('a', 0, 1)
  const flushed = commits.flush()
  const first = await attempt(0)
  first.succeed()
  await flushed
  expect(attempts).toHaveLength(1)
  commits.note('a', 0, 2)
  const begun = performance.now()
  await commits.flush()
  expect(attempts).toHaveLength(2)
  expect(performance.now() - begun).toBeLessThan(5_000)
})

test('what is forgotten is not committed', async () => {
  const { commits, attempt, attempts } = commitsOf()
  commits.note('a', 0, 1)
  commits.note('a', 1, 1)
  commits.forget(0)
  expect((await attempt(0)).offsets).toEqual({ a: { 1: 1 } })
  attempts[0]?.succeed()
  commits.note('a', 2, 1)
  commits.forget()
  await sleep(LONG_ENOUGH_MS)
  expect(attempts).toHaveLength(1)
})

test('what is forgotten while its commit is under way is not tried again', async () => {
  const { commits, attempt, attempts } = commitsOf()
  commits.note('a', 0, 1)
  commits.note('a', 1, 1)
  const first = await attempt(0)
  commits.forget(0)
  first.fail(new BrokerRefusal('OffsetCommit', 22))
  const second = await attempt(1)
  expect(second.offsets).toEqual({ a: { 1: 1 } })
  commits.forget()
  second.fail(fault())
  await sleep(LONG_ENOUGH_MS)
  expect(attempts).toHaveLength(2)
})

test('a partition that is forgotten and comes back commits what is noted then', async () => {
  const { commits, attempt } = commitsOf()
  commits.note('a', 0, 7)
  const first = await attempt(0)
  commits.forget()
  commits.note('a', 0, 3)
  first.fail(fault())
  expect((await attempt(1)).offsets).toEqual({ a: { 0: 3 } })
})

test('after an error that is no broker’s, later positions are committed all the same', async () => {
  const { commits, attempt } = commitsOf()
  commits.note('a', 0, 1)
  const first = await attempt(0)
  commits.note('a', 0, 2)
  first.fail(new Error('not of a broker'))
  expect((await attempt(1)).offsets).toEqual({ a: { 0: 2 } })
})

test('a member that is out commits nothing more, and is not waited for', async () => {
  const { commits, attempt, attempts } = commitsOf({ ...LIMITS, drainTimeoutMs: 60_000 })
  commits.note('a', 0, 1)
  const first = await attempt(0)
  const flushed = commits.flush()
  first.fail(new BrokerRefusal('OffsetCommit', 25))
  await flushed
  expect(attempts).toHaveLength(1)
})

test('nothing is committed after it was closed', async () => {
  const { commits, attempts } = commitsOf()
  commits.note('a', 0, 1)
  commits.close()
  await sleep(LONG_ENOUGH_MS)
  expect(attempts).toHaveLength(0)
})
