// A sink is killed with -9 at random moments, again and again: in the end the archive has every
// entry once, and nothing is committed that it lacks.

import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { listSegments } from '../../../src/archive/catalogue.ts'
import { openFileArchive } from '../../../src/archive/file/index.ts'
import { verifyPartition } from '../../../src/archive/follow.ts'
import { generateWallet, saveWallet } from '../../../src/client/index.ts'
import { openEmbeddedLog } from '../../../src/log/embedded/index.ts'
import { topicNames, topicSpecs } from '../../../src/protocol/topics.ts'
import { plantLog } from '../../archive/planted-log.ts'
import { testNetwork } from '../../protocol/fixtures.ts'

const CHILD = fileURLToPath(new URL('crash-sink.ts', import.meta.url))
const TOPIC = topicNames('hb').log
const ENTRIES = 1_200
const SEGMENTS = ENTRIES / 20
const KILLS = 12
const NETWORK = testNetwork({ partitions: 2 })

/** Runs it until so many more segments are durable and a moment longer; all of them: to its end. */
async function runAndKill(dir: string, segments: number, afterMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  const lines = (): string[] => output.slice(0, output.lastIndexOf('\n') + 1).split('\n').slice(0, -1)
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()))
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString()
      if (lines().length >= segments) resolve()
    })
    child.on('close', () => resolve())
  })
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  child.kill('SIGKILL')
  await closed
  return lines()
}

test('killed with -9 again and again, it leaves no gap, no double, and nothing committed too early', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hb-sink-crash-'))
  await writeFile(join(dir, 'genesis.json'), JSON.stringify(NETWORK.genesis))
  await saveWallet(await generateWallet('ed25519'), join(dir, 'wallet.json'))
  const planted = [0, 1].map((partition) => plantLog(NETWORK, partition, ENTRIES))
  const log = await openEmbeddedLog({ dir: join(dir, 'log') })
  await log.provision(topicSpecs(topicNames('hb'), 2))
  for (const [partition, { records }] of planted.entries()) {
    await log.append(TOPIC, partition, records)
  }
  await log.close()

  const told: string[] = []
  for (let round = 0; round < KILLS && told.length < 2 * SEGMENTS; round++) {
    told.push(...(await runAndKill(dir, 1 + (round % 3), Math.floor(Math.random() * 40))))
    const after = await openEmbeddedLog({ dir: join(dir, 'log') })
    const committed = await after.committed('connect-arweave-sink', TOPIC)
    await after.close()
    const archive = openFileArchive({ dir: join(dir, 'archive') })
    for (const [partition, { records }] of planted.entries()) {
      const { height } = await verifyPartition({ archive, network: NETWORK }, partition)
      const before = records.slice(0, committed[partition] ?? 0)
      const heights = before.map(({ headers }) => Number(headers?.['hb-height'] ?? -1))
      expect(Math.max(-1, ...heights)).toBeLessThanOrEqual(height)
    }
  }
  // the rest in one go
  const archive = openFileArchive({ dir: join(dir, 'archive') })
  const count = async (): Promise<number[]> => {
    const parts = [0, 1].map((partition) => listSegments(archive, { network: NETWORK, partition }))
    return (await Promise.all(parts)).map(({ segments }) => segments.length)
  }
  const left = async (): Promise<number> =>
    2 * SEGMENTS - (await count()).reduce((sum, each) => sum + each, 0)
  // more than once: what was pending is told again, though the archive had it
  for (let more = await left(); more > 0; more = await left()) await runAndKill(dir, more, 0)
  expect(await count()).toEqual([SEGMENTS, SEGMENTS])
  for (const partition of [0, 1]) {
    const { height, segments } = await verifyPartition({ archive, network: NETWORK }, partition)
    expect([height, segments]).toEqual([ENTRIES - 1, SEGMENTS])
  }
  expect(new Set(told).size).toBeGreaterThan(KILLS)
  await rm(dir, { recursive: true })
})
