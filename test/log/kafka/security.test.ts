// A cluster that asks who is there: every mechanism, with and without TLS, does all that a node does;
// what is wrong is said at once, and no secret with it.

import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { openKafkaLog } from '../../../src/log/kafka/index.ts'
import type { Security } from '../../../src/log/kafka/index.ts'
import type { Log } from '../../../src/log/port.ts'
import { describeKafkaCluster } from '../../support/kafka.ts'
import { startSecureKafka } from '../../support/secure-kafka.ts'
import type { SecureKafka } from '../../support/secure-kafka.ts'
import { recordingMember, until } from '../recording-member.ts'

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const
const WRONG = 'guessed-and-wrong'
/** A trial that goes on until its time is over takes 30 s. */
const AT_ONCE_MS = 5_000

describeKafkaCluster('a cluster that asks who is there', () => {
  let kafka: SecureKafka
  let topics = 0
  const opened: Log[] = []
  beforeAll(async () => {
    kafka = await startSecureKafka()
  })
  afterEach(async () => {
    for (const log of opened.splice(0)) await log.close()
  })
  afterAll(() => kafka?.close())

  type Listener = 'SASL_PLAINTEXT' | 'SASL_SSL' | 'SSL'
  async function open(listener: Listener, security: Security): Promise<Log> {
    const log = await openKafkaLog({
      bootstrapServers: kafka.serversOf(listener),
      limits: { sessionTimeoutMs: 3_000 },
      security,
      onWarning: () => undefined,
    })
    opened.push(log)
    return log
  }

  const sasl = (mechanism: string, password = kafka.user.password) => ({
    sasl: { mechanism, username: kafka.user.name, password },
  })
  const tls = (): { ssl: object } => ({ ssl: { ca: kafka.caPem } })

  async function useAll(log: Log): Promise<void> {
    const topic = `secure-${++topics}`
    await log.provision([{ name: topic, partitions: 2, cleanup: 'log' }])
    await log.append(topic, 1, [{ key: 'k', value: Buffer.from('v') }])
    expect((await log.read(topic, 1, 0)).records).toHaveLength(1)
    const member = recordingMember()
    const group = `g-${topic}`
    const membership = await log.join({ group, topics: [topic], member })
    await until('the record', () => member.seen(1).length === 1)
    expect(await membership.owns(1)).toBe(true)
    await membership.leave()
    expect(await log.committed(group, topic)).toEqual([undefined, 1])
  }

  async function refusal(listener: Listener, security: Security): Promise<unknown> {
    const begun = performance.now()
    const error: unknown = await open(listener, security).catch((cause: unknown) => cause)
    expect(performance.now() - begun).toBeLessThan(AT_ONCE_MS)
    expect(error).toBeInstanceOf(Error)
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(WRONG)
    return error
  }

  test.each(MECHANISMS)('lets in by %s, in the open and under TLS', async (mechanism) => {
    await useAll(await open('SASL_PLAINTEXT', sasl(mechanism)))
    await useAll(await open('SASL_SSL', { ...sasl(mechanism), ...tls() }))
  })

  test('lets in by TLS alone', async () => {
    await useAll(await open('SSL', tls()))
  })

  test.each(MECHANISMS)('a wrong password by %s is said at once, and not shown', async (mechanism) => {
    const error = await refusal('SASL_PLAINTEXT', sasl(mechanism, WRONG))
    expect(error).toMatchObject({ code: 'log-not-authenticated', kind: 'operator' })
    expect(String(error)).toMatch(/authentication failed/i)
  })

  test('a mechanism that the broker does not have', async () => {
    const error = await refusal('SASL_PLAINTEXT', sasl('oauthbearer', WRONG))
    expect(error).toMatchObject({ code: 'log-not-authenticated' })
  })

  test('a broker whose authority is not known', async () => {
    const security = { ...sasl('plain', WRONG), ssl: { ca: '' } }
    expect(await refusal('SASL_SSL', security)).toMatchObject({ code: 'log-not-authenticated' })
  })

  test('a broker that is another than its certificate says', async () => {
    const security = { ssl: { ca: kafka.caPem, servername: 'elsewhere.example' } }
    expect(await refusal('SSL', security)).toMatchObject({ code: 'log-not-authenticated' })
  })

  test('who keeps silent about who it is gets an end, not an open door', async () => {
    const listener = kafka.serversOf('SASL_PLAINTEXT')
    const limits = { retryMsMax: 500 }
    const opening = openKafkaLog({ bootstrapServers: listener, limits, security: {} })
    await expect(opening).rejects.toMatchObject({ code: 'log-unreachable' })
  })
})
