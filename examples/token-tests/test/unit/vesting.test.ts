// The token, on a network in memory: one for the file, since tests of one contract can share it.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TestContract, TestNetwork } from 'hollowbeam/testing'
import type { Vesting } from '../../contracts/vesting.ts'
import { DAY_MS, startShop } from '../shop.ts'

let network: TestNetwork
let token: TestContract<Vesting>

before(async () => {
  network = await startShop()
  token = network.contract<Vesting>('token')
})
after(() => network.close())

async function balance(name: string): Promise<string> {
  const { balances } = await token.state()
  return balances[network.address(name)] ?? '0'
}

test('a transfer moves the amount, and tells both', async () => {
  const tags = { Recipient: network.address('alice'), Quantity: '100' }
  const { errors, messages } = await token.send('owner', 'Transfer', { tags }).settled()
  assert.deepEqual(errors, [])
  assert.deepEqual(
    messages.map(({ tag }) => tag['Action']),
    ['Debit-Notice', 'Credit-Notice'],
  )
  assert.equal(await balance('alice'), '100')
  const [notice] = await network.received('alice')
  assert.equal(notice?.tag['Quantity'], '100')
})

test('nobody can send what they do not have', async () => {
  const before = await token.stateText()
  const tags = { Recipient: network.address('alice'), Quantity: '1' }
  const { text } = await token.send('bob', 'Transfer', { tags }).error()
  assert.match(text, /balance-insufficient/)
  assert.equal(await token.stateText(), before)
})

test('a grant is the owner’s to make', async () => {
  const tags = { Recipient: network.address('bob'), Quantity: '1', After: '0' }
  const { text } = await token.send('bob', 'Grant', { tags }).error()
  assert.match(text, /not-owner/)
})

test('a grant can be claimed when it is due, and once', async () => {
  const tags = { Recipient: network.address('bob'), Quantity: '50', After: String(30 * DAY_MS) }
  const { events } = await token.send('owner', 'Grant', { tags }).settled()
  assert.equal(events[0]?.tag['Action'], 'Granted')
  network.advance(29 * DAY_MS)
  assert.match((await token.send('bob', 'Claim').error()).text, /nothing-due/)
  network.advance(DAY_MS)
  await token.send('bob', 'Claim').ok()
  assert.equal(await balance('bob'), '50')
  assert.match((await token.send('bob', 'Claim').error()).text, /nothing-due/)
})

test('it replays to the same states from the log alone', async () => {
  const { identical, processes } = await network.rebuild()
  assert.deepEqual([identical, processes], [true, 2])
})
