// `hb connect start` is killed with -9 while its REST says that it runs, again and again: it goes on
// where the archive ends, and every entry is there once.

import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openFileArchive } from '../../../src/archive/file/index.ts'
import { verifyPartition } from '../../../src/archive/follow.ts'
import { HEIGHTS_MAX, NETWORK, sinkFile, stateOf, until, writeData } from './sink-data.ts'

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
const ENTRIES = 800
const KILLS = 6
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hb-connect-crash-'))
  await writeData(dir, ENTRIES)
})
afterAll(() => rm(dir, { recursive: true }))

async function verified(archive: string): Promise<number[]> {
  const read = { archive: openFileArchive({ dir: archive }), network: NETWORK }
  return Promise.all([0, 1].map(async (each) => (await verifyPartition(read, each)).height))
}

/** The REST of a program that printed --json, once it has. */
async function restOf(child: ChildProcess): Promise<string> {
  let text = ''
  child.stdout?.on('data', (bytes: Buffer) => (text += bytes.toString()))
  await until(() => text.includes('\n') || child.exitCode !== null, 'the first line')
  return (JSON.parse(text.split('\n')[0] ?? '') as { rest: string }).rest
}

test('killed with -9 while it runs, it goes on where the archive ends', async () => {
  const archive = join(dir, 'killed')
  const file = await sinkFile(dir, archive)
  const args = ['connect', 'start', file, '--data', join(dir, 'data'), '--rest-port', '0', '--json']
  args.push('--log-level', 'error')
  const segments = async (): Promise<number> => {
    const names = await readdir(archive, { recursive: true }).catch(() => [])
    return names.filter((name) => /\d+-\d+\.[\w-]{43}$/.test(name)).length
  }
  for (let round = 0; round <= KILLS; round++) {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = new Promise((resolve) => child.on('close', resolve))
    const rest = await restOf(child)
    const had = await segments()
    const last = round === KILLS
    const all = (2 * ENTRIES) / HEIGHTS_MAX
    const wanted = last ? all : Math.min(all, had + 1 + round)
    await until(async () => (await segments()) >= wanted, `${wanted} segments`)
    if (last) await until(async () => (await stateOf(rest)) === 'RUNNING,RUNNING', 'running')
    child.kill(last ? 'SIGTERM' : 'SIGKILL')
    await closed
    if (last) expect(child.exitCode).toBe(0)
  }
  expect(await verified(archive)).toEqual([ENTRIES - 1, ENTRIES - 1])
  expect(await segments()).toBe((2 * ENTRIES) / HEIGHTS_MAX)
})
