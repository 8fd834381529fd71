// Nothing depends on offsets: on a copy of all topics that begin elsewhere, every role does what it
// did on the original.

import { afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { rebuild } from '../../src/dre/index.ts'
import type { Log } from '../../src/log/port.ts'
import type { HbError } from '../../src/std/errors.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { copiedLog } from '../node/copied-log.ts'
import { Rig, rigNetwork, TOPICS } from '../node/rig.ts'

const network = rigNetwork(['walk', 'counter', 'book'], { intervalLength: 7 })

describe('a log at other offsets', () => {
  let original: Log
  let leaves: string[][]
  let rig: Rig
  beforeAll(async () => {
    rig = await Rig.open(network)
    original = rig.log
    await rig.sequencer()
    await rig.dre()
    await rig.relayer()
    await walk(4)
    leaves = await all()
    // the roles go, the log stays
    Object.assign(rig.log, { close: () => Promise.resolve() })
    await rig.close()
  }, 20_000)
  afterEach(() => rig.close())

  async function walk(left: number): Promise<void> {
    const to = ['walk-0', 'walk-1', 'walk-2'].map((name) => rig.id(name))
    await rig.send(...to.map((target) => rig.item(target, { left, fan: 2, to })))
    await rig.quiet()
  }

  const all = async (): Promise<string[][]> => {
    const found = await rig.everything()
    return found.map(({ results }, partition) => results.map((each) => rig.leaf(partition, each)))
  }

  async function copy(shift: number, keep?: (topic: string) => boolean): Promise<void> {
    const log = await copiedLog(original, network, shift, keep)
    rig = await Rig.open(network, () => log)
  }

  async function untilHalted(halted: readonly unknown[], count: number): Promise<void> {
    const deadline = Date.now() + 2_000
    while (halted.length < count && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async function untilEvaluated(dre: Awaited<ReturnType<Rig['dre']>>): Promise<void> {
    const deadline = Date.now() + 4_000
    for (const [partition, { length }] of leaves.entries()) {
      while (dre.service.owned(partition)?.store.position()?.view.height !== length - 1) {
        if (Date.now() > deadline) throw new Error(`partition ${partition} is not there`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  }

  test('replays to the same results, with nothing but the log', async () => {
    await copy(1_000, (topic) => topic === TOPICS.log)
    for (const [partition, expected] of leaves.entries()) {
      const rebuilt: string[] = []
      await rebuild({
        network,
        log: rig.log,
        partition,
        evaluator: rig.evaluator(),
        store: createMemoryStore(),
        onResult: ({ result }) => rebuilt.push(rig.leaf(partition, result)),
      })
      expect(rebuilt).toEqual(expected)
    }
    const dre = await rig.dre()
    await untilEvaluated(dre)
    expect(await all()).toEqual(leaves)
    expect(dre.halted).toEqual([])
  })

  test('all roles go on with it, from manifests whose offsets are wrong', async () => {
    for (const shift of [3, 5_000]) {
      await copy(shift)
      const { sent } = rig
      const running = [await rig.sequencer(), await rig.relayer()]
      const dre = await rig.dre()
      await untilEvaluated(dre)
      const entries = leaves.reduce((sum, { length }) => sum + length, 0)
      expect(dre.service.figures.entries).toBeLessThan(7 * 3)
      expect(dre.service.figures.entries).toBeLessThan(entries)
      expect(await all()).toEqual(leaves)
      await walk(3)
      await rig.check()
      expect((await all()).map((each, at) => each.slice(0, leaves[at]?.length))).toEqual(leaves)
      expect(sent.length).toBe(3)
      expect([dre, ...running].flatMap(({ halted }) => halted)).toEqual([])
      await rig.close()
    }
  }, 20_000)

  test('trimmed and without a manifest, it is refused with its first height', async () => {
    await copy(50, (topic) => topic === TOPICS.log)
    const cut: number[] = []
    for (const partition of leaves.keys()) {
      const { start } = (await rig.log.ends(TOPICS.log))[partition] ?? { start: 0 }
      // one claim, then entries
      await rig.log.trim(TOPICS.log, partition, start + 1 + 5)
      cut.push(5)
    }
    const dre = await rig.dre()
    const sequencer = await rig.sequencer()
    await untilHalted(dre.halted, 3)
    await untilHalted(sequencer.halted, 3)
    for (const { partition, error } of [...dre.halted, ...sequencer.halted]) {
      expect((error as HbError).code).toBe('log-diverged')
      expect((error as HbError).message).toContain(`begins at height ${cut[partition]}`)
    }
    expect([dre.halted.length, sequencer.halted.length]).toEqual([3, 3])
    const fresh = { evaluator: rig.evaluator(), store: createMemoryStore() }
    const again = rebuild({ network, log: rig.log, partition: 0, ...fresh })
    await expect(again).rejects.toThrow('begins at height 5')
  })

  test('trimmed below a manifest, a DRE goes on from that', async () => {
    await copy(50)
    for (const [partition, { length }] of leaves.entries()) {
      const { start } = (await rig.log.ends(TOPICS.log))[partition] ?? { start: 0 }
      const last = Math.floor(length / 7) * 7 - 1
      await rig.log.trim(TOPICS.log, partition, start + 1 + last)
    }
    const dre = await rig.dre()
    await untilEvaluated(dre)
    expect(dre.halted).toEqual([])
    expect(await all()).toEqual(leaves)
  })
})
