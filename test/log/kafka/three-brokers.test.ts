// Three brokers, two in sync: what a topic must be there, and what the death and the silence of one
// broker cost producers and groups.

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { openKafkaLog } from '../../../src/log/kafka/index.ts'
import type { Log } from '../../../src/log/port.ts'
import { describeKafkaCluster, startKafkaCluster } from '../../support/kafka.ts'
import type { KafkaCluster } from '../../support/kafka.ts'
import { recordingMember, sleep, until } from '../recording-member.ts'
import type { RecordingMember } from '../recording-member.ts'
import { withAdmin } from './admin.ts'
import { startAppending } from './appending.ts'

const BROKER_SESSION_MS = 6_000
/** What the issue allows. */
const STALL_MS_MAX = 1.5 * BROKER_SESSION_MS
const PARTITIONS = 6
const ALL = Array.from({ length: PARTITIONS }, (_, at) => at)

describeKafkaCluster('three brokers', () => {
  let cluster: KafkaCluster
  const warnings: string[] = []
  const opened: Log[] = []
  beforeAll(async () => {
    const properties = { 'broker.session.timeout.ms': String(BROKER_SESSION_MS) }
    cluster = await startKafkaCluster({ brokers: 3, properties })
  })
  afterEach(async () => {
    for (const log of opened.splice(0)) await log.close()
  })
  afterAll(async () => {
    await cluster?.close()
  })

  async function open(): Promise<Log> {
    const log = await openKafkaLog({
      bootstrapServers: cluster.bootstrapServers,
      onWarning: (text) => void warnings.push(text),
      // a coordinator that is silent is found out in half of it
      limits: { sessionTimeoutMs: 10_000 },
    })
    opened.push(log)
    return log
  }
  async function leadersOf(topic: string): Promise<number[]> {
    const { topics } = await withAdmin(cluster.bootstrapServers, (admin) =>
      admin.fetchTopicMetadata({ topics: [topic] }),
    )
    const rows = topics[0]?.partitions ?? []
    return rows.toSorted((a, b) => a.partitionId - b.partitionId).map(({ leader }) => leader)
  }
  /** By the brokers' own logs: clients are not told. */
  async function activeController(): Promise<number> {
    const found: { at: string; id: number }[] = []
    for (const { id } of cluster.brokers) {
      const line = /^\[([^\]]+)\].*QuorumController id=\d+\] Becoming the active controller/gm
      for (const [, at = ''] of (await cluster.log(id)).matchAll(line)) found.push({ at, id })
    }
    return found.toSorted((a, b) => (a.at < b.at ? -1 : 1)).at(-1)?.id ?? -1
  }
  /** A leader of partitions of the topic; another would cost an election of controllers as well. */
  async function victimOf(topic: string): Promise<number> {
    const active = await activeController()
    const victim = (await leadersOf(topic)).find((leader) => leader !== active)
    if (victim === undefined) throw new Error(`all partitions are led by ${active}`)
    return victim
  }

  test('topics have three copies, two in sync; fewer than two are refused', async () => {
    const log = await open()
    await log.provision([{ name: 'made', partitions: 2, cleanup: 'log' }])
    expect(warnings).toEqual([])
    const make = (topic: string, replicationFactor: number, inSync: number): Promise<unknown> => {
      const settings = {
        'min.insync.replicas': String(inSync),
        'message.timestamp.type': 'LogAppendTime',
        'retention.ms': '-1',
        'max.message.bytes': '2097152',
        'compression.type': 'uncompressed',
      }
      const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
      const one = { topic, numPartitions: 2, replicationFactor, configEntries }
      return withAdmin(cluster.bootstrapServers, (admin) => admin.createTopics({ topics: [one], waitForLeaders: false }))
    }
    await make('one-in-sync', 3, 1)
    await expect(
      log.provision([{ name: 'one-in-sync', partitions: 2, cleanup: 'log' }]),
    ).rejects.toMatchObject({
      code: 'log-topic-unsafe',
      detail: expect.stringMatching(/min\.insync\.replicas=1 .*--add-config min\.insync\.replicas=2$/),
    })
    await make('one-copy', 1, 1)
    await expect(
      log.provision([{ name: 'one-copy', partitions: 2, cleanup: 'log' }]),
    ).rejects.toMatchObject({
      code: 'log-topic-unsafe',
      detail: expect.stringMatching(/1 of 2 copies on 3 brokers.*kafka-reassign-partitions/),
    })
    await make('two-copies', 2, 2)
    await log.provision([{ name: 'two-copies', partitions: 2, cleanup: 'log' }])
    expect(warnings.splice(0)).toEqual([expect.stringContaining('2 copies of each record')])
  })

  /** Each partition is with one member, with both never, and from one to the other never twice. */
  function watchOwners(members: readonly RecordingMember[]): { doubled: number[]; stop(): void } {
    const doubled: number[] = []
    const timer = setInterval(() => {
      const [a = [], b = []] = members.map((each) => each.held())
      doubled.push(...a.filter((each) => b.includes(each)))
    }, 10)
    return { doubled, stop: () => clearInterval(timer) }
  }

  async function survive(topic: string, hurt: (broker: number) => Promise<void> | void) {
    const log = await open()
    await log.provision([{ name: topic, partitions: PARTITIONS, cleanup: 'log' }])
    const victim = await victimOf(topic)
    // of some groups that broker is the coordinator
    const groups: { group: string; members: RecordingMember[] }[] = []
    for (let n = 0; n < 3; n++) {
      const members = [recordingMember(), recordingMember()]
      const group = `${topic}-${n}`
      for (const member of members) await log.join({ group, topics: [topic], member })
      groups.push({ group, members })
    }
    await until('halves', () =>
      groups.every(({ members }) => members.every((each) => each.held().length === 3)),
    )
    const watches = groups.map(({ members }) => watchOwners(members))
    const appending = startAppending(log, topic, PARTITIONS)
    await sleep(500)
    await hurt(victim)
    const counts = appending.acknowledged.map(({ length }) => length)
    await until('all go on', () =>
      appending.acknowledged.every(({ length }, at) => length > (counts[at] ?? 0) + 20),
    )
    await appending.stop()
    const stallMs = appending.longestStallMs()
    const total = await log.ends(topic)
    for (const { group, members } of groups) {
      await until(`${group} has all`, () =>
        ALL.every((at) => {
          const seen = members.flatMap((each) => each.seen(at))
          return new Set(seen.map(({ offset }) => offset)).size === total[at]?.end
        }),
      )
      await until(`${group} has committed all`, async () => {
        const committed = await log.committed(group, topic)
        return ALL.every((at) => committed[at] === total[at]?.end)
      })
      expect(members.flatMap((each) => each.held()).toSorted()).toEqual(ALL)
      expect(members.flatMap(({ calls }) => calls).filter(({ call }) => call === 'halted')).toEqual([])
    }
    for (const watch of watches) {
      watch.stop()
      expect(watch.doubled).toEqual([])
    }
    // what was acknowledged is there, where it was said to be
    for (const at of ALL) {
      const seen = new Map(
        groups[0]?.members.flatMap((each) => each.seen(at)).map((each) => [each.offset, each]),
      )
      appending.acknowledged[at]?.forEach((offset, n) => {
        expect(String(seen.get(offset)?.value)).toBe(`${n}`)
      })
    }
    return { victim, stallMs }
  }

  test('kill -9 of a broker: producers stall for its session and little more, groups go on', async () => {
    const { victim, stallMs } = await survive('killed', (broker) => cluster.kill(broker))
    expect(stallMs).toBeLessThan(STALL_MS_MAX)
    await cluster.start(victim)
  }, 120_000)

  test('a broker that falls silent costs no more than one that dies', async () => {
    const { victim, stallMs } = await survive('frozen', (broker) => cluster.freeze(broker))
    expect(stallMs).toBeLessThan(STALL_MS_MAX)
    cluster.thaw(victim)
  }, 120_000)
})
