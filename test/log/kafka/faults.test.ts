// A network that loses answers, cuts and is late: an append is refused only where nothing was
// written and unclear wherever something may have been, what was unclear is found by reading, and
// the next append goes its own way.

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { openKafkaLog } from '../../../src/log/kafka/index.ts'
import type { KafkaLogLimits } from '../../../src/log/kafka/index.ts'
import type { Log, LogRecord } from '../../../src/log/port.ts'
import { describeKafkaCluster, startKafkaCluster } from '../../support/kafka.ts'
import type { KafkaCluster } from '../../support/kafka.ts'
import { recordingMember, sleep, until } from '../recording-member.ts'
import { API, TcpProxy } from './tcp-proxy.ts'
import type { Verdict } from './tcp-proxy.ts'

const LIMITS: Partial<KafkaLogLimits> = { sessionTimeoutMs: 3_000, retryMsMax: 3_000 }

describeKafkaCluster('a broker behind a bad network', () => {
  let cluster: KafkaCluster
  let proxy: TcpProxy
  let topics = 0
  const opened: Log[] = []
  beforeAll(async () => {
    proxy = await TcpProxy.start()
    const advertised = `PLAINTEXT://127.0.0.1:${proxy.port}`
    cluster = await startKafkaCluster({
      brokers: 1,
      properties: { 'advertised.listeners': advertised },
    })
    proxy.to(cluster.brokers[0]?.port ?? 0)
  })
  afterEach(async () => {
    proxy.verdict = () => 'pass'
    await proxy.open()
    for (const log of opened.splice(0)) await log.close()
  })
  afterAll(async () => {
    await proxy?.close()
    await cluster?.close()
  })

  async function open(limits: Partial<KafkaLogLimits> = {}): Promise<[Log, string]> {
    const log = await openKafkaLog({
      bootstrapServers: `127.0.0.1:${proxy.port}`,
      limits: { ...LIMITS, ...limits },
      onWarning: () => undefined,
    })
    opened.push(log)
    const topic = `faults-${++topics}`
    await log.provision([{ name: topic, partitions: 2, cleanup: 'log' }])
    return [log, topic]
  }

  const record = (text: string): LogRecord => ({ key: null, value: Buffer.from(text) })
  const texts = async (log: Log, topic: string): Promise<string[]> => {
    const { records } = await log.read(topic, 0, 0)
    return records.map(({ value }) => Buffer.from(value ?? []).toString())
  }
  /** The next `count` requests of this kind. */
  const next = (apiKey: number, verdict: Verdict, count = 1): void => {
    let left = count
    proxy.verdict = (key) => (key === apiKey && left-- > 0 ? verdict : 'pass')
  }

  test.each<[Verdict, string[]]>([
    ['cut before', ['a', 'c']],
    ['cut within', ['a', 'c']],
    ['lose answer', ['a', 'b', 'c']],
    ['keep answer', ['a', 'b', 'c']],
  ])('%s: unclear; reading tells, and the next append goes a new way', async (verdict, expected) => {
    const [log, topic] = await open({ requestTimeoutMs: 400 })
    expect(await log.append(topic, 0, [record('a')])).toBe(0)
    next(API.produce, verdict)
    const before = proxy.connections
    await expect(log.append(topic, 0, [record('b')])).rejects.toMatchObject({
      code: 'log-append-unclear',
      kind: 'transient',
    })
    expect(await log.append(topic, 0, [record('c')])).toBe(expected.length - 1)
    expect(await texts(log, topic)).toEqual(expected)
    expect(proxy.connections).toBeGreaterThan(before)
  })

  test('what was sent behind an unclear append on its connection is unclear too', async () => {
    const [log, topic] = await open()
    await log.append(topic, 0, [record('a')])
    next(API.produce, 'lose answer')
    const first = log.append(topic, 0, [record('b')])
    // another turn: a request of its own
    await sleep(0)
    const all = await Promise.allSettled([first, log.append(topic, 1, [record('c')])])
    for (const each of all) {
      expect(each).toMatchObject({ status: 'rejected', reason: { code: 'log-append-unclear' } })
    }
    expect(await log.append(topic, 1, [record('d')])).toBeGreaterThanOrEqual(0)
  })

  test('a late answer is waited for', async () => {
    const [log, topic] = await open()
    await log.append(topic, 0, [record('a')])
    next(API.produce, { delayMs: 300 })
    const begun = performance.now()
    expect(await log.append(topic, 0, [record('b')])).toBe(1)
    expect(performance.now() - begun).toBeGreaterThanOrEqual(295)
  })

  test('where nobody listens it is refused, at once; when there is somebody again it goes', async () => {
    const [log, topic] = await open()
    await log.append(topic, 0, [record('a')])
    await proxy.close()
    // it may not have heard of the cut yet
    await log.append(topic, 0, [record('b')]).catch(() => undefined)
    for (let n = 0; n < 5; n++) {
      const begun = performance.now()
      const failure = log.append(topic, 0, [record('b')])
      await expect(failure).rejects.toMatchObject({ code: 'log-append-refused' })
      expect(performance.now() - begun).toBeLessThan(2_000)
    }
    await proxy.open()
    await until('it is taken', async () => {
      const base = await log.append(topic, 0, [record('c')]).catch(() => -1)
      return base === 1
    })
    expect(await texts(log, topic)).toEqual(['a', 'c'])
  })

  test('a log that is closed says so, not that something may have been written', async () => {
    const [log, topic] = await open()
    await proxy.close()
    const append = log.append(topic, 0, [record('a')])
    const closed = log.close()
    await expect(append).rejects.toMatchObject({ code: 'log-append-refused' })
    await closed
    await expect(log.append(topic, 0, [record('a')])).rejects.toMatchObject({ code: 'log-closed' })
  })

  test('reads and a member go on through cuts, each record once and in order', async () => {
    const [log, topic] = await open()
    const member = recordingMember()
    const membership = await log.join({ group: `g-${topic}`, topics: [topic], member })
    const expected: string[] = []
    for (let n = 0; n < 10; n++) {
      expected.push(`${n}`)
      await until('taken', () => log.append(topic, 0, [record(`${n}`)]).then(() => true, () => false))
      if (n % 3 === 1) next(API.fetch, n % 2 === 0 ? 'cut before' : 'lose answer', 2)
      if (n % 3 === 2) proxy.cutAll()
    }
    const seen = (): string[] => member.seen(0).map(({ value }) => Buffer.from(value ?? []).toString())
    await until('all of it', () => seen().length >= 10)
    expect(seen()).toEqual(expected)
    expect(await texts(log, topic)).toEqual(expected)
    expect(member.calls.filter(({ call }) => call === 'halted')).toEqual([])
    expect(await membership.owns(0)).toBe(true)
  })

  test('commits and heartbeats whose answers are lost are asked again; nobody is out', async () => {
    const [log, topic] = await open()
    const member = recordingMember()
    const group = `g-${topic}`
    const membership = await log.join({ group, topics: [topic], member })
    const generation = membership.generation()
    let lost = 0
    proxy.verdict = (key) => {
      const isOurs = key === API.offsetCommit || key === API.heartbeat
      return isOurs && lost++ < 4 ? 'lose answer' : 'pass'
    }
    await log.append(topic, 0, [record('a')])
    await until('committed', async () => (await log.committed(group, topic))[0] === 1)
    await until('answers were lost', () => lost > 4)
    expect(await membership.owns(0)).toBe(true)
    expect(membership.generation()).toBe(generation)
    expect(member.calls.map(({ call }) => call)).not.toContain('revoked')
  })
})
