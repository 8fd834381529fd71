// Published SmartWeave contracts as processes of a network: spawned, interacted with, sending
// messages, restored and rebuilt, beside contracts of the other engine.

import { afterEach, expect, test } from '@jest/globals'
import { startNetwork } from '../../src/testing/index.ts'
import type { TestNetwork } from '../../src/testing/index.ts'

let open: TestNetwork | undefined
afterEach(() => open?.close())

const PST = `export async function handle(state, { input, caller }) {
  const { balances } = state
  if (input.function === 'transfer') {
    if (!balances[caller] || balances[caller] < input.qty) {
      throw new ContractError('Caller balance not high enough to send ' + input.qty)
    }
    balances[caller] -= input.qty
    balances[input.target] = (balances[input.target] ?? 0) + input.qty
    await SmartWeave.kv.put('last', SmartWeave.transaction.id)
    return {
      state,
      event: { from: caller },
      messages: [{ kind: 'notice', target: input.target, tags: { Action: 'Credit-Notice' } }],
    }
  }
  if (input.function === 'ask') {
    return { state, messages: [{ target: input.whom, data: { function: 'unknown' } }] }
  }
  if (input.function === 'Bounce') {
    state.bounced = input.Error
    return { state }
  }
  if (input.function === 'balance') return { result: balances[caller] ?? 0 }
}`

type Pst = { balances: Record<string, number>; bounced?: string; $smartweave: object }

const options = {
  wallets: ['alice', 'bob'],
  evaluatorWorkers: 1,
  intervalLength: 4,
}

test('a contract as it was published is a process, from its spawn to its rebuild', async () => {
  const net = (open = await startNetwork(options))
  const [alice, bob] = ['alice', 'bob'].map((name) => net.address(name)) as [string, string]
  const state = { balances: { [alice]: 10 } }
  const spec = { source: PST, engine: 'smartweave', state } as const
  const pst = await net.spawn<Pst>('alice', { name: 'pst', ...spec })
  const transfer = { function: 'transfer', target: bob, qty: 3 }
  await net.send('alice', 'pst', { data: transfer }).ok()
  const { status, code, text } = await net.send('bob', 'pst', { data: { ...transfer, qty: 4 } }).result()
  expect([status, code, text]).toEqual([
    ...['error', 'contract-error', 'Caller balance not high enough to send 4'],
  ])
  const tagged = { tags: { 'App-Name': 'SmartWeaveAction', Input: JSON.stringify(transfer) } }
  const last = net.send('alice', 'pst', tagged)
  await last.ok()
  expect(await pst.state()).toEqual({
    balances: { [alice]: 4, [bob]: 6 },
    $smartweave: { contract: { id: pst.id, owner: alice }, kv: { last: last.id } },
  })
  expect(await pst.view()).toMatchObject({ engine: 'smartweave' })
  expect((await pst.events()).map(({ tags }) => tags[0]?.value)).toEqual([
    ...['SmartWeave-Event', 'SmartWeave-Event'],
  ])
  const notices = await net.received('bob')
  expect(notices.map(({ tag, caller }) => [tag['Action'], caller])).toEqual([
    ...[['Credit-Notice', pst.id], ['Credit-Notice', pst.id]],
  ])
  const view = await net.dryRun('bob', 'pst', { data: { function: 'balance' } })
  expect(view).toMatchObject({ status: 'ok' })
  await net.restart({ dropCaches: true })
  await net.send('bob', 'pst', { data: { ...transfer, target: alice, qty: 6 } }).ok()
  expect((await pst.state()).balances).toEqual({ [alice]: 10, [bob]: 0 })
  expect(await net.rebuild()).toMatchObject({ identical: true })
})

test('what one sends to another and cannot be done comes back to it', async () => {
  const net = (open = await startNetwork(options))
  const spec = { source: PST, engine: 'smartweave', state: { balances: {} } } as const
  const first = await net.spawn<Pst>('alice', { name: 'first', ...spec })
  await net.spawn('alice', { name: 'second', ...spec })
  const whom = net.address('second')
  await net.send('alice', 'first', { data: { function: 'ask', whom } }).settled()
  expect(await first.state()).toMatchObject({ bounced: 'contract-exception' })
})

test('one text may be a module of both engines', async () => {
  const source = `exports.handle = (state, action) => {
    state.saw = Object.keys(action).join()
    return { state }
  }`
  const net = (open = await startNetwork(options))
  const own = await net.spawn('alice', { name: 'own', source })
  const published = await net.spawn('alice', { name: 'published', source, engine: 'smartweave' })
  await net.send('alice', 'published', { data: { function: 'x' } }).ok()
  await net.send('alice', 'own', { data: { function: 'x' } }).ok()
  expect(await published.state()).toMatchObject({ saw: 'input,caller,interactionType' })
  expect((await own.state())['saw']).toContain('timestamp')
  await net.restart({ dropCaches: true })
  await net.send('alice', 'published', { data: { function: 'x' } }).ok()
  expect(await published.state()).toMatchObject({ saw: 'input,caller,interactionType' })
  expect(await net.rebuild()).toMatchObject({ identical: true })
})

test('a spawn that names another engine, or none of its own, fails with a reason', async () => {
  const net = (open = await startNetwork(options))
  for (const engine of ['native', 'wasm', 7] as unknown[]) {
    const spec = { source: PST, engine } as { source: string; engine: 'smartweave' }
    await expect(net.spawn('alice', spec)).rejects.toThrow('spawn-malformed')
  }
  const broken = { source: "import x from 'y'", engine: 'smartweave' } as const
  await expect(net.spawn('alice', broken)).rejects.toThrow('it imports other modules')
})
