// Every key that the Arweave sink may be configured with: Connect's own, with Connect's meaning
// where the text says nothing else, and those of the sink.
//
// CONFIG.md is generated from this table (npm run generate).

import type { ConfigTable } from './config-def.ts'
import { SINK_LIMITS } from './limits.ts'

export const CONNECTOR_CLASS = 'hollowbeam.connectors.ArweaveSinkConnector'
export const CLASS_ALIASES: readonly string[] = [
  CONNECTOR_CLASS,
  'ArweaveSinkConnector',
  'ArweaveSink',
]

const BYTES = 'org.apache.kafka.connect.converters.ByteArrayConverter'
const TEXT = 'org.apache.kafka.connect.storage.StringConverter'
const AVRO = 'io.confluent.connect.avro.AvroConverter'
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/

const COMMON: ConfigTable = {
  name: {
    type: 'STRING',
    importance: 'HIGH',
    group: 'Common',
    displayName: 'Connector name',
    documentation:
      'Unique in the worker. The consumer group is connect-<name>: two networks on one cluster ' +
      'need two names.',
    range: 'letters, digits and . _ -, at most 100 of them',
    check: (value) =>
      /^[a-zA-Z0-9._-]{1,100}$/.test(value) ? undefined : 'letters, digits and . _ -, at most 100',
  },
  'connector.class': {
    type: 'STRING',
    importance: 'HIGH',
    group: 'Common',
    displayName: 'Connector class',
    documentation: 'Which connector: there is one. The short forms mean the same.',
    oneOf: CLASS_ALIASES,
  },
  'tasks.max': {
    type: 'INT',
    default: '1',
    importance: 'HIGH',
    group: 'Common',
    displayName: 'Tasks max',
    documentation:
      'Members of the consumer group that this worker runs, at most one for each partition.',
    min: 1,
    max: 1_024,
  },
  topics: {
    type: 'LIST',
    importance: 'HIGH',
    group: 'Common',
    displayName: 'Topics',
    documentation:
      'The log of one network, <application id>.log: what stands before .log says which network.',
    range: 'one topic, <application id>.log',
    check: checkTopics,
  },
  'key.converter': {
    type: 'STRING',
    default: TEXT,
    importance: 'LOW',
    group: 'Common',
    displayName: 'Key converter class',
    documentation: 'Keys of the log are texts and not archived: an entry names its process itself.',
    oneOf: [TEXT, BYTES],
  },
  'value.converter': {
    type: 'STRING',
    default: BYTES,
    importance: 'LOW',
    group: 'Common',
    displayName: 'Value converter class',
    documentation:
      'Entries are archived bit for bit and are Avro in single-object encoding, so both names ' +
      'mean the same here.',
    oneOf: [BYTES, AVRO],
  },
  'value.converter.schema.registry.url': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    group: 'Common',
    displayName: 'Schema registry',
    documentation:
      'May be there, as in other connectors of a cluster, and is not asked: the log needs no ' +
      'registry to be read.',
    range: 'one http or https address',
    check: (value) =>
      /^https?:\/\/[^@\s]+$/.test(value) ? undefined : 'one http or https address, without a user',
    mayHoldSecret: true,
  },
}

const ERRORS: ConfigTable = {
  'errors.retry.timeout': {
    type: 'LONG',
    default: String(SINK_LIMITS.retryTimeoutMs),
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Retry timeout for errors',
    documentation:
      'How long what fails is tried again, in ms, before its task is FAILED; -1: for ever. (In ' +
      'Connect 0 is the default.)',
    min: -1,
  },
  'errors.retry.delay.max.ms': {
    type: 'LONG',
    default: String(SINK_LIMITS.retryDelayMsMax),
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Maximum delay between retries',
    documentation:
      `The longest pause between two tries, in ms. The first is ${SINK_LIMITS.retryDelayMs} ` +
      'ms, each next one twice as long.',
    min: 1,
    max: DAY_MS,
  },
  'errors.tolerance': {
    type: 'STRING',
    default: 'all',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Error tolerance',
    documentation:
      'Of records that are no entry: all passes over them, as every reader of the log does; ' +
      'with none the task is FAILED there. (In Connect none is the default.)',
    oneOf: ['all', 'none'],
  },
  'errors.log.enable': {
    type: 'BOOLEAN',
    default: 'false',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Log errors',
    documentation: 'Whether each such record is a line of what the worker reports.',
  },
  'errors.log.include.messages': {
    type: 'BOOLEAN',
    default: 'false',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Log error details',
    documentation: 'Topic, partition and offset are always said; what a record carries never is.',
    range: 'false',
    check: (value) =>
      /^false$/i.test(value) ? undefined : 'reports never hold what a record carries',
  },
  'errors.deadletterqueue.topic.name': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Dead letter queue topic name',
    documentation:
      'Where such records go, <application id>.deadletters for one; empty: nowhere. It is made ' +
      'where it is missing.',
    range: 'a topic, not one of topics',
    check: (value) => (value === '' || TOPIC.test(value) ? undefined : 'not the name of a topic'),
  },
  'errors.deadletterqueue.topic.replication.factor': {
    type: 'INT',
    default: '3',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Dead letter queue topic replication factor',
    documentation:
      'A topic that is made has three copies, or as many as there are brokers; make it ' +
      'yourself for others.',
    oneOf: ['1', '2', '3'],
  },
  'errors.deadletterqueue.context.headers.enable': {
    type: 'BOOLEAN',
    default: 'false',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Enable error context headers',
    documentation:
      'Whether dead letters carry the headers __connect.errors.*: where the record lay, and ' +
      'what is wrong with it.',
  },
}

const ARCHIVE: ConfigTable = {
  archive: {
    type: 'STRING',
    importance: 'HIGH',
    group: 'Archive',
    displayName: 'Archive',
    documentation: 'Where segments go: file:PATH, or the gateway of an Arweave, arweave:URL.',
    range: 'file:PATH, arweave:URL',
    check: (value) =>
      /^(file|arweave):./.test(value) ? undefined : 'write it as file:PATH or arweave:URL',
  },
  'archive.wallet': {
    type: 'STRING',
    importance: 'HIGH',
    group: 'Archive',
    displayName: 'Wallet file',
    documentation:
      'The file of the JWK that signs, and on Arweave pays; only its path is ever shown. `hb ' +
      'keys generate` makes one.',
    range: 'a path',
    check: (value) =>
      /^[^{}"\n]{1,4096}$/.test(value) ? undefined : 'the path of a JWK file, not what is in it',
    mayHoldSecret: true,
  },
  'archive.durability': {
    type: 'STRING',
    default: 'accepted',
    importance: 'MEDIUM',
    group: 'Archive',
    displayName: 'Durability',
    documentation:
      'When a segment counts as durable and offsets are committed: accepted, or after so many ' +
      'confirmations.',
    range: 'accepted, 1…1000',
    check: (value) =>
      /^(accepted|[1-9]\d{0,2}|1000)$/.test(value) ? undefined : 'accepted, or a number up to 1000',
  },
  'pending.dir': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    group: 'Archive',
    displayName: 'Directory of pending segments',
    documentation:
      'A directory of this connector alone, in which signed segments are kept until they are ' +
      'durable. Default: connect/<name> in --data.',
    range: 'a path',
  },
}

const SEGMENTS: ConfigTable = {
  'segment.heights.max': {
    type: 'INT',
    default: String(SINK_LIMITS.heightsMax),
    importance: 'MEDIUM',
    group: 'Segments',
    displayName: 'Heights per segment',
    documentation:
      'A segment never goes over a multiple of it. The same for all that write to one archive.',
    min: 1,
    max: 1_000_000,
  },
  'segment.bytes.max': {
    type: 'INT',
    default: String(SINK_LIMITS.bytesMax),
    importance: 'MEDIUM',
    group: 'Segments',
    displayName: 'Bytes per segment',
    documentation: 'Record values of one segment; one record always has its place.',
    min: 1_024,
    max: 268_435_456,
  },
  'flush.delay.max.ms': {
    type: 'LONG',
    default: String(SINK_LIMITS.flushDelayMsMax),
    importance: 'MEDIUM',
    group: 'Segments',
    displayName: 'Flush delay',
    documentation: 'Entries wait no longer for their segment to be full, in ms.',
    min: 1,
    max: 7 * DAY_MS,
  },
  'poll.delay.ms': {
    type: 'LONG',
    default: String(SINK_LIMITS.pollDelayMs),
    importance: 'LOW',
    group: 'Segments',
    displayName: 'Poll delay',
    documentation: "How often a partition's end is looked at where nothing wakes it, in ms.",
    min: 1,
    max: MINUTE_MS,
  },
  'log.end.wait.max.ms': {
    type: 'LONG',
    default: String(SINK_LIMITS.logEndWaitMsMax),
    importance: 'LOW',
    group: 'Segments',
    displayName: "Wait for the log's end",
    documentation:
      'How long the log may seem to end before what the archive ends with, in ms: after an ' +
      'election a listed end may be old.',
    min: 0,
    max: 10 * MINUTE_MS,
  },
  'uploads.max': {
    type: 'INT',
    default: String(SINK_LIMITS.uploadsMax),
    importance: 'LOW',
    group: 'Segments',
    displayName: 'Uploads at the same time',
    documentation:
      'Segments that are gathered or posted at the same time, over all tasks: memory is a few ' +
      'times this by segment.bytes.max.',
    min: 1,
    max: 64,
  },
}

export const CONFIG_KEYS: ConfigTable = { ...COMMON, ...ARCHIVE, ...SEGMENTS, ...ERRORS }

function checkTopics(value: string): string | undefined {
  const topics = value.split(',').map((each) => each.trim())
  const [topic = ''] = topics
  if (topics.length === 1 && TOPIC.test(topic) && /.[.]log$/.test(topic)) return undefined
  return 'one topic, the log of a network: <application id>.log'
}
