// The broker that asks who is there: it lets in who may come in, by every way, and nobody else.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import kafkajs from 'kafkajs'
import type { SASLOptions } from 'kafkajs'
import { describeKafkaCluster } from './kafka.ts'
import { startSecureKafka } from './secure-kafka.ts'
import type { SecureKafka } from './secure-kafka.ts'

const MINUTES = 60_000
const { Kafka, logLevel } = kafkajs
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

describeKafkaCluster('a broker that asks who is there', () => {
  let kafka: SecureKafka
  beforeAll(async () => {
    kafka = await startSecureKafka()
  }, 2 * MINUTES)
  afterAll(() => kafka.close())

  async function comeIn(
    listener: 'SASL_PLAINTEXT' | 'SASL_SSL' | 'SSL',
    mechanism?: (typeof MECHANISMS)[number],
    password = kafka.user.password,
    ca: string | undefined = kafka.caPem,
  ): Promise<number> {
    const admin = new Kafka({
      brokers: [kafka.serversOf(listener)],
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
      ...(mechanism && { sasl: { mechanism, username: kafka.user.name, password } as SASLOptions }),
      ...(listener !== 'SASL_PLAINTEXT' && { ssl: ca === undefined ? true : { ca } }),
    }).admin()
    try {
      await admin.connect()
      return (await admin.describeCluster()).brokers.length
    } finally {
      await admin.disconnect()
    }
  }

  test.each(MECHANISMS)('lets its user in by %s, in the open and under TLS', async (mechanism) => {
    expect(await comeIn('SASL_PLAINTEXT', mechanism)).toBe(1)
    expect(await comeIn('SASL_SSL', mechanism)).toBe(1)
  })

  test.each(MECHANISMS)('refuses another password by %s', async (mechanism) => {
    await expect(comeIn('SASL_PLAINTEXT', mechanism, 'guessed')).rejects.toThrow(/authentication/i)
  })

  test('lets in whoever knows its authority, without a password, on SSL', async () => {
    expect(await comeIn('SSL')).toBe(1)
  })

  test('is not believed by those who do not know its authority', async () => {
    const strange = comeIn('SSL', undefined, undefined, '')
    await expect(strange).rejects.toThrow(/certificate/)
  })

  test('has the certificate in a file as well', () => {
    expect(readFileSync(kafka.caFile, 'utf8')).toBe(kafka.caPem)
    expect(kafka.caPem).toContain('BEGIN CERTIFICATE')
  })
})
