// A network whose archive lacks the end of one partition: it goes on in a new generation, from a cut
// in which nothing is left of what the lost entries sent, and nothing of the old tail gets in.

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { CutPartition } from '../../src/archive/index.ts'
import { genesisIn } from '../../src/cli/dev-genesis.ts'
import { openEmbeddedLog } from '../../src/log/embedded/index.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { passing } from '../../src/log/passing/index.ts'
import type { Log, StoredRecord } from '../../src/log/port.ts'
import type { LocalNode } from '../../src/node/index.ts'
import { startNode } from '../../src/node/index.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { signer } from '../archive/planted-log.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { RecordedNode } from '../replay/recorded-node.ts'
import { archiveAll } from './archived.ts'
import { hb } from './terminal-double.ts'

const TOPIC = topicNames('hb').log
const SIGNER = signer()
const KEY = ed25519Key()
let old: RecordedNode
let folder: string
let dir: string
let data: string
/** All that the old network had in its log. */
let before: StoredRecord[][]
let cut: CutPartition[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-generation-'))
  dir = join(folder, 'archive')
  data = join(folder, 'restored')
  old = await RecordedNode.start()
  // a and c are in partition 0, b in partition 1
  for (let n = 0; n < 12; n++) {
    await old.send('a', { tell: [old.id('b'), JSON.stringify({ push: n })] })
    await old.send('b', { tell: [old.id('c'), JSON.stringify({ push: n })] })
  }
  await old.quiet()
  before = []
  for (const partition of [0, 1]) {
    before.push([...(await old.node.log.read(TOPIC, partition, 0, { bytesMax: 1e9 })).records])
  }
  await archiveAll(old.network, old.node.log, dir, SIGNER)
  await old.stop()
  const lost = join(dir, old.network.id, '0', '0')
  const names = (await readdir(lost)).sort()
  for (const name of names.slice(-2)) await rm(join(lost, name))
})

afterAll(async () => {
  await old.close()
  await rm(folder, { recursive: true })
})

const restore = (to: string, ...more: string[]): ReturnType<typeof hb> => {
  const args = ['--from', `file:${dir}`, '--network', old.network.id, '--to', `embedded:${to}`]
  return hb(['restore', ...args, ...more])
}
const json = (lines: readonly string[]): Record<string, unknown> =>
  JSON.parse(lines.join('\n')) as Record<string, unknown>

async function send(node: LocalNode, network: Network, input: object, generation?: number) {
  const tags = [
    { name: 'Content-Type', value: 'application/json' },
    { name: 'Action', value: 'Edit' },
    ...(generation === undefined ? [] : [{ name: 'HB-Generation', value: String(generation) }]),
  ]
  const target = network.processIds.get('a') as string
  const item = signedItem(network, KEY, { target, tags, data: JSON.stringify(input) })
  const [submitted] = await node.api.submit([item])
  if (submitted === undefined || 'error' in submitted) return submitted?.error.code
  return (await node.api.waitFor(submitted.id, 'result', 20_000)).stage
}

test('what would lose messages silently is refused, and says what to do', async () => {
  const { code, err } = await restore(join(folder, 'plain'))
  expect(code).toBe(1)
  expect(err.join(' ')).toMatch(/restore-inconsistent.*partition 1: \d+ entries.*--new-generation/)
  expect(await genesisIn(join(folder, 'plain'))).toBeUndefined()
})

test('it is cut back to where nothing is left of what was lost; again is the same', async () => {
  const first = await restore(data, '--new-generation', '--json')
  expect([first.code, first.err]).toEqual([0, []])
  const said = json(first.out)
  expect(said).toMatchObject({ network: old.network.id, generation: 1 })
  cut = said['cut'] as CutPartition[]
  expect(cut[0]?.dropped).toBe(0)
  expect(cut[1]?.dropped).toBeGreaterThan(3)
  const again = await restore(data, '--new-generation')
  expect(again.code).toBe(0)
  const text = again.out.join('\n')
  expect(text).toContain(`partition 1 goes on behind height ${cut[1]!.height}`)
  expect(text).toContain(`${cut[1]!.dropped} entries are dropped`)
  expect(text).toContain('HB-Generation: 1')
})

test('the old tail is no part of it, even where it is appended to its log', async () => {
  const network = (await genesisIn(data)) as Network
  expect([network.id, network.genesis.generation]).toEqual([old.network.id, 1])
  const log = await openEmbeddedLog({ dir: join(data, 'log') })
  for (const { partition, height } of cut) {
    const tail = before[partition]!.filter(({ headers }) => Number(headers?.['hb-height']) > height)
    expect(tail.length).toBeGreaterThan(0)
    await log.append(TOPIC, partition, tail.map(({ key, value }) => ({ key, value })))
  }
  await log.close()
  const node = await startNode({ network, directory: data, evaluatorWorkers: 0, verifierThreads: 0 })
  try {
    expect(await send(node, network, { set: ['x', 1] }, 1)).toBe('evaluated')
    expect(await send(node, network, { set: ['x', 2] })).toBe('generation-mismatch')
    expect(await send(node, network, { set: ['x', 2] }, 0)).toBe('generation-mismatch')
    const heights = node.api.health().partitions.map(({ height }) => height)
    // the generation's own entry, what was relayed again, and what was sent now
    expect(heights[0]).toBeGreaterThanOrEqual(cut[0]!.height + 2)
    expect((await node.api.state(network.processIds.get('a') as string))?.text).toContain('"x":1')
    await archiveAll(network, node.log, dir, SIGNER, 7)
  } finally {
    await node.close()
  }
})

test('the messages of what was kept arrive again, each once', async () => {
  const records = new Records()
  const network = (await genesisIn(data)) as Network
  const options = { network, directory: data, evaluatorWorkers: 0, verifierThreads: 0 }
  old.node = await startNode(options)
  await old.quiet()
  const signed = (name: string, partition: number): number => {
    const kept = before[partition]!.filter(({ key, value, headers }) => {
      const isKept = Number(headers?.['hb-height']) <= cut[partition]!.height
      if (key !== old.id(name) || !isKept) return false
      return records.decodeEntry(Buffer.from(value!)).message.type === 'signed'
    })
    return kept.length
  }
  const counted = async (name: string): Promise<number> => {
    const state = await old.node.api.state(old.id(name))
    return (JSON.parse(state?.text ?? '{}') as { count: number }).count
  }
  const [toA, toB] = [signed('a', 0), signed('b', 1)]
  // each has its spawn; a told b, and b told c
  expect([toA > 3, toB > 1]).toEqual([true, true])
  expect(await counted('b')).toBe(1 + toB + toA)
  expect(await counted('c')).toBe(1 + toB)
  await old.stop()
})

test('topics that still hold what the old tail sent are refused', async () => {
  const log = createMemoryLog()
  const names = topicNames('hb')
  await log.provision(topicSpecs(names, 2))
  await log.append(names.ingress, 1, [{ key: 'x', value: Buffer.from('old') }])
  const open = async (): Promise<Log> => ({ ...passing(log), close: async () => undefined })
  const from = ['--from', `file:${dir}`, '--network', old.network.id]
  const args = ['restore', ...from, '--to', 'host:9092', '--new-generation']
  const { code, err } = await hb(args, {}, undefined, open)
  expect([code, err.join(' ')]).toEqual([1, expect.stringContaining('restore-target-used')])
  expect((await log.ends(names.log)).map(({ end }) => end)).toEqual([0, 0])
  const both = await restore(join(folder, 'x'), '--new-generation', '--to-height', '5')
  expect([both.code, both.err.join(' ')]).toEqual([2, expect.stringContaining('--to-height')])
  await log.close()
})

test('a later generation is archived, verified and restored with what was before it', async () => {
  const from = ['--from', `file:${dir}`]
  const verified = await hb(['archive', 'verify', ...from])
  expect([verified.code, verified.out.join('\n')]).toEqual([0, expect.not.stringContaining('archive-')])
  const listed = await hb(['archive', 'ls', ...from, '--json'])
  const segments = json(listed.out)['segments'] as { generation: number }[]
  expect(new Set(segments.map(({ generation }) => generation))).toEqual(new Set([0, 1]))
  const to = join(folder, 'later')
  const restored = await restore(to)
  expect(restored.code).toBe(0)
  const network = (await genesisIn(to)) as Network
  expect(network.genesis.generation).toBe(1)
  const node = await startNode({ network, directory: to, evaluatorWorkers: 0, verifierThreads: 0 })
  expect(await send(node, network, { set: ['y', 1] }, 1)).toBe('evaluated')
  expect((await node.api.state(network.processIds.get('a') as string))?.text).toContain('"x":1')
  await node.close()
})
