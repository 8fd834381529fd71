// The feature level of a partition changes at an interval's end, for everybody who evaluates the
// log alike: in one go, started again anywhere, from a manifest, as a standby, in a replay.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { FEATURES_MODULE } from '../../src/protocol/features.ts'
import { makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { ownerAddress } from '../../src/protocol/ans104/index.ts'
import { checkOutbox } from '../../src/protocol/outbox.ts'
import type { Result } from '../../src/protocol/result.ts'
import type { StoredRecord } from '../../src/log/port.ts'
import type { OwnedPartition } from '../../src/dre/index.ts'
import { basisIn, rebuild } from '../../src/dre/index.ts'
import { dryRunAt, statesAt } from '../../src/replay/index.ts'
import { createInlineEvaluator, SANDBOX } from '../../src/runtime/index.ts'
import type { Evaluator } from '../../src/runtime/index.ts'
import type { NativeHandle } from '../../src/runtime/evaluator/port.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { seededRandom } from '../../src/std/random.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { Store } from '../../src/store/port.ts'
import { FEATURE_LEVELS } from '../../src/system/index.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { until } from '../node/fleet.ts'
import { copyOf, newLife } from '../node/mortal.ts'
import { Rig, TOPICS } from '../node/rig.ts'
import { records } from './recorded.ts'

const INTERVAL = 8
const LEVELS: readonly number[] = [1, 2, 3]
const operator = ed25519Key()

/** Writes down which level evaluated it. */
const teller =
  (level: number): NativeHandle =>
  (state) => {
    const said = (state['said'] ??= []) as number[]
    said.push(level)
    return undefined
  }

function network(): Network {
  const native = { engine: 'native' as const, source: 'teller@1', state: {} }
  const features = { level: 1, operators: [ownerAddress(operator.owner)] }
  const given = { name: 'levels', salt: 'salt', partitions: 1, intervalLength: INTERVAL }
  const processes = [{ name: 'teller', ...native }]
  return openNetwork(makeGenesis({ ...given, sandbox: SANDBOX, features, processes }))
}

function evaluator(of: Network, levels = LEVELS): Promise<Evaluator> {
  const { limits } = of.genesis
  const features = FEATURE_LEVELS[0]?.natives[FEATURES_MODULE] as NativeHandle
  return createInlineEvaluator({
    limits,
    host: {
      levels: levels.map((level) => ({
        level,
        sandbox: SANDBOX,
        natives: { [FEATURES_MODULE]: features, 'teller@1': teller(level) },
      })),
      checkOutbox: (messages, parent) => checkOutbox(messages, parent, limits),
    },
  })
}

/** What the teller writes down: heights 0, 11 and 16 are those of the process that keeps the level. */
const SAID = [...ofLevel(1, 16 - 2), ...ofLevel(2, 8 - 1), ...ofLevel(3, 16)]

function ofLevel(level: number, count: number): number[] {
  return Array.from({ length: count }, () => level)
}

async function append(rig: Rig, all: readonly StoredRecord[]): Promise<void> {
  await rig.log.append(TOPICS.log, 0, all)
}

function leavesOf(rig: Rig, results: readonly Result[]): string[] {
  return results.map((result) => rig.leaf(0, result))
}

describe('a feature level', () => {
  let rig: Rig
  beforeEach(async () => {
    rig = await Rig.open(network())
  })
  afterEach(() => rig.close())

  const dre = async (store?: Store, on = rig, levels = LEVELS): ReturnType<Rig['dre']> =>
    on.dre({ evaluator: await evaluator(on.network, levels), ...(store && { store }) })

  const upgrade = (level: number, key = operator): Buffer => {
    const tags = [
      { name: 'Action', value: 'Upgrade' },
      { name: 'Level', value: String(level) },
    ]
    return signedItem(rig.network, key, { target: rig.id('features-0'), tags, data: '' })
  }

  /** 40 entries in 5 intervals: level 2 is asked for at height 11, level 3 at height 16. */
  async function record(): Promise<void> {
    const sequencer = await rig.sequencer()
    let told = 0
    const tell = (count: number): Buffer[] =>
      Array.from({ length: count }, () => rig.item(rig.id('teller'), String(told++)))
    await rig.send(...tell(9), upgrade(2), ...tell(4), upgrade(3), ...tell(23))
    await until(async () => (await rig.chain(0)).view.height === 39)
    await sequencer.stop()
  }

  /** The log, and the leaves of the results of whoever evaluates it in one go. */
  async function undisturbed() {
    await record()
    const first = await dre()
    await until(async () => (await rig.results(0)).length === 40)
    await first.stop()
    const expected = leavesOf(rig, await rig.results(0))
    return { expected, whole: await records(rig.log, TOPICS.log, 0) }
  }

  const replaying = () => ({
    network: rig.network,
    log: rig.log,
    partition: 0,
    store: createMemoryStore(),
  })

  async function said(...heights: number[]): Promise<number[][]> {
    const { states } = await statesAt({
      ...replaying(),
      applicationId: 'hb',
      evaluator: await evaluator(rig.network),
      process: rig.id('teller'),
      points: heights.map((height) => ({ height })),
    })
    return states.map(({ text }) => (JSON.parse(text) as { said: number[] }).said)
  }

  test('holds from the end of the interval in which it was asked for', async () => {
    await record()
    const { service } = await dre()
    await until(async () => (await rig.results(0)).length === 40)
    await until(() => service.owned(0)?.level.now === 3)
    expect(await said(15, 23, 39)).toEqual([SAID.slice(0, 14), SAID.slice(0, 21), SAID])
    // from the manifest of height 23 on
    expect(await said(30)).toEqual([SAID.slice(0, 21 + 7)])
  })

  test('is that of the next entry in a dry run, now and then', async () => {
    await record()
    const { service } = await dre()
    await until(async () => (await rig.results(0)).length === 40)
    await until(() => service.owned(0)?.level.now === 3)
    const process = rig.id('teller')
    const spec = { caller: toBase64Url(operator.owner), timestamp: 1 }
    const lastSaid = async (height: number): Promise<number | undefined> => {
      const options = { ...replaying(), applicationId: 'hb', evaluator: await evaluator(rig.network) }
      const { run } = await dryRunAt({
        ...options,
        process,
        point: { height },
        spec,
        withState: true,
      })
      return (JSON.parse(run.state ?? '') as { said: number[] }).said.at(-1)
    }
    expect(await Promise.all([3, 11, 14, 15, 20, 22, 23, 39].map(lastSaid))).toEqual([
      1, 1, 1, 2, 2, 2, 3, 3,
    ])
  })

  test('is that of the next entry in a dry run on what is stored', async () => {
    await record()
    const whole = await records(rig.log, TOPICS.log, 0)
    // to an interval's end; within the one of an upgrade; within one behind it
    for (const [at, now, past] of [
      [15, 2, undefined],
      [20, 2, 'state-not-kept'],
      [29, 3, 3],
    ] as const) {
      const end = whole.findIndex(({ headers }) => headers?.['hb-height'] === String(at)) + 1
      const part = await Rig.open(rig.network)
      await append(part, whole.slice(0, end))
      const { service } = await dre(undefined, part)
      await until(async () => (await part.results(0)).length === at + 1)
      await until(() => service.owned(0)?.store.position()?.view.height === at)
      const owned = service.owned(0) as OwnedPartition
      const levelOf = (slot?: number): number =>
        basisIn(rig.network, owned, 0, rig.id('teller'), slot).level
      expect([at, levelOf()]).toEqual([at, now])
      const slot = owned.store.result(at - 2)?.slot ?? -1
      // in the interval of an upgrade the store does not say which level it was
      if (past === 3) expect(levelOf(slot)).toBe(past)
      if (past === 'state-not-kept') {
        expect(() => levelOf(slot)).toThrow(expect.objectContaining({ code: past }))
      }
      await part.close()
    }
  })

  test('is the same in a rebuild, and for whoever starts again at any height', async () => {
    const { expected, whole } = await undisturbed()
    for (const at of [3, 12, 15, 16, 23, 24]) {
      const end = whole.findIndex(({ headers }) => headers?.['hb-height'] === String(at)) + 1
      const part = await Rig.open(rig.network)
      const store = createMemoryStore()
      await append(part, whole.slice(0, end))
      const before = await dre(store, part)
      await until(async () => (await part.results(0)).length === at + 1)
      await before.kill()
      await append(part, whole.slice(end))
      // from its store, and from the snapshots alone
      await dre(at % 2 === 0 ? store : createMemoryStore(), part)
      await until(async () => (await part.results(0)).length === 40)
      expect(leavesOf(part, await part.results(0))).toEqual(expected)
      await part.close()
    }
    const { processes } = await rebuild({ ...replaying(), evaluator: await evaluator(rig.network) })
    const hashes = processes.map(({ stateHash }) => toBase64Url(stateHash))
    const results = await rig.results(0)
    expect(hashes).toEqual(
      ['features-0', 'teller'].map((name) => {
        const last = results.findLast(({ process }) => process === rig.id(name))
        return last && toBase64Url(last.stateHash)
      }),
    )
  })

  test('is the same whoever dies at any append, with a store, an older one or none', async () => {
    const { expected, whole } = await undisturbed()
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = seededRandom(seed)
        const part = await Rig.open(rig.network)
        let store = createMemoryStore()
        let older = store
        for (let from = 0; from < whole.length; ) {
          const to = from + 1 + random.below(12)
          const kind = random.below(4)
          if (kind === 0) store = createMemoryStore()
          if (kind === 1) store = older
          older = await copyOf(store)
          const life = newLife(1 + random.below(6), random.below(2) === 0)
          const running = await part.dre({ store, life, evaluator: await evaluator(part.network) })
          const died = new Promise<void>((resolve) => (life.died = resolve))
          await append(part, whole.slice(from, to))
          from = to
          await Promise.race([died, new Promise((resolve) => setTimeout(resolve, 10))])
          await running.kill()
          expect(running.halted).toEqual([])
        }
        await dre(store, part)
        await until(async () => (await part.results(0)).length === 40)
        expect(leavesOf(part, await part.results(0))).toEqual(expected)
        await part.close()
      }),
      { numRuns: 4 },
    )
  })

  test('that a build does not have halts the partition before anything of it is evaluated', async () => {
    await record()
    const store = createMemoryStore()
    const old = await dre(store, rig, [1, 2])
    await until(() => old.halted.length > 0)
    expect(String(old.halted[0]?.error)).toContain('partition 0 from height 24 on: level 3; this build has 1, 2')
    expect((await rig.results(0)).length).toBe(24)
    await old.stop()
    const again = await dre(store, rig, [1, 2])
    await until(() => again.halted.length > 0)
    expect(again.halted[0]?.error).toMatchObject({ code: 'feature-level-unknown' })
    await again.stop()
    await dre(store)
    await until(async () => (await rig.results(0)).length === 40)
    expect(await said(39)).toEqual([SAID])
  })
})
