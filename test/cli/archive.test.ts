// A whole network archived, its log and its states gone, and brought back by the commands: every
// state has the same hash, and the network goes on from there.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startNode } from '../../src/node/index.ts'
import { topicNames } from '../../src/protocol/topics.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { passing } from '../../src/log/passing/index.ts'
import { signer } from '../archive/planted-log.ts'
import { RecordedNode } from '../replay/recorded-node.ts'
import { archiveAll } from './archived.ts'
import { hb } from './terminal-double.ts'

const SIGNER = signer()
let live: RecordedNode
let folder: string
let dir: string
/** By name: slot, hash and text, as they were served. */
const served = new Map<string, unknown>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-archive-'))
  dir = join(folder, 'archive')
  live = await RecordedNode.start()
  for (let n = 0; n < 12; n++) {
    await live.send('a', { set: [`k${n % 3}`, n] })
    await live.send('b', { tell: [live.id(n % 2 === 0 ? 'a' : 'c'), JSON.stringify({ push: n })] })
  }
  await live.send('c', { fail: 'on purpose' })
  await live.quiet()
  await archiveAll(live.network, live.node.log, dir, SIGNER)
  for (const name of ['a', 'b', 'c']) served.set(name, await live.node.api.state(live.id(name)))
  await live.stop()
})

afterAll(async () => {
  await live.close()
  await rm(folder, { recursive: true })
})

const from = (): string[] => ['--from', `file:${dir}`]
/** Without what says how far it is, where that takes longer. */
const said = (lines: readonly string[]): string[] => lines.filter((line) => !line.includes(' of '))
const json = (lines: readonly string[]): Record<string, unknown> =>
  JSON.parse(lines.join('\n')) as Record<string, unknown>

test('restored into an empty directory, all states are the same, and the network goes on', async () => {
  const data = join(folder, 'restored')
  const args = ['--network', live.network.id, '--to', `embedded:${data}`, '--signatures']
  const restored = await hb(['restore', ...from(), ...args, '--json'])
  expect([restored.code, said(restored.err)]).toEqual([0, []])
  const partitions = json(restored.out)['partitions'] as { height: number }[]
  expect(partitions.map(({ height }) => height > 10)).toEqual([true, true])
  const again = await hb(['restore', ...from(), ...args])
  expect([again.code, said(again.err)]).toEqual([0, []])

  const options = { network: live.network, directory: data, evaluatorWorkers: 0, verifierThreads: 0 }
  live.node = await startNode(options)
  await live.quiet()
  for (const [name, before] of served) {
    expect(await live.node.api.state(live.id(name))).toEqual(before)
  }
  await live.send('a', { set: ['after', true] })
  await live.quiet()
  expect((await live.node.api.state(live.id('a')))?.text).toContain('"after":true')
  await live.stop()
})

test('ls and verify say what is there; a changed byte is found and named', async () => {
  const listed = await hb(['archive', 'ls', ...from()])
  expect([listed.code, listed.err]).toEqual([0, []])
  expect(listed.out[0]).toBe(`network ${live.network.id}`)
  expect(listed.out.length).toBeGreaterThan(6)
  const network = ['--network', live.network.id]
  const verified = await hb(['archive', 'verify', ...from(), ...network, '--signatures', '--json'])
  expect([verified.code, json(verified.out)['ok']]).toEqual([0, true])

  const segments = join(dir, live.network.id, '0', '1')
  const [, name] = await readdir(segments)
  const path = join(segments, name as string)
  const bytes = await readFile(path)
  const changed = Buffer.from(bytes)
  changed[bytes.length - 9] = changed[bytes.length - 9]! ^ 1
  await writeFile(path, changed)
  const broken = await hb(['archive', 'verify', ...from()])
  expect(broken.code).toBe(1)
  expect(broken.out.join('\n')).toContain('archive-item-altered')
  expect(broken.out.join('\n')).toContain(path)
  await writeFile(path, bytes)
})

test('restored into topics of an application id, and only as far as is asked for', async () => {
  const log = createMemoryLog()
  const args = ['--network', live.network.id, '--to', 'somewhere:9092', '--to-height', '9']
  const open = async (): Promise<ReturnType<typeof passing>> => ({
    ...passing(log),
    close: async () => undefined,
  })
  const application = ['--application-id', 'again', '--json']
  const { code, out, err } = await hb(
    ['restore', ...from(), ...args, ...application],
    {},
    undefined,
    open,
  )
  expect([code, err]).toEqual([0, []])
  const partitions = json(out)['partitions'] as { height: number }[]
  expect(partitions.map(({ height }) => height)).toEqual([9, 9])
  expect((await log.ends(topicNames('again').log)).map(({ end }) => end)).toEqual([10, 10])
  await log.close()
})

test('bad input says what to do', async () => {
  const code = async (...args: string[]): Promise<[number, string]> => {
    const { code: exit, err } = await hb(args)
    return [exit, err.join(' ')]
  }
  const to = ['--to', 'embedded:x', '--network', live.network.id]
  expect(await code('restore', '--from', 's3://a', ...to)).toEqual([
    2,
    expect.stringContaining('file:PATH'),
  ])
  expect(await code('restore', '--from', `file:${folder}/none`, ...to)).toEqual([
    1,
    expect.stringContaining('archive-absent'),
  ])
  for (const place of [`file:${dir}`, 'arweave:ftp://somewhere']) {
    expect(await code('archive', 'cost', '--from', place)).toEqual([2, expect.any(String)])
  }
  expect(await code('archive', 'ls', ...from(), '--owner', 'me')).toEqual([
    2,
    expect.stringContaining('--owner me'),
  ])
  const strange = ['--network', SIGNER.address, '--to', `embedded:${folder}/x`]
  expect((await code('restore', ...from(), ...strange))[1]).toContain('archive-absent')
})
