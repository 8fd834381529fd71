// Token and till together, on two partitions, with a broker that fails and nodes that come and go.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AppendFault, TestNetwork } from 'hollowbeam/testing'
import type { Till } from '../../contracts/till.ts'
import { startShop } from '../shop.ts'

async function pay(network: TestNetwork, order: string): Promise<void> {
  const tags = { Recipient: network.address('till'), Quantity: '7', 'X-Order': order }
  const { errors } = await network.contract('token').send('owner', 'Transfer', { tags }).settled()
  assert.deepEqual(errors, [])
}

test('a payment is booked, and the payer is thanked', async () => {
  await using network = await startShop()
  await pay(network, 'A-1')
  const { total, orders } = await network.contract<Till>('till').state()
  assert.deepEqual([total, orders], ['7', { 'A-1': '7' }])
  const actions = (await network.received('owner')).map(({ tag }) => tag['Action'])
  assert.deepEqual(actions.sort(), ['Debit-Notice', 'Thanks'])
})

const faults: AppendFault[] = ['refused', 'lost', 'unacknowledged', 'doubled']
for (const topic of ['ingress', 'log', 'outbox'] as const) {
  for (const fault of faults) {
    test(`it is booked once though an append to ${topic} is ${fault}`, async () => {
      await using network = await startShop()
      network.faults.next(fault, { topic, partition: 0 })
      await pay(network, 'A-1')
      await network.faults.met()
      assert.equal((await network.contract<Till>('till').state()).total, '7')
    })
  }
}

test('it is booked once though the node starts again without its caches', async () => {
  await using network = await startShop('embedded')
  await pay(network, 'A-1')
  await network.restart({ dropCaches: true })
  await pay(network, 'A-2')
  const { orders } = await network.contract<Till>('till').state()
  assert.deepEqual(orders, { 'A-1': '7', 'A-2': '7' })
})
