// Children whose ids are known before they are there: what their parent sends is never too early,
// whatever the broker does; what a third party sends may be, and comes back.

import { afterEach, describe, expect, test } from '@jest/globals'
import { childId } from '../../src/protocol/message.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { startNetwork } from '../../src/testing/index.ts'
import type { TestNetwork } from '../../src/testing/index.ts'

let open: TestNetwork | undefined
afterEach(() => open?.close())

const PARTITIONS = 3

const CHILD = `exports.handle = (state, action) => {
  if (action.kind === 'spawn') return {}
  state.seen = (state.seen ?? []).concat(action.tags.N)
  return {}
}`

/** Spawns the children it is told of and greets each at once; greets again where it is told. */
const PARENT = `exports.handle = (state, action) => {
  if (action.kind === 'bounce') {
    state.bounces = (state.bounces ?? []).concat(action.tags.Error)
    return {}
  }
  if (action.kind !== 'message') return {}
  const messages = []
  for (const [salt, child] of action.input) {
    const hello = (N) => ({ target: child, tags: { N } })
    const spawn = { kind: 'spawn', salt, data: { source: state.child } }
    if (action.tags.Action === 'Breed') messages.push(spawn, hello('1'), hello('2'))
    else messages.push(hello(action.tags.Action))
  }
  return { messages }
}`

type Parent = { readonly bounces?: string[] }

async function network(): Promise<TestNetwork> {
  const parent = { source: PARENT, state: { child: CHILD } }
  const contracts = { parent: { ...parent, partition: 0 }, other: { ...parent, partition: 2 } }
  open = await startNetwork({ partitions: PARTITIONS, wallets: ['alice'], contracts })
  return open
}

const childrenOf = (net: TestNetwork, salts: readonly string[]): [string, string][] =>
  salts.map((salt) => [salt, childId(net.address('parent'), salt)])

describe('a child with a salt', () => {
  test('gets all that its parent sends, in every partition, though the broker fails', async () => {
    const net = await network()
    const children = childrenOf(net, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
    const places = new Set(children.map(([, id]) => partitionOf(id, PARTITIONS)))
    expect([...places].sort()).toEqual([0, 1, 2])
    const faults = ['doubled', 'unacknowledged', 'lost', 'refused', 'doubled'] as const
    for (const topic of ['outbox', 'ingress', 'log'] as const) net.faults.next(faults, { topic })
    const parent = net.contract<Parent>('parent')
    const sent = [
      parent.send('alice', 'Breed', { data: children }),
      parent.send('alice', '3', { data: children }),
      parent.send('alice', '4', { data: children }),
    ]
    for (const each of sent) expect((await each.settled()).errors).toEqual([])
    for (const [, id] of children) {
      expect(await net.contract(id).state()).toEqual({ seen: ['1', '2', '3', '4'] })
      expect(await net.contract(id).view()).toMatchObject({ slot: 4 })
    }
    expect((await parent.state()).bounces).toBeUndefined()
    expect(await net.rebuild()).toMatchObject({ identical: true })
  })

  test('that is told of to another may be greeted too early: that comes back', async () => {
    const net = await network()
    const children = childrenOf(net, ['x', 'y'])
    await net.contract('other').send('alice', 'Hi', { data: children }).settled()
    const other = await net.contract<Parent>('other').state()
    expect(other.bounces).toEqual(['process-not-found', 'process-not-found'])
    await net.contract('parent').send('alice', 'Breed', { data: children }).settled()
    await net.contract('other').send('alice', 'Hi', { data: children }).settled()
    for (const [, id] of children) {
      expect(await net.contract(id).state()).toEqual({ seen: ['1', '2', 'Hi'] })
    }
  })

  test('is spawned once: a second spawn with its salt comes back', async () => {
    const net = await network()
    const children = childrenOf(net, ['x'])
    const parent = net.contract<Parent>('parent')
    await parent.send('alice', 'Breed', { data: children }).settled()
    await parent.send('alice', 'Breed', { data: children }).settled()
    expect((await parent.state()).bounces).toEqual(['spawn-repeated'])
    const [[, id]] = children as [[string, string]]
    expect(await net.contract(id).state()).toEqual({ seen: ['1', '2', '1', '2'] })
    // another parent's child of the same salt is another one
    const foreign = childId(net.address('other'), 'x')
    await net.contract('other').send('alice', 'Breed', { data: [['x', foreign]] }).settled()
    expect(await net.contract(foreign).state()).toEqual({ seen: ['1', '2'] })
  })
})
