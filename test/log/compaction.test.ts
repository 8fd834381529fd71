// Compaction under way while records are appended and read: nobody misses the newest of a key.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '../../src/log/embedded/index.ts'
import type { LocalLog } from '../../src/log/local/local-log.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { readAll } from './conformance-partitions.ts'
import { recordingMember, until } from './recording-member.ts'

const LIMITS = { compactionRecordsMin: 10, compactionKeysMax: 5, tombstoneDelayMs: 3_600_000 }
type Step = [number, boolean][] | 'compact'

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.tuple(fc.nat(8), fc.boolean()), { minLength: 1 }) },
  { weight: 1, arbitrary: fc.constant('compact' as const) },
)

async function survives(log: LocalLog, steps: readonly Step[]): Promise<void> {
  await log.provision([{ name: 't', partitions: 1, cleanup: 'compact' }])
  const member = recordingMember()
  const membership = await log.join({ group: 'g', topics: ['t'], member, batchRecordsMax: 3 })
  const newest = new Map<string, number>()
  const work: Promise<unknown>[] = []
  let end = 0
  for (const each of steps) {
    if (each === 'compact') {
      work.push(log.compact('t', 0))
      continue
    }
    const records = each.map(([key, isTombstone]) => ({
      key: `k${key}`,
      value: isTombstone ? null : Buffer.from(`${end}`),
    }))
    work.push(log.append('t', 0, records))
    for (const { key } of records) newest.set(key, end++)
    if (end % 3 === 0) await work[work.length - 1]
  }
  await Promise.all(work)
  await until('the end', () => (member.seen(0).at(-1)?.offset ?? -1) === end - 1)
  const seen = member.seen(0)
  seen.forEach(({ offset }, i) => expect(offset).toBeGreaterThan(seen[i - 1]?.offset ?? -1))
  await log.compact('t', 0)
  for (const records of [seen, await readAll(log, 't', 0)]) {
    expect(new Map(records.map(({ key, offset }) => [key, offset]))).toEqual(newest)
  }
  await membership.leave()
  await log.close()
}

const someSteps = fc.array(step, { minLength: 1, maxLength: 25 })

test('memory: the newest of every key survives, and is seen', async () => {
  const run = fc.asyncProperty(someSteps, (steps) => survives(createMemoryLog(LIMITS), steps))
  await fc.assert(run, { numRuns: 60 })
})

test('embedded: the newest of every key survives, and is seen', async () => {
  const run = fc.asyncProperty(someSteps, fc.constantFrom(0, 2_000, 1e6), async (steps, tail) => {
    const dir = await mkdtemp(join(tmpdir(), 'hb-log-'))
    await survives(await openEmbeddedLog({ dir, tailBytesMax: tail, ...LIMITS }), steps)
    await rm(dir, { recursive: true })
  })
  await fc.assert(run, { numRuns: 30 })
})
