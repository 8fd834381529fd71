// The file archive: the port's suite, and what may befall files.

import { afterEach, beforeEach, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openFileArchive } from '../../../src/archive/file/index.ts'
import type { Archive } from '../../../src/archive/port.ts'
import { idOf } from '../../protocol/fixtures.ts'
import { allFound, archiveTests, codeOf } from '../conformance.ts'
import { signer } from '../planted-log.ts'

const SIGNER = signer()

archiveTests('file archive', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hb-archive-'))
  return {
    open: (signed) => openFileArchive({ dir, ...(signed && { signer: SIGNER }) }),
    remove: () => rm(dir, { recursive: true }),
  }
})

let dir: string
let archive: Archive
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hb-archive-'))
  archive = openFileArchive({ dir, signer: SIGNER })
})
afterEach(() => rm(dir, { recursive: true }))

const NETWORK = idOf('network')
const TAGS = Object.entries({
  'HB-Type': 'Segment',
  'HB-Network': NETWORK,
  'HB-Generation': '0',
  'HB-Partition': '7',
  'HB-From': '0',
  'HB-To': '99',
}).map(([name, value]) => ({ name, value }))

async function posted(): Promise<{ id: string; path: string }> {
  const prepared = await archive.prepare({ tags: TAGS, data: Buffer.from('some data'.repeat(9)) })
  await archive.post(prepared, 'accepted')
  const folder = join(dir, NETWORK, '0', '7')
  const [name] = await readdir(folder)
  expect(name).toBe(`000000000000-000000000099.${prepared.id}`)
  return { id: prepared.id, path: join(folder, name as string) }
}

test('a changed byte anywhere is found when it is read', async () => {
  const { id, path } = await posted()
  const whole = await readFile(path)
  const places = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }))
  const check = fc.asyncProperty(places, async ([at, by]) => {
    const bytes = Buffer.from(whole)
    bytes[at] = (bytes[at] as number) ^ by
    await writeFile(path, bytes)
    expect(await codeOf(() => openFileArchive({ dir }).read(id))).toBe('archive-item-altered')
  })
  await fc.assert(check, { numRuns: 100 })
  await writeFile(path, whole)
  expect((await archive.read(id)).id).toBe(id)
})

test('a torn file and one in a wrong place show when they are listed', async () => {
  const { path } = await posted()
  const whole = await readFile(path)
  const ask = { 'HB-Type': 'Segment', 'HB-Network': NETWORK }
  for (const length of [0, 1, 60, 200]) {
    await writeFile(path, whole.subarray(0, length))
    const [found] = await allFound(archive, ask)
    expect(found?.flaw).toMatch(/not a data item/)
  }
  await writeFile(path, whole)
  await mkdir(join(dir, NETWORK, '0', '8'))
  await rename(path, path.replace('/7/', '/8/'))
  const [found] = await allFound(archive, ask)
  expect(found?.flaw).toMatch(/name is not that/)
})

test('what a writer left behind when it died is no item', async () => {
  const { path } = await posted()
  await writeFile(`${path}.1-1.unfinished`, 'half')
  expect((await allFound(archive, {})).length).toBe(1)
})

test('a directory that cannot be written is an error with a code, and leaves nothing', async () => {
  const prepared = await archive.prepare({ tags: TAGS, data: Buffer.from('x') })
  await writeFile(join(dir, NETWORK), 'in the way')
  expect(await codeOf(() => archive.post(prepared, 'accepted'))).toBe('archive-write-failed')
  await rm(join(dir, NETWORK))
  await archive.post(prepared, 'accepted')
  expect((await archive.read(prepared.id)).data.toString()).toBe('x')
})

test('what a crash left goes after a day, when a writer comes by; a reader touches nothing', async () => {
  const { path } = await posted()
  const [old, fresh] = [`${path}.1-1.unfinished`, `${path}.1-2.unfinished`]
  await writeFile(old, 'half')
  await writeFile(fresh, 'half')
  const daysAgo = Date.now() / 1_000 - 2 * 86_400
  await utimes(old, daysAgo, daysAgo)
  const left = async (): Promise<number> => (await readdir(dirname(path))).length
  expect(await allFound(openFileArchive({ dir }), {})).toHaveLength(1)
  expect(await left()).toBe(3)
  expect(await allFound(archive, {})).toHaveLength(1)
  expect(await left()).toBe(2)
  expect(await readFile(fresh, 'utf8')).toBe('half')
})
