// Each of the archive's invariants is violated by the history that is planted for it, and by no good
// one.

import { expect, test } from '@jest/globals'
import { segmentTags } from '../../../src/protocol/segment.ts'
import { plantLog } from '../../archive/planted-log.ts'
import type { Violation } from '../../chaos/checker/index.ts'
import { idOf, testNetwork } from '../../protocol/fixtures.ts'
import { Known } from '../invariants/known.ts'
import { ArchiveWatch } from './archive-watch.ts'
import { NO_ARCHIVE } from './plan.ts'

const NETWORK = testNetwork()
const LOG = plantLog(NETWORK, 0, 30, { noise: false })

function rigOf(plan: { sinks?: number; hidden?: number } = {}) {
  const known = new Known(NETWORK)
  LOG.records.forEach(({ key, value }, offset) => {
    known.log(0, { key, value, offset, timestamp: 0 })
  })
  const { sinks = 1, hidden = 0 } = plan
  const rates = { ...NO_ARCHIVE.rates, hidden }
  let doubles = 0
  const violations: Violation[] = []
  const watch = new ArchiveWatch({ known, violations }, { heightsMax: 10, sinks, rates }, () => {
    doubles += 1
  })
  const tagsOf = (from: number, to: number, previous?: string, hashAt = to) => {
    const hash = LOG.entries[hashAt]!.entry.hash
    const id = Buffer.alloc(32)
    const place = { network: NETWORK.id, generation: 0, partition: 0, prev: id, root: id }
    return segmentTags({ ...place, from, to, hash }, 'Segment', previous)
  }
  return {
    watch,
    tagsOf,
    keep: (name: string, from: number, to: number, previous?: string, hashAt = to) =>
      watch.keeps(idOf(name), tagsOf(from, to, previous && idOf(previous), hashAt)),
    found: () => violations.map(({ invariant }) => invariant),
    doubles: () => doubles,
  }
}

test('segments in a row, and commits behind them, are as they must be', () => {
  const { watch, keep, found } = rigOf()
  keep('a', 0, 9)
  watch.committed(0, 10)
  keep('b', 10, 14, 'a')
  keep('c', 15, 19, 'b')
  watch.committed(0, 20)
  watch.keeps(idOf('genesis'), [{ name: 'HB-Type', value: 'Genesis' }])
  expect(found()).toEqual([])
})

test('what breaks each of them is told by its name', () => {
  const broken = (act: (rig: ReturnType<typeof rigOf>) => void, plan = {}): string[] => {
    const rig = rigOf(plan)
    rig.keep('a', 0, 9)
    act(rig)
    return rig.found()
  }
  expect(broken(({ watch }) => watch.committed(0, 11))).toEqual(['archived-before-committed'])
  expect(broken(({ keep }) => keep('b', 10, 19, 'a', 18))).toEqual(['archived-as-logged'])
  expect(broken(({ keep }) => keep('b', 10, 20, 'a'))).toEqual(['archived-in-cuts'])
  expect(broken(({ keep }) => keep('b', 10, 19, 'z'))).toEqual(['archived-in-a-row'])
  expect(broken(({ keep }) => keep('b', 10, 19))).toEqual(['archived-in-a-row'])
  expect(broken(({ keep }) => keep('b', 0, 4))).toEqual(['archived-once'])
  expect(
    broken(({ keep, watch }) => {
      keep('c', 20, 29, 'b')
      watch.committed(0, 30)
    }),
  ).toEqual(['archived-in-a-row'])
})

test('heights are there twice only where a sink could not know better', () => {
  for (const plan of [{ sinks: 2 }, { hidden: 0.1 }]) {
    const { keep, found, doubles } = rigOf(plan)
    keep('a', 0, 9)
    keep('b', 0, 4)
    expect([found(), doubles()]).toEqual([[], 1])
  }
  const { keep, watch, found } = rigOf()
  keep('a', 0, 9)
  watch.diskLost('sink-0')
  keep('b', 0, 4)
  expect(found()).toEqual([])
})

test('what is written down is posted until it is kept', () => {
  const post = (after: (rig: ReturnType<typeof rigOf>) => void, plan = {}): string[] => {
    const rig = rigOf(plan)
    rig.watch.posted('sink-0', idOf('a'), rig.tagsOf(0, 4))
    rig.watch.posted('sink-0', idOf('a'), rig.tagsOf(0, 4))
    rig.watch.posted('sink-1', idOf('c'), rig.tagsOf(0, 4))
    after(rig)
    rig.watch.posted('sink-0', idOf('b'), rig.tagsOf(0, 5))
    return rig.found()
  }
  expect(post(() => undefined)).toEqual(['signed-once'])
  expect(post(() => undefined, { hidden: 1 })).toEqual([])
  expect(post(({ watch }) => watch.diskLost('sink-0'))).toEqual([])
  expect(post(({ watch }) => watch.diskLost('sink-1'))).toEqual(['signed-once'])
  expect(post(({ keep }) => keep('a', 0, 4))).toEqual([])
})
