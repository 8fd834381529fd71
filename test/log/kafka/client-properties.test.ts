import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import {
  connectionOf,
  parseClientProperties,
  type ClientProperties,
} from '../../../src/log/kafka/client-properties.ts'
import { HbError } from '../../../src/std/errors.ts'
import {
  CA_PEM,
  ENCRYPTED_KEY_PEM,
  JKS_TRUST,
  KEYTOOL_TRUST,
  KEY_PASSWORD,
  KEY_PEM,
  PKCS12_KEY,
  RC2_TRUST,
  TRUST_PASSWORD,
} from '../../std/store-fixtures.ts'

const FILES: Readonly<Record<string, Uint8Array | string>> = {
  'ca.pem': CA_PEM,
  'two.pem': `# ours\n${CA_PEM}${CA_PEM}`,
  'key.pem': KEY_PEM,
  'both.pem': `${KEY_PEM}${CA_PEM}`,
  'encrypted.pem': ENCRYPTED_KEY_PEM,
  'encrypted-both.pem': `${ENCRYPTED_KEY_PEM}${CA_PEM}`,
  'trust.p12': KEYTOOL_TRUST,
  'old.p12': RC2_TRUST,
  'trust.jks': JKS_TRUST,
  'key.p12': PKCS12_KEY,
  'junk': 'S3CRET in a file that is none',
  'broken.pem': CA_PEM.replace('MII', 'MIX'),
}

function parse(...lines: string[]): ClientProperties {
  return parseClientProperties(lines.join('\n'), {
    readFile: (path) => {
      const found = FILES[path]
      if (found === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' })
      return Buffer.from(found)
    },
  })
}

function refusal(...lines: string[]): string {
  try {
    parse(...lines)
  } catch (error) {
    expect(error).toBeInstanceOf(HbError)
    expect((error as HbError).code).toBe('client-properties-invalid')
    expect((error as HbError).cause).toBeUndefined()
    return (error as HbError).detail
  }
  throw new Error(`not refused: ${lines.join(', ')}`)
}

const inline = (pem: string): string => pem.trim().replaceAll('\n', '\\n')
const PLAIN_MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule'
const SCRAM_MODULE = 'org.apache.kafka.common.security.scram.ScramLoginModule'

describe('a connection', () => {
  test('nothing said: plain text, no credentials', () => {
    expect({ ...parse('') }).toEqual({ warnings: [] })
    expect(parse('security.protocol=PLAINTEXT').ssl).toBeUndefined()
  })

  test('servers, client id and times', () => {
    const properties = parse(
      'bootstrap.servers = a:9092,b:9092 ',
      'client.id: me',
      'session.timeout.ms=45000',
      'heartbeat.interval.ms 3000',
      'request.timeout.ms=30000',
      'fetch.max.wait.ms=100',
      'max.poll.interval.ms=300000',
      'socket.connection.setup.timeout.ms=10000',
      'metadata.max.age.ms=60000',
      'retry.backoff.ms=100',
      'retry.backoff.max.ms=1000',
      'default.api.timeout.ms=60000',
    )
    expect({ ...properties }).toEqual({
      bootstrapServers: 'a:9092,b:9092',
      clientId: 'me',
      sessionTimeoutMs: 45_000,
      heartbeatIntervalMs: 3_000,
      requestTimeoutMs: 30_000,
      fetchMaxWaitMs: 100,
      maxPollIntervalMs: 300_000,
      connectionSetupTimeoutMs: 10_000,
      metadataMaxAgeMs: 60_000,
      retryBackoffMs: 100,
      retryBackoffMaxMs: 1_000,
      defaultApiTimeoutMs: 60_000,
      warnings: [],
    })
    expect(connectionOf(properties)).toEqual({
      clientId: 'me',
      security: {},
      limits: {
        sessionTimeoutMs: 45_000,
        heartbeatMs: 3_000,
        requestTimeoutMs: 30_000,
        fetchWaitMs: 100,
        rebalanceTimeoutMs: 300_000,
        connectTimeoutMs: 10_000,
        metadataAgeMsMax: 60_000,
        retryDelayMs: 100,
        retryDelayMsMax: 1_000,
        retryMsMax: 60_000,
      },
    })
  })

  test('SASL with a name and password, or by JAAS with all its quotes', () => {
    const { sasl, warnings } = parse(
      'security.protocol=SASL_SSL',
      'sasl.mechanism=SCRAM-SHA-512',
      'sasl.username=alice',
      'sasl.password=pass=word # no remark ',
    )
    expect({ ...sasl }).toEqual({
      mechanism: 'scram-sha-512',
      username: 'alice',
      password: 'pass=word # no remark',
    })
    expect(warnings).toEqual([])
    const plain = (config: string) =>
      parse('security.protocol=sasl_ssl', 'sasl.mechanisms=plain', `sasl.jaas.config=${config}`).sasl
    const cases: [string, string][] = [
      [`${PLAIN_MODULE} required username="al" password="p;=w";`, 'p;=w'],
      [`${PLAIN_MODULE} required \\\n  username='al' \\\n  password='it"s' ;`, 'it"s'],
      // the properties' own escapes come first, then those of JAAS
      [`PlainLoginModule required username=al password="q\\\\"\\\\\\\\\\\\n";`, 'q"\\\n'],
      [`PlainLoginModule sufficient password = word username = al;`, 'word'],
    ]
    for (const [config, password] of cases) {
      expect({ ...plain(config) }).toEqual({ mechanism: 'plain', username: 'al', password })
    }
    const scram = parse(
      'security.protocol=SASL_PLAINTEXT',
      'sasl.mechanism=SCRAM-SHA-256',
      `sasl.jaas.config=${SCRAM_MODULE} required username="a" password="b";`,
    )
    expect([scram.sasl?.mechanism, scram.ssl, scram.warnings]).toEqual([
      'scram-sha-256',
      undefined,
      [],
    ])
  })

  test('TLS: the system’s authorities, PEM and PKCS12 stores, keys, the host check', () => {
    const ssl = (...lines: string[]) => parse('security.protocol=SSL', ...lines).ssl
    expect(ssl()).toBe(true)
    expect(ssl('ssl.endpoint.identification.algorithm=https')).toBe(true)
    const unchecked = ssl('ssl.endpoint.identification.algorithm=')
    expect(unchecked !== true && unchecked?.checkServerIdentity?.('any', {} as never)).toBe(undefined)
    const ca = (...lines: string[]) => {
      const options = ssl(...lines)
      return options === true ? [] : (options?.ca as string[]).length
    }
    expect(ca('ssl.truststore.type=PEM', 'ssl.truststore.location=two.pem')).toBe(2)
    expect(ca(`ssl.truststore.certificates=${inline(CA_PEM)}`, 'ssl.truststore.type=PEM')).toBe(1)
    expect(ca('ssl.ca.location=ca.pem')).toBe(1)
    const password = `ssl.truststore.password=${TRUST_PASSWORD}`
    for (const type of ['ssl.truststore.type=PKCS12', 'ssl.truststore.type=JKS', '']) {
      expect(ca(type, 'ssl.truststore.location=trust.p12', password)).toBe(2)
    }
    const keyPassword = `ssl.key.password=${KEY_PASSWORD}`
    expect(ssl('ssl.keystore.type=PEM', 'ssl.keystore.location=both.pem')).toMatchObject({
      cert: expect.stringContaining('CERTIFICATE'),
      key: expect.stringContaining('PRIVATE KEY'),
    })
    expect(ssl('ssl.keystore.location=encrypted-both.pem', keyPassword)).toMatchObject({
      passphrase: KEY_PASSWORD,
    })
    expect(
      ssl(
        `ssl.keystore.certificate.chain=${inline(CA_PEM)}`,
        `ssl.keystore.key=${inline(ENCRYPTED_KEY_PEM)}`,
        keyPassword,
      ),
    ).toMatchObject({ passphrase: KEY_PASSWORD })
    expect(ssl('ssl.certificate.location=ca.pem', 'ssl.key.location=key.pem')).toMatchObject({
      key: KEY_PEM,
    })
    expect(
      ssl('ssl.keystore.location=key.p12', `ssl.keystore.password=${KEY_PASSWORD}`),
    ).toMatchObject({ pfx: PKCS12_KEY, passphrase: KEY_PASSWORD })
  })

  test('what has no meaning is a warning with its line; so is a password in clear text', () => {
    const { warnings } = parse(
      'acks=all',
      'security.protocol=SASL_PLAINTEXT',
      'sasl.mechanism=PLAIN',
      'sasl.username=a',
      'sasl.username=b',
      'sasl.password=S3CRET',
      'ssl.truststore.password=S3CRET',
      'some.password.of.mine=S3CRET',
    )
    expect(warnings).toEqual([
      'line 5, sasl.username: given again, the last one counts',
      'sasl.mechanism PLAIN without SSL sends the password in clear text',
      'line 1, acks: is not used here',
      'line 7, ssl.truststore.password: has no effect with this security.protocol',
      'line 8, some.password.of.mine: is not used here',
    ])
  })
})

const SASL = ['security.protocol=SASL_SSL', 'sasl.mechanism=PLAIN']
const jaas = (config: string): string[] => [...SASL, `sasl.jaas.config=${config}`]
const SSL = 'security.protocol=SSL'

/** Each has S3CRET wherever a value may stand. */
const REFUSED: [string, string[]][] = [
  ['line 1: \\u is not followed', ['sasl.password=S3CRET\\u00']],
  ['line 1, security.protocol: must be one of', ['security.protocol=S3CRET']],
  ['line 2, sasl.mechanism: must be one of', [SASL[0] as string, 'sasl.mechanism=S3CRET']],
  ['sasl.mechanism: GSSAPI is not supported', [SASL[0] as string, 'sasl.password=S3CRET']],
  ['AWS_MSK_IAM is not supported', [SASL[0] as string, 'sasl.mechanism=AWS_MSK_IAM']],
  ['sasl.jaas.config: is missing', [...SASL, 'sasl.password=S3CRET']],
  ['sasl.password: is missing', [...SASL, 'sasl.username=S3CRET']],
  ['line 3, sasl.jaas.config: must name one of', jaas('S3CRET required username=a password=S3CRET;')],
  ['must name one of', jaas(';')],
  ['is not that of sasl.mechanism', jaas(`${SCRAM_MODULE} required username=a password=S3CRET;`)],
  ['lacks the word required', jaas(`${PLAIN_MODULE} username=a password=S3CRET;`)],
  ['lacks username', jaas(`${PLAIN_MODULE} required password="S3CRET";`)],
  ['lacks password', jaas(`${PLAIN_MODULE} required username="S3CRET";`)],
  ['lacks password', jaas(`${PLAIN_MODULE} required username="S3CRET" password="";`)],
  ['must end in a semicolon', jaas(`${PLAIN_MODULE} required username=a password="S3CRET"`)],
  ['not closed', jaas(`${PLAIN_MODULE} required username=a password="S3CRET;`)],
  ['name=value', jaas(`${PLAIN_MODULE} required username a password S3CRET;`)],
  ['one login module', jaas(`PlainLoginModule required username=a password=S3CRET; x y;`)],
  [
    'delegation tokens',
    [
      SASL[0] as string,
      'sasl.mechanism=SCRAM-SHA-256',
      `sasl.jaas.config=${SCRAM_MODULE} required username=a password=S3CRET tokenauth=true;`,
    ],
  ],
  ['line 1, session.timeout.ms: must be a whole', ['session.timeout.ms=S3CRET']],
  ['request.timeout.ms: must be a whole', ['request.timeout.ms=0']],
  ['must be a whole', ['fetch.max.wait.ms=99999999999']],
  ['less than session', ['session.timeout.ms=1000', 'heartbeat.interval.ms=1000']],
  ['must be https', [SSL, 'ssl.endpoint.identification.algorithm=S3CRET']],
  ['line 2, ssl.truststore.location: the file cannot be read (ENOENT)', [SSL, 'ssl.truststore.location=S3CRET']],
  ['neither PEM nor PKCS12', [SSL, 'ssl.truststore.location=junk']],
  ['must be PEM or PKCS12', [SSL, 'ssl.truststore.type=S3CRET', 'ssl.truststore.location=ca.pem']],
  ['keytool -importkeystore', [SSL, 'ssl.truststore.location=trust.jks', 'ssl.truststore.password=S3CRET']],
  ['too old', [SSL, 'ssl.truststore.location=old.p12', `ssl.truststore.password=${TRUST_PASSWORD}`]],
  ['password is another', [SSL, 'ssl.truststore.location=trust.p12', 'ssl.truststore.password=S3CRET']],
  ['the file is PKCS12', [SSL, 'ssl.truststore.type=PEM', 'ssl.truststore.location=trust.p12']],
  ['the file is PEM', [SSL, 'ssl.truststore.type=PKCS12', 'ssl.truststore.location=ca.pem']],
  ['no certificate', [SSL, 'ssl.truststore.certificates=S3CRET']],
  ['no certificate', [SSL, 'ssl.ca.location=key.pem']],
  ['certificate 1 is damaged', [SSL, 'ssl.ca.location=broken.pem']],
  ['missing beside the key', [SSL, 'ssl.keystore.key=S3CRET']],
  ['missing beside the certificate', [SSL, 'ssl.keystore.certificate.chain=S3CRET']],
  ['do not fit', [SSL, 'ssl.keystore.key=S3CRET', 'ssl.keystore.certificate.chain=S3CRET']],
  [
    'do not fit',
    [SSL, 'ssl.key.location=encrypted.pem', 'ssl.certificate.location=ca.pem', 'ssl.key.password=S3CRET'],
  ],
  ['do not fit', [SSL, 'ssl.keystore.location=key.p12', 'ssl.keystore.password=S3CRET']],
  ['do not fit', [SSL, 'ssl.keystore.location=encrypted-both.pem']],
  ['cannot be read', [SSL, 'ssl.key.location=S3CRET', 'ssl.certificate.location=ca.pem']],
]

describe('what is refused', () => {
  test.each(REFUSED)('%s', (why, lines) => {
    const detail = refusal(...lines)
    expect(detail).toContain(why)
    expect(detail).not.toContain('S3CRET')
    // nor where the rest of the file holds one
    const more = refusal(...lines, 'ssl.key.password=S3CRET2', 'my.password=S3CRET3')
    expect(more).not.toContain('S3CRET')
  })

  test('no print of what was read shows a secret', () => {
    const properties = parse(
      ...SASL,
      'sasl.username=S3CRET',
      'sasl.password=S3CRET',
      `ssl.keystore.certificate.chain=${inline(CA_PEM)}`,
      `ssl.keystore.key=${inline(KEY_PEM)}`,
      'x.password=S3CRET',
    )
    expect(properties.sasl?.password).toBe('S3CRET')
    const { sasl, ssl, warnings } = properties
    const prints = [properties, sasl, ssl, warnings, [properties], { properties }].flatMap((each) => [
      inspect(each, { depth: 9, showHidden: true }),
      JSON.stringify(each),
      `${String(each)}`,
    ])
    for (const print of prints) {
      expect(print).not.toContain('S3CRET')
      expect(print).not.toContain('PRIVATE KEY')
    }
    expect(JSON.parse(JSON.stringify(properties))).toMatchObject({ sasl: 'plain', ssl: true })
  })
})
