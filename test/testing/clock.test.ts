// Alarms on whole networks: a contract sets one, the network's time is moved, the node's ticker
// pokes the clock, and the alarm comes; across restarts, and again from the log.

import { afterEach, expect, test } from '@jest/globals'
import { startNetwork } from '../../src/testing/index.ts'
import type { TestContract, TestNetwork, TestNetworkOptions } from '../../src/testing/index.ts'

/** Passes on what it is told to set, and notes the alarms that the clock sends it. */
const WAKER = `exports.handle = (state, { kind, caller, tags }) => {
  if (kind === 'spawn') return
  if (kind !== 'notice') {
    const { Action, Name, After, At, Every } = tags
    const asked = { Action, Name, ...(After && { After }), ...(At && { At }), ...(Every && { Every }) }
    return { messages: [{ target: state.clock, tags: { ...asked, 'X-Of': Name } }] }
  }
  if (caller !== state.clock) throw new Error('not the clock')
  state.heard.push(tags.Name + ' ' + tags['X-Of'] + ' ' + (tags.Missed ?? 'once'))
}`

type Waker = { clock: string; heard: string[] }

let open: TestNetwork | undefined
afterEach(() => open?.close())

async function network(options: TestNetworkOptions = {}): Promise<TestNetwork> {
  const state = (address: (name: string) => string): Waker => ({ clock: address('clock'), heard: [] })
  const waker = { source: WAKER, state, partition: 1 }
  open = await startNetwork({ wallets: ['alice'], contracts: { waker }, clock: true, ...options })
  return open
}

async function set(net: TestNetwork, tags: Record<string, string>): Promise<void> {
  const { errors } = await net.send('alice', 'waker', { action: 'Set-Alarm', tags }).settled()
  expect(errors).toEqual([])
}

/** What the contract heard, once it is so many. */
async function heard(waker: TestContract<Waker>, count: number): Promise<string[]> {
  for (let left = 2_000; left > 0; left--) {
    const { heard: all } = await waker.state()
    if (all.length >= count) return all
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error(`heard ${JSON.stringify((await waker.state()).heard)}, not ${count}`)
}

async function pokes(net: TestNetwork): Promise<number> {
  return (await net.received('clock')).filter(({ tag }) => tag['Action'] === 'Poke').length
}

test('an alarm comes when the time is moved to it, and nothing is sent before', async () => {
  const net = await network()
  const waker = net.contract<Waker>('waker')
  await set(net, { Name: 'later', After: '86400000' })
  await set(net, { Name: 'soon', After: '3600000' })
  net.advance(3_599_000)
  await net.send('alice', 'waker', { action: 'Cancel-Alarm', tags: { Name: 'none' } }).settled()
  expect([await pokes(net), (await waker.state()).heard]).toEqual([0, []])
  net.advance(1_000)
  expect(await heard(waker, 1)).toEqual(['soon soon once'])
  net.advance(30 * 86_400_000)
  expect(await heard(waker, 2)).toEqual(['soon soon once', 'later later once'])
  expect(await pokes(net)).toBeGreaterThanOrEqual(2)
  expect(await net.rebuild()).toMatchObject({ identical: true })
})

test('what is past when it is set comes at once, and what comes in a heap in its order', async () => {
  const net = await network()
  const waker = net.contract<Waker>('waker')
  const names = Array.from({ length: 40 }, (_, at) => `n${at}`)
  await Promise.all(names.map((Name) => set(net, { Name, At: '1' })))
  expect((await heard(waker, names.length)).sort()).toEqual(names.map((n) => `${n} ${n} once`).sort())
  expect(await net.rebuild()).toMatchObject({ identical: true })
})

test('one that repeats comes once for each time, or once for many that were missed', async () => {
  const net = await network()
  const waker = net.contract<Waker>('waker')
  await set(net, { Name: 'tick', After: '60000', Every: '60000' })
  for (let turn = 1; turn <= 3; turn++) {
    net.advance(60_000)
    expect(await heard(waker, turn)).toHaveLength(turn)
  }
  net.advance(600_000)
  expect(await heard(waker, 4)).toEqual([...Array<string>(3).fill('tick tick 0'), 'tick tick 9'])
  await net.send('alice', 'waker', { action: 'Cancel-Alarm', tags: { Name: 'tick' } }).settled()
  net.advance(600_000)
  await set(net, { Name: 'end', After: '0' })
  expect((await heard(waker, 5)).slice(4)).toEqual(['end end once'])
})

test.each([false, true])(
  'nodes that end and begin again lose none and double none (without caches: %p)',
  async (dropCaches) => {
    const net = await network({ nodes: [['sequencer', 'relayer'], ['dre']] })
    await set(net, { Name: 'a', After: '60000' })
    await set(net, { Name: 'b', After: '120000', Every: '60000' })
    await net.restart({ dropCaches })
    net.advance(61_000)
    expect(await heard(net.contract<Waker>('waker'), 1)).toEqual(['a a once'])
    await net.restart({ dropCaches })
    const restarted = net.restart({ dropCaches })
    net.advance(60_000)
    await restarted
    expect(await heard(net.contract<Waker>('waker'), 2)).toEqual(['a a once', 'b b 0'])
    expect(await net.rebuild()).toMatchObject({ identical: true })
  },
)

test('where a broker fails when it is poked, the alarm comes later, and once', async () => {
  const net = await network()
  await set(net, { Name: 'a', After: '60000' })
  net.faults.next(['lost', 'doubled', 'unacknowledged'], { topic: 'log', partition: 0 })
  net.faults.next('refused', { topic: 'ingress', partition: 0 })
  net.advance(60_000)
  for (let turn = 0; turn < 4; turn++) {
    await set(net, { Name: `other ${turn}`, After: '999999999' })
    net.advance(500)
  }
  expect(await heard(net.contract<Waker>('waker'), 1)).toEqual(['a a once'])
  await net.faults.met()
  expect(await net.rebuild()).toMatchObject({ identical: true })
})

test('the clock is there with HyperCoin, or where it is asked for', async () => {
  const named = async (options: TestNetworkOptions): Promise<boolean> => {
    await using net = await startNetwork(options)
    return (await net.find((api) => api.part({}).then(({ processes }) => processes)))
      ?.some(({ name }) => name === 'clock') === true
  }
  expect(await named({ wallets: { alice: { hyperCoin: '1' } } })).toBe(true)
  expect(await named({ wallets: { alice: { hyperCoin: '1' } }, clock: false })).toBe(false)
  expect(await named({ wallets: ['alice'] })).toBe(false)
  await expect(network({ contracts: { clock: { source: WAKER } } })).rejects.toMatchObject({
    code: 'test-options-invalid',
  })
})
