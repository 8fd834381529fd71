// A producer that knows nothing of ours but a schema registry: a stock kafkajs producer with a stock
// registry client puts Confluent-format records on ingress. Their schemas are taken from a real
// registry; one that is away stalls what needs it, and nothing else.

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import type { Log, StoredRecord } from '../../src/log/port.ts'
import { composeNode, type RunningNode } from '../../src/node/index.ts'
import { generateWallet, messageFields } from '../../src/client/index.ts'
import type { Wallet } from '../../src/client/index.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import { genesisProcessId, grindNonce, makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { openWriterSchemas } from '../../src/schemas/index.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { Reporter } from '../../src/std/reporter.ts'
import { hb } from '../cli/terminal-double.ts'
import { until } from '../log/recording-member.ts'
import { describeKafkaCluster, sharedKafka } from '../support/kafka.ts'
import { installSchemaRegistry, startSchemaRegistry } from '../support/schema-registry.ts'
import type { SchemaRegistryServer } from '../support/schema-registry.ts'

const PARTITIONS = 2
const APPLICATION = `schemas-${Date.now().toString(36)}`
const INGRESS = `${APPLICATION}.ingress`
const CODE = '__connect.errors.exception.class.name'
/** Each process says what it was sent, in order. */
const SOURCE = `exports.handle = (state, { data }) => { state.seen.push(data); return {} }`
/** A schema of somebody's own: a field more than ours has, and one kind of message. */
const OWN = {
  type: 'record',
  name: 'Ingress',
  namespace: 'org.hollowbeam',
  fields: [
    { name: 'trace', type: { type: 'array', items: 'string' } },
    {
      name: 'message',
      type: { type: 'record', name: 'Signed', fields: [{ name: 'item', type: 'bytes' }] },
    },
  ],
} as const

describeKafkaCluster(
  'a producer with a schema registry',
  () => {
    const nonces = [0, 1].map((home) => grindNonce('salt', `p${home}`, home, PARTITIONS))
    const ids = nonces.map((nonce, home) => genesisProcessId('salt', `p${home}`, nonce))
    const [zero, one] = ids as [string, string]
    const waited: [number, string][] = []
    let network: Network
    let registry: SchemaRegistryServer
    let theirs: SchemaRegistry
    let log: Log
    let node: RunningNode
    let producer: Producer
    let wallet: Wallet
    let ownId: number

    const sign = (target: string, data: string): Buffer =>
      Buffer.from(wallet.sign(messageFields({ network: network.id, generation: 0 }, { target, data })))
    const plain = (target: string, data: string): Buffer =>
      new Records().encodeIngress({ type: 'signed', item: sign(target, data) })
    const own = (id: number, target: string, data: string): Promise<Buffer> =>
      theirs.encode(id, { trace: ['a', 'b'], message: { item: sign(target, data) } })
    const send = (key: string, ...values: Buffer[]) =>
      producer.send({ topic: INGRESS, messages: values.map((value) => ({ key, value })) })
    const seen = async (id: string): Promise<string[]> => {
      const state = await node.api.state(id)
      if (state === undefined) return []
      // its spawn has no data
      return (JSON.parse(state.text) as { seen: string[] }).seen.filter((data) => data !== '')
    }
    const letters = async (): Promise<StoredRecord[]> => [
      ...(await log.read(`${APPLICATION}.deadletters`, 0, 0)).records,
    ]

    beforeAll(async () => void (await installSchemaRegistry()), 10 * 60_000)
    beforeAll(async () => {
      registry = await startSchemaRegistry()
      const processes = nonces.map((nonce, home) => {
        return { name: `p${home}`, nonce, engine: 'quickjs' as const, source: SOURCE, state: { seen: [] } }
      })
      network = openNetwork(
        makeGenesis({ name: 'schemas', salt: 'salt', partitions: PARTITIONS, sandbox: SANDBOX, processes }),
      )
      const { bootstrapServers } = await sharedKafka()
      log = await openKafkaLog({ bootstrapServers, onWarning: () => undefined })
      node = await composeNode({
        genesis: network.genesis,
        log,
        applicationId: APPLICATION,
        schemas: openWriterSchemas({ url: registry.url, timeoutMs: 1_000 }),
        reporter: new Reporter('warn', ({ event, fields: { partition, code } }) => {
          if (event === 'schema-awaited') waited.push([Number(partition), String(code)])
        }),
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
      theirs = new SchemaRegistry({ host: registry.url })
    }, 180_000)

    afterAll(async () => {
      await producer.disconnect()
      await node.close()
      await log.close()
      await registry.close()
    })

    test('what it wrote with our schema, and with its own, is placed in order', async () => {
      const at = ['--schema-registry-url', registry.url, '--application-id', APPLICATION]
      const registered = await hb(['schemas', 'register', ...at, '--json'])
      expect(registered.code).toBe(0)
      expect((await hb(['schemas', 'check', ...at])).code).toBe(0)
      const ours = await theirs.getLatestSchemaId(`${INGRESS}-value`)
      ownId = await register('own-value', OWN)
      const message = { 'org.hollowbeam.Signed': { item: sign(zero, 'one') } }
      await send(zero, await theirs.encode(ours, { message }))
      await send(zero, plain(zero, 'two'), await own(ownId, zero, 'three'), plain(zero, 'four'))
      await until('all of it', async () => (await seen(zero)).length === 4)
      expect(await seen(zero)).toEqual(['one', 'two', 'three', 'four'])
      expect(await letters()).toEqual([])
      // in the log it stands in our own encoding: no reader needs the registry
      const { records } = await log.read(`${APPLICATION}.log`, 0, 0)
      const codec = new Records()
      const entries = records.filter(({ value }) => codec.isEntry(value as Buffer))
      expect(entries.length).toBe(5)
    })

    test('an unknown id, a schema that does not fit, a datum cut short: dead letters', async () => {
      const lost = await own(ownId, zero, 'never')
      lost.writeInt32BE(2_147_483_647, 1)
      const alien = { ...OWN, name: 'Alien', fields: [{ name: 'n', type: 'long' }] }
      const id = await register('alien-value', alien)
      const cut = (await own(ownId, zero, 'cut')).subarray(0, -1)
      await send(zero, lost, await theirs.encode(id, { n: 1 }), cut, plain(zero, 'five'))
      await until('what came behind', async () => (await seen(zero)).at(-1) === 'five')
      await until('all letters', async () => (await letters()).length === 3)
      const found = await letters()
      expect(found.map(({ headers }) => headers?.[CODE])).toEqual([
        'writer-schema-unusable',
        'writer-schema-unusable',
        'record-malformed',
      ])
      // kept as it came
      expect(Buffer.from(found[0]?.value as Uint8Array).equals(lost)).toBe(true)
      expect(await seen(zero)).toEqual(['one', 'two', 'three', 'four', 'five'])
      expect(node.sequencer?.figures.schemaWaits).toBe(0)
    })

    test('a registry that hangs stalls what needs it, alone; it answers, and all goes on', async () => {
      const late = { ...OWN, fields: [{ name: 'since', type: 'long', default: 0 }, ...OWN.fields] }
      const id = await register('late-value', late)
      const lateValue = await theirs.encode(id, {
        since: 1,
        trace: [],
        message: { item: sign(zero, 'seven') },
      })
      registry.freeze()
      await send(zero, plain(zero, 'six'), lateValue, plain(zero, 'eight'))
      await until('what stands before it', async () => (await seen(zero)).at(-1) === 'six')
      await until('the wait', () => (node.sequencer?.figures.schemaWaits ?? 0) >= 2)
      // what is known needs no registry, and another partition goes on
      await send(one, plain(one, 'a'), await own(ownId, one, 'b'), plain(one, 'c'))
      await until('the other partition', async () => (await seen(one)).length === 3)
      expect(await seen(one)).toEqual(['a', 'b', 'c'])
      expect((await seen(zero)).at(-1)).toBe('six')
      expect(waited).toEqual([[0, 'schema-registry-unreachable']])
      expect(node.api.health().ready).toBe(true)
      registry.thaw()
      await until('the rest', async () => (await seen(zero)).at(-1) === 'eight')
      expect((await seen(zero)).slice(-3)).toEqual(['six', 'seven', 'eight'])
      expect((await letters()).length).toBe(3)
    }, 60_000)

    test('one that died: the same; started again, nothing is lost or doubled', async () => {
      const next = { ...OWN, fields: [...OWN.fields, { name: 'note', type: 'string' }] }
      const id = await register('next-value', next)
      const value = await theirs.encode(id, {
        trace: [],
        message: { item: sign(zero, 'ten') },
        note: 'n',
      })
      const waits = node.sequencer?.figures.schemaWaits ?? 0
      await registry.kill()
      await send(zero, plain(zero, 'nine'), value, value, plain(zero, 'eleven'))
      await until('what stands before it', async () => (await seen(zero)).at(-1) === 'nine')
      await until('the wait', () => (node.sequencer?.figures.schemaWaits ?? 0) >= waits + 3)
      await send(one, plain(one, 'd'))
      await until('the other partition', async () => (await seen(one)).at(-1) === 'd')
      await registry.start()
      await until('the rest', async () => (await seen(zero)).at(-1) === 'eleven')
      expect((await seen(zero)).slice(-3)).toEqual(['nine', 'ten', 'eleven'])
      expect((await letters()).length).toBe(3)
    }, 60_000)

    /** As a client does, after saying what the subject is held to. */
    async function register(subject: string, schema: object): Promise<number> {
      await fetch(`${registry.url}/config/${subject}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
        body: '{"compatibility":"BACKWARD"}',
      })
      const confluent = { type: SchemaType.AVRO, schema: JSON.stringify(schema) } as const
      return (await theirs.register(confluent, { subject })).id
    }
  },
  [],
)
