// What a connector may be configured with: keys, ranges, what must fit together, and the files that
// it stands in. A value that may be a secret is in no answer.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { configDoc } from '../../../scripts/connector-doc.mjs'
import { parseConfig, validation } from '../../../connectors/arweave-sink/config.ts'
import { CONFIG_KEYS } from '../../../connectors/arweave-sink/config-keys.ts'
import { readConnectorFile } from '../../../connectors/arweave-sink/connector-file.ts'
import { SINK_LIMITS } from '../../../connectors/arweave-sink/limits.ts'
import { ROOT } from '../../guards/tool.ts'

const LEAST = {
  name: 'arweave-sink',
  'connector.class': 'ArweaveSink',
  topics: 'hb.log',
  archive: 'file:archive',
  'archive.wallet': 'wallet.json',
}
const SECRET = 'q8hS3cret'
const JWK = `{"kty":"RSA","d":"${SECRET}"}`

type Infos = {
  readonly error_count: number
  readonly configs: readonly {
    readonly definition: { readonly name: string } | null
    readonly value: { readonly name: string; readonly value: string | null; readonly errors: string[] }
  }[]
}

/** By key. */
function faults(more: Record<string, string | null>): Record<string, string[]> {
  const infos = validation({ ...LEAST, ...more }) as Infos
  const found = infos.configs.filter(({ value }) => value.errors.length > 0)
  expect(infos.error_count).toBe(found.reduce((sum, { value }) => sum + value.errors.length, 0))
  return Object.fromEntries(found.map(({ value }) => [value.name, value.errors]))
}

function messageOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('it was not refused')
}

test('the least that is needed, and what the rest is then', () => {
  expect(parseConfig(LEAST)).toEqual({
    given: LEAST,
    name: 'arweave-sink',
    tasksMax: 1,
    topic: 'hb.log',
    applicationId: 'hb',
    archive: 'file:archive',
    walletFile: 'wallet.json',
    durability: 'accepted',
    pendingDir: undefined,
    limits: SINK_LIMITS,
    isTolerant: true,
    isLogged: false,
    deadLetters: undefined,
  })
})

test('every key has an effect, or says that it has none', () => {
  const config = parseConfig({
    ...LEAST,
    name: 'x-sink',
    topics: 'x.y.log',
    'tasks.max': ' 3 ',
    'archive.durability': '12',
    'pending.dir': 'pending',
    'segment.heights.max': '7',
    'segment.bytes.max': '4096',
    'flush.delay.max.ms': '11',
    'poll.delay.ms': '12',
    'uploads.max': '5',
    'errors.retry.timeout': '0',
    'errors.retry.delay.max.ms': '13',
    'errors.tolerance': 'none',
    'errors.log.enable': 'TRUE',
    'errors.log.include.messages': 'false',
    'errors.deadletterqueue.topic.name': 'letters',
    'errors.deadletterqueue.topic.replication.factor': '1',
    'errors.deadletterqueue.context.headers.enable': 'true',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'io.confluent.connect.avro.AvroConverter',
    'value.converter.schema.registry.url': 'http://registry:8081',
  })
  expect(config).toMatchObject({
    ...{ tasksMax: 3, topic: 'x.y.log', applicationId: 'x.y', durability: 12, pendingDir: 'pending' },
    limits: {
      ...{ heightsMax: 7, bytesMax: 4096, flushDelayMsMax: 11, pollDelayMs: 12, uploadsMax: 5 },
      ...{ retryTimeoutMs: 0, retryDelayMsMax: 13 },
    },
    ...{ isTolerant: false, isLogged: true, deadLetters: { topic: 'letters', hasHeaders: true } },
  })
})

describe('what is refused', () => {
  test.each([
    ['tasks.max', 'two', 'Invalid value two for configuration tasks.max: Not a number of type INT'],
    ['tasks.max', '0', 'Invalid value 0 for configuration tasks.max: Value must be at least 1'],
    ['uploads.max', '65', 'Invalid value 65 for configuration uploads.max: Value must be no more than 64'],
    ['errors.retry.timeout', '-2', 'Invalid value -2 for configuration errors.retry.timeout: Value must be at least -1'],
    ['errors.log.enable', 'yes', 'Invalid value yes for configuration errors.log.enable: Expected value to be either true or false'],
    ['errors.tolerance', 'some', 'Invalid value some for configuration errors.tolerance: String must be one of: all, none'],
    ['archive.durability', '0', 'Invalid value 0 for configuration archive.durability: accepted, or a number up to 1000'],
    ['archive', 's3:bucket', 'Invalid value s3:bucket for configuration archive: write it as file:PATH or arweave:URL'],
    ['topics', 'hb.log,hb.outbox', 'Invalid value hb.log,hb.outbox for configuration topics: one topic, the log of a network: <application id>.log'],
    ['topics', 'hb.outbox', 'Invalid value hb.outbox for configuration topics: one topic, the log of a network: <application id>.log'],
    ['value.converter.schema.registry.url', 'http://me:pw@r:8081', 'Invalid value for configuration value.converter.schema.registry.url: one http or https address, without a user'],
    ['name', 'a b', /^Invalid value a b for configuration name: /],
    ['Tasks-Max', '2', "Unknown configuration 'Tasks-Max': it is written 'tasks.max'"],
    ['transforms', 'a', "Unknown configuration 'transforms'"],
    ['poll.delay.ms', null, 'Null value can not be supplied as the configuration value.'],
  ])('%s = %s', (key, value, error) => {
    expect(faults({ [key]: value })).toEqual({ [key]: [typeof error === 'string' ? error : expect.stringMatching(error)] })
  })

  test('what is missing', () => {
    const infos = validation({ 'connector.class': 'ArweaveSink' }) as Infos
    const missing = infos.configs.filter(({ value }) => value.errors.length > 0)
    expect(missing.map(({ value }) => value.name)).toEqual(['name', 'topics', 'archive', 'archive.wallet'])
    expect(missing[0]?.value.errors).toEqual([
      'Missing required configuration "name" which has no default value.',
    ])
  })

  test('two networks in one group, and a dead letter queue that is consumed', () => {
    expect(faults({ topics: 'x.log' })).toEqual({ name: [expect.stringContaining('name it x-arweave-sink')] })
    expect(faults({ topics: 'x.log', name: 'x-arweave-sink' })).toEqual({})
    expect(faults({ 'errors.deadletterqueue.topic.name': 'hb.log' })).toEqual({
      topics: [expect.stringContaining("The DLQ topic 'hb.log' may not be included")],
    })
  })

  test('all of it at once', () => {
    expect(() => parseConfig({ ...LEAST, archive: 'x', nonsense: '1' })).toThrow(
      /following 2 error\(s\):\nInvalid value x for configuration archive: .*\nUnknown configuration 'nonsense'/,
    )
  })

  test('a secret in the place of its file, or under a wrong name, is not shown', () => {
    const bad = { ...LEAST, 'archive.wallet': JWK, 'archive.jwk': JWK }
    expect(JSON.stringify(validation(bad))).not.toContain(SECRET)
    expect(faults({ 'archive.wallet': JWK })).toEqual({
      'archive.wallet': ['Invalid value for configuration archive.wallet: the path of a JWK file, not what is in it'],
    })
    expect(messageOf(() => parseConfig(bad))).not.toContain(SECRET)
  })
})

describe('files', () => {
  let dir: string
  beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'hb-connector-'))))
  afterAll(() => rm(dir, { recursive: true }))

  async function read(text: string) {
    const file = join(dir, 'connector')
    await writeFile(file, text)
    return readConnectorFile(file)
  }

  test('the three forms of Connect say the same', async () => {
    const properties = Object.entries(LEAST).map(([key, value]) => `${key}=${value}`)
    expect(await read(`# mine\n${properties.join('\n')}\n`)).toEqual(LEAST)
    expect(await read(JSON.stringify(LEAST))).toEqual(LEAST)
    const { name, ...config } = LEAST
    expect(await read(JSON.stringify({ name, config }))).toEqual({ ...config, name })
    expect(await read(JSON.stringify({ ...LEAST, 'tasks.max': 2 }))).toEqual({ ...LEAST, 'tasks.max': '2' })
  })

  test.each([
    [`{"name": "a", "d": "${SECRET}"`, 'it begins as JSON, and is none'],
    [`{"name": "a", "config": {"name": "b"}}`, "doesn't match"],
    [`{"name": "a", "d": {"k": "${SECRET}"}}`, 'configuration d must be a text'],
    [`topics=${SECRET}`, "lacks the configuration 'name'"],
    [`name=a\nd=${SECRET}\\u12`, 'line 2'],
  ])('%s', async (text, error) => {
    const refused = await read(text).catch((caught: unknown) => caught as Error)
    expect(refused).toMatchObject({ code: 'connector-config-invalid' })
    expect((refused as Error).message).toContain(error)
    expect((refused as Error).message).not.toContain(SECRET)
  })

  test('one that is not there', async () => {
    await expect(readConnectorFile(join(dir, 'none'))).rejects.toMatchObject({ code: 'file-unreadable' })
  })
})

test('the page of keys is what the table says (npm run generate writes it)', async () => {
  expect(await readFile(`${ROOT}connectors/arweave-sink/CONFIG.md`, 'utf8')).toBe(configDoc(CONFIG_KEYS))
})
