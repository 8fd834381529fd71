// A broker that asks who is there: listeners with passwords (PLAIN, SCRAM) and with TLS, beside the
// open one. Certificates are made by keytool, which comes with every Java.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { javaCommand, runToEnd } from './java.ts'
import { startKafkaCluster } from './jvm-kafka.ts'
import type { KafkaCluster, KafkaClusterOptions } from './jvm-kafka.ts'
import type { Properties } from './kafka-properties.ts'

/** Known to every mechanism, on both SASL listeners. */
export const KAFKA_USER = { name: 'hollow', password: 'beam-secret' }

const LISTENERS = ['SASL_PLAINTEXT', 'SASL_SSL', 'SSL'] as const
const SCRAM_MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const LOGIN_MODULES = 'org.apache.kafka.common.security'
const STORE_PASSWORD = 'only-for-tests'
const QUICK = ['-J-XX:TieredStopAtLevel=1', '-J-XX:+UseSerialGC']

export type SecureKafka = Omit<KafkaCluster, 'close'> & {
  /** The certificate of the authority that signed the broker's, as PEM: a file, and its text. */
  readonly caFile: string
  readonly caPem: string
  readonly user: typeof KAFKA_USER
  close(): Promise<void>
}

/** One broker with PLAINTEXT, SASL_PLAINTEXT, SASL_SSL and SSL: see serversOf(). */
export async function startSecureKafka(
  options: Omit<KafkaClusterOptions, 'brokers' | 'listeners' | 'scramUsers'> = {},
): Promise<SecureKafka> {
  const folder = await mkdtemp(join(tmpdir(), 'hb-certificates-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const { keyStore, caFile } = await makeCertificates(folder)
    const cluster = await startKafkaCluster({
      ...options,
      brokers: 1,
      listeners: LISTENERS,
      scramUsers: SCRAM_MECHANISMS.map((mechanism) => ({ mechanism, ...KAFKA_USER })),
      properties: { ...saslProperties(), ...tlsProperties(keyStore), ...options.properties },
    })
    const close = async (): Promise<void> => {
      await cluster.close()
      await remove()
    }
    const caPem = await readFile(caFile, 'utf8')
    return { ...cluster, caFile, caPem, user: KAFKA_USER, close }
  } catch (error) {
    await remove()
    throw error
  }
}

function saslProperties(): Properties {
  const { name, password } = KAFKA_USER
  const perListener = ['sasl_plaintext', 'sasl_ssl'].flatMap((listener) => {
    const of = (key: string): string => `listener.name.${listener}.${key}`
    return [
      [of('sasl.enabled.mechanisms'), ['PLAIN', ...SCRAM_MECHANISMS].join(',')],
      [
        of('plain.sasl.jaas.config'),
        `${LOGIN_MODULES}.plain.PlainLoginModule required user_${name}="${password}";`,
      ],
      ...SCRAM_MECHANISMS.map((mechanism) => [
        of(`${mechanism.toLowerCase()}.sasl.jaas.config`),
        `${LOGIN_MODULES}.scram.ScramLoginModule required;`,
      ]),
    ]
  })
  return Object.fromEntries(perListener) as Properties
}

function tlsProperties(keyStore: string): Properties {
  return {
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': keyStore,
    'ssl.keystore.password': STORE_PASSWORD,
    'ssl.key.password': STORE_PASSWORD,
  }
}

/** An authority, and a certificate of it for 127.0.0.1 and localhost. The authority's key goes. */
async function makeCertificates(folder: string): Promise<{ keyStore: string; caFile: string }> {
  const keyStore = join(folder, 'broker.p12')
  const caFile = join(folder, 'ca.pem')
  const store = ['-keystore', keyStore, '-storetype', 'PKCS12', '-storepass', STORE_PASSWORD]
  const key = ['-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '2']
  const run = (...args: string[]): Promise<string> =>
    runToEnd(javaCommand('keytool'), [...args, ...store, ...QUICK])
  await run('-genkeypair', '-alias', 'ca', '-dname', 'CN=Test CA', '-ext', 'bc:c', ...key)
  const names = ['-ext', 'san=ip:127.0.0.1,dns:localhost']
  const broker = ['-alias', 'broker', '-dname', 'CN=localhost', '-signer', 'ca', ...names, ...key]
  await run('-genkeypair', ...broker)
  await run('-exportcert', '-alias', 'ca', '-rfc', '-file', caFile)
  await run('-delete', '-alias', 'ca')
  return { keyStore, caFile }
}
