// What the memory and the embedded log share beyond the port: fencing by time, fairness, halts,
// group commit.

import { expect, test } from '@jest/globals'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { openEmbeddedLog } from '../../src/log/embedded/index.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { record } from './conformance-partitions.ts'
import { recordingMember, until } from './recording-member.ts'

const SPEC = { name: 't', partitions: 1, cleanup: 'log' } as const

test('a member that hangs is fenced after the drain time, its late work uncommitted', async () => {
  const log = createMemoryLog({ drainTimeoutMs: 40 })
  await log.provision([SPEC])
  await log.append('t', 0, [record('k', 'v')])
  let release: (() => void) | undefined
  const hanging = recordingMember({
    onRecords: () => new Promise<void>((resolve) => (release = resolve)),
    onRevoked: () => new Promise<void>(() => undefined),
  })
  const first = await log.join({ group: 'g', topics: ['t'], member: hanging })
  await until('the delivery', () => release !== undefined)
  const member = recordingMember({ onRecords: () => new Promise<void>(() => undefined) })
  const second = await log.join({ group: 'g', topics: ['t'], member })
  await first.leave()
  expect(await first.owns(0)).toBe(false)
  await until('the other member', () => member.seen(0).length === 1)
  expect(await second.owns(0)).toBe(true)
  release?.()
  await new Promise((resolve) => setImmediate(resolve))
  expect(await log.committed('g', 't')).toEqual([undefined])
  await log.close()
})

test('what a member has not given up yet comes back to it only when it has', async () => {
  const log = createMemoryLog({ drainTimeoutMs: 40 })
  await log.provision([{ ...SPEC, partitions: 2 }])
  const order: string[] = []
  let release: (() => void) | undefined
  const slow = recordingMember({
    onAssigned: async (partition) => void order.push(`assigned ${partition}`),
    onRevoked: async (partition) => {
      if (release !== undefined) return
      await new Promise<void>((resolve) => (release = resolve))
      order.push(`revoked ${partition}`)
    },
  })
  const join = { group: 'g', topics: ['t'] }
  const first = await log.join({ ...join, member: slow })
  await until('both', () => order.length === 2)
  const other = recordingMember()
  const second = await log.join({ ...join, member: other })
  await until('one to move, and its drain time to end', () => other.held().length === 1)
  const [moved] = other.held()
  await second.leave()
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(order.length).toBe(2)
  release?.()
  await until('it to come back', () => order.length === 4)
  expect(order.slice(2)).toEqual([`revoked ${moved}`, `assigned ${moved}`])
  await first.leave()
  await log.close()
})

test('a long replay lets timers and sockets have their turn', async () => {
  const log = createMemoryLog()
  await log.provision([SPEC])
  for (let n = 0; n < 2_000; n++) await log.append('t', 0, [record('k', `${n}`)])
  let turns = 0
  let isDone = false
  const turn = (): void => {
    turns++
    if (!isDone) setImmediate(turn)
  }
  const member = recordingMember()
  const join = { group: 'g', topics: ['t'], member, batchRecordsMax: 1 }
  const membership = await log.join(join)
  setImmediate(turn)
  await until('the replay', () => member.seen(0).length === 2_000)
  isDone = true
  expect(turns).toBeGreaterThan(100)
  await membership.leave()
  await log.close()
})

test('a trim past a member that is behind halts it with a code', async () => {
  const log = createMemoryLog()
  await log.provision([SPEC])
  for (let n = 0; n < 10; n++) await log.append('t', 0, [record('k', `${n}`)])
  const release: (() => void)[] = []
  const member = recordingMember({
    onRecords: () => new Promise<void>((resolve) => void release.push(resolve)),
  })
  const join = { group: 'g', topics: ['t'], member, batchRecordsMax: 1, inFlight: 1 }
  const membership = await log.join(join)
  await until('the first', () => release.length === 1)
  await log.trim('t', 0, 5)
  release[0]?.()
  await until('the halt', () => member.calls.some(({ call }) => call === 'halted'))
  expect(member.calls.at(-1)).toMatchObject({ error: { code: 'log-position-out-of-range' } })
  await membership.leave()
  await log.close()
})

test('limits: topics, partitions, records and bytes of a batch, bytes that wait', async () => {
  const log = createMemoryLog({
    topicsMax: 1,
    partitionsMax: 2,
    batchRecordsMax: 2,
    batchBytesMax: 100,
  })
  const code = 'log-limit-exceeded'
  await expect(log.provision([{ ...SPEC, partitions: 3 }])).rejects.toMatchObject({ code })
  await expect(log.provision([SPEC, { ...SPEC, name: 'u' }])).rejects.toMatchObject({ code })
  await expect(log.provision([{ ...SPEC, name: 'a/b' }])).rejects.toMatchObject({
    code: 'log-name-invalid',
  })
  await log.provision([SPEC])
  const large = { code: 'log-batch-too-large' }
  const three = [1, 2, 3].map(() => record('k', 'v'))
  await expect(log.append('t', 0, three)).rejects.toMatchObject(large)
  const wide = [1, 2].map(() => record('k', 'v'.repeat(60)))
  await expect(log.append('t', 0, wide)).rejects.toMatchObject(large)
  expect(await log.ends('t')).toEqual([{ start: 0, end: 0 }])
  await log.close()
})

test('embedded: appends of one turn share a transaction; too much waiting is refused', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hb-log-'))
  const transactions = async (): Promise<number> => {
    const root = open({ path: dir })
    const { lastTxnId } = root.getStats() as { lastTxnId: number }
    await root.close()
    return lastTxnId
  }
  let log = await openEmbeddedLog({ dir })
  await log.provision([{ ...SPEC, partitions: 50 }])
  await log.close()
  const before = await transactions()
  log = await openEmbeddedLog({ dir, pendingBytesMax: 1_000 })
  const all = Array.from({ length: 50 }, (_, p) => log.append('t', p, [record('k', 'v')]))
  const tooMuch = log.append('t', 0, [record('k', 'v'.repeat(2_000))])
  await expect(tooMuch).rejects.toMatchObject({ code: 'log-append-refused' })
  expect(await Promise.all(all)).toEqual(new Array<number>(50).fill(0))
  await log.close()
  // One for the opening, one for the appends.
  expect((await transactions()) - before).toBeLessThanOrEqual(3)
  await rm(dir, { recursive: true })
})
