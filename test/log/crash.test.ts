// An OS process that appends is killed with -9 at random moments: what it was told is written, is
// there.

import { expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openEmbeddedLog } from '../../src/log/embedded/index.ts'
import { readAll } from './conformance-partitions.ts'
import { CRASH_PARTITIONS, crashRecord } from './crash-record.ts'
import { sleep } from './recording-member.ts'

const ROUNDS = 6
const WRITER = fileURLToPath(new URL('crash-writer.ts', import.meta.url))

/**
 * Runs the writer for a while, kills it, and returns the highest end acknowledged per partition.
 */
async function runAndKill(dir: string, afterMs: number): Promise<number[]> {
  const child = spawn(process.execPath, [WRITER, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  let started: (() => void) | undefined
  const first = new Promise<void>((resolve) => (started = resolve))
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString()
    started?.()
  })
  const closed = new Promise<string | null>((resolve) =>
    child.on('close', (_code, signal) => {
      started?.()
      resolve(signal)
    }),
  )
  await first
  await sleep(afterMs)
  child.kill('SIGKILL')
  expect(await closed).toBe('SIGKILL')
  const acknowledged = new Array<number>(CRASH_PARTITIONS).fill(0)
  for (const line of output.slice(0, output.lastIndexOf('\n')).split('\n')) {
    const [partition, end] = line.split(' ').map(Number) as [number, number]
    acknowledged[partition] = Math.max(acknowledged[partition] ?? 0, end)
  }
  return acknowledged
}

test('every acknowledged record survives kill -9, contiguous and with its bytes', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hb-crash-'))
  let total = 0
  for (let round = 0; round < ROUNDS; round++) {
    const acknowledged = await runAndKill(dir, Math.floor(Math.random() * 250))
    const log = await openEmbeddedLog({ dir })
    const ends = await log.ends('crash')
    const committed = await log.committed('crash', 'crash')
    for (let partition = 0; partition < CRASH_PARTITIONS; partition++) {
      const { start, end } = ends[partition]!
      expect(start).toBe(0)
      expect(end).toBeGreaterThanOrEqual(acknowledged[partition]!)
      expect(committed[partition] ?? 0).toBeLessThanOrEqual(end)
      const records = await readAll(log, 'crash', partition)
      expect(records.length).toBe(end)
      records.forEach(({ key, value, headers, offset }, index) => {
        const expected = crashRecord(partition, index)
        const isSame =
          offset === index &&
          key === expected.key &&
          headers?.['at'] === String(index) &&
          Buffer.compare(value!, expected.value!) === 0
        if (!isSame) throw new Error(`partition ${partition}: offset ${index} differs`)
      })
    }
    total = ends.reduce((sum, { end }) => sum + end, 0)
    await log.close()
  }
  expect(total).toBeGreaterThan(100)
  await rm(dir, { recursive: true })
})
