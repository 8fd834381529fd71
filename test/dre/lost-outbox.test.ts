// A DRE without a store on an outbox that is gone: what is not settled is published again, what is
// settled is not, and where snapshots stand ahead of the outbox neither is lost.

import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { StoredRecord } from '../../src/log/port.ts'
import { until } from '../node/fleet.ts'
import { RECORDS, Rig, TOPICS } from '../node/rig.ts'
import type { Recorded } from './recorded.ts'
import { copyLog, INTERVAL, recordLog, records } from './recorded.ts'

describe('an outbox that is gone', () => {
  const partitions = [0, 1, 2]
  let recorded: Recorded
  let snapshots: StoredRecord[][]
  let modules: StoredRecord[]
  /** By partition: whether anything was sent in the intervals that are recorded. */
  let sent: boolean[]
  let rig: Rig
  const open = async (): Promise<void> => {
    rig = await Rig.open(recorded.network)
    await copyLog(recorded, rig)
  }
  beforeAll(async () => {
    recorded = await recordLog()
    // the snapshots as a DRE writes them of this log
    await open()
    const dre = await rig.dre()
    const expected = (each: number): number => recorded.snapshots[each]?.size ?? 0
    const keys = async (each: number): Promise<number> =>
      new Set((await records(rig.log, TOPICS.snapshots, each)).map(({ key }) => key)).size
    for (const each of partitions) await until(async () => (await keys(each)) >= expected(each))
    await dre.stop()
    const results = await Promise.all(partitions.map((each) => rig.results(each)))
    sent = results.map((all, each) =>
      all.slice(0, recordedTo(each) + 1).some((one) => one.messages.some((m) => m.kind !== 'event')),
    )
    snapshots = await Promise.all(
      partitions.map((each) => records(rig.log, TOPICS.snapshots, each)),
    )
    modules = await records(rig.log, TOPICS.modules, 0)
    await rig.close()
  }, 40_000)
  beforeEach(async () => {
    await open()
    for (const each of partitions) await put(TOPICS.snapshots, each, snapshots[each] ?? [])
    await put(TOPICS.modules, 0, modules)
  })
  afterEach(() => rig.close())

  async function put(topic: string, partition: number, all: readonly StoredRecord[]): Promise<void> {
    if (all.length > 0) await rig.log.append(topic, partition, all)
  }

  /** Every target has settled so many messages of each channel. */
  async function settle(count: number): Promise<void> {
    for (const partition of partitions) {
      const at = { partition, height: 9, hash: Buffer.alloc(32), timestamp: 1 }
      const value = RECORDS.head.encode({ ...at, counters: [count, count, count] })
      await rig.log.append(TOPICS.registry, 0, [{ key: String(partition), value }])
    }
  }

  const height = (partition: number): number => (recorded.leaves[partition]?.length ?? 0) - 1
  /** The last height of the newest interval that is recorded. */
  const recordedTo = (partition: number): number =>
    Math.floor((height(partition) + 1) / INTERVAL) * INTERVAL - 1

  test('is filled from the first height, where what was sent is not settled', async () => {
    const { halted } = await rig.dre()
    for (const each of partitions) {
      await until(async () => (await rig.results(each)).length > height(each))
      const leaves = (await rig.results(each)).map((result) => result && rig.leaf(each, result))
      // where nothing was sent, nobody waits for anything
      const from = sent[each] === true ? 0 : recordedTo(each) + 1
      expect(leaves.findIndex((leaf) => leaf !== undefined)).toBe(from)
      expect(leaves.slice(from)).toEqual(recorded.leaves[each]?.slice(from))
    }
    expect(sent).toContain(true)
    expect(halted).toEqual([])
  })

  test('is begun behind the newest snapshots, where all below them is settled', async () => {
    await settle(1_000)
    const { halted } = await rig.dre()
    for (const each of partitions) {
      expect(recordedTo(each)).toBeGreaterThan(0)
      const isThere = async (): Promise<boolean> => (await rig.results(each)).length > height(each)
      if (recordedTo(each) < height(each)) await until(isThere)
      const results = await rig.results(each)
      expect(results.findIndex((result) => result !== undefined)).toBe(
        recordedTo(each) < height(each) ? recordedTo(each) + 1 : -1,
      )
    }
    expect(halted).toEqual([])
  })

  test('that shows old results alone is filled from behind them', async () => {
    const whole = await Rig.open(recorded.network)
    await copyLog(recorded, whole)
    await whole.dre()
    await until(async () => (await whole.results(0)).length > height(0))
    const results = (await whole.results(0)).slice(0, 2)
    await whole.close()
    const value = RECORDS.encodeRun({ partition: 0, from: 0, results, attestation: null })
    await rig.log.append(TOPICS.outbox, 0, [{ key: '0', value }])
    const { halted } = await rig.dre()
    await until(async () => (await rig.results(0)).length > height(0))
    const leaves = (await rig.results(0)).map((result) => rig.leaf(0, result))
    expect(leaves).toEqual(recorded.leaves[0])
    const [, second] = await records(rig.log, TOPICS.outbox, 0)
    expect(RECORDS.decodeRun(Buffer.from(second?.value as Uint8Array)).from).toBe(2)
    expect(halted).toEqual([])
  })
})
