// Topics are made as the design wants them, and refused where they differ, in words that say what is
// wrong, why, and the command that mends it.

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import kafkajs from 'kafkajs'
import { openKafkaLog } from '../../../src/log/kafka/index.ts'
import type { Log, StoredRecord, TopicSpec } from '../../../src/log/port.ts'
import { describeKafkaCluster, startKafkaCluster } from '../../support/kafka.ts'
import type { KafkaCluster } from '../../support/kafka.ts'
import { eventually } from '../../support/waiting.ts'
import { withAdmin } from './admin.ts'

const { TOPIC } = kafkajs.ConfigResourceTypes
/** As provision makes a log on one broker. */
const RIGHT = {
  'cleanup.policy': 'delete',
  'compression.type': 'uncompressed',
  'max.message.bytes': '2097152',
  'message.timestamp.type': 'LogAppendTime',
  'min.insync.replicas': '1',
  'unclean.leader.election.enable': 'false',
  'retention.bytes': '-1',
  'retention.ms': '-1',
}

describeKafkaCluster('topics on one broker', () => {
  let cluster: KafkaCluster
  let servers: string
  let log: Log
  const warnings: string[] = []
  beforeAll(async () => {
    cluster = await startKafkaCluster({ brokers: 1 })
    servers = cluster.bootstrapServers
    const onWarning = (text: string): void => void warnings.push(text)
    log = await openKafkaLog({ bootstrapServers: servers, onWarning })
  })
  afterAll(async () => {
    await log?.close()
    await cluster?.close()
  })

  const nameOf = (): string => `topics-${randomUUID()}`
  const specOf = (name: string, changed: Partial<TopicSpec> = {}): TopicSpec => ({
    name,
    partitions: 2,
    cleanup: 'log',
    ...changed,
  })
  async function make(config: Readonly<Record<string, string>>, partitions = 2): Promise<string> {
    const topic = nameOf()
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    await withAdmin(servers, (admin) =>
      admin.createTopics({
        // it takes a broker's not knowing the topic yet for an error
        waitForLeaders: false,
        topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
      }),
    )
    return topic
  }
  async function settings(topic: string): Promise<Record<string, string>> {
    return withAdmin(servers, async (admin) => {
      const resources = [{ type: TOPIC, name: topic }]
      const { resources: found } = await admin.describeConfigs({ includeSynonyms: false, resources })
      const rows = found[0]?.configEntries ?? []
      return Object.fromEntries(rows.map(({ configName, configValue }) => [configName, configValue]))
    })
  }

  test('a log is kept for ever, uncompressed, by the broker’s time', async () => {
    const name = nameOf()
    await log.provision([specOf(name)])
    expect(await settings(name)).toMatchObject(RIGHT)
    await log.provision([specOf(name)])
  })

  test('a compacted topic, and a log with a retention', async () => {
    const [compact, brief] = [nameOf(), nameOf()]
    const specs = [
      specOf(compact, { cleanup: 'compact' }),
      specOf(brief, { retentionMs: 86_400_000 }),
    ]
    await log.provision(specs)
    expect(await settings(compact)).toMatchObject({ ...RIGHT, 'cleanup.policy': 'compact', 'retention.ms': expect.any(String) })
    expect(await settings(brief)).toMatchObject({ ...RIGHT, 'retention.ms': '86400000' })
    await log.provision(specs)
  })

  test('a topic that somebody made right is taken as it is', async () => {
    const name = await make(RIGHT)
    const before = await settings(name)
    await log.provision([specOf(name)])
    expect(await settings(name)).toEqual(before)
  })

  test.each([
    ['unclean.leader.election.enable', 'true', 'false'],
    ['retention.ms', '604800000', '-1'],
    ['retention.bytes', '1000000000', '-1'],
    ['max.message.bytes', '1048588', '2097152'],
    ['message.timestamp.type', 'CreateTime', 'LogAppendTime'],
    ['compression.type', 'snappy', 'uncompressed'],
    ['compression.type', 'producer', 'uncompressed'],
  ])('%s=%s is refused, named and with what mends it', async (setting, is, want) => {
    const name = await make({ ...RIGHT, [setting]: is })
    const failure = log.provision([specOf(name)])
    await expect(failure).rejects.toMatchObject({ code: 'log-topic-unsafe', kind: 'operator' })
    const text = await failure.catch(String)
    expect(text).toContain(`${name}: ${setting}=${is} (`)
    expect(text).toMatch(
      new RegExp(`kafka-configs\\.sh .*--entity-name ${name} --add-config ${setting}=${want}$`),
    )
    // what it names mends it (the admin client replaces all settings, as the tool does not)
    const mended = Object.entries({ ...RIGHT, [setting]: want })
    const configEntries = mended.map(([key, value]) => ({ name: key, value }))
    const resources = [{ type: TOPIC, name, configEntries }]
    await withAdmin(servers, (admin) => admin.alterConfigs({ validateOnly: false, resources }))
    await eventually(() => log.provision([specOf(name)]))
  })

  test('all that is wrong is named at once', async () => {
    const name = await make({ ...RIGHT, 'retention.ms': '1', 'message.timestamp.type': 'CreateTime' })
    const text = await log.provision([specOf(name)]).catch(String)
    const mend = '--add-config message.timestamp.type=LogAppendTime,retention.ms=-1'
    expect(text).toContain(mend)
  })

  test('a log that is compacted is refused, and a compacted topic that is not', async () => {
    for (const [policy, cleanup, want] of [
      ['compact', 'log', 'delete'],
      ['compact,delete', 'log', 'delete'],
      ['delete', 'compact', 'compact'],
      ['compact,delete', 'compact', 'compact'],
    ] as const) {
      const name = await make({ ...RIGHT, 'cleanup.policy': policy })
      const failure = log.provision([specOf(name, { cleanup })])
      await expect(failure).rejects.toMatchObject({ code: 'log-topic-mismatch' })
      const text = await failure.catch(String)
      expect(text).toMatch(new RegExp(`cleanup\\.policy=${policy.replace(',', '(,|, )')} `))
      expect(text).toContain(`--entity-name ${name} --add-config cleanup.policy=${want}`)
    }
  })

  test('another number of partitions is refused, and how it came to be is hinted at', async () => {
    const name = await make(RIGHT, 3)
    const failure = log.provision([specOf(name)])
    await expect(failure).rejects.toMatchObject({ code: 'log-topic-mismatch' })
    const text = await failure.catch(String)
    expect(text).toContain(`${name}: 3 partitions, wanted: 2`)
    expect(text).toContain('--application-id')
  })

  test('one broker is warned of in words', async () => {
    await log.provision([specOf(nameOf())])
    await log.provision([specOf(nameOf())])
    // once, however many topics there are
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/one copy of each record \(3 are wanted\).*loss of a broker.s disk/)
  })

  test('a name that Kafka does not take', async () => {
    const failure = log.provision([specOf('not a name')])
    await expect(failure).rejects.toMatchObject({ code: 'log-name-invalid' })
  })

  test('trimmed is trimmed for everybody; a compacted topic is not trimmed', async () => {
    const [name, compact] = [nameOf(), nameOf()]
    await log.provision([specOf(name), specOf(compact, { cleanup: 'compact' })])
    for (let n = 0; n < 5; n++) await log.append(name, 1, [{ key: 'k', value: Buffer.from(`${n}`) }])
    await log.trim(name, 1, 3)
    await log.trim(name, 1, 2)
    expect((await log.ends(name))[1]).toEqual({ start: 3, end: 5 })
    const seen = await withAdmin(servers, (admin) => admin.fetchTopicOffsets(name))
    expect(seen.find(({ partition }) => partition === 1)).toMatchObject({ low: '3', high: '5' })
    await expect(log.read(name, 1, 2)).rejects.toMatchObject({ code: 'log-position-out-of-range' })
    await expect(log.trim(compact, 0, 1)).rejects.toMatchObject({ code: 'log-not-trimmable' })
    await log.append(compact, 0, [{ key: 'k', value: null }])
    // a program that did not make it is told the same by the broker
    const other = await openKafkaLog({ bootstrapServers: servers, onWarning: () => undefined })
    await expect(other.trim(compact, 0, 1)).rejects.toMatchObject({ code: 'log-not-trimmable' })
    await expect(other.append(compact, 0, [{ key: null, value: null }])).rejects.toMatchObject({
      code: 'log-record-invalid',
    })
    await other.close()
  })

  test('what the broker compacts away is a hole, and the newest of each key is there', async () => {
    const config = {
      ...RIGHT,
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.01',
      'segment.ms': '200',
      'max.compaction.lag.ms': '200',
    }
    const name = await make(config)
    await log.provision([specOf(name, { cleanup: 'compact' })])
    const put = (key: string, text: string): Promise<number> =>
      log.append(name, 0, [{ key, value: Buffer.from(text) }])
    for (let n = 0; n < 20; n++) await put(`k${n % 2}`, `${n}`)
    const all = async (): Promise<StoredRecord[]> => {
      const found: StoredRecord[] = []
      const end = (await log.ends(name))[0]?.end ?? 0
      for (let from = 0; from < end; ) {
        const { records, next } = await log.read(name, 0, from)
        found.push(...records)
        from = next
      }
      return found.filter(({ key }) => key !== 'last')
    }
    await eventually(async () => {
      // a segment is closed by the first append after its time, and what is active is not compacted
      await put('last', 'x')
      expect((await all()).map(({ key, value }) => `${key}=${String(value)}`)).toEqual(['k0=18', 'k1=19'])
    })
    expect((await all()).map(({ offset }) => offset)).toEqual([18, 19])
    expect((await log.read(name, 0, 7)).records[0]?.offset).toBe(18)
  })
})
