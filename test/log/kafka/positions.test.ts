// L6: no position is ever moved without a word, whatever happens to the records below or behind it.

import { readdir, readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { FetchQueue } from '../../../src/log/kafka/fetch-queue.ts'
import { Fetcher } from '../../../src/log/kafka/fetcher.ts'
import { openKafkaLog } from '../../../src/log/kafka/index.ts'
import type { Log, Membership } from '../../../src/log/port.ts'
import { systemClock } from '../../../src/std/clock.ts'
import { describeKafkaCluster, startKafkaCluster } from '../../support/kafka.ts'
import type { KafkaCluster } from '../../support/kafka.ts'
import { recordingMember, sleep, until } from '../recording-member.ts'
import type { RecordingMember, RecordingOptions } from '../recording-member.ts'
import { withAdmin } from './admin.ts'
import { openCluster } from './open-cluster.ts'

const TOPIC_GONE_MS_MAX = 1_500
const LIMITS = { sessionTimeoutMs: 3_000, topicGoneMsMax: TOPIC_GONE_MS_MAX, commitDelayMs: 20 }

describeKafkaCluster('positions', () => {
  let cluster: KafkaCluster
  let log: Log
  let topics = 0
  const joined: Membership[] = []
  const open = (): Promise<Log> =>
    openKafkaLog({
      bootstrapServers: cluster.bootstrapServers,
      limits: LIMITS,
      onWarning: () => undefined,
    })
  beforeAll(async () => {
    cluster = await startKafkaCluster({ brokers: 1 })
    log = await open()
  })
  afterEach(async () => {
    for (const membership of joined.splice(0)) await membership.leave()
  })
  afterAll(async () => {
    await log?.close()
    await cluster?.close()
  })

  async function topicOf(records: number): Promise<string> {
    const name = `positions-${++topics}`
    await make(name, records)
    return name
  }
  async function make(name: string, records: number): Promise<void> {
    await log.provision([{ name, partitions: 2, cleanup: 'log' }])
    await append(name, records)
  }
  async function append(topic: string, records: number): Promise<void> {
    for (let n = 0; n < records; n++) {
      await log.append(topic, 0, [{ key: null, value: Buffer.alloc(1_000) }])
    }
  }
  async function joinTo(
    topic: string,
    options: RecordingOptions = {},
  ): Promise<[RecordingMember, Membership]> {
    const member = recordingMember(options)
    const group = `g-${topic}`
    const membership = await log.join({ group, topics: [topic], member, inFlight: 1, batchRecordsMax: 2 })
    joined.push(membership)
    return [member, membership]
  }
  /** The partition is halted with this code; the other one of its topic goes on. */
  async function halted(
    member: RecordingMember,
    topic: string,
    ...codes: readonly string[]
  ): Promise<unknown> {
    let error: unknown
    await until(`it halts with ${codes.join(' or ')}`, () => {
      const call = member.calls.find((each) => each.call === 'halted')
      if (call?.call === 'halted') error = call.error
      return call !== undefined
    })
    expect(codes).toContain((error as { code: string }).code)
    expect(member.calls.filter((each) => each.call === 'halted')).toHaveLength(1)
    const position = member.seen(0).length
    await log.append(topic, 0, [{ key: null, value: null }]).catch(() => undefined)
    await sleep(100)
    expect(member.seen(0)).toHaveLength(position)
    return error
  }
  const admin = <T>(work: Parameters<typeof withAdmin<T>>[1]): Promise<T> =>
    withAdmin(cluster.bootstrapServers, work)
  const deleteBelow = (topic: string, offset: number): Promise<void> =>
    admin(async (each) => {
      // it knows no topic that it was not asked about
      await each.fetchTopicOffsets(topic)
      const partitions = [{ partition: 0, offset: String(offset) }]
      await each.deleteTopicRecords({ topic, partitions })
    })

  test('records deleted below the position, while a member is behind', async () => {
    const topic = await topicOf(3)
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const [member] = await joinTo(topic, { onRecords: () => held })
    await until('it is at work', () => member.seen(0).length === 2)
    // more than the queue of a partition takes, and than an answer brings
    for (let n = 0; n < 5; n++) {
      await log.append(topic, 0, [{ key: null, value: Buffer.alloc(1_000_000) }])
    }
    const { length } = (await log.read(topic, 0, 3, { bytesMax: 10_000_000 })).records
    expect(length).toBe(5)
    await deleteBelow(topic, 8)
    release()
    const error = await halted(member, topic, 'log-position-out-of-range')
    expect(error).toMatchObject({ data: { topic, partition: 0 } })
    const position = (error as { data: { position: number } }).data.position
    expect(position).toBe((member.seen(0).at(-1)?.offset ?? 0) + 1)
  })

  test('records deleted below the committed position, while a member is away', async () => {
    const topic = await topicOf(3)
    const [, first] = await joinTo(topic)
    const group = `g-${topic}`
    await until('committed', async () => (await log.committed(group, topic))[0] === 3)
    await first.leave()
    await append(topic, 5)
    await deleteBelow(topic, 6)
    const [member] = await joinTo(topic)
    await halted(member, topic, 'log-position-out-of-range')
    expect(member.seen(0)).toEqual([])
    expect((await log.committed(group, topic))[0]).toBe(3)
  })

  test('committed positions deleted: it starts at the earliest record that is retained', async () => {
    const topic = await topicOf(8)
    const [, first] = await joinTo(topic)
    const group = `g-${topic}`
    await until('committed', async () => (await log.committed(group, topic))[0] === 8)
    await first.leave()
    await log.trim(topic, 0, 5)
    await admin((each) => each.deleteGroups([group]))
    const [member] = await joinTo(topic)
    await until('the retained ones', () => member.seen(0).length === 3)
    expect(member.seen(0).map(({ offset }) => offset)).toEqual([5, 6, 7])
    expect(member.calls[0]).toMatchObject({ committed: { [topic]: undefined } })
  })

  test('a topic that is gone halts its readers after a while, and no other', async () => {
    const [topic, other] = [await topicOf(2), await topicOf(0)]
    const [member] = await joinTo(topic)
    const [bystander] = await joinTo(other)
    await until('the first', () => member.seen(0).length === 2)
    const begun = performance.now()
    await admin((each) => each.deleteTopics({ topics: [topic] }))
    await until('both partitions', () => member.calls.filter((c) => c.call === 'halted').length === 2)
    expect(performance.now() - begun).toBeGreaterThanOrEqual(TOPIC_GONE_MS_MAX)
    for (const each of member.calls) {
      if (each.call === 'halted') expect(each.error).toMatchObject({ code: 'log-topic-unknown' })
    }
    await append(other, 2)
    await until('the other goes on', () => bystander.seen(0).length === 2)
  })

  test.each([
    ['fewer', 3],
    ['as many', 5],
    ['more', 9],
  ])('a topic deleted and made again, with %s records than were read', async (_, records) => {
    const topic = await topicOf(5)
    const [member] = await joinTo(topic)
    await until('all', () => member.seen(0).length === 5)
    await admin((each) => each.deleteTopics({ topics: [topic] }))
    await until('made again', () => make(topic, records).then(() => true, () => false))
    await until('it halts', () => member.calls.some((each) => each.call === 'halted'))
    const codes = member.calls.flatMap((each) =>
      each.call === 'halted' ? [(each.error as { code: string }).code] : [],
    )
    for (const code of codes) expect(code).toBe('log-diverged')
    expect(member.seen(0)).toHaveLength(5)
  })

  test('a log cut back behind our back', async () => {
    const topic = await topicOf(6)
    const [member] = await joinTo(topic)
    const [away, leaving] = [`away-${topic}`, recordingMember()]
    const membership = await log.join({ group: away, topics: [topic], member: leaving })
    await until('committed', async () => (await log.committed(away, topic))[0] === 6)
    await membership.leave()
    await until('all', () => member.seen(0).length === 6)
    await cluster.kill(1)
    await cutBack(join(cluster.brokers[0]?.dataDir ?? '', `${topic}-0`), 4)
    await cluster.start(1)
    await halted(member, topic, 'log-position-out-of-range', 'log-diverged')
    const back = recordingMember()
    joined.push(await log.join({ group: away, topics: [topic], member: back }))
    await halted(back, topic, 'log-position-out-of-range')
    expect(back.seen(0)).toEqual([])
    await expect(log.read(topic, 0, 7)).rejects.toMatchObject({ code: 'log-position-out-of-range' })
    // written on beyond the position, it is another log below it all the same
    await append(topic, 5)
    await expect(fetchFailure(topic, 6, 0)).resolves.toMatchObject({ code: 'log-diverged' })
  })

  /** What becomes of a reader that is at this position and read the record before it in that epoch. */
  async function fetchFailure(topic: string, start: number, epoch: number): Promise<unknown> {
    const { cluster: brokers, limits } = openCluster(cluster.bootstrapServers, LIMITS)
    await brokers.topic(topic)
    const fetcher = new Fetcher({ name: 'f', cluster: brokers, clock: systemClock, limits })
    const commit = (): void => undefined
    const queue = new FetchQueue({ topic, partition: 0, start, bytesMax: 1_000_000, commit })
    queue.epoch = epoch
    fetcher.add(queue)
    let failure: unknown
    await until('an answer', () => {
      try {
        return queue.take(start, 1, 1) !== undefined
      } catch (error) {
        failure = error
        return true
      }
    })
    fetcher.close()
    await brokers.close()
    return failure
  }
})

/** Leaves the first `batches` of a partition's only segment. */
async function cutBack(folder: string, batches: number): Promise<void> {
  const segment = '00000000000000000000'
  const file = join(folder, `${segment}.log`)
  const bytes = await readFile(file)
  let at = 0
  for (let n = 0; n < batches; n++) at += 12 + bytes.readInt32BE(at + 8)
  expect(at).toBeLessThan(bytes.length)
  await truncate(file, at)
  for (const name of await readdir(folder)) {
    if (name.endsWith('index') || name.endsWith('snapshot')) await rm(join(folder, name))
  }
}
