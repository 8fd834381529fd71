// The sink on a memory log: every entry once in the archive, whatever fails and wherever it dies.

import { afterEach, expect, test } from '@jest/globals'
import type { Archive } from '../../../src/archive/port.ts'
import { passing } from '../../../src/log/passing/index.ts'
import type { Log } from '../../../src/log/port.ts'
import { HbError } from '../../../src/std/errors.ts'
import { systemClock } from '../../../src/std/clock.ts'
import { plantLog } from '../../archive/planted-log.ts'
import { archiveAll, dieAt, GROUP, SinkRig, TOPIC } from './sink-rig.ts'

const rigs: SinkRig[] = []
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close()
})

async function rigOf(...counts: number[]): Promise<SinkRig> {
  const rig = new SinkRig(counts.length === 0 ? [0] : counts)
  if (counts.length > 0) await rig.plant()
  rigs.push(rig)
  return rig
}

test('all partitions are archived, cut at fixed heights, the rest after a while', async () => {
  const rig = await rigOf(17, 5)
  const sink = rig.sink()
  await sink.start()
  await rig.caughtUp()
  expect([...sink.states().values()].map(({ state, height }) => [state, height])).toEqual([
    ['RUNNING', 16],
    ['RUNNING', 4],
  ])
  await sink.stop()
  expect(rig.archived.sort()).toEqual(['0: 0-4', '0: 10-14', '0: 15-16', '0: 5-9', '1: 0-4'])
  expect(await rig.verify()).toEqual([16, 4])
})

test('it dies at a call, before or after that had its effect: no gap and no double', async () => {
  // all of them: crash-everywhere.test.ts
  for (let at = 1; (await dieAt(at, at % 2 === 0)).isDead; at += 5) expect(at).toBeLessThan(200)
})

test('a started segment is posted with the same id by whoever comes next', async () => {
  const rig = await rigOf(5)
  const posted: string[] = []
  const failing: Archive = {
    ...rig.archive,
    post: async ({ id }) => {
      posted.push(id)
      if (posted.length > 1) throw new HbError('archive-write-failed', 'full')
    },
  }
  const first = rig.sink({ archive: failing })
  await first.start()
  await rig.until(() => posted.length >= 4, 'posted again')
  expect([...first.states().values()][0]?.error?.code).toBe('archive-write-failed')
  await first.stop()
  expect(await rig.log.committed(GROUP, TOPIC)).toEqual([undefined])
  expect(new Set(posted.slice(1)).size).toBe(1)
  await archiveAll(rig)
  expect([...rig.items.keys()]).toContain(posted[1])
  expect(await rig.segments()).toEqual(['0: 0-4'])
})

test('entries that come later go into the segments that follow, and a late one is waited for', async () => {
  const rig = await rigOf()
  const planted = plantLog(rig.network, 0, 12)
  await rig.log.provision([{ name: TOPIC, partitions: 1, cleanup: 'log' }])
  const sink = rig.sink({}, { flushDelayMsMax: 60_000 })
  await sink.start()
  for (const record of planted.records) await rig.log.append(TOPIC, 0, [record])
  await rig.until(() => rig.archived.length === 2, 'two segments')
  await systemClock.sleep(20)
  expect(rig.archived).toEqual(['0: 0-4', '0: 5-9'])
  const [committed = 0] = await rig.log.committed(GROUP, TOPIC)
  const ninth = planted.records.findIndex(({ headers }) => headers?.['hb-height'] === '9')
  expect(committed).toBeLessThanOrEqual(ninth + 1)
  await sink.stop()
  await archiveAll(rig)
  expect(await rig.segments()).toEqual(['0: 0-4', '0: 5-9', '0: 10-11'])
})

test('a hole in the archive is filled from the log, and what lies beyond is not written again', async () => {
  const rig = await rigOf(20)
  await archiveAll(rig)
  const before = [...rig.items]
  const second = before.find(([, bytes]) => Buffer.from(bytes).includes('HB-From\u00025'))
  expect(second).toBeDefined()
  rig.items.delete(second![0])
  await archiveAll(rig)
  const sink = rig.sink()
  await sink.start()
  await rig.until(() => rig.items.size >= before.length, 'the hole is filled')
  await rig.caughtUp()
  await sink.stop()
  expect([...rig.items.keys()].sort()).toEqual(before.map(([id]) => id).sort())
  expect(await rig.verify()).toEqual([19])
})

test('another log, or one that begins behind the archive, fails the partition and writes nothing', async () => {
  for (const [count, seed, code] of [
    [10, 5, 'archive-diverged'],
    [3, 1, 'archive-diverged'],
  ] as const) {
    const rig = await rigOf(10)
    await archiveAll(rig)
    const other = new SinkRig([10])
    rigs.push(other)
    const { records } = plantLog(rig.network, 0, count, { seed, noise: false })
    const size = rig.items.size
    await other.log.provision([{ name: 'x.log', partitions: 1, cleanup: 'log' }])
    await other.log.append('x.log', 0, records)
    const sink = rig.sink({ log: other.log }, {}, 'x')
    await sink.start()
    await rig.until(() => rig.failures.length > 0, 'a failure')
    expect(rig.failures).toMatchObject([{ code }])
    await sink.stop()
    expect(rig.items.size).toBe(size)
  }
})

test('a log whose listed end is old for a moment is no other log', async () => {
  const rig = await rigOf(10)
  await archiveAll(rig)
  let olds = 3
  const old: Log = {
    ...passing(rig.log),
    ends: async (topic) => {
      const ends = await rig.log.ends(topic)
      return olds-- > 0 ? ends.map(({ start, end }) => ({ start, end: end - 4 })) : ends
    },
  }
  const sink = rig.sink({ log: old }, { logEndWaitMsMax: 5_000 })
  await sink.start()
  await rig.until(() => [...sink.states().values()][0]?.height === 9, 'it found its place')
  expect([olds < 0, rig.failures]).toEqual([true, []])
  await sink.stop()
})

test('a trimmed log goes on where the archive ends, and is refused where entries are lost', async () => {
  const rig = await rigOf(20)
  const { records } = rig.planted[0]!
  const offsetOf = (height: number): number =>
    records.findIndex(({ headers }) => headers?.['hb-height'] === String(height))
  await archiveAll(rig)
  await rig.log.trim(TOPIC, 0, offsetOf(19))
  await archiveAll(rig)
  expect(await rig.verify()).toEqual([19])
  rig.items.clear()
  const sink = rig.sink()
  await sink.start()
  await rig.until(() => rig.failures.length > 0, 'a failure')
  expect(rig.failures).toMatchObject([{ code: 'log-diverged' }])
  await sink.stop()
})

test('memory is bounded by the gate: no more segments at a time than it lets through', async () => {
  const rig = await rigOf(11, 11, 11, 11)
  let open = 0
  let most = 0
  const slow: Archive = {
    ...rig.archive,
    post: async (prepared, durability) => {
      most = Math.max(most, ++open)
      await systemClock.sleep(3)
      open -= 1
      await rig.archive.post(prepared, durability)
    },
  }
  const sink = rig.sink({ archive: slow }, { uploadsMax: 2 })
  await sink.start()
  await rig.caughtUp()
  await sink.stop()
  expect(most).toBe(2)
  expect(await rig.verify()).toEqual([10, 10, 10, 10])
})
