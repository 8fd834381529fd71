// Prints the entries of a log, one line of JSON each, and follows it; on stderr, how many records
// were superseded so far. Arguments: bootstrap server, topic, network id, schemas/entry.avsc.

import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import type { EachMessagePayload } from 'kafkajs'
import { EntryFormat } from './entry-format.ts'

const [broker = '', topic = '', network = '', schema = ''] = process.argv.slice(2)
const format = new EntryFormat(network, schema)
const ends = new Map<number, ReturnType<EntryFormat['genesis']>>() // each partition's last entry
const seqs = new Map<string, number>() // the last number of each channel
let superseded = 0

async function read({ partition, message }: EachMessagePayload) {
  const kind = String(message.headers?.['hb-kind'])
  if (kind === 'claim') return // a sequencer's mark, no entry
  const entry = format.decode(partition, message)
  const { height, prev, timestamp, id, source, seq } = entry
  const last = ends.get(partition) ?? format.genesis(partition)
  const channel = `${source} to ${partition}`
  const isNext =
    height === last.height + 1 &&
    prev.equals(last.hash) &&
    timestamp >= last.timestamp &&
    (seq === 0 || seq === (seqs.get(channel) ?? 0) + 1)
  if (!isNext) return console.error(`superseded: ${++superseded}`)
  ends.set(partition, entry)
  seqs.set(channel, seq)
  const process = String(message.key)
  console.log(JSON.stringify({ partition, height, process, id, kind, timestamp }))
}

const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.WARN })
const consumer = kafka.consumer({ groupId: `reader-${randomUUID()}`, readUncommitted: true })
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({ autoCommit: false, eachMessage: read })
