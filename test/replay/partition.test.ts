// A partition replayed beside its node: the same states and results, and what differs is found at
// its first height.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Log } from '../../src/log/port.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import type { Result } from '../../src/protocol/result.ts'
import { replayPartition } from '../../src/replay/index.ts'
import type { Replayed, ReplayOptions, Served } from '../../src/replay/index.ts'
import { asBuffer } from '../../src/std/bytes.ts'
import type { HbError } from '../../src/std/errors.ts'
import { editorNetwork, RecordedNode } from './recorded-node.ts'

const records = new Records()
let live: RecordedNode
beforeAll(async () => {
  live = await RecordedNode.start(editorNetwork(8))
  for (let n = 0; n < 12; n++) {
    await live.send('a', { tell: [live.id('c'), { set: ['x', n] }] })
    await live.send('b', n % 3 === 0 ? { fail: 'as asked' } : { push: n })
  }
  await live.quiet()
}, 60_000)
afterAll(() => live.close())

async function replay(options: Partial<ReplayOptions> = {}): Promise<Replayed> {
  const { network } = live
  const log = await live.reader()
  const bench = await live.bench()
  return replayPartition({ network, log, applicationId: 'hb', partition: 0, ...bench, ...options })
}

/** The reader's log, but that one result of an outbox partition is another one. */
async function published(height: number, change: (result: Result) => Result): Promise<Log> {
  const log = await live.reader()
  return {
    ...log,
    read: async (topic, partition, from, options) => {
      const read = await log.read(topic, partition, from, options)
      if (topic !== 'hb.outbox') return read
      const changed = read.records.map((record) => {
        const run = records.decodeRun(asBuffer(record.value as Uint8Array))
        const results = run.results.map((each) => (each.height === height ? change(each) : each))
        const { key, offset, timestamp } = record
        return { key, offset, timestamp, value: records.encodeRun({ ...run, results }) }
      })
      return { ...read, records: changed }
    },
  }
}

const served: Served = {
  state: (process) => live.node.api.state(process),
  hashAt: async (process, slot) =>
    (await live.node.api.results(process, slot, 1))[0]?.stateHash,
}

test('every process as it is served, all results as they are published', async () => {
  for (const partition of [0, 1]) {
    const replayed = await replay({ partition, verify: true, served })
    expect(replayed.began).toEqual({ at: 'genesis', height: -1 })
    const { height } = live.node.api.health().partitions[partition] ?? { height: 0 }
    expect([replayed.height, replayed.entries]).toEqual([height, height + 1])
    const counts = { compared: height + 1, different: 0, trimmed: 0, unpublished: 0 }
    expect(replayed.outbox).toEqual(counts)
    const count = replayed.processes.length
    expect(replayed.served).toEqual({ compared: count, different: 0, unserved: 0 })
    for (const { process, slot, stateHash } of replayed.processes) {
      expect(await live.node.api.process(process)).toMatchObject({ slot, stateHash })
    }
  }
})

test('one process alone, and a stretch of heights from a manifest', async () => {
  const a = live.id('a')
  const alone = await replay({ process: a, verify: true, served })
  expect(alone.processes.map(({ process }) => process)).toEqual([a])
  expect(alone.entries).toBe((alone.processes[0]?.slot ?? 0) + 1)
  expect(alone.outbox).toMatchObject({ compared: alone.entries, different: 0 })
  const late = await replay({ from: 20, to: 25, verify: true, served })
  expect(late.began).toEqual({ at: 'manifest', height: 15 })
  expect([late.height, late.entries]).toEqual([25, 10])
  expect(late.outbox).toMatchObject({ compared: 6, different: 0 })
  expect(late.served).toMatchObject({ different: 0 })
  // the manifest before it is that of height 7 only where it may begin there
  expect((await replay({ from: 8 })).began).toEqual({ at: 'manifest', height: 7 })
  expect((await replay({ from: 7 })).began).toEqual({ at: 'genesis', height: -1 })
})

test('nothing is joined, committed or written', async () => {
  const { log } = live.node
  const before = await Promise.all(['hb.log', 'hb.outbox', 'hb.snapshots'].map((t) => log.ends(t)))
  const members = await log.members('hb.dre')
  await replay({ verify: true })
  const after = await Promise.all(['hb.log', 'hb.outbox', 'hb.snapshots'].map((t) => log.ends(t)))
  expect([after, await log.members('hb.dre')]).toEqual([before, members])
  const reader = await live.reader()
  const write = reader.append('hb.log', 0, [{ key: null, value: Buffer.from('x') }])
  await expect(write).rejects.toThrow('read only')
})

describe('what differs is named by its first height', () => {
  /** Of an entry of a, which sends on each time. */
  const told = async (slot: number): Promise<number> =>
    (await live.node.api.results(live.id('a'), slot, 1))[0]?.height as number

  test.each([
    [9, 'text', (result: Result): Result => ({ ...result, text: 'other' })],
    [11, 'state', (result: Result): Result => ({ ...result, stateHash: Buffer.alloc(32) })],
    [10, 'messages', (result: Result): Result => ({ ...result, messages: [] })],
  ] as const)('in the outbox: slot %d, %s', async (slot, field, change) => {
    const height = await told(slot)
    const log = await published(height, change)
    const { outbox } = await replay({ log, verify: true })
    expect(outbox).toMatchObject({ different: 1, first: { height, fields: [field] } })
  })

  test('in the states of a node', async () => {
    const a = live.id('a')
    const liar: Served = {
      state: async (process) => {
        const state = await served.state(process)
        return process === a && state !== undefined ? { ...state, stateHash: 'other' } : state
      },
      hashAt: async (process, slot) =>
        process === a && slot >= 5 ? 'other' : served.hashAt(process, slot),
    }
    const { served: compared } = await replay({ served: liar })
    const [fifth] = await live.node.api.results(a, 5, 1)
    expect(compared).toMatchObject({
      different: 1,
      first: { process: a, slot: 5, height: fifth?.height, served: 'other' },
    })
    const torn: Served = {
      ...served,
      state: async (process) => {
        const state = await served.state(process)
        return state === undefined ? undefined : { ...state, text: '{}' }
      },
    }
    const { served: texts } = await replay({ served: torn, process: a })
    expect(texts).toMatchObject({ different: 1, first: { process: a, text: true, served: '{}' } })
  })
})

test('an outbox that was trimmed is compared as far as it goes', async () => {
  const log = await live.reader()
  const { end } = (await log.ends('hb.outbox'))[0] ?? { end: 0 }
  const cut = end - 3
  const trimmed: Log = {
    ...log,
    ends: async (topic) => {
      const ends = await log.ends(topic)
      return topic === 'hb.outbox' ? ends.map((each) => ({ ...each, start: cut })) : ends
    },
  }
  const { outbox, entries } = await replay({ log: trimmed, verify: true })
  expect(outbox?.different).toBe(0)
  expect(outbox?.compared).toBeGreaterThan(0)
  expect((outbox?.trimmed ?? 0) + (outbox?.compared ?? 0)).toBe(entries)
})

test('what is not there, and what is interrupted', async () => {
  await expect(replay({ process: 'A'.repeat(43) })).rejects.toThrow('no such process')
  const stop = new AbortController()
  stop.abort()
  const failed = await replay({ signal: stop.signal }).catch((error: unknown) => error)
  expect((failed as HbError).code).toBe('interrupted')
})
