// The cut behind which a network can go on after a loss: consistent, and the greatest there is, for
// random networks and random losses.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { consistentCut } from '../../src/archive/consistent-cut.ts'
import type { SegmentLimits } from '../../src/archive/limits.ts'
import type { Archive } from '../../src/archive/port.ts'
import { restore } from '../../src/archive/restore.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { testNetwork } from '../protocol/fixtures.ts'
import { memoryArchive, type Items } from './memory-archive.ts'
import { cutLog, signer } from './planted-log.ts'
import { PlantedNetwork, type Step } from './planted-network.ts'

const PARTITIONS = 3
const NETWORK = testNetwork({ partitions: PARTITIONS })
const SIGNER = signer()

/** Segments of each partition, less so many of the last. */
async function archiveOf(
  planted: PlantedNetwork,
  limits: SegmentLimits,
  lost: readonly number[],
): Promise<{ items: Items; archive: Archive; heights: number[] }> {
  const items: Items = new Map()
  const archive = memoryArchive(items, SIGNER)
  const heights: number[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const records = planted.records[partition]!
    const uploads = cutLog(NETWORK, partition, { records }, limits, SIGNER)
    const kept = uploads.slice(0, Math.max(0, uploads.length - lost[partition]!))
    for (const upload of kept) await archive.post(await archive.prepare(upload), 'accepted')
    const to = kept.at(-1)?.tags.find(({ name }) => name === 'HB-To')?.value
    heights.push(to === undefined ? -1 : Number(to))
  }
  return { items, archive, heights }
}

function isConsistent(entries: readonly (readonly Entry[])[], cut: readonly number[]): boolean {
  return entries.every((all, partition) =>
    all.slice(0, cut[partition]! + 1).every(({ message: { origin } }) => {
      return origin === undefined || origin.height <= cut[origin.partition]!
    }),
  )
}

/** By trying all of them: the highest of each partition over all that are consistent. */
function greatest(entries: readonly (readonly Entry[])[], heights: readonly number[]): number[] {
  const best = heights.map(() => -1)
  const count = heights.map((height) => height + 2)
  for (let code = 0; code < count.reduce((a, b) => a * b, 1); code++) {
    let rest = code
    const cut = count.map((each) => {
      const height = (rest % each) - 1
      rest = Math.floor(rest / each)
      return height
    })
    if (isConsistent(entries, cut)) cut.forEach((height, p) => (best[p] = Math.max(best[p]!, height)))
  }
  return best
}

const partition = fc.nat({ max: PARTITIONS - 1 })
const step: fc.Arbitrary<Step> = fc.record({
  at: partition,
  from: partition,
  to: fc.array(partition, { minLength: 1, maxLength: 3 }),
})

test('for random networks and losses the cut is consistent, and the greatest', async () => {
  const shapes = fc.record({
    steps: fc.array(step, { minLength: 6, maxLength: 24 }),
    lost: fc.array(fc.nat({ max: 4 }), { minLength: PARTITIONS, maxLength: PARTITIONS }),
    heightsMax: fc.integer({ min: 1, max: 4 }),
  })
  let lowered = 0
  const check = fc.asyncProperty(shapes, async ({ steps, lost, heightsMax }) => {
    const planted = new PlantedNetwork(NETWORK)
    for (const each of steps) planted.take(each)
    const limits = { heightsMax, bytesMax: 1_000_000 }
    const { archive, heights } = await archiveOf(planted, limits, lost)
    const cut = await consistentCut({ archive, network: NETWORK })
    const found = cut.map(({ height }) => height)
    expect(isConsistent(planted.entries, found)).toBe(true)
    expect(found).toEqual(greatest(planted.entries, heights))
    expect(cut.map(({ dropped }) => dropped)).toEqual(found.map((at, p) => heights[p]! - at))
    for (const { partition: p, height, hash } of cut) {
      if (height < 0) continue
      expect(hash).toBe(toBase64Url(planted.entries[p]![height]!.hash))
    }
    if (found.some((at, p) => at < heights[p]!)) lowered += 1
  })
  await fc.assert(check, { numRuns: 50 })
  // the property says nothing where nothing is ever cut back
  expect(lowered).toBeGreaterThan(10)
})

test('a long exchange is undone to its last whole turn, and read no further back', async () => {
  const planted = new PlantedNetwork(NETWORK)
  for (let n = 0; n < 40; n++) planted.take({ at: n % 2, from: (n + 1) % 2, to: [(n + 1) % 2] })
  const limits = { heightsMax: 2, bytesMax: 1_000_000 }
  // partition 0 lost heights 14 to 19; partition 1 was told of them
  const { archive } = await archiveOf(planted, limits, [3, 0, 0])
  let reads = 0
  const read = (id: string): ReturnType<Archive['read']> => {
    reads += 1
    return archive.read(id)
  }
  const cut = await consistentCut({ archive: { ...archive, read }, network: NETWORK })
  expect(cut.map(({ height, dropped }) => [height, dropped])).toEqual([
    [13, 0],
    [13, 6],
    [-1, 0],
  ])
  expect(reads).toBeLessThan(9)
})

test('what is whole is cut nowhere, and restored as it is', async () => {
  const planted = new PlantedNetwork(NETWORK)
  for (let n = 0; n < 30; n++) planted.take({ at: n % 3, from: (n + 1) % 3, to: [(n + 2) % 3] })
  const limits = { heightsMax: 4, bytesMax: 1_000_000 }
  const { archive } = await archiveOf(planted, limits, [0, 0, 0])
  const cut = await consistentCut({ archive, network: NETWORK })
  expect(cut.map(({ dropped }) => dropped)).toEqual([0, 0, 0])
  const log = createMemoryLog()
  const done = await restore({ archive, network: NETWORK, log })
  expect(done.map(({ height, hash }) => [height, hash])).toEqual(
    cut.map(({ height, hash }) => [height, hash]),
  )
  await log.close()
})
