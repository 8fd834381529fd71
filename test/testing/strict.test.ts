// The option `strict`: what a contract keeps outside of its state is found, and nothing else is.

import { afterEach, describe, expect, test } from '@jest/globals'
import { startNetwork } from '../../src/testing/index.ts'
import type { TestNetwork } from '../../src/testing/index.ts'
import { TOKEN } from './contracts.ts'

let open: TestNetwork | undefined
afterEach(() => open?.close())

async function counted(source: string, strict = true): Promise<unknown> {
  open = await startNetwork({ strict, wallets: ['alice'], contracts: { one: { source } } })
  const one = open.contract('one')
  for (let sent = 0; sent < 3; sent++) await one.send('alice', 'Count').settled()
  expect(await open.rebuild()).toMatchObject({ identical: true })
  return one.state()
}

const KEEPS: Readonly<Record<string, string>> = {
  'a variable of the module': `let seen = 0
    exports.handle = (state) => { seen += 1; state.seen = seen; return {} }`,
  'what a function closes over': `const counter = (() => { let n = 0; return () => ++n })()
    exports.handle = (state) => ({ messages: [{ kind: 'event', tags: { N: String(counter()) } }] })`,
  'an error of the second message': `let used = false
    exports.handle = (state, { kind }) => {
      if (kind === 'spawn') return {}
      if (used) throw new Error('used'); used = true; return {} }`,
}

describe('strict', () => {
  test.each(Object.entries(KEEPS))('finds %s', async (_, source) => {
    await expect(counted(source)).rejects.toMatchObject({ code: 'test-state-outside' })
  })

  test('says what differs', async () => {
    const source = KEEPS['a variable of the module'] as string
    await expect(counted(source)).rejects.toThrow(/"seen":1.* after its earlier messages .*"seen":2/)
  })

  test('without it the same contract runs, as it would in production', async () => {
    const source = KEEPS['a variable of the module'] as string
    expect(await counted(source, false)).toEqual({ seen: 1 })
  })

  test('time, random numbers, and what is kept in the state are nothing of that', async () => {
    const source = `exports.handle = async (state, action) => {
      await null
      state.count = (state.count ?? 0) + 1
      state.random = Math.random() < 2
      state.last = action.timestamp
      return { messages: [{ kind: 'event', tags: { Now: String(Math.random()) } }] } }`
    expect(await counted(source)).toMatchObject({ count: 4 })
  })

  test('a contract that runs without end is the sandbox’s to stop', async () => {
    const source = `exports.handle = (state, { kind }) => { if (kind !== 'spawn') for (;;); }`
    open = await startNetwork({ strict: true, wallets: ['alice'], contracts: { one: { source } } })
    const { code } = await open.contract('one').send('alice', 'Count').error()
    expect(code).toBe('gas-exhausted')
  })

  test('the token and the system processes pass', async () => {
    const wallets = { alice: { hyperCoin: '9' }, bob: {} }
    const state = { balances: {} }
    open = await startNetwork({ strict: true, wallets, contracts: { t: { file: TOKEN, state } } })
    const tags = { Recipient: open.address('bob'), Quantity: '2' }
    await open.contract('hyper-coin').send('alice', 'Transfer', { tags }).settled()
    await open.contract('hyper-coin').send('alice', 'Transfer', { tags }).settled()
    expect(await open.rebuild()).toMatchObject({ identical: true })
  })
})
