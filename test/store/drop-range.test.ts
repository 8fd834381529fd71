// What is deleted in pieces is believed by nobody when it ends half way.

import { expect, test } from '@jest/globals'
import { dropPartition, ProcessStore } from '../../src/dre/process-store.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import { topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { refillIndex } from '../../src/sequencer/index.ts'
import { IdIndex } from '../../src/sequencer/id-index.ts'
import { dropRange } from '../../src/store/drop-range/index.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { Store, StoreOp } from '../../src/store/port.ts'
import { testNetwork } from '../protocol/fixtures.ts'

/** It dies after so many writes. */
function dying(store: Store, writes: number): Store {
  let left = writes
  return {
    get: (key) => store.get(key),
    range: (range) => store.range(range),
    write: async (ops) => {
      if (left-- <= 0) throw new Error('dead')
      await store.write(ops)
    },
    close: () => store.close(),
  }
}

const keys = (store: Store): string[] =>
  [...store.range({ from: '', to: '\u007f' })].map(({ key }) => key)

const put = (count: number, prefix: string): StoreOp[] =>
  Array.from({ length: count }, (_, n) => ({
    key: `${prefix}${String(n).padStart(6, '0')}`,
    value: Buffer.from('x'),
  }))

test('a range goes whole, and nothing else', async () => {
  const store = createMemoryStore()
  await store.write([...put(2_500, 'a/'), ...put(2, 'b/')])
  expect(await dropRange(store, 'a/')).toBe(2_500)
  expect(keys(store)).toEqual(['b/000000', 'b/000001'])
})

test('the key that the rest is believed by goes first', async () => {
  const store = createMemoryStore()
  await store.write([...put(1_500, 'a/'), { key: 'a/v', value: Buffer.from('x') }])
  await expect(dropRange(dying(store, 2), 'a/', 'a/v')).rejects.toThrow('dead')
  expect(keys(store)).toHaveLength(500)
  expect(store.get('a/v')).toBeUndefined()
})

const network = testNetwork()
const view = { partition: 1, height: 3, hash: Buffer.alloc(32), timestamp: 1, counters: [0, 0, 0, 0] }

test('the states of a partition, half of them gone, have no position', async () => {
  const store = createMemoryStore()
  const states = new ProcessStore(store, new Records(), 1)
  const place = { view, next: 4, at: 3, outgoing: [0, 0, 0, 0], level: 1 }
  await store.write([
    ...put(1_500, 'd0001/c/'),
    states.positionOp({ ...place, outbox: 0, outboxNext: 4 }),
  ])
  expect(states.position()).toBeDefined()
  await expect(dropPartition(dying(store, 2), 1)).rejects.toThrow('dead')
  expect(states.position()).toBeUndefined()
})

test('an index of ids, half of them gone, has no view', async () => {
  const store = createMemoryStore()
  const index = new IdIndex(store, 1)
  index.record([], { view, next: 4, at: 3 })
  await index.written()
  await store.write(put(1_500, 's0001/i/'))
  expect(index.load()).toBeDefined()
  const log = createMemoryLog({ drainTimeoutMs: 10 })
  await log.provision(topicSpecs(topicNames('hb'), network.genesis.partitions))
  const refilling = { network, log, applicationId: 'hb', partition: 1 }
  await expect(refillIndex({ ...refilling, store: dying(store, 2) })).rejects.toThrow('dead')
  expect(new IdIndex(store, 1).load()).toBeUndefined()
  await log.close()
})
