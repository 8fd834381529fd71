// The DRE as a service: its results are a function of the log, however it is cut, evicted, killed,
// or loses its workers.

import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Log } from '../../src/log/port.ts'
import { HbError } from '../../src/std/errors.ts'
import { seededRandom } from '../../src/std/random.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { FaultyLog } from '../log/faulty-log.ts'
import { faultyLog } from '../log/faulty-log.ts'
import { CONTRACTS } from '../node/contracts.ts'
import { copyOf, newLife } from '../node/mortal.ts'
import { passing } from '../../src/log/passing/index.ts'
import { losingEvaluator, plainEvaluator } from '../node/plain-evaluator.ts'
import { RECORDS, Rig, TOPICS } from '../node/rig.ts'
import type { Recorded } from './recorded.ts'
import { copyLog, recordLog, records, snapshots } from './recorded.ts'

describe('the DRE', () => {
  let recorded: Recorded
  let rig: Rig
  beforeAll(async () => {
    recorded = await recordLog()
  }, 20_000)
  beforeEach(() => open())
  afterEach(() => rig.close())

  async function open(wrap: (log: Log) => Log = (log) => log): Promise<void> {
    await rig?.close()
    rig = await Rig.open(recorded.network, wrap)
  }

  /** Waits until the outbox holds all results, and compares them with the undisturbed run's. */
  async function agrees(timeoutMs = 6_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    for (const [partition, leaves] of recorded.leaves.entries()) {
      for (;;) {
        const results = await rig.results(partition)
        if (results.length === leaves.length && !results.includes(undefined as never)) {
          expect(results.map((result) => rig.leaf(partition, result))).toEqual(leaves)
          break
        }
        if (Date.now() > deadline) {
          throw new Error(`partition ${partition}: ${results.length} of ${leaves.length} results`)
        }
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  }

  /** The same snapshots as the undisturbed run's; they are written behind the results. */
  async function sameSnapshots(timeoutMs = 2_000): Promise<void> {
    for (const [partition, expected] of recorded.snapshots.entries()) {
      const deadline = Date.now() + timeoutMs
      let found = await snapshots(rig.log, partition)
      while (found.size < expected.size && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        found = await snapshots(rig.log, partition)
      }
      expect([...found.keys()].sort()).toEqual([...expected.keys()].sort())
      const shown = (each: ReadonlyMap<string, string>, key: string): unknown => readable(each, key)
      for (const key of expected.keys()) expect(shown(found, key)).toEqual(shown(expected, key))
    }
  }

  const batched = (log: Log, batchRecordsMax: number, inFlight: number): Log => ({
    ...passing(log),
    join: (options) => log.join({ ...options, batchRecordsMax, inFlight }),
  })

  test('the recorded log holds what it is meant to hold', () => {
    const lengths = recorded.leaves.map((leaves) => leaves.length)
    expect(Math.min(...lengths)).toBeGreaterThan(2 * 7)
    const keys = recorded.snapshots.flatMap((each) => [...each.keys()])
    expect(keys.some((key) => key.startsWith('manifest/'))).toBe(true)
  })

  test.each([
    [1, 1, 512, 800_000],
    [1, 4, 1, 800_000],
    [3, 2, 1, 600],
    [500, 3, 2, 2_000],
    [500, 1, 512, 1],
  ])(
    'batches of %i, %i in flight, %i instances, runs of %i bytes: the same results and snapshots',
    async (batch, inFlight, instancesMax, runBytesMax) => {
      await open()
      const log = batched(rig.log, batch, inFlight)
      const { halted } = await rig.dre({ log, limits: { instancesMax, runBytesMax } })
      await copyLog(recorded, rig)
      await agrees()
      await sameSnapshots()
      expect(halted).toEqual([])
    },
  )

  test('workers that are lost or fault do not show in results', async () => {
    let lost = 0
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        await open()
        const random = seededRandom(seed)
        const inner = plainEvaluator(recorded.network, CONTRACTS)
        const evaluator = losingEvaluator(inner, random, 0.08)
        const instancesMax = 1 + random.below(6)
        const log = batched(rig.log, 1 + random.below(12), 1 + random.below(4))
        const limits = { instancesMax, triesMax: 50 }
        const { halted, service } = await rig.dre({ log, evaluator, limits })
        await copyLog(recorded, rig)
        await agrees()
        await sameSnapshots()
        expect(halted).toEqual([])
        lost += service.figures.lost + service.figures.faults
        await rig.close()
      }),
      { numRuns: 25 },
    )
    expect(lost).toBeGreaterThan(100)
  }, 30_000)

  test('an entry that faults again and again halts its partition, and no other', async () => {
    await open()
    const poisoned = rig.id('book-1')
    const inner = plainEvaluator(recorded.network, CONTRACTS)
    const evaluator = {
      ...inner,
      run: async (commands: Parameters<typeof inner.run>[0]) => {
        const replies = await inner.run(commands)
        return replies.map((reply, at) =>
          commands[at]?.kind === 'evaluate' && commands[at]?.process === poisoned
            ? { kind: 'lost' as const }
            : reply,
        )
      },
    }
    const { halted } = await rig.dre({ evaluator })
    await copyLog(recorded, rig)
    const deadline = Date.now() + 4_000
    while (halted.length === 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(halted.map(({ partition }) => partition)).toEqual([1])
    expect((halted[0]?.error as HbError).code).toBe('evaluation-fault')
    for (const partition of [0, 2]) {
      while ((await rig.results(partition)).length < (recorded.leaves[partition]?.length ?? 0)) {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  })

  test('dies at any append, comes back with its store, an older one or none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        await open()
        const random = seededRandom(seed)
        let store = createMemoryStore()
        let older = store
        const end = Math.max(...recorded.log.map((each) => each.length))
        for (let from = 0; from < end; ) {
          const to = from + 1 + random.below(15)
          const kind = random.below(4)
          if (kind === 0) store = createMemoryStore()
          if (kind === 1) store = older
          older = await copyOf(store)
          const life = newLife(1 + random.below(9), random.below(2) === 0)
          const log = batched(rig.log, 1 + random.below(9), 1 + random.below(4))
          const running = await rig.dre({ log, store, life, limits: { instancesMax: 2 } })
          const died = new Promise<void>((resolve) => (life.died = resolve))
          await copyLog(recorded, rig, to, from)
          from = to
          await Promise.race([died, new Promise((resolve) => setTimeout(resolve, 10))])
          await running.kill()
          expect(running.halted).toEqual([])
        }
        const { halted } = await rig.dre({ store })
        await agrees()
        await sameSnapshots()
        expect(halted).toEqual([])
        await rig.close()
      }),
      { numRuns: 8 },
    )
  }, 30_000)

  test.each([TOPICS.outbox, TOPICS.snapshots, TOPICS.modules])(
    'what %s refuses for a while is written all the same',
    async (topic) => {
      let faulty: FaultyLog | undefined
      await open((log) => (faulty = faultyLog(log, { only: (each) => each === topic })))
      for (let n = 0; n < 3; n++) {
        faulty?.script({ kind: 'refused' }, { kind: 'unclear', written: true })
        faulty?.script({ kind: 'unclear', written: false }, { kind: 'none' })
      }
      const { halted } = await rig.dre()
      await copyLog(recorded, rig)
      await agrees()
      await sameSnapshots()
      expect(halted).toEqual([])
      expect(faulty?.pending).toBe(0)
    },
  )

  test('stops while the outbox refuses everything', async () => {
    await open((log) => ({
      ...passing(log),
      append: async (topic, partition, list) => {
        if (topic === TOPICS.outbox) throw new HbError('log-append-refused', 'full')
        return log.append(topic, partition, list)
      },
    }))
    const { service } = await rig.dre()
    await copyLog(recorded, rig)
    await new Promise((resolve) => setTimeout(resolve, 20))
    await service.stop()
    expect(service.owned(0)).toBeUndefined()
  })

  test('what is published already is not published again, and must agree', async () => {
    await open()
    const first = await rig.dre()
    await copyLog(recorded, rig)
    await agrees()
    await first.stop()
    const before = (await rig.log.ends(TOPICS.outbox)).map(({ end }) => end)
    const second = await rig.dre()
    const deadline = Date.now() + 2_000
    const last = recorded.leaves[0]?.length ?? 0
    while (second.service.owned(0)?.store.position()?.view.height !== last - 1) {
      if (Date.now() > deadline) throw new Error('the second did not get to the end')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect((await rig.log.ends(TOPICS.outbox)).map(({ end }) => end)).toEqual(before)
  })

  test.each([
    ['without its store', false],
    ['with its store, a height behind', true],
  ])('a published result that differs halts it: %s', async (_, keeps) => {
    await open()
    const store = createMemoryStore()
    if (keeps) {
      const first = await rig.dre({ store })
      await copyLog(recorded, rig, 5)
      while ((await rig.results(0)).length < 3) await new Promise((r) => setTimeout(r, 5))
      await new Promise((r) => setTimeout(r, 20))
      await first.stop()
      await copyLog(recorded, rig, Infinity, 5)
    } else await copyLog(recorded, rig)
    const from = (await rig.results(0)).length
    const source = await sourceResults()
    const [wrong, ...rest] = source.slice(from, from + 6)
    const results = [{ ...(wrong as (typeof source)[0]), gas: 999 }, ...rest]
    const value = RECORDS.encodeRun({ partition: 0, from, results, attestation: null })
    await rig.log.append(TOPICS.outbox, 0, [{ key: '0', value }])
    const { halted } = await rig.dre({ store })
    const deadline = Date.now() + 2_000
    while (halted.length === 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(halted.map(({ error }) => (error as HbError).code)).toEqual(['result-mismatch'])
  })

  /** The results of partition 0 as an undisturbed DRE gives them. */
  async function sourceResults() {
    const other = await Rig.open(recorded.network)
    await other.dre()
    await copyLog(recorded, other)
    while ((await other.results(0)).length < (recorded.leaves[0]?.length ?? 0)) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const results = await other.results(0)
    await other.close()
    return results
  }

  test('an outbox that lost runs is filled from the store', async () => {
    const store = createMemoryStore()
    const first = await rig.dre({ store })
    await copyLog(recorded, rig)
    await agrees()
    await sameSnapshots()
    await first.stop()
    for (const kept of [0, 2]) {
      const runs = await records(rig.log, TOPICS.outbox, 0)
      await open()
      await copyLog(recorded, rig)
      for (const { key, value } of runs.slice(0, kept)) {
        await rig.log.append(TOPICS.outbox, 0, [{ key, value }])
      }
      const again = await rig.dre({ store })
      await agrees()
      expect(again.halted).toEqual([])
      expect(again.service.figures.entries).toBe(0)
      await again.stop()
    }
  })

  test('a log that is shorter or another one halts it', async () => {
    await open()
    const store = createMemoryStore()
    const first = await rig.dre({ store })
    await copyLog(recorded, rig)
    await agrees()
    await first.stop()
    await rig.close()
    await open()
    await copyLog(recorded, rig, 3)
    const { halted } = await rig.dre({ store })
    await new Promise((resolve) => setTimeout(resolve, 80))
    const codes = halted.map(({ error }) => (error as HbError).code)
    expect(codes).toEqual(Array(3).fill('log-diverged'))
  })

  test('restores from the newest manifest, and writes the same ones on', async () => {
    await open()
    const first = await rig.dre()
    await copyLog(recorded, rig, 20)
    await new Promise((resolve) => setTimeout(resolve, 60))
    await first.stop()
    const evaluator = plainEvaluator(recorded.network, CONTRACTS)
    const { halted, service } = await rig.dre({ evaluator })
    await copyLog(recorded, rig, Infinity, 20)
    await agrees()
    await sameSnapshots()
    expect(halted).toEqual([])
    const entries = recorded.leaves.reduce((sum, leaves) => sum + leaves.length, 0)
    expect(service.figures.entries).toBeLessThan(entries - 20)
  })

  test('modules that are not what their hash says: no manifest is taken', async () => {
    let corrupt = false
    await open((log) => ({
      ...passing(log),
      read: async (topic, partition, from, options) => {
        const read = await log.read(topic, partition, from, options)
        if (topic !== TOPICS.modules || !corrupt) return read
        const records = read.records.map((each) => {
          const value = Buffer.from(each.value as Uint8Array)
          value[value.length - 1] = (value[value.length - 1] as number) ^ 1
          return { ...each, value }
        })
        return { ...read, records }
      },
    }))
    const first = await rig.dre()
    await copyLog(recorded, rig, 20)
    await new Promise((resolve) => setTimeout(resolve, 60))
    await first.stop()
    corrupt = true
    const { halted, service } = await rig.dre()
    await copyLog(recorded, rig, Infinity, 20)
    await agrees()
    expect(halted).toEqual([])
    const entries = recorded.leaves.reduce((sum, leaves) => sum + leaves.length, 0)
    expect(service.figures.entries).toBe(entries)
  })

  test.each([
    ['state', false],
    ['state', true],
    ['manifest', false],
    ['manifest', true],
  ])('a corrupted %s is passed over (cut short: %s)', async (what, cut) => {
    const first = await rig.dre()
    await copyLog(recorded, rig, 20)
    await new Promise((resolve) => setTimeout(resolve, 60))
    await first.stop()
    for (let partition = 0; partition < 3; partition++) {
      const topic = TOPICS.snapshots
      for (const { key, value } of await records(rig.log, topic, partition)) {
        if (!(key as string).startsWith(what)) continue
        const bad = Buffer.from(value as Uint8Array)
        const last = bad.length - (what === 'manifest' ? 40 : 5)
        bad[last] = (bad[last] as number) ^ 1
        const broken = cut ? bad.subarray(0, bad.length >> 1) : bad
        await rig.log.append(topic, partition, [{ key, value: broken }])
      }
    }
    const { halted } = await rig.dre()
    await copyLog(recorded, rig, Infinity, 20)
    await agrees()
    expect(halted).toEqual([])
  })
})

/** A snapshot's record as a value, so that a difference says what differs. */
function readable(found: ReadonlyMap<string, string>, key: string): unknown {
  const bytes = Buffer.from(found.get(key) ?? '', 'base64')
  if (RECORDS.manifest.matches(bytes)) return RECORDS.manifest.decode(bytes)
  const part = RECORDS.snapshot.decode(bytes)
  return { ...part, text: Buffer.from(part.text).toString() }
}
