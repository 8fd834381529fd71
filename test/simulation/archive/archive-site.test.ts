// The simulated archive keeps the port's promises, and each of its faults is one that the port
// allows.

import { expect, test } from '@jest/globals'
import type { Archive } from '../../../src/archive/index.ts'
import { allFound, archiveTests, codeOf } from '../../archive/conformance.ts'
import { signer } from '../../archive/planted-log.ts'
import { Host } from '../world/host.ts'
import { SECOND, World } from '../world/world.ts'
import { ArchiveSite } from './archive-site.ts'
import { driven } from './driven.ts'
import type { ArchiveRates } from './plan.ts'
import { NO_ARCHIVE_FAULTS } from './plan.ts'

const SIGNER = signer()
const TAGS = { Kind: 'test' }
const UPLOAD = { tags: [{ name: 'Kind', value: 'test' }], data: Buffer.from('data') }

archiveTests('simulated archive', async () => {
  const world = new World(1)
  const site = new ArchiveSite(world, NO_ARCHIVE_FAULTS)
  return {
    open: (signed) => driven(world, site.open(new Host(world, 'a'), signed ? SIGNER : undefined)),
    remove: async () => undefined,
  }
})

function rigOf(rates: Partial<ArchiveRates>) {
  const world = new World(1)
  const site = new ArchiveSite(world, { ...NO_ARCHIVE_FAULTS, ...rates })
  const host = new Host(world, 'a')
  const archive = driven(world, site.open(host, SIGNER))
  const pass = (): Promise<boolean> => world.runUntil(() => false, world.now + 30 * SECOND)
  return { world, site, host, archive, pass }
}

async function post(archive: Archive): Promise<string> {
  const prepared = await archive.prepare(UPLOAD)
  return codeOf(() => archive.post(prepared, 'accepted'))
}

async function countOf(archive: Archive): Promise<number> {
  return (await allFound(archive, TAGS)).length
}

test.each([
  ['failed', 0, 0],
  ['late', 0, 1],
  ['unanswered', 1, 1],
] as const)('a post that is %s fails; found are %d and later %d', async (kind, now, later) => {
  const { archive, pass } = rigOf({ [kind]: 1 })
  expect(await post(archive)).toBe('archive-write-failed')
  expect(await countOf(archive)).toBe(now)
  await pass()
  expect(await countOf(archive)).toBe(later)
})

test('what is hidden is read by its id, and found later or once all is healed', async () => {
  for (const isHealed of [true, false]) {
    const { archive, site, pass } = rigOf({ hidden: 1 })
    const prepared = await archive.prepare(UPLOAD)
    await archive.post(prepared, 'accepted')
    expect(await countOf(archive)).toBe(0)
    expect((await archive.read(prepared.id)).data.toString()).toBe('data')
    if (isHealed) site.heal()
    else await pass()
    expect(await countOf(archive)).toBe(1)
  }
})

test('searches and reads fail in a way that mends', async () => {
  const { archive, site } = rigOf({ unreadable: 1 })
  const prepared = await archive.prepare(UPLOAD)
  await archive.post(prepared, 'accepted')
  expect(await codeOf(() => countOf(archive))).toBe('peer-unreachable')
  expect(await codeOf(() => archive.read(prepared.id))).toBe('peer-unreachable')
  site.heal()
  expect(await countOf(archive)).toBe(1)
})

test('X2: what a host had sent when it died is kept, and has no answer', async () => {
  const { world, site, host, archive, pass } = rigOf({})
  const prepared = await archive.prepare(UPLOAD)
  let answered = false
  const answer = site.open(host, SIGNER).post(prepared, 'accepted')
  void answer.then(() => (answered = true))
  host.die()
  await pass()
  expect(answered).toBe(false)
  expect(await countOf(driven(world, site.open(new Host(world, 'b'))))).toBe(1)
})
