// hb log trim on a real node's log: nothing goes that is not held twice, and what starts afterwards
// has all that it had.

import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { keepGenesis } from '../../src/cli/start-network.ts'
import { openEmbeddedLog } from '../../src/log/embedded/index.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { passing } from '../../src/log/passing/index.ts'
import type { Batch, Log } from '../../src/log/port.ts'
import type { LocalNode } from '../../src/node/index.ts'
import { startNode } from '../../src/node/index.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import { manifestRoot } from '../../src/protocol/manifest.ts'
import { topicNames } from '../../src/protocol/topics.ts'
import { systemClock } from '../../src/std/clock.ts'
import { signer } from '../archive/planted-log.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { RecordedNode } from '../replay/recorded-node.ts'
import { archiveAll } from './archived.ts'
import { copyTopics } from './copied-topics.ts'
import { hb } from './terminal-double.ts'

const TOPICS = topicNames('hb')
const SIGNER = signer()
let live: RecordedNode
let folder: string
let dir: string
/** Of the first message that was sent, to be sent again. */
let item: Buffer
const served = new Map<string, unknown>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-trim-'))
  dir = join(folder, 'archive')
  live = await RecordedNode.start()
  await keepGenesis(live.directory, live.network)
  item = signedItem(live.network, ed25519Key(), { target: live.id('a'), data: 'once' })
  await live.node.api.submit([item])
  for (let n = 0; n < 12; n++) {
    await live.send('a', { tell: [live.id('b'), JSON.stringify({ push: n })] })
    await live.send('b', { tell: [live.id('c'), JSON.stringify({ push: n })] })
  }
  await live.quiet()
  await archiveAll(live.network, live.node.log, dir, SIGNER)
  for (const name of ['a', 'b', 'c']) served.set(name, await live.node.api.state(live.id(name)))
})

afterAll(async () => {
  await live.close()
  await rm(folder, { recursive: true })
})

const trim = (interval: number, ...more: string[]): ReturnType<typeof hb> =>
  hb(['log', 'trim', '--before-interval', String(interval), '--data', live.directory, ...more])
const from = (archive = dir): string[] => ['--from', `file:${archive}`]

async function withLog<T>(use: (log: Log) => Promise<T>): Promise<T> {
  const log = await openEmbeddedLog({ dir: join(live.directory, 'log') })
  try {
    return await use(log)
  } finally {
    await log.close()
  }
}

const starts = (): Promise<number[]> =>
  withLog(async (log) => (await log.ends(TOPICS.log)).map(({ start }) => start))

async function startAgain(): Promise<LocalNode> {
  const { network, directory } = live
  live.node = await startNode({ network, directory, evaluatorWorkers: 0, verifierThreads: 0 })
  return live.node
}

test('beside a node it is verified and shown; to delete, the node must not run', async () => {
  const shown = await trim(2, ...from(), '--json')
  expect(shown.code).toBe(0)
  const said = JSON.parse(shown.out.join('')) as { deleted: boolean; partitions: unknown[] }
  expect(said.deleted).toBe(false)
  expect(said.partitions).toMatchObject([
    { partition: 0, from: 15, processes: 2 },
    { partition: 1, from: 15, processes: 1 },
  ])
  const refused = await trim(2, ...from(), '--execute')
  expect([refused.code, refused.err.join(' ')]).toEqual([1, expect.stringContaining('node-running')])
  await live.stop()
  expect(await starts()).toEqual([0, 0])
})

test('what is held only once is refused by name, and nothing goes', async () => {
  const codeOf = async (interval: number, archive = dir): Promise<string> => {
    const { code, err } = await trim(interval, ...from(archive), '--execute')
    expect(code).toBe(1)
    return /([a-z]+(-[a-z]+)+):/.exec(err.join(' '))?.[1] ?? err.join(' ')
  }
  const short = join(folder, 'short')
  await cp(dir, short, { recursive: true })
  const segments = join(short, live.network.id, '0', '1')
  for (const name of (await readdir(segments)).sort().slice(1)) await rm(join(segments, name))
  expect(await codeOf(2, short)).toBe('trim-archive-behind')
  const other = await RecordedNode.start()
  for (let n = 0; n < 17; n++) await other.send('a', { set: ['other', n] })
  for (let n = 0; n < 17; n++) await other.send('b', { set: ['other', n] })
  await archiveAll(other.network, other.node.log, join(folder, 'other'), SIGNER)
  await other.close()
  expect(await codeOf(2, join(folder, 'other'))).toBe('trim-archive-differs')
  // what has not got so far is left as it is
  const beyond = await trim(1_000, ...from(), '--execute', '--json')
  expect(beyond.code).toBe(0)
  expect(JSON.parse(beyond.out.join(''))).toMatchObject({ partitions: [{ records: 0 }, { records: 0 }] })
  expect(await starts()).toEqual([0, 0])
})

test('a recorded state that is not what the log gives is found', async () => {
  const records = new Records()
  const write = (change: (hash: Uint8Array) => Uint8Array): Promise<void> =>
    withLog(async (log) => {
      const read = await log.read(TOPICS.snapshots, 0, 0, { bytesMax: 1e9 })
      const found = read.records.find(({ key }) => key?.startsWith('manifest/0/15/'))
      const part = records.manifest.decode(Buffer.from(found?.value ?? []))
      const processes = part.processes.map((row) => ({ ...row, stateHash: change(row.stateHash) }))
      const root = manifestRoot(part, processes, part.modules ?? [])
      const value = records.manifest.encode({ ...part, processes, root })
      await log.append(TOPICS.snapshots, 0, [{ key: found?.key ?? null, value }])
    })
  await write((hash) => Buffer.from(hash).map((byte) => byte ^ 255))
  const { code, err } = await trim(2, ...from(), '--execute')
  expect([code, err.join(' ')]).toEqual([1, expect.stringContaining('trim-snapshot-differs')])
  await write((hash) => hash)
  expect(await starts()).toEqual([0, 0])
})

test.each([
  ['hb', 'connect-arweave-sink'],
  ['other', 'connect-other-arweave-sink'],
])('on the brokers of %s: a group that is behind holds it up, and only that', async (id, group) => {
  const log = createMemoryLog()
  const { log: topic } = topicNames(id)
  await withLog((source) => copyTopics(live.network, source, log, id))
  const open = async (): Promise<Log> => ({ ...passing(log), close: async () => undefined })
  const onBrokers = (): ReturnType<typeof hb> => {
    const args = ['log', 'trim', '--before-interval', '2', ...from(), '--execute']
    const brokers = ['--bootstrap-server', 'host:9092', '--application-id', id]
    return hb([...args, ...brokers], {}, undefined, open)
  }
  await consume(log, { group, topic, most: 3 })
  const behind = await onBrokers()
  expect([behind.code, behind.err.join(' ')]).toEqual([
    1,
    expect.stringMatching(new RegExp(`trim-reader-behind.*${group} is at offset 3`)),
  ])
  await consume(log, { group, topic, most: Infinity })
  expect((await onBrokers()).code).toBe(0)
  const ends = await log.ends(topic)
  for (const [partition, { start }] of ends.entries()) {
    const [first] = (await log.read(topic, partition, start)).records
    expect(first?.headers?.['hb-height']).toBe('15')
  }
  await log.close()
})

/** Reads as the sink's group, up to so many records of each partition. */
async function consume(
  log: Log,
  { group, topic, most }: { group: string; topic: string; most: number },
): Promise<void> {
  const done = new Map<number, number>()
  const membership = await log.join({
    group,
    topics: [topic],
    batchRecordsMax: 1,
    inFlight: 1,
    member: {
      assigned: async (_, committed) => ({ [topic]: committed[topic] ?? 'earliest' }),
      revoked: async () => undefined,
      records: async ({ partition, next }: Batch) => {
        if (next > most) throw new Error('no further')
        done.set(partition, next)
      },
      halted: () => undefined,
    },
  })
  const ends = await log.ends(topic)
  const isDone = (): boolean =>
    ends.every(({ end }, partition) => (done.get(partition) ?? 0) >= Math.min(end, most))
  while (!isDone()) await systemClock.sleep(5)
  await membership.leave()
}

test('deleted: nodes with and without what they had go on, and nothing is ordered twice', async () => {
  const { code, out } = await trim(2, ...from(), '--execute')
  expect([code, out.join(' ')]).toEqual([0, expect.stringContaining('hb rebuild --from')])
  expect((await starts()).every((start) => start >= 15)).toBe(true)
  expect((await trim(2, ...from(), '--execute')).code).toBe(0)

  const sent = async (): Promise<void> => {
    for (const [name, state] of served) {
      expect(await live.node.api.state(live.id(name))).toEqual(state)
    }
  }
  const node = await startAgain()
  await live.quiet()
  await sent()
  await expect(firstOf(node, 3)).rejects.toMatchObject({ code: 'height-trimmed' })
  expect(await firstOf(node, 15)).toMatchObject({ height: 15 })
  await live.stop()

  // without states: from the recorded ones
  await rm(join(live.directory, 'states'), { recursive: true })
  await startAgain()
  await live.quiet()
  await sent()
  await live.stop()

  // a warm index is not dropped where it could not be filled again
  const place = ['--partition', '0', '--data', live.directory]
  const refused = await hb(['rebuild', ...place])
  expect([refused.code, refused.err.join(' ')]).toEqual([1, expect.stringContaining('--from')])
  await startAgain()
  await live.quiet()
  await sent()
  await live.stop()

  // without the index of ids it must not order anything
  await rm(join(live.directory, 'index'), { recursive: true })
  const halted = await startAgain()
  while (!halted.api.health().partitions.every((each) => each.halted !== undefined)) {
    await systemClock.sleep(10)
  }
  const why = halted.api.health().partitions[0]?.halted
  expect([why?.code, why?.text]).toEqual([
    'log-diverged',
    expect.stringContaining('hb rebuild --from'),
  ])
  await live.stop()
  for (const partition of ['0', '1']) {
    const of = ['--partition', partition, '--data', live.directory]
    const rebuilt = await hb(['rebuild', ...of, ...from()])
    expect(rebuilt.code).toBe(0)
  }
  const whole = await startAgain()
  await live.quiet()
  await sent()
  const [again] = await whole.api.submit([item])
  expect(again).not.toHaveProperty('error')
  await live.send('a', { set: ['after', true] })
  const { log } = whole
  const { records } = await log.read(TOPICS.log, 0, (await log.ends(TOPICS.log))[0]!.start)
  const holding = records.filter(({ value }) => Buffer.from(value ?? []).includes(item))
  expect(holding).toEqual([])
  await live.stop()
})

test('a second trim begins at what the first one left', async () => {
  for (let n = 0; n < 2; n++) {
    await startAgain()
    for (let m = 0; m < 5; m++) await live.send('b', { tell: [live.id('c'), '{}'] })
    await live.quiet()
    await archiveAll(live.network, live.node.log, dir, SIGNER)
    await live.stop()
  }
  const { code, out } = await trim(3, ...from(), '--execute', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(out.join(''))).toMatchObject({ partitions: [{ from: 23 }, { from: 23 }] })
})

async function firstOf(node: LocalNode, height: number): Promise<unknown> {
  const stop = new AbortController()
  try {
    for await (const entry of node.api.tail(0, height, stop.signal)) return entry
    return undefined
  } finally {
    stop.abort()
  }
}
