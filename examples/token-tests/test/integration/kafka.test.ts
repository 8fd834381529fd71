// The same contracts on a real broker, in a container.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { KafkaContainer } from '@testcontainers/kafka'
import type { StartedKafkaContainer } from '@testcontainers/kafka'
import { Wait } from 'testcontainers'
import type { Till } from '../../contracts/till.ts'
import { startShop } from '../shop.ts'

const IMAGE = process.env['KAFKA_IMAGE'] ?? 'confluentinc/cp-kafka:8.1.0'

let kafka: StartedKafkaContainer

before(
  async () => {
    kafka = await new KafkaContainer(IMAGE)
      .withKraft()
      .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
      .start()
  },
  { timeout: 180_000 },
)
after(() => kafka?.stop())

test('a payment is booked once, and all of it replays from the brokers’ log', async () => {
  await using network = await startShop(kafka)
  const till = network.contract<Till>('till')
  const tags = { Recipient: till.id, Quantity: '7' }
  network.faults.next('unacknowledged')
  for (const order of ['A-1', 'A-2']) {
    const more = { tags: { ...tags, 'X-Order': order } }
    const { errors } = await network.contract('token').send('owner', 'Transfer', more).settled()
    assert.deepEqual(errors, [])
  }
  assert.deepEqual((await till.state()).orders, { 'A-1': '7', 'A-2': '7' })
  const { identical } = await network.rebuild()
  assert.equal(identical, true)
})

test('another node takes over with nothing but the brokers', async () => {
  await using network = await startShop(kafka)
  const tags = { Recipient: network.address('till'), Quantity: '1' }
  await network.contract('token').send('owner', 'Transfer', { tags }).settled()
  await network.restart({ dropCaches: true, nodes: [['sequencer'], ['dre', 'relayer']] })
  await network.contract('token').send('owner', 'Transfer', { tags }).settled()
  assert.equal((await network.contract<Till>('till').state()).total, '2')
})
