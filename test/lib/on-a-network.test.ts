// Deadlines on a whole network: the clock's alarms resume what nobody answers, in the sandbox, across
// restarts; and the log alone gives the same states again.

import { afterEach, expect, test } from '@jest/globals'

import { startNetwork } from '../../src/testing/index.ts'
import type { TestContract, TestNetwork } from '../../src/testing/index.ts'
import type { Asking } from './contracts/asker.ts'

/** Takes what it is sent, and says nothing. */
const SILENT = 'exports.handle = () => ({})'

let open: TestNetwork | undefined
afterEach(() => open?.close())

async function network(): Promise<{ net: TestNetwork; asker: TestContract<Asking>; silent: string }> {
  const file = new URL('./contracts/asker.ts', import.meta.url)
  const asker = { file, state: (address: (name: string) => string) => ({ clock: address('clock') }) }
  const contracts = { asker, silent: { source: SILENT, partition: 1 } }
  const limits = { gasMax: 200_000 }
  const net = await startNetwork({ wallets: ['alice'], contracts, clock: true, limits })
  open = net
  return { net, asker: net.contract<Asking>('asker'), silent: net.contract('silent').id }
}

async function ends(asker: TestContract<Asking>, count: number): Promise<string[]> {
  for (let left = 2_000; left > 0; left -= 1) {
    const { ends: all } = await asker.state()
    if (all.length >= count) return all
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error(`ended ${JSON.stringify((await asker.state()).ends)}, not ${count}`)
}

test('what is never answered ends at its deadline, by one alarm at a time', async () => {
  const { net, asker, silent } = await network()
  const ask = async (Target: string, After: string, Name: string, Action = 'Ask') => {
    await asker.send('alice', Action, { tags: { Target, After, Name } }).settled()
  }
  await ask(silent, '60000', 'first')
  await ask(silent, '90000', 'second')
  await ask(asker.id, '90000', 'itself')
  await ask(silent, '30000', 'both', 'Ask-All')
  const sent = (await asker.messages()).filter(({ tag }) => tag['Action'] === 'Set-Alarm')
  expect(sent).toHaveLength(2)
  expect((await asker.state()).ends).toEqual(['itself bounce'])
  net.advance(30_000)
  expect((await ends(asker, 2))[1]).toBe('both expired reply+none')
  await net.restart()
  net.advance(30_000)
  expect((await ends(asker, 3))[2]).toBe('first expired')
  net.advance(30_000)
  expect((await ends(asker, 4))[3]).toBe('second expired')
  expect((await asker.state()).requests).toMatchObject({ open: 0, tasks: {}, first: '' })
  expect(await net.rebuild()).toMatchObject({ identical: true })
})

test('a step that takes all the gas hurts no other, and ends once it is mended', async () => {
  const { net, asker, silent } = await network()
  const ask = async (Name: string) => {
    await asker.send('alice', 'Ask', { tags: { Target: silent, After: '1000', Name } }).settled()
  }
  await asker.send('alice', 'Break').settled()
  await ask('poison')
  await ask('sound')
  net.advance(5_000)
  expect(await ends(asker, 1)).toEqual(['sound expired'])
  await asker.send('alice', 'Break').settled()
  net.advance(70_000)
  expect(await ends(asker, 2)).toEqual(['sound expired', 'poison expired'])
  const failed = (await asker.results()).filter(({ status }) => status === 'error')
  expect(failed.map(({ code }) => code)).toEqual(['gas-exhausted'])
  expect(await net.rebuild()).toMatchObject({ identical: true })
})
