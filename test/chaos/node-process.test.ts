// A node as an OS process: started, frozen, stopped, killed, started again; and gone when whoever
// started it is gone.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { devGenesis } from '../../src/cli/dev-genesis.ts'
import { openNetwork } from '../../src/protocol/genesis.ts'
import { startWatchdog } from '../support/watchdog.ts'
import type { Watchdog } from '../support/watchdog.ts'
import { NodeProcess } from './node-process.ts'

const LONELY = fileURLToPath(new URL('./lonely-harness.ts', import.meta.url))
let dir: string
let watchdog: Watchdog
let node: NodeProcess

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hb-node-process-'))
  watchdog = startWatchdog(join(dir, 'data'))
  const { id } = openNetwork(await devGenesis({ partitions: 1, mint: {}, operators: [] }))
  node = new NodeProcess({
    name: 'one',
    network: id,
    args: ['--partitions', '1'],
    dataDir: join(dir, 'data'),
    logFile: join(dir, 'one.log'),
    watchdog,
  })
})

afterAll(async () => {
  await watchdog.close()
  await rm(dir, { recursive: true, force: true })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function untilGone(pid: number): Promise<void> {
  const deadline = performance.now() + 10_000
  while (isAlive(pid)) {
    if (performance.now() > deadline) throw new Error(`${pid} is still there`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('serves, is frozen and thawed, stops in good order, and starts again on its data', async () => {
  await node.start()
  const first = node.pid as number
  expect((await node.client?.health())?.ready).toBe(true)
  node.freeze()
  expect(node.client).toBeUndefined()
  expect(node.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  node.thaw()
  expect((await node.client?.health())?.ready).toBe(true)
  await node.stop()
  expect(isAlive(first)).toBe(false)
  expect(node.client).toBeUndefined()
  await node.start()
  expect(node.pid).not.toBe(first)
  await node.kill()
  await node.clear()
  await node.start()
  expect((await node.client?.health())?.ready).toBe(true)
  expect(node.problems).toEqual([])
  expect(await node.halts()).toEqual([])
  await node.kill()
})

test('an end that nobody asked for is told', async () => {
  await node.start()
  process.kill(node.pid as number, 'SIGKILL')
  while (node.pid !== undefined) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(node.problems).toEqual(['one ended by itself: SIGKILL'])
})

test('one that cannot start says so', async () => {
  const bad = new NodeProcess({
    name: 'bad',
    network: 'none',
    args: ['--no-such-option'],
    dataDir: join(dir, 'bad'),
    logFile: join(dir, 'bad.log'),
    watchdog,
  })
  await expect(bad.start()).rejects.toThrow('ended while it started')
})

test('no node outlives a harness that is killed with -9, not even a frozen one', async () => {
  const harness = spawn(process.execPath, [LONELY, join(dir, 'lonely')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = await new Promise<number>((resolve, reject) => {
    harness.stdout.on('data', (chunk: Buffer) => resolve(Number(chunk.toString())))
    harness.once('exit', () => reject(new Error('the harness ended')))
  })
  expect(isAlive(pid)).toBe(true)
  harness.kill('SIGKILL')
  await untilGone(pid)
})
