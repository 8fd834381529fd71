// A Kafka client of any make may produce to ingress (docs/KAFKA.md, "Producing to ingress"): here a
// plain kafkajs producer that knows nothing of ours but what that page says. What is wrong goes to
// the dead letters with its reason, and stops nothing.

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import type { Log, StoredRecord } from '../../src/log/port.ts'
import { composeNode, type RunningNode } from '../../src/node/index.ts'
import { bundleContract, generateWallet, messageFields } from '../../src/client/index.ts'
import type { Wallet } from '../../src/client/index.ts'
import { genesisProcessId, grindNonce, makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { describeKafka, sharedKafka } from '../support/kafka.ts'
import { until } from '../log/recording-member.ts'

const PARTITIONS = 3
const APPLICATION = `foreign-${Date.now().toString(36)}`
const INGRESS = `${APPLICATION}.ingress`
const COUNTER = fileURLToPath(new URL('../../bench/contracts/counter.ts', import.meta.url))
/** What the page says. */
const PREFIX = Buffer.from('c3018f6a98ffdce10fbc', 'hex')

/** prefix · 00 (a signed item) · its length as a zigzag varint · the item. */
function ingressValue(item: Uint8Array): Buffer {
  const length: number[] = []
  let left = item.length * 2
  for (; left > 0x7f; left = Math.floor(left / 128)) length.push((left & 0x7f) | 0x80)
  return Buffer.concat([PREFIX, Buffer.of(0, ...length, left), item])
}

describeKafka('a foreign producer', () => {
  const nonce = grindNonce('salt', 'counter', 1, PARTITIONS)
  const process = genesisProcessId('salt', 'counter', nonce)
  let network: Network
  let log: Log
  let node: RunningNode
  let producer: Producer
  let wallet: Wallet
  const sign = (data: string): Uint8Array =>
    wallet.sign(messageFields({ network: network.id, generation: 0 }, { target: process, data }))

  beforeAll(async () => {
    const { source } = await bundleContract(COUNTER)
    const counter = { name: 'counter', nonce, engine: 'quickjs' as const, source, state: { count: 0 } }
    network = openNetwork(
      makeGenesis({
        name: 'foreign',
        salt: 'salt',
        partitions: PARTITIONS,
        sandbox: SANDBOX,
        processes: [counter],
      }),
    )
    const { bootstrapServers } = await sharedKafka()
    log = await openKafkaLog({ bootstrapServers, onWarning: () => undefined })
    node = await composeNode({
      genesis: network.genesis,
      log,
      applicationId: APPLICATION,
      sequencerStore: createMemoryStore(),
      dreStore: createMemoryStore(),
      evaluatorWorkers: 0,
      verifierThreads: 0,
    })
    await until('the node', () => node.api.health().ready)
    wallet = await generateWallet('ed25519')
    const brokers = bootstrapServers.split(',')
    const kafka = new Kafka({ brokers, clientId: 'foreign', logLevel: logLevel.NOTHING })
    producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
  }, 60_000)

  afterAll(async () => {
    await producer.disconnect()
    await node.close()
    await log.close()
  })

  async function count(): Promise<number> {
    const state = await node.api.state(process)
    return state === undefined ? -1 : (JSON.parse(state.text) as { count: number }).count
  }

  async function deadLetters(): Promise<StoredRecord[]> {
    return [...(await log.read(`${APPLICATION}.deadletters`, 0, 0)).records]
  }

  test('a signed item under its process’s key is ordered and evaluated, a repeat is not', async () => {
    const value = ingressValue(sign('one'))
    const [sent] = await producer.send({ topic: INGRESS, messages: [{ key: process, value }] })
    expect(sent?.partition).toBe(partitionOf(process, PARTITIONS))
    await until('the result', async () => (await count()) === 1)
    const again = { key: process, value }
    const other = { key: process, value: ingressValue(sign('two')) }
    await producer.send({ topic: INGRESS, messages: [again, other] })
    await until('the next result', async () => (await count()) === 2)
    expect(await deadLetters()).toEqual([])
  })

  test('junk, a wrong key, a wrong partition, a wrong signature: dead letters with a reason', async () => {
    const good = sign('three')
    const forged = Buffer.from(sign('four'))
    forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1
    const elsewhere = (partitionOf(process, PARTITIONS) + 1) % PARTITIONS
    const home = partitionOf(process, PARTITIONS)
    const messages = [
      { partition: home, key: process, value: Buffer.from('junk') },
      { partition: home, key: process, value: null },
      { partition: home, key: 'another key', value: ingressValue(good) },
      { partition: home, key: null, value: ingressValue(good) },
      { partition: elsewhere, key: process, value: ingressValue(good) },
      { partition: home, key: process, value: ingressValue(forged) },
      { partition: home, key: process, value: ingressValue(Buffer.alloc(100, 7)) },
    ]
    for (const message of messages) await producer.send({ topic: INGRESS, messages: [message] })
    await until('all letters', async () => (await deadLetters()).length >= messages.length)
    const letters = await deadLetters()
    expect(letters.length).toBe(messages.length)
    const codes = letters.map(({ headers }) => headers?.['__connect.errors.exception.class.name'])
    const malformed = codes.filter((code) => code === 'record-malformed').length
    expect(malformed).toBeGreaterThanOrEqual(5)
    expect(codes).toContain('signature-invalid')
    for (const { headers } of letters) {
      expect(headers?.['__connect.errors.topic']).toBe(INGRESS)
      expect(headers?.['__connect.errors.exception.message']?.length).toBeGreaterThan(10)
    }
    // nothing of it was ordered, and everything goes on
    const value = ingressValue(sign('five'))
    await producer.send({ topic: INGRESS, messages: [{ key: process, value }] })
    await until('the result after', async () => (await count()) === 3)
    expect(node.api.health().ready).toBe(true)
  })
})
