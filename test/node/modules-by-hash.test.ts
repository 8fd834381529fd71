// Modules by their hash: spawned without their source, in every partition, after restarts without
// caches, and by replays that have nothing but the log.

import { afterEach, expect, test } from '@jest/globals'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { childId } from '../../src/protocol/message.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { sha256, toBase64Url } from '../../src/std/bytes.ts'
import { startNetwork } from '../../src/testing/index.ts'
import type { TestNetwork, TestNetworkOptions } from '../../src/testing/index.ts'

let open: TestNetwork | undefined
afterEach(() => open?.close())

const hashOf = (source: string): string => toBase64Url(sha256(Buffer.from(source)))

const CHILD = `exports.handle = (state, action) => {
  state.n = (state.n ?? 0) + 1
  return {}
}`
const BROKEN = 'this is no script'

/** Spawns what its input lists: [salt, source or hash]; keeps what comes back, and its own module. */
const FACTORY = `exports.handle = (state, action) => {
  if (action.kind === 'spawn') {
    state.module = action.input.module
    return {}
  }
  if (action.kind === 'bounce') {
    state.bounces = (state.bounces ?? []).concat(action.tags.Error)
    return {}
  }
  const messages = action.input.map(([salt, data]) => ({ kind: 'spawn', salt, data }))
  return { messages }
}`

type Factory = { readonly module: string; readonly bounces?: string[] }

async function network(options: TestNetworkOptions = {}): Promise<TestNetwork> {
  const contracts = {
    factory: { source: FACTORY, partition: 0 },
    child: { source: CHILD, partition: 1 },
  }
  open = await startNetwork({ partitions: 2, wallets: ['alice'], contracts, ...options })
  return open
}

async function make(net: TestNetwork, list: readonly (readonly [string, object])[]): Promise<void> {
  await net.contract('factory').send('alice', 'Make', { data: list }).settled()
}

const childOf = (net: TestNetwork, salt: string): string => childId(net.address('factory'), salt)

test('a module is known where an entry carried it; elsewhere the spawn comes back', async () => {
  const net = await network({ intervalLength: 5 })
  const factory = net.contract<Factory>('factory')
  expect((await factory.state()).module).toBe(hashOf(FACTORY))
  // known in partition 1 alone
  await make(net, [['too-early', { module: hashOf(CHILD) }]])
  expect((await factory.state()).bounces).toEqual(['module-unknown'])
  // carried by a wallet's spawn in the factory's own partition
  await spawnIn(net, 0, { source: CHILD })
  const salts = ['a', 'b', 'c', 'd', 'e', 'f']
  await make(net, salts.map((salt) => [salt, { module: hashOf(CHILD), state: { n: 5 } }] as const))
  const places = new Set(salts.map((salt) => partitionOf(childOf(net, salt), 2)))
  expect(places.size).toBe(2)
  for (const salt of salts) {
    expect(await net.contract(childOf(net, salt)).state()).toEqual({ n: 6 })
  }
  // its own module, in any partition: one factory makes another
  await make(net, [['own', { module: hashOf(FACTORY) }]])
  expect(await net.contract(childOf(net, 'own')).view()).toMatchObject({ slot: 0 })
  expect((await factory.state()).bounces).toHaveLength(1)
  expect(await net.rebuild()).toMatchObject({ identical: true })
  await net.restart({ dropCaches: true })
  await make(net, [['after', { module: hashOf(CHILD) }], ['x', { module: hashOf('never') }]])
  expect(await net.contract(childOf(net, 'after')).state()).toEqual({ n: 1 })
  expect((await factory.state()).bounces).toEqual(['module-unknown', 'module-unknown'])
  expect(await net.rebuild()).toMatchObject({ identical: true })
})

test('a wallet names a module that its process’s partition knows', async () => {
  const net = await network()
  await expect(net.spawn('alice', { module: hashOf('never') })).rejects.toMatchObject({
    code: 'test-contract-failed',
    message: expect.stringContaining('module-unknown'),
  })
  await spawnIn(net, 0, { source: CHILD })
  await spawnIn(net, 1, { source: CHILD })
  const made = await net.spawn('alice', { module: hashOf(CHILD), state: { n: 1 } })
  expect(await made.state()).toEqual({ n: 2 })
})

test('a module that does not parse is refused each time it is named', async () => {
  const net = await network()
  await make(net, [['one', { source: BROKEN }]])
  await make(net, [['two', { module: hashOf(BROKEN) }], ['three', { module: 'no hash' }]])
  // its own partition did not see the source: that went to the child's
  const { bounces } = await net.contract<Factory>('factory').state()
  const inOwn = partitionOf(childOf(net, 'one'), 2) === 0
  expect(bounces?.slice().sort()).toEqual(
    ['module-invalid', inOwn ? 'module-invalid' : 'module-unknown', 'spawn-malformed'].sort(),
  )
  expect(await net.rebuild()).toMatchObject({ identical: true })
})

test('a replay without the topic of modules finds the source in another partition’s log', async () => {
  const net = await network()
  await spawnIn(net, 0, { source: CHILD })
  const salts = ['a', 'b', 'c', 'd']
  await make(net, salts.map((salt) => [salt, { module: hashOf(CHILD) }] as const))
  const bare = createMemoryLog()
  await bare.provision([{ name: 'hb.log', partitions: 2, cleanup: 'log' }])
  for (const partition of [0, 1]) {
    const { end } = (await net.log.ends('hb.log'))[partition] as { end: number }
    for (let from = 0; from < end; ) {
      const read = await net.log.read('hb.log', partition, from)
      for (const { key, value } of read.records) {
        await bare.append('hb.log', partition, [{ key, value }])
      }
      from = read.next
    }
  }
  expect(await net.rebuild({ from: bare })).toMatchObject({ identical: true })
  await bare.close()
})

/** By a wallet, again and again until its process falls into the partition. */
async function spawnIn(
  net: TestNetwork,
  partition: number,
  of: { readonly source: string },
): Promise<void> {
  for (;;) {
    const made = await net.spawn('alice', of)
    if (partitionOf(made.id, 2) === partition) return
  }
}
