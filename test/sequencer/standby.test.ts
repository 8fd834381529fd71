// Warm copies of the sequencer's index, and ingress that is trimmed once it is committed.

import { afterEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Log } from '../../src/log/port.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { HbError } from '../../src/std/errors.ts'
import { seededRandom } from '../../src/std/random.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { Store } from '../../src/store/port.ts'
import { newLife } from '../node/mortal.ts'
import { passing } from '../../src/log/passing/index.ts'
import { Rig, rigNetwork, TOPICS } from '../node/rig.ts'

const network = rigNetwork(['walk'], { partitions: 2 })
type Sequencer = Awaited<ReturnType<Rig['sequencer']>>

async function until(what: () => Promise<boolean> | boolean, timeoutMs = 8_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${String(what)}`)
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const ownedBy = ({ service }: Sequencer): number[] =>
  [0, 1].filter((each) => service.height(each) !== undefined)

/** Where the index of a partition stands. */
function nextIn(store: Store, partition: number): number {
  const bytes = store.get(`s000${partition}/v`)
  return bytes === undefined ? -1 : Number(JSON.parse(Buffer.from(bytes).toString()).next)
}

describe('a standby of the sequencer', () => {
  let rig: Rig
  afterEach(() => rig.close())

  const committed = async (): Promise<boolean> => {
    const ends = await rig.log.ends(TOPICS.ingress)
    const at = await rig.log.committed('hb.sequencer', TOPICS.ingress)
    return ends.every(({ end }, partition) => end === (at[partition] ?? 0))
  }

  test('fills its index, appends nothing, and takes over from the log’s tail', async () => {
    rig = await Rig.open(network)
    const stores = [createMemoryStore(), createMemoryStore()] as const
    const first = await rig.sequencer({ standbys: 1, store: stores[0] })
    await until(() => ownedBy(first).length === 2)
    const reads: [string, number, number][] = []
    const writes: number[] = []
    const watched: Log = {
      ...passing(rig.log),
      read: (topic, partition, from, options) => {
        if (topic === TOPICS.log) reads.push([topic, partition, from])
        return rig.log.read(topic, partition, from, options)
      },
      append: (topic, partition, list) => {
        if (topic === TOPICS.log) writes.push(partition)
        return rig.log.append(topic, partition, list)
      },
    }
    const repeats: [string, number][] = []
    const second = await rig.sequencer({
      log: watched,
      standbys: 1,
      store: stores[1],
      listener: { repeated: (id, _, { height }) => repeats.push([id, height]) },
    })
    await until(() => ownedBy(second).length === 1)
    const [kept] = ownedBy(first) as [number]
    const items = Array.from({ length: 30 }, (_, n) => rig.item(rig.id(`walk-${kept}`), { n }))
    const ids = await rig.send(...items)
    await until(committed)
    const { end } = (await rig.log.ends(TOPICS.log))[kept] as { end: number }
    await until(() => nextIn(stores[1], kept) === end)
    expect(second.service.standbys()).toEqual([kept])
    expect(writes).not.toContain(kept)
    expect(second.service.find(ids[3] as string)).toBeUndefined()
    reads.length = 0
    await first.stop()
    await until(() => ownedBy(second).length === 2)
    // the record that it read last, which proves the log, and what comes after it
    const mine = reads.filter(([, partition]) => partition === kept)
    for (const [, , from] of mine) expect(from).toBeGreaterThanOrEqual(end - 1)
    await rig.send(...items.slice(0, 5))
    await until(committed)
    expect(repeats).toEqual(ids.slice(0, 5).map((id, at) => [id, at + 1]))
    const { entries } = await rig.chain(kept)
    expect(entries.length).toBe(31)
    expect([...first.halted, ...second.halted]).toEqual([])
  })

  test('whoever dies at any append: once each, and nothing contradicted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = seededRandom(seed)
        rig = await Rig.open(network)
        const places = new Map<string, number>()
        const failures: unknown[] = []
        const tell = (id: string, height: number): void => {
          if ((places.get(id) ?? height) !== height) failures.push(`contradicted: ${id}`)
          places.set(id, height)
        }
        const listener = {
          settled: (_: number, entries: readonly Entry[]) =>
            entries.forEach(({ message, height }) => tell(message.id, height)),
          repeated: (id: string, _: number, { height }: { height: number }) => tell(id, height),
          standbyFailed: (_: number, error: unknown) => failures.push(error),
        }
        const stores = [createMemoryStore(), createMemoryStore(), createMemoryStore()]
        const rise = (at: number, mortal: boolean): Promise<Sequencer> => {
          if (random.below(5) === 0) stores[at] = createMemoryStore()
          const life = newLife(mortal ? 2 + random.below(14) : Infinity, random.below(2) === 0)
          return rig.sequencer({ life, store: stores[at] as Store, standbys: 1, listener })
        }
        const running: Sequencer[] = []
        for (const at of stores.keys()) running.push(await rise(at, true))
        const items: Buffer[] = []
        for (let n = 0; n < 40; n++) {
          const repeat = random.below(5) === 0 ? items[random.below(items.length + 1)] : undefined
          const item = repeat ?? rig.item(rig.id(`walk-${random.below(2)}`), { n })
          items.push(item)
          await rig.send(item)
          await pause(random.below(6))
          for (const [at, each] of running.entries()) {
            if (each.life.alive && random.below(9) > 0) continue
            expect(each.halted).toEqual([])
            const died = new Promise<void>((resolve) => (each.life.died = resolve))
            if (random.below(2) === 0) await Promise.race([each.stop(), died])
            await each.kill()
            running[at] = await rise(at, true)
          }
        }
        for (const [at, each] of running.entries()) {
          await each.kill()
          running[at] = await rise(at, false)
        }
        await until(committed)
        const all = [...(await rig.chain(0)).entries, ...(await rig.chain(1)).entries]
        const heights = new Map(all.map(({ message, height }) => [message.id, height]))
        expect(heights.size).toBe(all.length)
        expect(rig.sent.filter((id) => !heights.has(id))).toEqual([])
        for (const [id, height] of places) expect(heights.get(id)).toBe(height)
        expect(running.flatMap(({ halted }) => halted)).toEqual([])
        expect(failures).toEqual([])
        await rig.close()
      }),
      { numRuns: 5 },
    )
  }, 60_000)

  test('one that meets a log that it does not know fails alone, and begins again', async () => {
    rig = await Rig.open(network)
    const first = await rig.sequencer({ standbys: 1 })
    await until(() => ownedBy(first).length === 2)
    let broken = true
    const failures: number[] = []
    const failing: Log = {
      ...passing(rig.log),
      read: async (topic, partition, from, options) => {
        const read = await rig.log.read(topic, partition, from, options)
        const isTail = topic === TOPICS.log && options?.waitMs !== undefined
        if (!broken || !isTail) return read
        const [record] = read.records
        return record === undefined ? read : { ...read, records: [{ ...record, offset: 77 }] }
      },
    }
    const store = createMemoryStore()
    const second = await rig.sequencer({
      log: failing,
      standbys: 1,
      store,
      limits: { standbyRetryMs: 5 },
      listener: {
        standbyFailed: (partition, error) => {
          expect((error as HbError).code).toBe('log-diverged')
          failures.push(partition)
        },
      },
    })
    await until(() => ownedBy(second).length === 1)
    const [kept] = ownedBy(first) as [number]
    await rig.send(rig.item(rig.id(`walk-${kept}`)))
    await until(() => failures.length > 1)
    expect(second.service.lags().has(kept)).toBe(false)
    broken = false
    const { end } = (await rig.log.ends(TOPICS.log))[kept] as { end: number }
    await until(() => nextIn(store, kept) === end)
    expect([...first.halted, ...second.halted]).toEqual([])
  })
})

describe('ingress', () => {
  let rig: Rig
  afterEach(() => rig.close())

  test('is trimmed below the commit, in pieces that are worth it, and never above', async () => {
    const trims: [number, number][] = []
    rig = await Rig.open(network, (log) => ({
      ...passing(log),
      trim: async (topic, partition, before) => {
        expect(topic).toBe(TOPICS.ingress)
        const committed = (await log.committed('hb.sequencer', topic))[partition]
        expect(before).toBeLessThanOrEqual(committed ?? 0)
        trims.push([partition, before])
        await log.trim(topic, partition, before)
      },
    }))
    const limits = { trimIntervalMs: 5, trimRecordsMin: 10 }
    const first = await rig.sequencer({ limits })
    const to = rig.id('walk-0')
    for (let n = 0; n < 50; n++) await rig.send(rig.item(to, { n }))
    const start = async (): Promise<number> => (await rig.log.ends(TOPICS.ingress))[0]?.start ?? 0
    await until(async () => (await start()) > 40)
    for (const [at, [, before]] of trims.entries()) {
      expect(before - (trims[at - 1]?.[1] ?? 0)).toBeGreaterThanOrEqual(10)
    }
    await first.stop()
    const second = await rig.sequencer({ limits })
    for (let n = 0; n < 50; n++) await rig.send(rig.item(to, { more: n }))
    await until(async () => (await start()) > 90)
    expect((await rig.chain(0)).entries.length).toBe(101)
    expect((await rig.log.ends(TOPICS.ingress))[1]?.start).toBe(0)
    expect([...first.halted, ...second.halted]).toEqual([])
  })

  test.each([
    ['deleted below the commit', 5],
    ['shorter than the commit', 500],
  ])('%s: it halts, and resets nothing', async (what, at) => {
    rig = await Rig.open(network)
    const first = await rig.sequencer({ limits: { trimIntervalMs: 60_000 } })
    const to = rig.id('walk-0')
    for (let n = 0; n < 5; n++) await rig.send(rig.item(to, { n }))
    const commit = async (): Promise<number> =>
      (await rig.log.committed('hb.sequencer', TOPICS.ingress))[0] ?? 0
    await until(async () => (await commit()) === 5)
    await first.stop()
    for (let n = 0; n < 5; n++) await rig.send(rig.item(to, { more: n }))
    if (what.startsWith('deleted')) await rig.log.trim(TOPICS.ingress, 0, 8)
    const told: Log = {
      ...passing(rig.log),
      join: (options) => {
        const { member } = options
        const assigned: typeof member.assigned = (partition, committed) => {
          const same = partition === 0 ? { ...committed, [TOPICS.ingress]: at } : committed
          return member.assigned(partition, same)
        }
        return rig.log.join({ ...options, member: { ...member, assigned } })
      },
    }
    const { halted } = await rig.sequencer({ log: told })
    await until(() => halted.length > 0)
    expect(halted.map(({ partition }) => partition)).toEqual([0])
    expect((halted[0]?.error as HbError).code).toBe('log-position-out-of-range')
    expect(await commit()).toBe(5)
    expect((await rig.chain(0)).entries.length).toBe(6)
  })
})
