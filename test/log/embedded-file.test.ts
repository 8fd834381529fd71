// What is particular to the embedded log: its lock, its file, its tail, automatic compaction,
// interrupted trims.

import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { openEmbeddedLog, type EmbeddedLogOptions } from '../../src/log/embedded/index.ts'
import type { LocalLog } from '../../src/log/local/local-log.ts'
import { readAll, record, texts } from './conformance-partitions.ts'
import { until } from './recording-member.ts'

let dir = ''
let opened: LocalLog[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hb-log-'))
})
afterEach(async () => {
  for (const log of opened) await log.close()
  opened = []
  await rm(dir, { recursive: true })
})

async function openLog(options: Partial<EmbeddedLogOptions> = {}): Promise<LocalLog> {
  const log = await openEmbeddedLog({ dir, ...options })
  opened.push(log)
  return log
}

async function filled(cleanup: 'log' | 'compact', batches: number): Promise<LocalLog> {
  const log = await openLog()
  await log.provision([{ name: 't', partitions: 1, cleanup }])
  for (let n = 0; n < batches; n++) {
    await log.append('t', 0, [{ key: `k${n % 3}`, value: Buffer.alloc(9_000, `${n};`) }])
  }
  return log
}

test('a second opening is refused and says who holds it; a closed one is free', async () => {
  const log = await openLog()
  await expect(openLog()).rejects.toMatchObject({
    code: 'log-locked',
    data: { pid: process.pid },
  })
  await log.close()
  await openLog()
})

test('leftover locks do not hold: a dead pid, another start of the pid, another boot', async () => {
  const path = join(dir, 'hb.lock')
  const log = await openLog()
  const mine = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  await log.close()
  const leftovers = [{ ...mine, pid: 4_194_303 }, { ...mine, started: '1' }, { ...mine, boot: 'x' }]
  for (const leftover of leftovers) {
    writeFileSync(path, JSON.stringify(leftover))
    await (await openLog()).close()
  }
  writeFileSync(path, 'torn')
  await (await openLog()).close()
  writeFileSync(path, JSON.stringify(mine))
  await expect(openLog()).rejects.toMatchObject({ code: 'log-locked' })
})

test('a foreign file and a foreign database are errors, and are left as they are', async () => {
  const path = join(dir, 'data.mdb')
  const code = 'log-file-foreign'
  writeFileSync(path, 'something else'.repeat(1_000))
  await expect(openLog()).rejects.toMatchObject({ code })
  expect(readFileSync(path, 'utf8')).toContain('something else')
  await rm(path)
  const other = open<string, string>({ path: dir })
  await other.put('mine', 'yours')
  await other.close()
  const before = readFileSync(path)
  await expect(openLog()).rejects.toMatchObject({ code })
  expect(readFileSync(path).equals(before)).toBe(true)
})

test('a missing, empty or torn file is an error, and is left as it is', async () => {
  const path = join(dir, 'data.mdb')
  await (await filled('log', 40)).close()
  const bytes = readFileSync(path)
  const code = 'log-file-corrupt'
  for (const share of [0.9, 0.5, 0.1]) {
    const cut = Math.floor(bytes.length * share)
    await truncate(path, cut)
    await expect(openLog()).rejects.toMatchObject({ code })
    expect((await stat(path)).size).toBe(cut)
    writeFileSync(path, bytes)
  }
  await truncate(path, 0)
  await expect(openLog()).rejects.toMatchObject({ code })
  await rm(path)
  await expect(openLog()).rejects.toMatchObject({ code })
  writeFileSync(path, bytes)
  expect((await readAll(await openLog(), 't', 0)).length).toBe(40)
})

test('a log whose making was interrupted is made anew', async () => {
  const root = open<Buffer, Buffer>({ path: dir, encoding: 'binary', keyEncoding: 'binary' })
  await root.close()
  await (await openLog()).close()
  await rm(join(dir, 'hb-log.json'))
  const log = await openLog()
  await log.provision([{ name: 't', partitions: 1, cleanup: 'log' }])
  await log.close()
  await rm(join(dir, 'hb-log.json'))
  expect(await (await openLog()).ends('t')).toEqual([{ start: 0, end: 0 }])
})

test('a chunk whose bytes changed is an error when it is read', async () => {
  await (await filled('log', 3)).close()
  const path = join(dir, 'data.mdb')
  const bytes = readFileSync(path)
  const at = bytes.indexOf('1;1;1;')
  expect(at).toBeGreaterThan(0)
  bytes.write('x', at)
  writeFileSync(path, bytes)
  const log = await openLog()
  expect((await log.read('t', 0, 0, { to: 1 })).records.length).toBe(1)
  await expect(log.read('t', 0, 1)).rejects.toMatchObject({ code: 'log-file-corrupt' })
})

test('an unknown format is an error', async () => {
  await (await openLog()).close()
  const root = open<Buffer, Buffer>({ path: dir, encoding: 'binary', keyEncoding: 'binary' })
  const meta = root.openDB<unknown, string>({ name: 'meta', encoding: 'json' })
  await meta.put('format', { format: 'hollowbeam-log', version: 2 })
  await root.close()
  await expect(openLog()).rejects.toMatchObject({ code: 'log-format-unsupported' })
})

test('compaction runs by itself, and gives the same after reopening', async () => {
  const options = { compactionRecordsMin: 20, tombstoneDelayMs: 0 }
  const log = await openLog(options)
  await log.provision([{ name: 't', partitions: 1, cleanup: 'compact' }])
  for (let n = 0; n < 100; n++) await log.append('t', 0, [record(`k${n % 5}`, `${n}`)])
  await until('holes', async () => (await readAll(log, 't', 0)).length < 50)
  await log.compact('t', 0)
  expect(texts(await readAll(log, 't', 0))).toEqual(['95', '96', '97', '98', '99'])
  await log.append('t', 0, [record('k0', null), record('k1', null)])
  await log.compact('t', 0)
  expect(texts(await readAll(log, 't', 0))).toEqual(['97', '98', '99', null, null])
  await log.compact('t', 0)
  expect(texts(await readAll(log, 't', 0))).toEqual(['97', '98', '99'])
  await log.close()
  const again = await openLog(options)
  expect(await again.ends('t')).toEqual([{ start: 0, end: 102 }])
  expect(texts(await readAll(again, 't', 0))).toEqual(['97', '98', '99'])
  expect(await again.append('t', 0, [record('k9', 'next')])).toBe(102)
})

test('young tombstones stay, and a partition of tombstones only keeps its end', async () => {
  const log = await openLog({ tombstoneDelayMs: 3_600_000 })
  await log.provision([{ name: 't', partitions: 1, cleanup: 'compact' }])
  await log.append('t', 0, [record('k', 'v')])
  await log.append('t', 0, [record('k', null)])
  await log.compact('t', 0)
  await log.compact('t', 0)
  expect(texts(await readAll(log, 't', 0))).toEqual([null])
  await log.close()
  const later = await openLog({ tombstoneDelayMs: 0 })
  await later.compact('t', 0)
  expect(await readAll(later, 't', 0)).toEqual([])
  await later.close()
  expect(await (await openLog()).ends('t')).toEqual([{ start: 0, end: 2 }])
})

test('a trim frees room in the file, and records still cached cannot be read', async () => {
  const log = await filled('log', 200)
  const size = (await stat(join(dir, 'data.mdb'))).size
  await log.trim('t', 0, 200)
  await expect(log.read('t', 0, 199)).rejects.toMatchObject({ code: 'log-position-out-of-range' })
  for (let n = 0; n < 150; n++) await log.append('t', 0, [{ key: 'k', value: Buffer.alloc(9_000) }])
  expect((await stat(join(dir, 'data.mdb'))).size).toBeLessThan(size * 1.2)
})
