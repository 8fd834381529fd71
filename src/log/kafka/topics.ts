// Topics as the design wants them: made where they are missing, refused where they differ in what
// order, durability or replay stand on.
//
// Invariants: T1 an existing topic is never altered: what is wrong is named, with the command that
// mends it. T2 a cluster with too few brokers for what a log should survive is accepted with a
// warning that says what it cannot survive.

import { HbError } from '../../std/errors.ts'
import { absent } from '../absent.ts'
import type { ProvisionOptions, TopicSpec } from '../port.ts'
import { BrokerFault, BrokerRefusal, CODE, isDenied } from './broker-errors.ts'
import { denied, type Cluster } from './cluster.ts'
import { MESSAGE_BYTES } from './limits.ts'
import type { PartitionLeader } from './metadata.ts'
import type { Reader } from './reader.ts'

const REPLICAS = 3
const IN_SYNC_MIN = 2
const CREATE_TIMEOUT_MS = 15_000
const TOPIC_RESOURCE = 2

type Settings = ReadonlyMap<string, string>

type ConfigsAnswer = {
  readonly resources: readonly {
    readonly errorCode: number
    readonly errorMessage: string | null
    readonly resourceName: string
    readonly configEntries: readonly {
      readonly configName: string
      readonly configValue: string | null
    }[]
  }[]
}

/** One thing that is wrong with a topic, and the value that mends it. */
type Flaw = { readonly setting: string; readonly is: string; readonly want: string; why: string }

export class Topics {
  readonly #cluster: Cluster
  readonly #reader: Reader
  readonly #warn: (text: string) => void
  /** Said once. */
  #warned: string | undefined

  constructor(cluster: Cluster, reader: Reader, warn: (text: string) => void) {
    this.#cluster = cluster
    this.#reader = reader
    this.#warn = warn
  }

  /**
   * Errors: `log-topic-mismatch` (partitions, clean-up), `log-topic-unsafe` (the rest),
   * `log-topic-unknown` (where none may be made), `log-not-authorized`.
   */
  async provision(specs: readonly TopicSpec[], options: ProvisionOptions = {}): Promise<void> {
    const { missing, replicas } = await this.#cluster.retry('the topics', () => this.#look(specs))
    if (missing.length > 0 && options.create === false) throw absent(missing)
    if (missing.length > 0) {
      await this.#cluster.retry('making the topics', () => this.#create(missing, replicas))
    }
    await this.#cluster.retry('the topics', () => this.#check(specs))
    // a leader that was just named may not know it yet: whoever appends now must not be refused
    for (const { name } of missing) await this.#reader.ends(name)
  }

  async #look(
    specs: readonly TopicSpec[],
  ): Promise<{ missing: TopicSpec[]; replicas: number }> {
    await this.#cluster.refresh()
    const replicas = Math.min(REPLICAS, this.#cluster.brokerIds.length)
    const missing: TopicSpec[] = []
    for (const spec of specs) {
      try {
        await this.#cluster.topic(spec.name)
      } catch (error) {
        if (!(error instanceof HbError) || error.code !== 'log-topic-unknown') throw error
        missing.push(spec)
      }
    }
    return { missing, replicas }
  }

  async #create(specs: readonly TopicSpec[], replicas: number): Promise<void> {
    const connection = await this.#cluster.connection(this.#cluster.controller, 'ask')
    const topics = specs.map((spec) => ({
      topic: spec.name,
      numPartitions: spec.partitions,
      replicationFactor: replicas,
      configEntries: Object.entries(settingsOf(spec, replicas)).map(([name, value]) => ({
        name,
        value,
      })),
    }))
    const args = { topics, timeout: CREATE_TIMEOUT_MS, validateOnly: false }
    const answer = await connection.ask<{
      topicErrors: readonly { topic: string; errorCode: number; errorMessage: string | null }[]
    }>('CreateTopics', args, CREATE_TIMEOUT_MS)
    for (const { topic, errorCode, errorMessage } of answer.topicErrors) {
      if (errorCode === CODE.none || errorCode === CODE.topicAlreadyExists) continue
      const refusal = new BrokerRefusal(`making ${topic}`, errorCode, errorMessage)
      if (isDenied(errorCode)) throw denied(`making ${topic}`, refusal)
      if (errorCode === CODE.invalidTopic) throw new HbError('log-name-invalid', topic)
      throw refusal
    }
  }

  async #check(specs: readonly TopicSpec[]): Promise<void> {
    const settings = await this.#settings(specs.map(({ name }) => name))
    let fewest = REPLICAS
    for (const spec of specs) {
      const partitions = this.#cluster.partitions(spec.name) ?? (await this.#made(spec.name))
      const found = settings.get(spec.name) ?? new Map<string, string>()
      checkShape(spec, found, partitions.length)
      const replicas = Math.min(...partitions.map((each) => each.replicas.length))
      fewest = Math.min(fewest, replicas)
      const flaws = flawsOf(spec, found, replicas)
      if (flaws.length > 0) throw new HbError('log-topic-unsafe', mending(spec.name, flaws))
      checkReplicas(spec.name, replicas, this.#cluster.brokerIds.length)
    }
    const text = fewest < REPLICAS ? tooFew(fewest) : undefined
    if (text === undefined || text === this.#warned) return
    this.#warned = text
    this.#warn(text)
  }

  /** A topic that was just made is known to all brokers a little later. */
  async #made(topic: string): Promise<readonly PartitionLeader[]> {
    try {
      return await this.#cluster.topic(topic)
    } catch (cause) {
      if (!(cause instanceof HbError) || cause.code !== 'log-topic-unknown') throw cause
      throw new BrokerFault(`${topic} is not there yet`, { sent: false, cause })
    }
  }

  async #settings(topics: readonly string[]): Promise<Map<string, Settings>> {
    const connection = await this.#cluster.connection(this.#cluster.controller, 'ask')
    const resources = topics.map((name) => ({ type: TOPIC_RESOURCE, name, configNames: [] }))
    const args = { resources, includeSynonyms: false }
    const answer = await connection.ask<ConfigsAnswer>('DescribeConfigs', args)
    return new Map(
      answer.resources.map(({ errorCode, errorMessage, resourceName, configEntries }) => {
        if (errorCode !== CODE.none) {
          throw new BrokerRefusal(`settings of ${resourceName}`, errorCode, errorMessage)
        }
        const rows = configEntries.map(({ configName, configValue }) => [configName, configValue])
        return [resourceName, new Map(rows as [string, string][])]
      }),
    )
  }
}

/** What a topic is made with. */
function settingsOf(spec: TopicSpec, replicas: number): Record<string, string> {
  const isLog = spec.cleanup === 'log'
  return {
    'cleanup.policy': isLog ? 'delete' : 'compact',
    // foreign producers may compress as they like: brokers store what every reader can read
    'compression.type': 'uncompressed',
    'max.message.bytes': String(MESSAGE_BYTES),
    'message.timestamp.type': 'LogAppendTime',
    'min.insync.replicas': String(Math.min(IN_SYNC_MIN, replicas)),
    'unclean.leader.election.enable': 'false',
    ...(isLog && {
      'retention.bytes': '-1',
      'retention.ms': String(spec.retentionMs ?? -1),
    }),
  }
}

function flawsOf(spec: TopicSpec, settings: Settings, replicas: number): Flaw[] {
  const flaws: Flaw[] = []
  const expect = (
    setting: string,
    isRight: (value: string) => boolean,
    want: string,
    why: string,
  ): void => {
    const is = settings.get(setting)
    if (is !== undefined && !isRight(is)) flaws.push({ setting, is, want, why })
  }
  expect(
    'unclean.leader.election.enable',
    (value) => value === 'false',
    'false',
    'a replica that lags would become leader and lose what was acknowledged',
  )
  const inSync = Math.min(IN_SYNC_MIN, replicas)
  expect(
    'min.insync.replicas',
    (value) => Number(value) >= inSync,
    String(inSync),
    'what one broker alone has would be acknowledged',
  )
  expect(
    'max.message.bytes',
    (value) => Number(value) >= MESSAGE_BYTES,
    String(MESSAGE_BYTES),
    'a message that the network admits would not fit',
  )
  expect(
    'message.timestamp.type',
    (value) => value === 'LogAppendTime',
    'LogAppendTime',
    'clocks are checked against the broker’s append time',
  )
  expect(
    'compression.type',
    (value) => ['uncompressed', 'gzip', 'zstd'].includes(value),
    'uncompressed',
    'what a producer compressed with snappy or lz4 could not be read',
  )
  if (spec.cleanup === 'log' && spec.retentionMs === undefined) {
    const kept = 'records would be deleted before they were used, or could be replayed'
    expect('retention.ms', (value) => value === '-1', '-1', kept)
    expect('retention.bytes', (value) => value === '-1', '-1', kept)
  }
  return flaws
}

/** What makes it another topic than the one that is meant. */
function checkShape(spec: TopicSpec, settings: Settings, has: number): void {
  const { name, partitions, cleanup } = spec
  if (has !== partitions) {
    const text = `${name}: ${has} partitions, wanted: ${partitions}, as genesis says`
    const hint = 'Give this network another --application-id, or make the topic anew'
    throw new HbError('log-topic-mismatch', `${text}. ${hint}`)
  }
  const setting = 'cleanup.policy'
  const is = settings.get(setting) ?? 'delete'
  const want = cleanup === 'compact' ? 'compact' : 'delete'
  if (is === want) return
  const why =
    cleanup === 'compact'
      ? 'the newest record of a key would not be kept for ever'
      : 'records would be dropped for newer ones of their key'
  throw new HbError('log-topic-mismatch', mending(name, [{ setting, is, want, why }]))
}

/** Fewer copies than would survive a broker, on a cluster that could keep them. */
function checkReplicas(topic: string, replicas: number, brokers: number): void {
  if (replicas >= Math.min(IN_SYNC_MIN, brokers)) return
  const copies = `${replicas} of ${IN_SYNC_MIN} copies`
  const found = `${topic}: a partition has ${copies} on ${brokers} brokers`
  const why = '(what one broker alone has would be acknowledged)'
  const command = 'kafka-reassign-partitions.sh --bootstrap-server … --reassignment-json-file …'
  throw new HbError('log-topic-unsafe', `${found} ${why}. Give it more with: ${command} --execute`)
}

function mending(topic: string, flaws: readonly Flaw[]): string {
  const found = flaws.map(({ setting, is, why }) => `${setting}=${is} (${why})`).join('; ')
  const mended = flaws.map(({ setting, want }) => `${setting}=${want}`).join(',')
  const command =
    `kafka-configs.sh --bootstrap-server … --alter --entity-type topics --entity-name ${topic} ` +
    `--add-config ${mended}`
  return `${topic}: ${found}. Mend it with: ${command}`
}

function tooFew(replicas: number): string {
  const copies = replicas === 1 ? 'one copy of each record' : `${replicas} copies of each record`
  const cannot =
    replicas === 1
      ? 'the loss of a broker’s disk loses the network, and a broker that is down stops it'
      : 'a broker that is down stops what is written'
  return `the cluster keeps ${copies} (3 are wanted): ${cannot}`
}
