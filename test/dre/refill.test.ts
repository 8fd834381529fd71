// Filling a partition's local store again where the outbox is behind the log: nothing is waited for
// that only an owner can publish.

import { afterEach, expect, test } from '@jest/globals'
import { refillPartition } from '../../src/dre/index.ts'
import { passing } from '../../src/log/passing/index.ts'
import type { Log } from '../../src/log/port.ts'
import { asBuffer } from '../../src/std/bytes.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { RECORDS, Rig, rigNetwork, TOPICS } from '../node/rig.ts'

const network = rigNetwork(['counter'], { intervalLength: 5, partitions: 1 })
let rig: Rig
afterEach(() => rig.close())

async function filled(entries: number): Promise<void> {
  rig = await Rig.open(network)
  const roles = [await rig.sequencer(), await rig.dre()]
  for (let n = 0; n < entries; n++) {
    await rig.send(rig.item(rig.id('counter-0'), { n }))
    await rig.quiet()
  }
  for (const role of roles) await role.stop()
}

/** The rig's log, but that the outbox holds nothing above a height. */
function publishedTo(height: number): Log {
  const { log } = rig
  const cut = async (): Promise<number> => {
    const { records } = await log.read(TOPICS.outbox, 0, 0)
    const above = records.find(
      ({ value }) => RECORDS.decodeRun(asBuffer(value as Uint8Array)).from > height,
    )
    return above?.offset ?? Infinity
  }
  return {
    ...passing(log),
    append: () => Promise.reject(new Error('nothing may be appended')),
    ends: async (topic) => {
      const ends = await log.ends(topic)
      if (topic !== TOPICS.outbox) return ends
      const end = await cut()
      return ends.map((each) => ({ ...each, end: Math.min(each.end, end) }))
    },
    read: async (topic, partition, from, options) => {
      if (topic !== TOPICS.outbox) return log.read(topic, partition, from, options)
      const to = await cut()
      if (to === Infinity) return log.read(topic, partition, from, options)
      const read = await log.read(topic, partition, from, { ...options, to })
      // it waits as a log does at its end
      if (read.records.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      return read
    },
  }
}

function refill(log: Log, store = createMemoryStore()) {
  const place = { network, log, applicationId: 'hb', partition: 0 }
  return refillPartition({ ...place, store, evaluator: rig.evaluator() })
}

test.each([
  // published to, stored to: an interval that ends where the outbox does is left to the owner
  [12, 12],
  [9, 9],
  [8, 9],
  [7, 9],
  [3, 4],
  [10, 12],
])('published to %d: stored to %d, and a node goes on from there', async (published, stored) => {
  await filled(12)
  const store = createMemoryStore()
  await store.write([{ key: 'd0000/r/left-over', value: Buffer.from('no row') }])
  const { height, entries, processes } = await refill(publishedTo(published), store)
  expect([height, entries]).toEqual([stored, stored + 1])
  expect(processes.map(({ settledSlot }) => settledSlot)).toEqual([stored])
  const dre = await rig.dre({ store })
  const height12 = (): boolean =>
    dre.service.owned(0)?.store.position()?.view.height === 12 || dre.halted.length > 0
  while (!height12()) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(dre.halted).toEqual([])
  expect(dre.service.figures.entries).toBe(12 - stored)
})

test('a result that differs from the published one ends it', async () => {
  await filled(4)
  const { log } = rig
  const other: Log = {
    ...publishedTo(100),
    read: async (topic, partition, from, options) => {
      const read = await log.read(topic, partition, from, options)
      if (topic !== TOPICS.outbox) return read
      const records = read.records.map((record) => {
        const run = RECORDS.decodeRun(asBuffer(record.value as Uint8Array))
        const results = run.results.map((each) => ({ ...each, gas: each.gas + 1 }))
        const { key, offset, timestamp } = record
        return { key, offset, timestamp, value: RECORDS.encodeRun({ ...run, results }) }
      })
      return { ...read, records }
    },
  }
  await expect(refill(other)).rejects.toThrow('another result than the one published')
})
