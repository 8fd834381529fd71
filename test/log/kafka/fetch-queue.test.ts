// The queue between the fetcher and a member: order, bounds, and what comes after a failure.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { FetchQueue } from '../../../src/log/kafka/fetch-queue.ts'
import type { StoredRecord } from '../../../src/log/port.ts'

/** A record costs this beside its value. */
const AROUND = 100

function record(offset: number, bytes = 0): StoredRecord {
  return { offset, timestamp: 0, key: null, value: new Uint8Array(bytes) }
}

function queueOf(bytesMax: number, start = 0) {
  const commits: number[] = []
  const commit = (next: number): void => void commits.push(next)
  return { commits, queue: new FetchQueue({ topic: 't', partition: 0, start, bytesMax, commit }) }
}

const none = (queue: FetchQueue): unknown => queue.take(0, 1, 1)

test('gives what was pushed in order, within the bounds, and ends where the pushes did', () => {
  const push = fc.array(fc.nat(500), { maxLength: 6 })
  const asks = fc.record({ recordsMax: fc.integer({ min: 1, max: 4 }), bytesMax: fc.nat(900) })
  fc.assert(
    fc.property(fc.array(push, { maxLength: 6 }), asks, (pushes, { recordsMax, bytesMax }) => {
      const { queue } = queueOf(10_000)
      let offset = 0
      for (const sizes of pushes) {
        const records = sizes.map((size) => record(offset++, size))
        // a hole at the end: what was compacted, or a control record
        queue.push(records, (offset += 1))
      }
      expect(queue.position).toBe(offset)
      const given: number[] = []
      let position = 0
      for (;;) {
        const slice = queue.take(position, recordsMax, bytesMax)
        if (slice === undefined) break
        const costs = slice.records.map(({ value }) => AROUND + (value?.length ?? 0))
        expect(slice.records.length).toBeLessThanOrEqual(recordsMax)
        const isWithin = costs.reduce((sum, cost) => sum + cost, 0) <= bytesMax
        expect(isWithin || slice.records.length === 1).toBe(true)
        given.push(...slice.records.map((each) => each.offset))
        expect(slice.next).toBeGreaterThan(position)
        expect(slice.next).toBeGreaterThan(given.at(-1) ?? -1)
        position = slice.next
      }
      expect(position).toBe(offset)
      expect(given).toHaveLength(pushes.flat().length)
      expect(given).toEqual(given.toSorted((a, b) => a - b))
      expect(queue.hasRoom).toBe(true)
    }),
  )
})

test('has no room at its limit, and says once when it has again', () => {
  const { queue } = queueOf(1_000)
  let told = 0
  queue.onRoom = () => void (told += 1)
  queue.push([record(0, 400)], 1)
  expect(queue.hasRoom).toBe(true)
  queue.push([record(1, 400), record(2)], 3)
  expect(queue.hasRoom).toBe(false)
  queue.take(0, 1, 1)
  expect({ told, room: queue.hasRoom }).toEqual({ told: 1, room: true })
  queue.take(1, 10, 10_000)
  expect(told).toBe(1)
})

test('wakes who listens, not who no longer does', () => {
  const { queue } = queueOf(1_000)
  let woken = 0
  queue.listen(() => void (woken += 1))
  queue.push([record(0)], 1)
  queue.fail(new Error('a failure'))
  expect(woken).toBe(2)
  queue.unlisten()
  queue.push([record(1)], 2)
  expect(woken).toBe(2)
})

test('gives what it has, then the first failure; what failed is not fetched for', () => {
  const { queue } = queueOf(1_000)
  queue.push([record(0), record(1)], 2)
  queue.fail(new Error('the first'))
  queue.fail(new Error('the second'))
  expect(queue.hasRoom).toBe(false)
  expect(queue.take(0, 1, 1)?.next).toBe(1)
  expect(queue.take(1, 1, 1)?.next).toBe(2)
  expect(() => none(queue)).toThrow('the first')
  expect(() => none(queue)).toThrow('the first')
})

test('starts where it is told, and passes commits on', () => {
  const { queue, commits } = queueOf(1_000, 7)
  expect(queue.position).toBe(7)
  expect(none(queue)).toBeUndefined()
  queue.commit(9)
  expect(commits).toEqual([9])
})
