// What a pump notes for its group: batches in order, once they are done, and what holds no record.

import { expect, test } from '@jest/globals'
import type { Slice } from '../../src/log/pump.ts'
import { Pump } from '../../src/log/pump.ts'
import type { StoredRecord } from '../../src/log/port.ts'

function pumped(inFlight = 2) {
  const slices: Slice[] = []
  const noted: number[] = []
  const done: (() => void)[] = []
  let wake: (() => void) | undefined
  const source = {
    topic: 't',
    partition: 0,
    take: () => slices.shift(),
    listen: (each: () => void) => void (wake = each),
    unlisten: () => void (wake = undefined),
    commit: (next: number) => void noted.push(next),
  }
  const member = {
    assigned: () => Promise.resolve({}),
    revoked: () => Promise.resolve(),
    records: () => new Promise<void>((resolve) => void done.push(resolve)),
  }
  const options = { source, member, inFlight, batchRecordsMax: 9, batchBytesMax: 9_999 }
  const errors: unknown[] = []
  const pump = new Pump({ ...options, onError: (error) => void errors.push(error) }, 0)
  pump.start()
  const put = (next: number, count = 1): void => {
    const record = { offset: next - 1, key: null, value: null, headers: {}, timestamp: 0 }
    slices.push({ records: Array.from({ length: count }, (): StoredRecord => record), next })
    wake?.()
  }
  const settle = async (at: number): Promise<void> => {
    done[at]?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { pump, put, settle, noted, errors }
}

test('what is done out of turn is noted when all before it is', async () => {
  const { put, settle, noted } = pumped()
  put(1)
  put(2)
  await settle(1)
  expect(noted).toEqual([])
  await settle(0)
  expect(noted).toEqual([2])
})

test('offsets that hold no record are passed over, and noted in their turn', async () => {
  const { put, settle, noted, errors } = pumped()
  put(3, 0)
  expect(noted).toEqual([3])
  put(4)
  put(6, 0)
  expect(noted).toEqual([3])
  await settle(0)
  expect(noted).toEqual([3, 6])
  expect(errors).toEqual([])
})

test('a fenced one notes nothing, whatever it passes', async () => {
  const { pump, put, settle, noted } = pumped()
  put(1)
  pump.fence()
  put(2, 0)
  await settle(0)
  expect(noted).toEqual([])
})
