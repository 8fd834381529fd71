// The verdict on what comes back from the archive: good of what was archived, and each way in which
// it can be another one is told.

import { beforeAll, expect, test } from '@jest/globals'
import { genesisUpload } from '../../../src/archive/index.ts'
import { cutLog, plantLog, signer } from '../../archive/planted-log.ts'
import { SANDBOX } from '../../../src/runtime/index.ts'
import { evaluateAfresh } from '../../chaos/evidence.ts'
import { testNetwork } from '../../protocol/fixtures.ts'
import { NO_FAULTS } from '../broker/faults.ts'
import { Host } from '../world/host.ts'
import { World } from '../world/world.ts'
import { ArchiveSite } from './archive-site.ts'
import { driven } from './driven.ts'
import { NO_ARCHIVE_FAULTS } from './plan.ts'
import type { Original } from './restoring.ts'
import { judgeRestored } from './restoring.ts'

const source = 'exports.handle = () => ({})'
const processes = ['a', 'b', 'c'].map((name) => ({ name, engine: 'quickjs', source, state: {} }) as const)
const NETWORK = testNetwork({ partitions: 2, sandbox: SANDBOX, processes })
const SIGNER = signer()
const LOGS = [plantLog(NETWORK, 0, 25), plantLog(NETWORK, 1, 12)]
const LIMITS = { heightsMax: 10, bytesMax: 100_000 }

let original: Original
beforeAll(async () => {
  const logs = LOGS.map(({ records }) =>
    records.map(({ key, value }, offset) => ({ key, value, offset, timestamp: 0 })),
  )
  const evaluated = await evaluateAfresh(NETWORK, logs.map((log) => ({ log })))
  const partitions = LOGS.map(({ entries }) => ({ entries: entries.map(({ entry }) => entry) }))
  original = { partitions, states: new Map(evaluated.flatMap((each) => [...each.states])) }
})

/** Of the archive with all segments but those that are left out. */
async function judged(
  { without = -1, rates = NO_ARCHIVE_FAULTS }: { without?: number; rates?: typeof NO_ARCHIVE_FAULTS },
  was: Original = original,
): Promise<string[]> {
  const world = new World(3)
  const site = new ArchiveSite(world, rates)
  site.isOn = false
  const archive = driven(world, site.open(new Host(world, 'a'), SIGNER))
  const segments = LOGS.flatMap((log, at) => cutLog(NETWORK, at, log, LIMITS, SIGNER))
  for (const upload of [genesisUpload(NETWORK), ...segments.filter((_, at) => at !== without)]) {
    await archive.post(await archive.prepare(upload), 'accepted')
  }
  const found = await judgeRestored({ world, site, network: NETWORK, rates: NO_FAULTS }, was)
  return found.map(({ invariant, text }) => `${invariant}: ${text}`)
}

test('what was archived comes back, though reading fails now and then', async () => {
  expect(original.states.size).toBeGreaterThan(0)
  expect(await judged({})).toEqual([])
  expect(await judged({ rates: { ...NO_ARCHIVE_FAULTS, unreadable: 0.3, slow: 0.3 } })).toEqual([])
})

test('a segment that is missing in the middle, or at the end, is told', async () => {
  expect(await judged({ without: 1 })).toEqual([expect.stringMatching(/^archive-restores: .*10 to 19/)])
  expect(await judged({ without: 2 })).toEqual([
    'archive-restores-entries: partition 0: 25 entries became 20, other ones from height 20 on',
  ])
})

test('another entry, or another state, is told', async () => {
  const { partitions, states } = original
  const less = partitions.map(({ entries }, at) => ({ entries: entries.slice(at) }))
  expect(await judged({}, { partitions: less, states })).toEqual([
    'archive-restores-entries: partition 1: 11 entries became 12, other ones from height 0 on',
  ])
  const [id] = [...states.keys()] as [string]
  const other = new Map(states).set(id, '{"other":1}')
  expect(await judged({}, { partitions, states: other })).toEqual([
    `archive-restores-states: the state of ${id} is another one`,
  ])
})
