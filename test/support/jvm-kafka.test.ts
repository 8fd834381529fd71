// Clusters of a test's own: what their brokers can be put through, and that nothing is left.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import kafkajs from 'kafkajs'
import type { Admin } from 'kafkajs'
import { isReady } from './kafka-ready.ts'
import { describeKafkaCluster, startKafkaCluster } from './kafka.ts'
import type { KafkaCluster } from './kafka.ts'
import { eventually } from './waiting.ts'

const MINUTES = 60_000
const STARTER = fileURLToPath(new URL('cluster-starter.ts', import.meta.url))
const { ConfigResourceTypes, Kafka, logLevel } = kafkajs

async function withAdmin<T>(servers: string, act: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: servers.split(','), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return await act(admin)
  } finally {
    await admin.disconnect()
  }
}

/** The leader and the in-sync replicas of the topic's only partition. */
async function partitionOf(servers: string, topic: string): Promise<{ leader: number; isr: number[] }> {
  const { topics } = await withAdmin(servers, (admin) => admin.fetchTopicMetadata({ topics: [topic] }))
  const partition = topics[0]?.partitions[0]
  if (partition === undefined) throw new Error(`${topic} has no partition`)
  return { leader: partition.leader, isr: partition.isr.toSorted() }
}

/** One record after another, each acknowledged by all replicas in sync. */
async function produce(servers: string, topic: string, count = 1, pauseMs = 0): Promise<void> {
  const kafka = new Kafka({ brokers: servers.split(','), logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  for (let i = 0; i < count; i++) {
    await producer.send({ topic, acks: -1, messages: [{ key: 'a', value: String(i) }] })
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  await producer.disconnect()
}

function addressOf(cluster: KafkaCluster, id: number): string {
  return `127.0.0.1:${cluster.brokers.find((broker) => broker.id === id)?.port}`
}

describeKafkaCluster('a cluster of one broker', () => {
  let cluster: KafkaCluster
  beforeAll(async () => {
    cluster = await startKafkaCluster({ brokers: 1, properties: { 'message.max.bytes': '234567' } })
  }, 2 * MINUTES)
  afterAll(() => cluster.close())

  test('has the properties that were asked for', async () => {
    const resources = [{ type: ConfigResourceTypes.BROKER, name: '1' }]
    const { resources: found } = await withAdmin(cluster.bootstrapServers, (admin) =>
      admin.describeConfigs({ resources, includeSynonyms: false }),
    )
    const entries = (found[0]?.configEntries ?? []).map((entry) => [
      entry.configName,
      entry.configValue,
    ])
    expect(entries).toContainEqual(['message.max.bytes', '234567'])
    expect(entries).toContainEqual(['min.insync.replicas', '1'])
  })

  test('killed and started again, it has its data, its ports, and one log', async () => {
    await withAdmin(cluster.bootstrapServers, (admin) =>
      admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 2 }] }),
    )
    const [before] = cluster.brokers
    await cluster.kill(1)
    expect(cluster.brokers).toEqual([{ ...before, pid: undefined }])
    expect(await isReady(cluster.bootstrapServers)).toBe(false)
    await cluster.start(1)
    expect(cluster.brokers).toEqual([{ ...before, pid: expect.any(Number) }])
    expect(cluster.brokers[0]?.pid).not.toBe(before?.pid)
    const topics = await withAdmin(cluster.bootstrapServers, (admin) => admin.listTopics())
    expect(topics).toContain('kept')
    expect((await cluster.log(1)).match(/Kafka Server started/g)).toHaveLength(2)
  })

  test('compacts while one looks on', async () => {
    const servers = cluster.bootstrapServers
    const configEntries = [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'segment.ms', value: '100' },
      { name: 'min.cleanable.dirty.ratio', value: '0.01' },
    ]
    await withAdmin(servers, (admin) =>
      admin.createTopics({ topics: [{ topic: 'compacted', configEntries }] }),
    )
    await produce(servers, 'compacted', 4, 150)
    await eventually(async () => {
      expect(/Swapping in cleaned segment .* topic=compacted/.test(await cluster.log(1))).toBe(true)
    })
  })

  test('refuses what makes no sense', async () => {
    await expect(cluster.start(1)).rejects.toThrow('broker 1 is running already')
    await expect(cluster.start(2)).rejects.toThrow('there is no broker 2')
  })
})

describeKafkaCluster('a cluster of three brokers', () => {
  let cluster: KafkaCluster
  beforeAll(async () => {
    cluster = await startKafkaCluster({ brokers: 3 })
    await withAdmin(cluster.bootstrapServers, (admin) =>
      admin.createTopics({ topics: [{ topic: 'three', replicationFactor: -1 }] }),
    )
  }, 3 * MINUTES)
  afterAll(() => cluster.close())

  test('goes on without a killed one, and has it in sync again after its start', async () => {
    const servers = cluster.bootstrapServers
    const { leader, isr } = await partitionOf(servers, 'three')
    expect(isr).toEqual([1, 2, 3])
    await cluster.kill(leader)
    const others = [1, 2, 3].filter((id) => id !== leader)
    await eventually(async () => {
      expect((await partitionOf(servers, 'three')).isr).toEqual(others)
    })
    await produce(servers, 'three')
    await cluster.start(leader)
    await eventually(async () => expect((await partitionOf(servers, 'three')).isr).toEqual(isr))
  }, 2 * MINUTES)

  test('a frozen one is silent until it is thawed', async () => {
    cluster.freeze(2)
    expect(await isReady(addressOf(cluster, 2))).toBe(false)
    expect(await isReady(addressOf(cluster, 1))).toBe(true)
    cluster.thaw(2)
    await eventually(async () => expect(await isReady(addressOf(cluster, 2))).toBe(true))
  })

  test('a stopped one says good-bye, and starts again', async () => {
    await cluster.stop(3)
    const lastLine = (await cluster.log(3)).trimEnd().split('\n').at(-1)
    expect(lastLine).toContain('App info kafka.server for 3 unregistered')
    await expect(cluster.stop(3)).rejects.toThrow('broker 3 is not running')
    await cluster.start(3)
    expect(await isReady(addressOf(cluster, 3), [1, 2, 3])).toBe(true)
  }, 2 * MINUTES)
})

describeKafkaCluster(
  'a cluster of Kafka 3.9',
  () => {
    test('is of that version', async () => {
      const cluster = await startKafkaCluster({ brokers: 1, version: '3.9' })
      try {
        expect(await isReady(cluster.bootstrapServers, [1])).toBe(true)
        expect(await cluster.log(1)).toMatch(/Kafka version: 3\.9\.\d/)
      } finally {
        await cluster.close()
      }
    }, 2 * MINUTES)
  },
  ['3.9'],
)

describeKafkaCluster('nothing is left', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hb-left-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** The starter keeps all that it makes in our folder. */
  const start = (...args: string[]) =>
    spawn(process.execPath, [STARTER, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: folder },
    })

  test('of a cluster whose owner was killed with -9', async () => {
    const starter = start()
    const [pid] = (await once(starter.stdout, 'data')) as [Buffer]
    expect(process.kill(Number(pid), 0)).toBe(true)
    expect(readdirSync(folder)).toHaveLength(1)
    starter.kill('SIGKILL')
    await eventually(() => {
      expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH')
      expect(readdirSync(folder)).toEqual([])
    })
  }, 2 * MINUTES)

  test('of a cluster that could not start, and the end of its log is in the error', async () => {
    const starter = start('log.retention.ms', 'for ever')
    const chunks = await starter.stderr.toArray()
    const said = Buffer.concat(chunks as Buffer[]).toString()
    expect(said).toContain('broker 1 ended at its start; the end of its log:')
    expect(said).toContain('Invalid value for ever for configuration log.retention.ms')
    expect(readdirSync(folder)).toEqual([])
  }, 2 * MINUTES)
})
