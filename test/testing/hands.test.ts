// A test's hands on a network: its time, its broker, its nodes, and everything again from the log.

import { afterEach, describe, expect, test } from '@jest/globals'
import { startNetwork } from '../../src/testing/index.ts'
import type { AppendFault, TestNetwork, TestNetworkOptions } from '../../src/testing/index.ts'
import { systemClock } from '../../src/std/clock.ts'
import { ADVANCE_MS_MAX, createTestClock } from '../../src/testing/test-clock.ts'
import { COUNTER, type Counter } from './contracts.ts'

let open: TestNetwork | undefined
afterEach(() => open?.close())

async function network(options: TestNetworkOptions = {}): Promise<TestNetwork> {
  const contracts = {
    one: { source: COUNTER, partition: 0 },
    two: { source: COUNTER, partition: 1 },
  }
  open = await startNetwork({ wallets: ['alice'], contracts, ...options })
  return open
}

/** One message of a wallet to one contract, and one from that to the other. */
async function through(net: TestNetwork): Promise<void> {
  const tags = { To: net.address('two') }
  const { errors } = await net.contract('one').send('alice', 'Count', { tags }).settled()
  expect(errors).toEqual([])
}

async function counts(net: TestNetwork): Promise<number[]> {
  const states = ['one', 'two'].map((name) => net.contract<Counter>(name).state())
  return (await Promise.all(states)).map(({ count }) => count)
}

describe('time', () => {
  test('is what contracts see, from where it is started and as it is advanced', async () => {
    const startTime = Date.UTC(2031, 0, 1)
    const net = await network({ startTime })
    const time = async (): Promise<number> => {
      await net.contract('one').send('alice', 'Count').ok()
      return (await net.contract<Counter>('one').state()).time ?? 0
    }
    const first = await time()
    expect(first - startTime).toBeGreaterThanOrEqual(0)
    expect(first - startTime).toBeLessThan(60_000)
    net.advance(30 * 86_400_000)
    const second = await time()
    expect(second - first).toBeGreaterThanOrEqual(30 * 86_400_000)
    expect(second - first).toBeLessThan(31 * 86_400_000)
    expect(await net.rebuild()).toMatchObject({ identical: true })
  })

  test('wakes those who sleep when their time has come, and not before', async () => {
    const clock = createTestClock()
    const woken: string[] = []
    const stop = new AbortController()
    const sleeps = [
      clock.sleep(60_000).then(() => woken.push('minute')),
      clock.sleep(3_600_000).then(() => woken.push('hour')),
      clock.sleep(86_400_000, stop.signal).then(() => woken.push('day')),
    ]
    clock.advance(60_000)
    await sleeps[0]
    clock.advance(60_000)
    await systemClock.sleep(5)
    expect(woken).toEqual(['minute'])
    clock.advance(3_600_000)
    await sleeps[1]
    stop.abort()
    await sleeps[2]
    expect(woken).toEqual(['minute', 'hour', 'day'])
    expect(() => clock.advance(ADVANCE_MS_MAX + 1)).toThrow(/advance takes/)
  })
})

describe('faults', () => {
  const kinds: AppendFault[] = ['refused', 'lost', 'unacknowledged', 'doubled']
  const topics = ['ingress', 'log', 'outbox'] as const
  test.each(topics.flatMap((topic) => kinds.map((kind) => ({ topic, kind }))))(
    'an append to $topic that is $kind changes nothing in the end',
    async ({ topic, kind }) => {
      const net = await network()
      net.faults.next(kind, { topic, partition: 0 })
      expect(net.faults.pending).toBe(1)
      await through(net)
      await net.faults.met()
      expect(net.faults.pending).toBe(0)
      expect(await counts(net)).toEqual([1, 1])
      const { identical, superseded } = await net.rebuild()
      expect(identical).toBe(true)
      // what is doubled in the log itself is there twice, and counts once
      if (topic === 'log' && kind === 'doubled') expect(superseded).toBeGreaterThan(0)
    },
  )

  test('come in the order in which they are scripted, to the topic that is named', async () => {
    const net = await network()
    net.faults.next(['lost', 'unacknowledged', 'doubled', 'refused'])
    net.faults.next('lost', { topic: 'deadletters' })
    for (let n = 0; n < 4; n++) await through(net)
    expect(net.faults.pending).toBe(1)
    expect(await counts(net)).toEqual([4, 4])
  })

  test('a log that is down is waited for', async () => {
    const net = await network()
    await through(net)
    const begun = systemClock.now()
    const down = net.faults.downFor(300)
    await through(net)
    expect(systemClock.now() - begun).toBeGreaterThanOrEqual(295)
    await down
    expect(await counts(net)).toEqual([2, 2])
  })

  test('a log that stays down is named by what waits for it', async () => {
    const net = await network()
    net.faults.down()
    const sent = net.contract('one').send('alice', 'Count')
    await expect(net.restart()).rejects.toThrow(/faults.up/)
    const late = net.settled(sent.id, { timeoutMs: 100 })
    await expect(late).rejects.toMatchObject({
      code: 'test-timeout',
      message: expect.stringContaining('the log is down'),
    })
    net.faults.up()
    expect(await sent.result()).toMatchObject({ status: 'ok' })
  })
})

describe('nodes', () => {
  test.each([
    { log: 'memory' as const, dropCaches: false },
    { log: 'memory' as const, dropCaches: true },
    { log: 'embedded' as const, dropCaches: false },
    { log: 'embedded' as const, dropCaches: true },
  ])('go on after a restart: $log, caches dropped $dropCaches', async ({ log, dropCaches }) => {
    const net = await network({ log })
    const sent = net.contract('one').send('alice', 'Count')
    const before = await sent.result()
    const state = await net.contract('one').stateText()
    await net.restart({ dropCaches })
    expect(await sent.result()).toEqual(before)
    expect(await net.contract('one').stateText()).toBe(state)
    await through(net)
    expect(await counts(net)).toEqual([2, 1])
  })

  test('share the roles among themselves, and can be given others', async () => {
    const net = await network({ nodes: [['sequencer'], ['dre', 'relayer']] })
    await through(net)
    expect(net.urls).toHaveLength(2)
    await net.restart({ nodes: [['sequencer', 'dre', 'relayer']] })
    await through(net)
    await net.restart({ nodes: [['relayer'], ['dre'], ['sequencer', 'dre']] })
    await through(net)
    expect(await counts(net)).toEqual([3, 3])
    expect(await net.rebuild()).toMatchObject({ identical: true })
    expect((await net.received('one')).length).toBe(4)
  })

  test('without a role that is needed, what waits says which', async () => {
    const net = await network()
    await net.restart({ nodes: [['sequencer', 'relayer']] })
    const sent = net.contract('one').send('alice', 'Count')
    expect(await sent.receipt()).toMatchObject({ partition: 0 })
    await expect(sent.result({ timeoutMs: 50 })).rejects.toThrow(/no node plays dre/)
    await net.restart({ nodes: [['sequencer', 'dre', 'relayer']] })
    expect(await sent).toMatchObject({ status: 'ok' })
    await expect(net.restart({ nodes: [] })).rejects.toThrow(/0 nodes/)
  })
})

test('a partition that halts is named by whoever waits, and the network can be closed', async () => {
  const net = await network()
  await through(net)
  // what no broker may do: forget entries
  const [ends] = await net.log.ends('hb.log')
  await net.log.trim('hb.log', 0, ends?.end ?? 0)
  await expect(net.restart()).rejects.toMatchObject({
    code: 'test-network-halted',
    message: expect.stringContaining('of partition 0 at node 0: log-'),
  })
  expect(() => net.send('alice', 'one')).toThrow(/closed/)
  await net.close()
})

test('a rebuild from another log says which processes differ', async () => {
  const net = await network()
  const other = await startNetwork({
    wallets: ['alice'],
    contracts: {
      one: { source: COUNTER, partition: 0 },
      two: { source: COUNTER, partition: 1 },
    },
  })
  try {
    await net.contract('one').send('alice', 'Count').ok()
    await other.contract('one').send('alice', 'Fail').error()
    const found = await net.rebuild({ from: other.log })
    expect(found).toMatchObject({ identical: false, different: [net.address('one')] })
    expect(await net.rebuild({ from: net.log })).toMatchObject({ identical: true })
  } finally {
    await other.close()
  }
})
