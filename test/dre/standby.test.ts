// Warm copies of the DRE's partitions: they follow without writing, and take over where the log and
// the outbox stand, with the same results and snapshots as if nobody had moved.

import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { DreListener } from '../../src/dre/index.ts'
import type { Log } from '../../src/log/port.ts'
import type { HbError } from '../../src/std/errors.ts'
import { seededRandom } from '../../src/std/random.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { Store } from '../../src/store/port.ts'
import { CONTRACTS } from '../node/contracts.ts'
import { passing } from '../../src/log/passing/index.ts'
import { plainEvaluator } from '../node/plain-evaluator.ts'
import { Rig, TOPICS } from '../node/rig.ts'
import type { Recorded } from './recorded.ts'
import { agreesWith, copyLog, INTERVAL, recordLog, records } from './recorded.ts'
import type { Dre } from './standby-lives.ts'
import { livesAndDeaths } from './standby-lives.ts'

const partitions = [0, 1, 2]
/** Lags are looked at as often. */
const limits = { instanceIdleMsMax: 10 }

async function until(what: () => Promise<boolean> | boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${String(what)}`)
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const ownedBy = (dre: Dre): number[] => partitions.filter((each) => dre.service.owned(each))

describe('a standby of the DRE', () => {
  let recorded: Recorded
  let rig: Rig
  let failures: string[]
  beforeAll(async () => {
    recorded = await recordLog()
  }, 20_000)
  beforeEach(async () => {
    failures = []
    rig = await Rig.open(recorded.network)
  })
  afterEach(() => rig.close())

  const listener: DreListener = {
    standbyFailed: (partition, error) => failures.push(`${partition} ${String(error)}`),
  }

  const start = (options: Parameters<Rig['dre']>[0] = {}): Promise<Dre> =>
    rig.dre({ standbys: 1, listener, ...options, limits: { ...limits, ...options.limits } })

  /** All of the undisturbed run's results and snapshots, and nothing that differs. */
  async function agrees(): Promise<void> {
    await agreesWith(recorded, rig)
    expect(failures).toEqual([])
  }

  /** Waits until the store has the results of all records below `to` of the recorded log. */
  const evaluated = (store: Store, to: number): Promise<void> =>
    until(() => partitions.every((each) => heightIn(store, each) === lastHeight(each, to)))

  const lastHeight = (partition: number, to: number): number =>
    (recorded.log[partition] ?? []).slice(0, to).filter(({ headers }) => headers?.['hb-height'])
      .length - 1

  const heightIn = (store: Store, partition: number): number => {
    const bytes = store.get(`d000${partition}/p`)
    if (bytes === undefined) return -1
    const { view } = JSON.parse(Buffer.from(bytes).toString()) as { view: { height: number } }
    return view.height
  }

  /** A log as one member sees it: what it reads, and appends to `outbox` and `snapshots`. */
  function watched(): { log: Log; reads: [string, number, number][]; writes: [string, number][] } {
    const reads: [string, number, number][] = []
    const writes: [string, number][] = []
    const log: Log = {
      ...passing(rig.log),
      read: (topic, partition, from, options) => {
        reads.push([topic, partition, from])
        return rig.log.read(topic, partition, from, options)
      },
      append: (topic, partition, list) => {
        writes.push([topic, partition])
        return rig.log.append(topic, partition, list)
      },
    }
    return { log, reads, writes }
  }

  test('writes nothing; takes over without evaluating or reading what lies behind', async () => {
    const first = await start()
    await until(() => ownedBy(first).length === 3)
    const { log, reads, writes } = watched()
    const store = createMemoryStore()
    const second = await start({ log, store })
    await until(() => ownedBy(second).length === 1)
    await copyLog(recorded, rig, 20)
    await evaluated(store, 20)
    await until(() => [...second.service.lags().values()].join() === '0,0,0')
    await pause(30)
    const moved = ownedBy(first)
    const partitioned = writes.filter(([topic]) => topic !== TOPICS.modules)
    expect(partitioned.filter(([, partition]) => moved.includes(partition))).toEqual([])
    const { entries } = second.service.figures
    const outbox = await rig.log.ends(TOPICS.outbox)
    reads.length = 0
    await first.stop()
    await until(() => ownedBy(second).length === 3)
    for (const [topic, partition, from] of reads) {
      // what a restart would do, and what proves that it is the same log
      expect(topic).not.toBe(TOPICS.snapshots)
      if (topic === TOPICS.log) expect(from).toBeGreaterThanOrEqual(19)
      const { end } = outbox[partition] as { end: number }
      if (topic === TOPICS.outbox) expect(from).toBeGreaterThanOrEqual(end - 1)
    }
    expect(reads.length).toBeLessThan(20)
    expect(second.service.figures.entries).toBe(entries)
    await copyLog(recorded, rig, Infinity, 20)
    await agrees()
    expect([...first.halted, ...second.halted]).toEqual([])
  })

  test('whoever dies at any append: the same results and snapshots', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        await rig.close()
        rig = await Rig.open(recorded.network)
        failures = []
        const running = await livesAndDeaths(recorded, rig, seededRandom(seed), start)
        await agrees()
        expect(running.flatMap(({ halted }) => halted)).toEqual([])
      }),
      { numRuns: 8 },
    )
  }, 60_000)

  test('an owner dies over its snapshots: the standby waits there, and writes them', async () => {
    let stuck = true
    const never: Log = {
      ...passing(rig.log),
      append: (topic, partition, list) => {
        if (topic === TOPICS.snapshots && stuck) return new Promise(() => undefined)
        return rig.log.append(topic, partition, list)
      },
    }
    const first = await start({ log: never })
    await until(() => ownedBy(first).length === 3)
    const store = createMemoryStore()
    const second = await start({ store })
    await until(() => ownedBy(second).length === 1)
    await copyLog(recorded, rig)
    const stalled = ownedBy(first)
    await until(() => stalled.every((each) => heightIn(store, each) === INTERVAL - 1))
    await pause(30)
    expect(stalled.map((each) => heightIn(store, each))).toEqual(stalled.map(() => INTERVAL - 1))
    await first.kill()
    stuck = false
    await agrees()
    expect(second.halted).toEqual([])
  })

  test('ahead of its owner: what that did not publish is published, modules too', async () => {
    const never: Log = {
      ...passing(rig.log),
      append: (topic, partition, list) =>
        topic === TOPICS.outbox || topic === TOPICS.modules
          ? new Promise(() => undefined)
          : rig.log.append(topic, partition, list),
    }
    const first = await start({ log: never })
    await until(() => ownedBy(first).length === 3)
    const told: number[] = []
    const store = createMemoryStore()
    const second = await start({
      store,
      listener: { ...listener, results: (partition) => told.push(partition) },
    })
    await until(() => ownedBy(second).length === 1)
    await copyLog(recorded, rig, 6)
    const moved = ownedBy(first)
    await until(() => moved.every((each) => heightIn(store, each) >= 3))
    expect(told.filter((each) => moved.includes(each))).toEqual([])
    for (const each of moved) expect((await rig.results(each)).length).toBe(0)
    await first.kill()
    await until(() => ownedBy(second).length === 3)
    await until(() => moved.every((each) => told.includes(each)))
    await copyLog(recorded, rig, Infinity, 6)
    await agrees()
    await second.stop()
    const modules = new Set((await records(rig.log, TOPICS.modules, 0)).map(({ key }) => key))
    expect(modules.size).toBeGreaterThanOrEqual(3)
    // only with all modules can a manifest be a beginning
    const third = await start()
    await until(() => third.service.owned(0)?.store.position() !== undefined)
    expect(third.service.figures.entries).toBeLessThan(INTERVAL * 3)
  })

  test('one that computes another result says so, and disturbs nobody', async () => {
    const first = await start()
    await until(() => ownedBy(first).length === 3)
    const inner = plainEvaluator(recorded.network, CONTRACTS)
    const wrong: typeof inner = {
      ...inner,
      run: async (commands) =>
        (await inner.run(commands)).map((reply) =>
          reply.kind === 'evaluated'
            ? { ...reply, evaluation: { ...reply.evaluation, gas: 123_456 } }
            : reply,
        ),
    }
    const second = await start({ evaluator: wrong })
    await until(() => ownedBy(second).length === 1)
    const mine = ownedBy(first)
    await copyLog(recorded, rig)
    for (const partition of mine) {
      const leaves = recorded.leaves[partition] as readonly string[]
      await until(async () => (await rig.results(partition)).length >= leaves.length)
      const results = await rig.results(partition)
      expect(results.map((result) => rig.leaf(partition, result))).toEqual(leaves)
    }
    await until(() => mine.every((each) => failures.some((text) => text.startsWith(`${each} `))))
    expect(failures[0]).toContain('this node computed another result')
    expect(first.halted).toEqual([])
    expect(second.halted.map(({ error }) => (error as HbError).code)).toEqual([])
    for (const each of mine) expect(second.service.lags().has(each)).toBe(false)
  })

  test('what a member has on disk it tells when it joins, and what it owned after', async () => {
    const store = createMemoryStore()
    const first = await start({ store, standbys: 0 })
    await copyLog(recorded, rig, 10)
    await evaluated(store, 10)
    expect([...first.service.lags()].sort()).toEqual([[0, 0], [1, 0], [2, 0]])
    await pause(20)
    await first.stop()
    await copyLog(recorded, rig, 12, 10)
    let seen: ReadonlyMap<number, number> | undefined
    const joining: Log = {
      ...passing(rig.log),
      join: (options) => {
        seen = options.member.holds?.()
        return rig.log.join(options)
      },
    }
    await start({ store, log: joining, standbys: 0 })
    expect([...(seen ?? [])].sort()).toEqual([[0, 2], [1, 2], [2, 2]])
  })
})
