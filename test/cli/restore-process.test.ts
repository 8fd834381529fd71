// One process out of an archive: the log of its partition and the module that only another one has;
// its states are rebuilt from them, nothing else is read, and no node begins on it.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openFileArchive } from '../../src/archive/index.ts'
import type { Archive } from '../../src/archive/index.ts'
import { restore } from '../../src/archive/restore.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { grindNonce, makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import { childId } from '../../src/protocol/message.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { partitionOf, topicNames } from '../../src/protocol/topics.ts'
import { sha256, toBase64Url } from '../../src/std/bytes.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { signer } from '../archive/planted-log.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { RecordedNode } from '../replay/recorded-node.ts'
import { archiveAll } from './archived.ts'
import { hb } from './terminal-double.ts'

const CHILD = 'exports.handle = (state) => { state.n = (state.n ?? 0) + 1; return {} }'
const FACTORY = `exports.handle = (state, action) => {
  if (action.kind === 'spawn') return {}
  const messages = action.input.map(([salt, data]) => ({ kind: 'spawn', salt, data: JSON.stringify(data) }))
  return { messages }
}`
const KEY = ed25519Key()
const TOPICS = topicNames('hb')
const MODULE = toBase64Url(sha256(Buffer.from(CHILD)))

let live: RecordedNode
let network: Network
let folder: string
let dir: string
let factory: string
/** A child in partition 1, whose source is in partition 0 alone. */
let child: string
let stateHash: string | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-process-'))
  dir = join(folder, 'archive')
  const name = 'factory'
  const nonce = grindNonce('salt', name, 0, 2)
  const processes = [{ name, nonce, engine: 'quickjs' as const, source: FACTORY, state: {} }]
  network = openNetwork(
    makeGenesis({ name: 'one', salt: 'salt', partitions: 2, sandbox: SANDBOX, processes }),
  )
  live = await RecordedNode.start(network)
  factory = live.id(name)
  await submit(spawnIn(0))
  const salts = Array.from({ length: 20 }, (_, n) => `child-${n}`)
  const salt = salts.find((each) => partitionOf(childId(factory, each), 2) === 1) as string
  child = childId(factory, salt)
  await live.send(name, [[salt, { module: MODULE }]])
  await live.quiet()
  for (let n = 0; n < 4; n++) {
    await submit(signedItem(network, KEY, { target: child, data: `${n}` }))
  }
  // far behind what is needed
  for (let n = 0; n < 6; n++) await live.send(name, [], `Make-${n}`)
  await live.quiet()
  stateHash = (await live.node.api.state(child))?.stateHash
  await archiveAll(network, live.node.log, dir, signer(), 3)
  await live.stop()
})

afterAll(async () => {
  await live.close()
  await rm(folder, { recursive: true })
})

async function submit(item: Buffer): Promise<void> {
  const [submitted] = await live.node.api.submit([item])
  if (submitted === undefined || 'error' in submitted) throw new Error('not accepted')
  await live.node.api.waitFor(submitted.id, 'result', 20_000)
}

/** A wallet cannot choose its process's partition: signed until it falls into this one. */
function spawnIn(partition: number): Buffer {
  for (;;) {
    const tags = [
      { name: 'HB-Type', value: 'Process' },
      { name: 'Content-Type', value: 'application/json' },
    ]
    const data = JSON.stringify({ source: CHILD })
    const key = ed25519Key()
    const item = signedItem(network, key, { target: '', tags, data })
    if (partitionOf(signedMessage(network, item).id, 2) === partition) return item
  }
}

/** How many segments of each partition are read. */
function counting(): { archive: Archive; reads: number[] } {
  const source = openFileArchive({ dir })
  const reads = [0, 0]
  const archive: Archive = {
    address: source.address,
    signItem: (fields) => source.signItem(fields),
    prepare: (upload) => source.prepare(upload),
    post: (prepared, durability) => source.post(prepared, durability),
    find: (tags) => source.find(tags),
    async read(id) {
      const kept = await source.read(id)
      const partition = kept.tags.find(({ name }) => name === 'HB-Partition')?.value
      if (partition !== undefined) reads[Number(partition)]! += 1
      return kept
    },
    describe: () => source.describe(),
    close: () => source.close(),
  }
  return { archive, reads }
}

test('of other partitions nothing is read, or as much as a module takes', async () => {
  const own = counting()
  const log = createMemoryLog()
  const process = factory
  const done = await restore({ archive: own.archive, network, log, process })
  expect(done.map(({ partition }) => partition)).toEqual([0])
  expect(own.reads[0]).toBe(3)
  expect(own.reads[1]).toBe(0)
  expect((await log.ends(TOPICS.modules))[0]?.end).toBe(0)
  await log.close()

  const named = counting()
  const second = createMemoryLog()
  await restore({ archive: named.archive, network, log: second, process: child })
  // the spawn that carries it is among the first of its partition
  expect(named.reads[0]).toBeLessThan(own.reads[0]!)
  const modules = (await second.read(TOPICS.modules, 0, 0)).records
  expect(modules.map(({ key }) => key)).toEqual([MODULE])
  expect((await second.ends(TOPICS.log)).map(({ end }) => end > 0)).toEqual([false, true])
  await second.close()
})

test('its states are rebuilt by the commands, and no node starts on it', async () => {
  const data = join(folder, 'one')
  const place = ['--from', `file:${dir}`, '--network', network.id]
  const part = [...place, '--to', `embedded:${data}`, '--process', child]
  for (let n = 0; n < 2; n++) expect((await hb(['restore', ...part])).code).toBe(0)
  const shown = await hb(['state', child, '--at-slot', '4', '--data', data, '--raw'])
  expect([shown.code, shown.out]).toEqual([0, ['{"n":5}']])
  const replayed = await hb(['replay', '--process', child, '--data', data, '--json'])
  expect(replayed.code).toBe(0)
  expect(replayed.out.join('')).toContain(String(stateHash))
  const started = await hb(['start', '--data', data])
  expect([started.code, started.err.join(' ')]).toEqual([1, expect.stringContaining('log-partial')])

  // the rest can be added, and then it is whole
  const whole = [...place, '--to', `embedded:${data}`]
  expect((await hb(['restore', ...whole])).code).toBe(0)
  const again = await hb(['restore', ...part])
  expect([again.code, again.err.join(' ')]).toEqual([
    1,
    expect.stringContaining('restore-target-differs'),
  ])
  const brokers = await hb(['restore', ...place, '--to', 'host:9092', '--process', child])
  expect([brokers.code, brokers.err.join(' ')]).toEqual([2, expect.stringContaining('embedded:')])
})
