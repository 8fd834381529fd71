// A log that a network has really written, and records planted into it that every reader must
// ignore: what zombies, retries and writers in error could leave there. Each differs in one thing
// from a record that would be the next entry.

import { readFileSync } from 'node:fs'
import avro from 'avsc'
import type { EachMessagePayload, IHeaders, Kafka } from 'kafkajs'
import { EntryFormat } from '../entry-format.ts'

type Raw = { key: Buffer | null; value: Buffer; headers: IHeaders }
type Relayed = { partition: number; seq: number }
type Fields = {
  height: number
  prev: Uint8Array
  timestamp: number
  message: { 'org.hollowbeam.Relayed'?: Relayed }
}
/** Of the last entry, as the network's own readers have it. */
export type Tip = { readonly height: number; readonly hash: Buffer; readonly timestamp: number }

const HEADER_BYTES = 10

/** By partition, what a topic holds now. */
export async function readAll(kafka: Kafka, topic: string): Promise<Raw[][]> {
  const admin = kafka.admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const found: Raw[][] = offsets.map(() => [])
  const left = new Map(offsets.map(({ partition, high }) => [partition, Number(high)]))
  const consumer = kafka.consumer({ groupId: `${topic}-${[...left.values()].join('-')}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    async function eachMessage({ partition, message }: EachMessagePayload): Promise<void> {
      const { key, value, headers = {}, offset } = message
      const end = left.get(partition) ?? 0
      if (value !== null && Number(offset) < end) found[partition]?.push({ key, value, headers })
      if (Number(offset) >= end - 1) left.delete(partition)
      if (left.size === 0) resolve()
    }
    consumer.run({ autoCommit: false, eachMessage }).catch(reject)
  })
  await consumer.disconnect()
  return found
}

export const isClaim = ({ headers }: Raw): boolean => String(headers['hb-kind']) === 'claim'

/** Appends to a partition what must be ignored there; gives how many of that are no claims. */
export async function plant(
  kafka: Kafka,
  topic: string,
  place: { partition: number; raws: readonly Raw[]; tip: Tip; network: string; schema: string },
): Promise<number> {
  const { partition, raws } = place
  const claim = raws.filter(isClaim).slice(-1)
  if (claim.length === 0) throw new Error(`no sequencer has claimed partition ${partition}`)
  const batches = [...superseded(place), claim]
  const producer = kafka.producer()
  await producer.connect()
  for (const batch of batches) {
    const messages = batch.map((raw) => ({ ...raw, partition }))
    await producer.send({ topic, messages })
  }
  await producer.disconnect()
  return batches.flat().length - claim.length
}

function superseded(place: Parameters<typeof plant>[2]): Raw[][] {
  const { partition, tip, network, schema } = place
  const entries = place.raws.filter((raw) => !isClaim(raw))
  const type = avro.Type.forSchema(JSON.parse(readFileSync(schema, 'utf8')) as avro.Schema)
  const fieldsOf = ({ value }: Raw): Fields =>
    type.fromBuffer(value.subarray(HEADER_BYTES)) as Fields
  const altered = (raw: Raw, change: Partial<Fields>): Raw => {
    const fields = { ...fieldsOf(raw), ...change }
    const value = Buffer.concat([raw.value.subarray(0, HEADER_BYTES), type.toBuffer(fields)])
    return { ...raw, value, headers: { ...raw.headers, 'hb-height': String(fields.height) } }
  }
  const format = new EntryFormat(network, schema)
  const last = entries.findLast((raw) => format.decode(partition, raw).hash.equals(tip.hash))
  const sent = entries.findLast((raw) => 'org.hollowbeam.Relayed' in fieldsOf(raw).message)
  if (last === undefined || sent === undefined) throw new Error(`nothing to alter in ${partition}`)
  const relayed = fieldsOf(sent).message['org.hollowbeam.Relayed'] as Relayed
  const next = (change: Partial<Fields>, steps = 1): Raw => {
    const message = { 'org.hollowbeam.Relayed': { ...relayed, seq: relayed.seq + steps } }
    const { height, hash: prev, timestamp } = tip
    return altered(sent, { height: height + 1, prev, timestamp, message, ...change })
  }
  const twin = altered(last, { timestamp: tip.timestamp + 1 })
  const afterTwin = format.decode(partition, twin).hash
  return [
    entries.slice(-2), // a batch that was sent twice
    [twin, next({ prev: afterTwin, timestamp: tip.timestamp + 1 })], // a zombie's
    [next({ prev: Buffer.alloc(32, 7) })],
    [next({ height: tip.height + 2 })],
    [next({ timestamp: tip.timestamp - 1 })],
    [next({}, 0), next({}, 2)], // the channel's last number again, and one left out
  ]
}
