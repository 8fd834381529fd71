// A Kafka client's properties file (`--command-config client.properties`), with Kafka's own keys,
// as what a connection needs.
//
// Invariants: P1 no error, warning or print shows a value: they name the key and its line, so that
// neither a password nor one that stands in the wrong place gets out. P2 what would make a
// connection weaker than it says (an unknown protocol or mechanism, a trust store that cannot be
// read) is refused; what has no meaning here is a warning. P3 certificates, keys and passwords are
// tried here, not at the first connection.

import { inspect } from 'node:util'
import { parseProperties, type Property } from '../../std/java-properties.ts'
import { HbError } from '../../std/errors.ts'
import { parseJaas } from './jaas.ts'
import type { Security } from './connection.ts'
import type { KafkaLogLimits } from './limits.ts'
import { schemaRegistryOf, SCHEMA_REGISTRY_KEYS } from './schema-registry-properties.ts'
import type { SchemaRegistryProperties } from './schema-registry-properties.ts'
import { sslOptions, SSL_KEYS, type SslOptions } from './ssl-properties.ts'

export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512'

export type Sasl = {
  readonly mechanism: SaslMechanism
  readonly username: string
  readonly password: string
}

/** Absent: not said, the adapter's own default holds. Printing it shows no secret. */
export type ClientProperties = {
  readonly bootstrapServers?: string
  readonly clientId?: string
  /** For tls.connect; true: with the system's own authorities. */
  readonly ssl?: SslOptions | true
  readonly sasl?: Sasl
  readonly schemaRegistry?: SchemaRegistryProperties
  readonly requestTimeoutMs?: number
  readonly connectionSetupTimeoutMs?: number
  readonly sessionTimeoutMs?: number
  readonly heartbeatIntervalMs?: number
  readonly maxPollIntervalMs?: number
  readonly fetchMaxWaitMs?: number
  readonly metadataMaxAgeMs?: number
  readonly retryBackoffMs?: number
  readonly retryBackoffMaxMs?: number
  readonly defaultApiTimeoutMs?: number
  /** Lines for people. */
  readonly warnings: readonly string[]
}

type Numbers = Extract<keyof ClientProperties, `${string}Ms`>

const NUMBER_KEYS: Readonly<Record<string, Numbers>> = {
  'request.timeout.ms': 'requestTimeoutMs',
  'socket.connection.setup.timeout.ms': 'connectionSetupTimeoutMs',
  'session.timeout.ms': 'sessionTimeoutMs',
  'heartbeat.interval.ms': 'heartbeatIntervalMs',
  'max.poll.interval.ms': 'maxPollIntervalMs',
  'fetch.max.wait.ms': 'fetchMaxWaitMs',
  'metadata.max.age.ms': 'metadataMaxAgeMs',
  'retry.backoff.ms': 'retryBackoffMs',
  'retry.backoff.max.ms': 'retryBackoffMaxMs',
  'default.api.timeout.ms': 'defaultApiTimeoutMs',
}
const NUMBER_MAX = 2_147_483_647

const SASL_KEYS = [
  ...['sasl.mechanism', 'sasl.mechanisms', 'sasl.jaas.config'],
  ...['sasl.username', 'sasl.password'],
]
const MECHANISMS: Readonly<Record<string, SaslMechanism>> = {
  PLAIN: 'plain',
  'SCRAM-SHA-256': 'scram-sha-256',
  'SCRAM-SHA-512': 'scram-sha-512',
}
/** Named in an error as they are, because they are known not to be anybody's secret. */
const OTHER_MECHANISMS = ['GSSAPI', 'OAUTHBEARER', 'AWS_MSK_IAM', 'SCRAM-SHA-1', 'EXTERNAL']

const PROTOCOLS: Readonly<Record<string, { ssl: boolean; sasl: boolean }>> = {
  PLAINTEXT: { ssl: false, sasl: false },
  SSL: { ssl: true, sasl: false },
  SASL_PLAINTEXT: { ssl: false, sasl: true },
  SASL_SSL: { ssl: true, sasl: true },
}

export type PropertiesOptions = {
  /** The bytes of a file that a key names; throws where it cannot be read. */
  readonly readFile: (path: string) => Uint8Array
}

/** What a key was given, by key; read one by one, so that what nobody asked for is known. */
export class Given {
  readonly #rows = new Map<string, Property>()

  constructor(rows: readonly Property[]) {
    // Kafka trims every value, passwords too
    for (const row of rows) this.#rows.set(row.key, { ...row, value: row.value.trim() })
  }

  /** Undefined: absent, or empty. */
  text(key: string): string | undefined {
    const value = this.#rows.get(key)?.value
    return value === '' ? undefined : value
  }

  has(key: string): boolean {
    return this.#rows.has(key)
  }

  keys(): string[] {
    return [...this.#rows.keys()]
  }

  at(key: string): string {
    const line = this.#rows.get(key)?.line
    return line === undefined ? key : `line ${line}, ${key}`
  }

  fail(key: string, why: string): never {
    throw new HbError('client-properties-invalid', `${this.at(key)}: ${why}`)
  }
}

/** Throws `client-properties-invalid` with the key and its line. */
export function parseClientProperties(
  text: string,
  { readFile }: PropertiesOptions,
): ClientProperties {
  const rows = parseProperties(text, (line, why) => {
    throw new HbError('client-properties-invalid', `line ${line}: ${why}`)
  })
  const given = new Given(rows)
  const warnings = repeated(rows)
  const protocol = protocolOf(given)
  const ssl = protocol.ssl ? sslOptions(given, readFile) : undefined
  const sasl = protocol.sasl ? saslOf(given, warnings) : undefined
  if (sasl?.mechanism === 'plain' && ssl === undefined) {
    warnings.push('sasl.mechanism PLAIN without SSL sends the password in clear text')
  }
  const schemaRegistry = schemaRegistryOf(given, warnings)
  warnings.push(...unused(given, protocol))
  const servers = given.text('bootstrap.servers')
  const clientId = given.text('client.id')
  return masked({
    ...(servers !== undefined && { bootstrapServers: servers }),
    ...(clientId !== undefined && { clientId }),
    ...(ssl !== undefined && { ssl }),
    ...(sasl !== undefined && { sasl }),
    ...(schemaRegistry !== undefined && { schemaRegistry }),
    ...numbersOf(given),
    warnings,
  })
}

function repeated(rows: readonly Property[]): string[] {
  const seen = new Set<string>()
  return rows.flatMap(({ key, line }) => {
    if (seen.has(key)) return [`line ${line}, ${key}: given again, the last one counts`]
    seen.add(key)
    return []
  })
}

function protocolOf(given: Given): { ssl: boolean; sasl: boolean } {
  const name = given.text('security.protocol')
  const protocol = PROTOCOLS[(name ?? 'PLAINTEXT').toUpperCase()]
  if (protocol !== undefined) return protocol
  return given.fail('security.protocol', `must be one of ${Object.keys(PROTOCOLS).join(', ')}`)
}

function saslOf(given: Given, warnings: string[]): Sasl {
  const key = given.has('sasl.mechanism') ? 'sasl.mechanism' : 'sasl.mechanisms'
  const name = (given.text(key) ?? 'GSSAPI').toUpperCase()
  const mechanism = MECHANISMS[name]
  if (mechanism === undefined) {
    const named = OTHER_MECHANISMS.includes(name) ? `${name} is not supported: ` : ''
    const known = Object.keys(MECHANISMS).join(', ')
    return given.fail('sasl.mechanism', `${named}must be one of ${known}`)
  }
  if (given.text('sasl.jaas.config') !== undefined) {
    return { mechanism, ...parseJaas(given, mechanism, warnings) }
  }
  const username = given.text('sasl.username')
  const password = given.text('sasl.password')
  if (username === undefined) {
    return given.fail('sasl.jaas.config', 'is missing (or sasl.username and sasl.password)')
  }
  if (password === undefined) return given.fail('sasl.password', 'is missing')
  return { mechanism, username, password }
}

function numbersOf(given: Given): Partial<Record<Numbers, number>> {
  const numbers: Partial<Record<Numbers, number>> = {}
  for (const [key, name] of Object.entries(NUMBER_KEYS)) {
    const text = given.text(key)
    if (text === undefined) continue
    const value = /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : NaN
    if (!(value <= NUMBER_MAX)) given.fail(key, `must be a whole number from 1 to ${NUMBER_MAX}`)
    numbers[name] = value
  }
  const { sessionTimeoutMs: session, heartbeatIntervalMs: heartbeat } = numbers
  if (session !== undefined && heartbeat !== undefined && heartbeat >= session) {
    given.fail('heartbeat.interval.ms', 'must be less than session.timeout.ms')
  }
  return numbers
}

function unused(given: Given, protocol: { ssl: boolean; sasl: boolean }): string[] {
  const used = new Set([
    ...['bootstrap.servers', 'client.id', 'security.protocol'],
    ...Object.keys(NUMBER_KEYS),
    ...SCHEMA_REGISTRY_KEYS,
  ])
  return given.keys().flatMap((key) => {
    if (used.has(key)) return []
    const ssl = SSL_KEYS.includes(key)
    if (!ssl && !SASL_KEYS.includes(key)) return [`${given.at(key)}: is not used here`]
    if (ssl ? protocol.ssl : protocol.sasl) return []
    return [`${given.at(key)}: has no effect with this security.protocol`]
  })
}

/** As `openKafkaLog` takes it. Its limits have Kafka's defaults where nothing is said. */
export function connectionOf(properties: ClientProperties): {
  readonly security: Security
  readonly limits: Partial<KafkaLogLimits>
  readonly clientId?: string
} {
  const { ssl, sasl, clientId } = properties
  const named: Partial<Record<keyof KafkaLogLimits, number | undefined>> = {
    requestTimeoutMs: properties.requestTimeoutMs,
    connectTimeoutMs: properties.connectionSetupTimeoutMs,
    sessionTimeoutMs: properties.sessionTimeoutMs,
    heartbeatMs: properties.heartbeatIntervalMs,
    rebalanceTimeoutMs: properties.maxPollIntervalMs,
    fetchWaitMs: properties.fetchMaxWaitMs,
    metadataAgeMsMax: properties.metadataMaxAgeMs,
    retryDelayMs: properties.retryBackoffMs,
    retryDelayMsMax: properties.retryBackoffMaxMs,
    retryMsMax: properties.defaultApiTimeoutMs,
  }
  const said = Object.entries(named).filter(([, value]) => value !== undefined)
  return {
    security: {
      ...(ssl !== undefined && { ssl: ssl === true ? {} : ssl }),
      ...(sasl !== undefined && { sasl }),
    },
    limits: Object.fromEntries(said),
    ...(clientId !== undefined && { clientId }),
  }
}

/** What is printed or made JSON by accident shows what it has, and no secret. */
function masked(properties: ClientProperties): ClientProperties {
  const { ssl, sasl, schemaRegistry } = properties
  const { url, auth } = schemaRegistry ?? {}
  const shown = (): object => ({
    ...properties,
    ...(ssl !== undefined && { ssl: true }),
    ...(sasl !== undefined && { sasl: sasl.mechanism }),
    ...(schemaRegistry !== undefined && { schemaRegistry: { url, auth: auth !== undefined } }),
  })
  if (auth !== undefined) printedAs(auth, () => true)
  if (sasl !== undefined) printedAs(sasl, () => sasl.mechanism)
  if (ssl !== undefined && ssl !== true) printedAs(ssl, () => true)
  return printedAs(properties, shown)
}

function printedAs<T extends object>(value: T, shown: () => unknown): T {
  return Object.defineProperties(value, {
    toJSON: { value: shown },
    [inspect.custom]: { value: shown },
  })
}
