// Quotas of a broker, set by Kafka's own tool: they go by the role, and what they throttle waits.
// Nothing is lost or doubled, nothing halts or is late for it, nobody loses its session.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import type { Client } from '../../src/client/index.ts'
import { createClient } from '../../src/client/index.ts'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import type { KafkaLogLimits, Throttled } from '../../src/log/kafka/index.ts'
import type { Log } from '../../src/log/port.ts'
import { listenHttp, startNodeOn, Throttling } from '../../src/node/index.ts'
import type { EarlyHttpServer, LocalNode } from '../../src/node/index.ts'
import { systemClock } from '../../src/std/clock.ts'
import type { Report } from '../../src/std/reporter.ts'
import { Reporter } from '../../src/std/reporter.ts'
import { until } from '../node/fleet.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { editorNetwork } from '../replay/recorded-node.ts'
import { javaCommand, runToEnd } from '../support/java.ts'
import { installKafka } from '../support/kafka-install.ts'
import { jvmArguments } from '../support/kafka-jvm.ts'
import { describeKafkaCluster, startKafkaCluster } from '../support/kafka.ts'
import type { KafkaCluster } from '../support/kafka.ts'

const network = editorNetwork()
const ROLES = ['sequencer', 'dre', 'relayer'] as const
const NAMES = ['a', 'b', 'c']
/** A quota is of what came in the last two seconds, so that a test sees it at once. */
const PROPERTIES = { 'quota.window.num': '3', 'quota.window.size.seconds': '1' }
/** Much less than what the quotas make a connection wait. */
const LIMITS: Partial<KafkaLogLimits> = { requestTimeoutMs: 1_000, sessionTimeoutMs: 6_000 }

type Up = {
  readonly node: LocalNode
  readonly http: EarlyHttpServer
  readonly client: Client
  readonly reports: readonly Report[]
}

describeKafkaCluster('a broker with quotas', () => {
  let kafka: KafkaCluster
  let folder: string
  let application: string
  const ups: Up[] = []
  const key = ed25519Key()
  let count = 0
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hb-quotas-'))
    kafka = await startKafkaCluster({ brokers: 1, properties: PROPERTIES })
  }, 120_000)
  afterEach(stopAll)
  afterAll(async () => {
    await kafka?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function stopAll(): Promise<void> {
    for (const { node, http } of ups.splice(0)) {
      await http.close()
      await node.close()
    }
  }

  async function quota(part: string, ...settings: readonly string[]): Promise<void> {
    const install = await installKafka('4.1')
    const entity = ['--entity-type', 'clients', '--entity-name', `${application}.${part}`]
    const program = [
      ...['kafka.admin.ConfigCommand', '--bootstrap-server', kafka.bootstrapServers],
      ...['--alter', '--add-config', settings.join(','), ...entity],
    ]
    await runToEnd(javaCommand(), jvmArguments(install, program), { cwd: install.dir })
  }

  async function start(waitingRecordsMax?: number): Promise<Up> {
    const reports: Report[] = []
    const reporter = new Reporter('info', (report) => reports.push(report))
    const throttling = new Throttling(systemClock, reporter)
    const openAs = (part: string): Promise<Log> =>
      openKafkaLog({
        bootstrapServers: kafka.bootstrapServers,
        clientId: `${application}.${part}`,
        limits: LIMITS,
        onWarning: () => undefined,
        onThrottled: (told: Throttled) => throttling.heard(told),
      })
    const http = await listenHttp({ network, port: 0 })
    const node = await startNodeOn(await openAs('door'), {
      ...{ network, applicationId: application, reporter, throttling },
      directory: join(folder, application),
      openRoleLog: openAs,
      evaluatorWorkers: 0,
      verifierThreads: 0,
      ...(waitingRecordsMax !== undefined && { limits: { ingress: { waitingRecordsMax } } }),
    })
    http.serve(node.api)
    const client = createClient({ url: http.url, network: network.id })
    const up = { node, http, client, reports }
    ups.push(up)
    await until(() => node.api.health().ready)
    return up
  }

  const idOf = (at: number): string => network.processIds.get(NAMES[at % 3] as string) as string
  /** A message that makes its process send another one. */
  function item(): Buffer {
    count += 1
    const data = JSON.stringify({ tell: [idOf(count >> 1), { set: ['k', count] }] })
    const tags = [{ name: 'Content-Type', value: 'application/json' }]
    return signedItem(network, key, { target: idOf(count), tags, data })
  }

  /** Messages that the processes have handled, their spawns not counted. */
  async function handled({ node }: Up): Promise<number> {
    const states = await Promise.all(NAMES.map((_, at) => node.api.state(idOf(at))))
    const counts = states.map((each) => (JSON.parse(each?.text ?? '') as { count: number }).count - 1)
    return counts.reduce((sum, each) => sum + each, 0)
  }

  /** Seconds, by part and request. */
  async function waited({ node }: Up): Promise<ReadonlyMap<string, number>> {
    const found = (await node.api.metrics()).find(
      ({ name }) => name === 'hb_log_throttled_seconds_total',
    )
    return new Map(
      found?.samples.map((each) => {
        const { client_id: id, request } = each.labels ?? {}
        const part = String(id).slice(application.length + 1)
        return [`${part} ${request}`, 'value' in each ? each.value : 0]
      }),
    )
  }

  const membersOf = (log: Log) =>
    Promise.all(ROLES.map(async (role) => (await log.members(`${application}.${role}`))[0]?.memberId))

  /** None of these is a quota's doing. */
  const troubles = ({ reports }: Up): Report[] =>
    reports.filter(({ event }) => /halted|append-failed|partition-closing|failed/.test(event))

  async function send({ http }: Up, item: Buffer): Promise<number> {
    const headers = { 'content-type': 'application/octet-stream' }
    for (let busy = 0; ; busy++) {
      const response = await fetch(`${http.url}/messages`, { method: 'POST', headers, body: item })
      await response.arrayBuffer()
      if (response.ok) return busy
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
      await systemClock.sleep(200)
    }
  }

  test('that throttle every role and the door hard: all waits, and is applied once', async () => {
    application = `quotas-${randomUUID()}`
    await quota('door', 'producer_byte_rate=2500')
    await quota('sequencer', 'producer_byte_rate=2000', 'consumer_byte_rate=2000')
    // each slower than what feeds it: else it may never be held back
    await quota('dre', 'producer_byte_rate=1500', 'consumer_byte_rate=2000')
    await quota('relayer', 'producer_byte_rate=6000', 'consumer_byte_rate=6000')
    const up = await start(10)
    const before = await membersOf(up.node.log)
    const from = performance.now()
    const busy = await Promise.all(Array.from({ length: 50 }, () => send(up, item())))
    const sendingS = (performance.now() - from) / 1_000
    await until(async () => (await handled(up)) >= 100)
    const seconds = await waited(up)
    // more than one request may take, or a session may be silent
    expect(seconds.get('door Produce')).toBeGreaterThan(LIMITS.requestTimeoutMs as number / 1_000)
    for (const what of ['sequencer Produce', 'sequencer Fetch', 'dre Produce', 'dre Fetch']) {
      expect([what, (seconds.get(what) ?? 0) > 0]).toEqual([what, true])
    }
    expect(sendingS).toBeGreaterThan(2)
    // some were told to come back: the door's queue was full
    expect(busy.some((each) => each > 0)).toBe(true)
    expect(await handled(up)).toBe(100)
    expect(troubles(up)).toEqual([])
    expect(await membersOf(up.node.log)).toEqual(before)
    const said = up.reports.filter(({ event }) => event === 'quota-throttled')
    expect(said.filter(({ fields }) => fields['client'] === `${application}.door`)).toHaveLength(1)
  }, 180_000)

  test('on requests: members keep their sessions', async () => {
    application = `quotas-${randomUUID()}`
    const up = await start()
    const before = await membersOf(up.node.log)
    // so little that a heartbeat uses it up, and no fetch is given anything
    await Promise.all(ROLES.map((role) => quota(role, 'request_percentage=0.01')))
    for (let n = 0; n < 5; n++) await send(up, item())
    // longer than a session
    await systemClock.sleep(8_000)
    const seconds = await waited(up)
    for (const role of ROLES) expect(seconds.get(`${role} Heartbeat`)).toBeGreaterThan(4)
    expect(await handled(up)).toBeLessThan(10)
    await Promise.all(ROLES.map((role) => quota(role, 'request_percentage=10000')))
    await until(async () => (await handled(up)) >= 10)
    expect(troubles(up)).toEqual([])
    expect(await membersOf(up.node.log)).toEqual(before)
    expect(await handled(up)).toBe(10)
  }, 180_000)

  test('go by the role: what slows the relayer slows nobody else', async () => {
    application = `quotas-${randomUUID()}`
    await quota('relayer', 'producer_byte_rate=500')
    const up = await start()
    for (let n = 0; n < 20; n++) {
      const [sent] = await up.node.api.submit([item()])
      if (sent === undefined || 'error' in sent) throw new Error('not taken')
      const { stage } = await up.node.api.waitFor(sent.id, 'result', 5_000)
      expect(stage).toBe('evaluated')
    }
    // all that was sent is evaluated; what it made processes send is still on its way
    expect(await handled(up)).toBeLessThan(40)
    await until(async () => (await handled(up)) >= 40)
    const seconds = await waited(up)
    expect([...seconds.keys()]).toEqual(['relayer Produce'])
    expect(seconds.get('relayer Produce')).toBeGreaterThan(1)
    expect(troubles(up)).toEqual([])
  }, 180_000)
})
