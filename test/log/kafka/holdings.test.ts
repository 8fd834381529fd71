// How a member's partitions begin and end when brokers or the member itself are slow.

import { expect, test } from '@jest/globals'
import { Commits } from '../../../src/log/kafka/commits.ts'
import type { Fetcher } from '../../../src/log/kafka/fetcher.ts'
import type { FetchQueue } from '../../../src/log/kafka/fetch-queue.ts'
import { Holdings } from '../../../src/log/kafka/holdings.ts'
import { KAFKA_LOG_LIMITS } from '../../../src/log/kafka/limits.ts'
import type { Reader } from '../../../src/log/kafka/reader.ts'
import { systemClock } from '../../../src/std/clock.ts'
import { HbError } from '../../../src/std/errors.ts'
import { recordingMember, sleep, until } from '../recording-member.ts'
import type { RecordingOptions } from '../recording-member.ts'

const LIMITS = { ...KAFKA_LOG_LIMITS, drainTimeoutMs: 100, commitDelayMs: 5 }
const unreachable = (): Error => new HbError('log-unreachable')
type Positions = readonly (number | undefined)[]

type Brokers = {
  readonly committed?: () => Promise<Positions>
  readonly ends?: () => Promise<{ start: number; end: number }[]>
  readonly owns?: () => Promise<boolean>
}

function setUp(brokers: Brokers = {}, options: RecordingOptions = {}) {
  const member = recordingMember(options)
  const queues: FetchQueue[] = []
  const committed: Record<number, number>[] = []
  const commits = new Commits({
    clock: systemClock,
    limits: LIMITS,
    commit: async (offsets) => void committed.push(Object.fromEntries(offsets.get('t') ?? [])),
  })
  const fetcher = {
    add: (queue: FetchQueue) => void queues.push(queue),
    remove: (queue: FetchQueue) => void queues.splice(queues.indexOf(queue) >>> 0, 1),
  }
  const ends = brokers.ends ?? (async () => Array(2).fill({ start: 3, end: 9 }))
  const holdings = new Holdings({
    join: { group: 'g', topics: ['t'], member },
    clock: systemClock,
    limits: LIMITS,
    reader: { ends } as unknown as Reader,
    fetcher: fetcher as unknown as Fetcher,
    commits,
    owns: brokers.owns ?? (async () => true),
    committed: brokers.committed ?? (async () => [undefined, undefined]),
  })
  const calls = (): string[] => member.calls.map(({ call, partition }) => `${call} ${partition}`)
  return { holdings, member, queues, committed, calls }
}

const record = (offset: number) => ({ offset, timestamp: 0, key: null, value: null })

/** Partition 0 with a batch that is under way until `settle`. */
async function atWork() {
  let settle: () => void = () => undefined
  const held = new Promise<void>((resolve) => (settle = resolve))
  const set = setUp({}, { onRecords: () => held })
  const { holdings, queues, calls } = set
  holdings.assign([0])
  await until('it began', () => queues.length === 1)
  queues[0]?.push([record(3)], 4)
  await until('at work', () => calls().includes('records 0'))
  return { ...set, settle }
}

test('begins where the member says, or at the earliest record that is retained', async () => {
  const { holdings, queues } = setUp({ committed: async () => [7, undefined] })
  holdings.assign([0, 1])
  await until('both', () => queues.length === 2)
  expect(queues.map(({ partition, position }) => [partition, position]).toSorted()).toEqual([
    [0, 7],
    [1, 3],
  ])
  expect(holdings.partitions).toEqual([0, 1])
})

test('brokers that are away for long make a partition begin later, not halt', async () => {
  let asked = 0
  const { holdings, queues, calls } = setUp({
    committed: async () => {
      if (asked++ < 2) throw unreachable()
      return [undefined]
    },
    ends: async () => {
      if (asked++ < 5) throw unreachable()
      return [{ start: 3, end: 9 }]
    },
  })
  holdings.assign([0])
  await until('it begins', () => queues.length === 1)
  expect(calls()).toEqual(['assigned 0'])
})

test('what the brokers refuse halts', async () => {
  const { holdings, calls } = setUp({ committed: () => Promise.reject(new HbError('log-not-authorized')) })
  holdings.assign([0])
  await until('it halts', () => calls().length === 1)
  expect(calls()).toEqual(['halted 0'])
})

test('a partition that is taken away before it began never begins', async () => {
  let give: (positions: Positions) => void = () => undefined
  const late = new Promise<Positions>((resolve) => (give = resolve))
  const { holdings, queues, calls } = setUp({ committed: () => late })
  holdings.assign([0])
  await holdings.revoke([0])
  expect(holdings.has(0)).toBe(false)
  give([5])
  await sleep(20)
  expect(calls()).toEqual([])
  expect(queues).toEqual([])
  // and it may come back
  holdings.assign([0])
  await until('it begins', () => queues.length === 1)
  expect(calls()).toEqual(['assigned 0'])
})

test('a member that hangs is waited for, not for ever; then nothing that it settles counts', async () => {
  const { holdings, calls, committed, settle } = await atWork()
  const begun = performance.now()
  await holdings.revoke([0])
  expect(performance.now() - begun).toBeGreaterThanOrEqual(LIMITS.drainTimeoutMs)
  expect(performance.now() - begun).toBeLessThan(20 * LIMITS.drainTimeoutMs)
  expect(calls()).toEqual(['assigned 0', 'records 0', 'revoked 0'])
  // it comes back to the same member: only when its earlier work has ended
  holdings.assign([0])
  await sleep(50)
  expect(calls()).toHaveLength(3)
  settle()
  await until('it begins again', () => calls().at(-1) === 'assigned 0')
  await sleep(30)
  expect(committed).toEqual([])
})

test('a partition that is given up commits what settles while it is drained', async () => {
  const { holdings, committed, settle } = await atWork()
  const revoked = holdings.revoke([0])
  settle()
  await revoked
  await until('it is committed', () => committed.length === 1)
  expect(committed).toEqual([{ 0: 4 }])
})

test('a partition that is lost commits nothing', async () => {
  const { holdings, calls, committed, settle } = await atWork()
  const lost = holdings.lose()
  settle()
  await lost
  await sleep(30)
  expect(committed).toEqual([])
  expect(calls().at(-1)).toBe('revoked 0')
})

test('a position out of range halts who owns the partition, not who lost it', async () => {
  for (const owns of [true, false]) {
    const { holdings, queues, calls } = setUp({ owns: async () => owns })
    holdings.assign([0])
    await until('it began', () => queues.length === 1)
    queues[0]?.fail(new HbError('log-position-out-of-range'))
    await until('it is delivered no more', () => queues.length === 0)
    await sleep(20)
    expect(calls()).toEqual(['assigned 0', ...(owns ? ['halted 0'] : [])])
  }
})

test('what is lost is not kept while its last work is waited for', async () => {
  const { holdings, settle } = await atWork()
  expect(holdings.keeps(0)).toBe(true)
  const lost = holdings.lose()
  expect([holdings.keeps(0), holdings.has(0)]).toEqual([false, true])
  settle()
  await lost
})
