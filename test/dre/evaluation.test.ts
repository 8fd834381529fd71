// Segments that overlap while an instance is away: each entry is evaluated on what all before it
// made, whatever of them had to wait.

import { afterEach, expect, test } from '@jest/globals'
import { Ledger } from '../../src/dre/core.ts'
import { Evaluation } from '../../src/dre/evaluation.ts'
import type { Settled } from '../../src/dre/steps.ts'
import { Modules } from '../../src/dre/modules.ts'
import { PartitionLevel } from '../../src/dre/partition-level.ts'
import { DRE_LIMITS, noDreFigures } from '../../src/dre/ports.ts'
import { ProcessStore } from '../../src/dre/process-store.ts'
import { sha256, toBase64Url } from '../../src/std/bytes.ts'
import { systemClock } from '../../src/std/clock.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { until } from '../node/fleet.ts'
import { RECORDS, Rig, rigNetwork, TOPICS } from '../node/rig.ts'

const hashOf = (source: string): string => toBase64Url(sha256(Buffer.from(source)))

let rig: Rig
afterEach(() => rig.close())

test('what waits for an instance is overtaken by nothing that comes after it', async () => {
  rig = await Rig.open(rigNetwork(['counter'], { partitions: 1 }))
  const target = rig.id('counter-0')
  const began = Date.now()
  let now = began
  const sequencer = await rig.sequencer({ clock: { ...systemClock, now: () => now } })
  await rig.send(rig.item(target, {}))
  await until(async () => (await rig.chain(0)).entries.length === 2)
  // one that is too late when it gets its place: for its result nothing need be opened
  now += 1_000
  const tags = [{ name: 'HB-Network', value: rig.network.id }]
  const expires = { name: 'HB-Expires', value: String(began + 500) }
  await rig.send(rig.item(target, '', [...tags, expires]))
  await rig.send(...[1, 2, 3, 4].map((n) => rig.item(target, { n })))
  await until(async () => (await rig.chain(0)).entries.length === 7)
  await sequencer.stop()
  const { entries } = await rig.chain(0)

  const memory = createMemoryStore()
  const store = new ProcessStore(memory, RECORDS, 0)
  const ledger = new Ledger(rig.network, 0)
  const modules = new Modules(memory, RECORDS, undefined, TOPICS.modules)
  const evaluation = new Evaluation({
    network: rig.network,
    ledger,
    evaluator: rig.evaluator(),
    store,
    modules,
    level: new PartitionLevel({ network: rig.network, partition: 0, store, levels: [1] }),
    limits: DRE_LIMITS,
    figures: noDreFigures(),
  })
  const begin = (...heights: number[]) =>
    evaluation.begin(heights.map((height) => entries[height] as (typeof entries)[number]))
  const write = async (settled: readonly Settled[]): Promise<void> => {
    for (const { result, changes, spawned } of settled) {
      const ops = store.resultOps(result, changes)
      if (spawned !== undefined) {
        await modules.publish(spawned.module)
        ops.push(store.baseOp(result.process, 0, spawned.snapshot))
      }
      await store.write(ops)
      const row = ledger.rows.get(result.process)
      if (row !== undefined) row.writtenSlot = result.slot
    }
  }
  const idle = Promise.resolve()
  await write(await evaluation.finish(begin(0, 1), idle))
  // closed, as after a while without messages
  await evaluation.close()
  const refused = begin(2)
  const first = begin(3)
  const second = begin(4)
  await write(await evaluation.finish(refused, idle))
  const one = await evaluation.finish(first, idle)
  // the instance is there again, and the second one is still to be sent
  const third = begin(5, 6)
  await write(one)
  const all = [...one, ...(await evaluation.finish(second, idle))]
  await write(all.slice(1))
  all.push(...(await evaluation.finish(third, idle)))
  expect(all.map(({ changes }) => changes)).toEqual(
    [3, 4, 5, 6].map((count) => JSON.stringify(['o', ['count', ['=', count]]])),
  )
  await evaluation.close()
})

test('an upgrade whose module must be looked for is overtaken by nothing of its process', async () => {
  rig = await Rig.open(rigNetwork(['shift-a', 'counter'], { partitions: 1 }))
  const sequencer = await rig.sequencer()
  const dre = await rig.dre()
  const relayer = await rig.relayer()
  const target = rig.id('shift-a-0')
  const steps = [{ to: 'shift-b' }, { to: 'shift-c' }, { fail: 'x' }]
  await rig.send(rig.item(target, { steps }))
  await rig.quiet()
  const named = ['shift-b', 'shift-c'].map((name) => ({ hash: hashOf(name) }))
  await rig.send(rig.item(target, { steps: named }))
  await rig.quiet()
  await rig.send(rig.item(rig.id('counter-0'), {}), rig.item(target, {}), rig.item(target, {}))
  await rig.quiet()
  for (const each of [relayer, dre, sequencer]) await each.stop()
  const { entries } = await rig.chain(0)
  const leaves = (await rig.results(0)).map((result) => rig.leaf(0, result))

  // of what carried a source, only the hash is left, as where another partition's spawn named it
  const memory = createMemoryStore()
  const store = new ProcessStore(memory, RECORDS, 0)
  const ledger = new Ledger(rig.network, 0)
  const asked: string[] = []
  const find = async (hash: string, to: Modules): Promise<boolean> => {
    asked.push(hash)
    await new Promise((resolve) => setTimeout(resolve, 5))
    const source = ['shift-b', 'shift-c'].find((each) => hashOf(each) === hash) as string
    await to.publish({ engine: 'quickjs', source, hash })
    return true
  }
  const modules = new Modules(memory, RECORDS, undefined, TOPICS.modules, find)
  modules.hold = () => undefined
  const evaluation = new Evaluation({
    network: rig.network,
    ledger,
    evaluator: rig.evaluator(),
    store,
    modules,
    level: new PartitionLevel({ network: rig.network, partition: 0, store, levels: [1] }),
    limits: DRE_LIMITS,
    figures: noDreFigures(),
  })
  const settled = await evaluation.finish(evaluation.begin(entries), Promise.resolve())
  expect(asked).toEqual([hashOf('shift-b'), hashOf('shift-c')])
  expect(settled.map(({ result }) => rig.leaf(0, result))).toEqual(leaves)
  await evaluation.close()
})
