// A test network in memory: names, money, messages and what they cause, states, and what is refused.

import { existsSync } from 'node:fs'
import { afterEach, describe, expect, test } from '@jest/globals'
import { messageFields } from '../../src/client/index.ts'
import { startNetwork, testWallet } from '../../src/testing/index.ts'
import type { TestNetwork, TestNetworkOptions } from '../../src/testing/index.ts'
import { COUNTER, TOKEN, type Counter } from './contracts.ts'

let open: TestNetwork | undefined
afterEach(() => open?.close())

async function network(options: TestNetworkOptions = {}): Promise<TestNetwork> {
  open = await startNetwork(options)
  return open
}

type Token = { balances: Record<string, string>; ticker: string }

const WALLETS = ['alice', 'bob']
const COUNTERS = {
  one: { source: COUNTER, partition: 0 },
  two: { source: COUNTER, partition: 1 },
}

describe('wallets', () => {
  test('are the same for the same name, and different for others', async () => {
    const { address } = (await network({ wallets: WALLETS })).wallet('alice')
    expect(testWallet('alice').address).toBe(address)
    expect(testWallet('bob').address).not.toBe(address)
  })

  test('have HyperCoin where it is asked for, which they can spend', async () => {
    const net = await network({ wallets: { alice: { hyperCoin: '100' }, bob: {} } })
    const coin = net.contract<Token>('hyper-coin')
    const tags = { Recipient: net.address('bob'), Quantity: '30' }
    const { errors } = await coin.send('alice', 'Transfer', { tags }).settled()
    expect(errors).toEqual([])
    const { balances } = await coin.state()
    expect([balances[net.address('alice')], balances[net.address('bob')]]).toEqual(['70', '30'])
    expect((await net.contract('hb-contract').view()).engine).toBe('native')
  })

  test('may be of the other kind, and contracts may run on other threads', async () => {
    const wallets = { alice: { kind: 'rsa' as const } }
    const net = await network({ wallets, contracts: COUNTERS, evaluatorWorkers: 1 })
    expect(net.wallet('alice').kind).toBe('rsa')
    await net.contract('one').send('alice', 'Count').ok()
    expect(await net.rebuild()).toMatchObject({ identical: true })
  })

  test('may be brought along', async () => {
    const mine = testWallet('somewhere else')
    const net = await network({ wallets: { mine }, contracts: COUNTERS })
    await net.contract('one').send('mine', 'Count').ok()
    await net.contract('one').send(mine, 'Count').ok()
    expect(await net.contract<Counter>('one').state()).toMatchObject({ count: 2 })
  })
})

describe('contracts', () => {
  test('are there from the beginning, from a file, with states that name others', async () => {
    const net = await network({
      wallets: WALLETS,
      contracts: {
        token: {
          file: TOKEN,
          state: (address) => ({ ticker: 'T', balances: { [address('alice')]: '10' } }),
        },
      },
    })
    const { balances, ticker } = await net.contract<Token>('token').state()
    expect([balances, ticker]).toEqual([{ [net.address('alice')]: '10' }, 'T'])
  })

  test('are spawned by a wallet, and known by name from then on', async () => {
    const net = await network({ wallets: WALLETS })
    const made = await net.spawn<Counter>('alice', { name: 'late', source: COUNTER })
    await net.send('bob', 'late', { action: 'Count' }).ok()
    expect(await net.contract<Counter>('late').state()).toMatchObject({ count: 1 })
    expect(await made.view()).toMatchObject({ process: net.address('late'), slot: 1 })
  })

  test('that fail at their spawn are said, with their own words', async () => {
    const broken = { source: COUNTER, state: { broken: true } }
    const failed = { code: 'test-contract-failed', message: expect.stringContaining('the start') }
    await expect(startNetwork({ contracts: { broken } })).rejects.toMatchObject(failed)
    const net = await network({ wallets: WALLETS })
    await expect(net.spawn('alice', { name: 'broken', ...broken })).rejects.toMatchObject(failed)
  })

  test('get what is sent in the order in which it was sent', async () => {
    const order = `exports.handle = (state, { kind, input }) => {
      state.seen = state.seen ?? []
      if (kind === 'message') state.seen.push(input.n)
      return {}
    }`
    const net = await network({ wallets: WALLETS, contracts: { order: { source: order } } })
    const sent = Array.from({ length: 20 }, (_, n) =>
      net.send(n % 2 === 0 ? 'alice' : 'bob', 'order', { data: { n } }),
    )
    await Promise.all(sent)
    const { seen } = await net.contract<{ seen: number[] }>('order').state()
    expect(seen).toEqual([...Array(20).keys()])
  })
})

describe('a dry run', () => {
  test('is what the message does that is sent then, and changes nothing', async () => {
    const net = await network({ wallets: WALLETS, contracts: COUNTERS })
    const one = net.contract<Counter>('one')
    const tags = { To: net.address('two') }
    const tried = await one.dryRun('alice', 'Count', { tags, state: true })
    expect(tried).toMatchObject({ process: one.id, slot: 0, status: 'ok' })
    expect(JSON.parse(tried.state ?? '')).toMatchObject({ count: 1 })
    expect(await one.state()).toMatchObject({ count: 0 })
    const { status, gas, messages } = await one.send('alice', 'Count', { tags }).ok()
    expect([tried.status, tried.gas]).toEqual([status, gas])
    expect(messages).toMatchObject(tried.messages)
    expect(messages).toHaveLength(2)
  })

  test('by a contract, of one that fails: with the bounce', async () => {
    const net = await network({ wallets: WALLETS, contracts: COUNTERS })
    const { code, text, messages } = await net.contract('two').dryRun('one', 'Fail')
    expect([code, text]).toEqual(['contract-error', expect.stringContaining('told to fail')])
    expect(messages).toMatchObject([{ kind: 'bounce', target: net.address('one') }])
    const byWallet = await net.dryRun(net.wallet('bob'), 'two', { action: 'Fail' })
    expect([byWallet.status, byWallet.messages]).toEqual(['error', []])
    await expect(net.dryRun('nobody', 'two')).rejects.toMatchObject({ code: 'test-name-unknown' })
  })

  test('at the node that serves the process, also over HTTP', async () => {
    const nodes = [['sequencer', 'relayer'], ['dre']] as const
    const net = await network({ wallets: WALLETS, contracts: COUNTERS, nodes })
    const spec = { caller: net.address('alice'), action: 'Count' }
    const run = await net.client().dryRun(net.address('one'), spec, { state: true })
    expect(JSON.parse(run.state ?? '')).toMatchObject({ count: 1 })
    expect(await net.contract('one').dryRun('alice', 'Count')).toMatchObject({ gas: run.gas })
  })
})

describe('what a message causes', () => {
  test('is settled when all of it is, across partitions, with messages and events', async () => {
    const net = await network({ wallets: WALLETS, contracts: COUNTERS })
    const two = net.contract<Counter>('two')
    const tags = { To: two.id }
    const done = await net.contract('one').send('alice', 'Count', { tags }).settled()
    expect(done.results.map(({ process }) => process)).toEqual([net.address('one'), two.id])
    expect(done.messages).toMatchObject([{ from: net.address('one'), tag: { Action: 'Count' } }])
    expect(done.events).toMatchObject([{ kind: 'event', tag: { Action: 'Sent-On' } }])
    expect(done.errors).toEqual([])
    expect(await two.state()).toMatchObject({ count: 1 })
    expect(await net.contract('one').events()).toHaveLength(1)
    expect(await net.contract('one').messages(1)).toHaveLength(1)
    expect(await net.contract('one').messages(2)).toEqual([])
  })

  test('has the errors of others, and the bounce that comes back', async () => {
    const net = await network({ wallets: WALLETS, contracts: COUNTERS })
    const one = net.contract<Counter>('one')
    const tags = { To: net.address('two'), Then: 'Fail' }
    const { errors, results } = await one.send('alice', 'Count', { tags }).settled()
    expect(errors).toMatchObject([{ process: net.address('two'), code: 'contract-error' }])
    expect(results.at(-1)).toMatchObject({ process: one.id, status: 'ok' })
    expect(await one.state()).toMatchObject({ count: 1, bounced: 1 })
  })

  test('comes to wallets as notices, which can be read', async () => {
    const state = (address: (name: string) => string) => ({ balances: { [address('alice')]: '9' } })
    const net = await network({ wallets: WALLETS, contracts: { token: { file: TOKEN, state } } })
    const tags = { Recipient: net.address('bob'), Quantity: '9', 'X-For': 'tea' }
    await net.contract('token').send('alice', 'Transfer', { tags }).settled()
    const [notice, ...more] = await net.received('bob')
    expect(more).toEqual([])
    expect(notice).toMatchObject({
      kind: 'notice',
      from: 'process',
      tag: { Action: 'Credit-Notice', Quantity: '9', 'X-For': 'tea' },
    })
  })

  test('an awaited send is its result; ok and error say what was wanted', async () => {
    const net = await network({ wallets: WALLETS, contracts: COUNTERS })
    const one = net.contract('one')
    expect(await one.send('alice', 'Count')).toMatchObject({ status: 'ok', slot: 1 })
    expect(await one.send('alice', 'Fail')).toMatchObject({ status: 'error', slot: 2 })
    const unexpected = { code: 'test-result-unexpected' }
    await expect(one.send('alice', 'Fail').ok()).rejects.toMatchObject(unexpected)
    await expect(one.send('alice', 'Count').error()).rejects.toMatchObject(unexpected)
    expect(await one.send('alice', 'Fail').error()).toMatchObject({
      text: expect.stringContaining('told to fail'),
    })
    const sent = one.send('bob', 'Count')
    expect(await sent.receipt()).toMatchObject({ partition: 0 })
    expect(await sent.accepted()).toBe(sent.id)
  })
})

describe('what cannot be', () => {
  test('says what there is instead', async () => {
    const net = await network({ wallets: WALLETS, contracts: COUNTERS })
    const unknown = { code: 'test-name-unknown' }
    expect(() => net.wallet('carol')).toThrow(/carol; it has alice, bob/)
    expect(() => net.contract('three')).toThrow(expect.objectContaining(unknown))
    expect(() => net.urls).toThrow(/http: true/)
    expect(() => net.faults.next('late' as 'lost')).toThrow(/refused, lost/)
    expect(() => net.advance(-1)).toThrow(expect.objectContaining({ code: 'test-options-invalid' }))
    const twice = { wallets: ['one'], contracts: COUNTERS }
    await expect(startNetwork(twice)).rejects.toThrow(/two are named one/)
    const log = {} as { bootstrapServers: string }
    await expect(startNetwork({ log })).rejects.toThrow(/'memory', 'embedded'/)
  })

  test('a message that the network refuses throws what refused it', async () => {
    const net = await network({ wallets: WALLETS, contracts: COUNTERS })
    const late = await net.send('alice', 'one', { action: 'Count', expires: net.now() - 1 })
    expect(late).toMatchObject({ status: 'error', code: 'expired' })
    const place = { network: net.id, generation: 0 }
    const fields = messageFields(place, { target: net.address('one'), data: 'as signed' })
    const forged = net.wallet('alice').sign(fields)
    forged.write('forged', forged.length - 6)
    await expect(net.submit(forged)).rejects.toMatchObject({ code: 'signature-invalid' })
    const tags = { Much: 'x'.repeat(5_000) }
    const large = expect.objectContaining({ code: 'item-malformed' })
    expect(() => net.send('alice', 'one', { tags })).toThrow(large)
  })

  test('nothing works after close, which may be called again', async () => {
    const net = await network({ wallets: WALLETS, contracts: COUNTERS })
    await net.close()
    await net.close()
    const closed = expect.objectContaining({ code: 'test-network-closed' })
    expect(() => net.send('alice', 'one')).toThrow(closed)
    expect(() => net.api).toThrow(closed)
  })
})

test('a program talks to it over HTTP', async () => {
  const net = await network({ wallets: WALLETS, contracts: COUNTERS, http: true })
  const spec = { target: net.address('one'), action: 'Count' }
  const { id, result } = await net.client().call(net.wallet('alice'), spec)
  expect(result).toMatchObject({ status: 'ok' })
  expect((await net.settled(id)).result).toEqual(result)
})

test('on the embedded log it is the same, and nothing is left', async () => {
  let directory = ''
  {
    await using net = await startNetwork({
      log: 'embedded',
      wallets: WALLETS,
      contracts: COUNTERS,
    })
    await net.contract('one').send('alice', 'Count').ok()
    expect(await net.rebuild()).toMatchObject({ identical: true, processes: 2 })
    directory = /embedded log in (.*)\/log$/.exec(net.log.describe())?.[1] ?? ''
    expect(existsSync(directory)).toBe(true)
  }
  expect(existsSync(directory)).toBe(false)
})
