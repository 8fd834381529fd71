// What read-log.ts must know of a record: its fields, and what none of them says, the entry's own
// hash, which the next one names in `prev`, and its message's id.
//
// A hash is SHA-256 over a domain (its length in one byte, then it) and parts: a number in eight
// bytes; of an array its length as a number, then its items; of a record its fields in the schema's
// order; text (UTF-8) and bytes after their length in four bytes, null as no bytes. Big-endian.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import avro from 'avsc'
import type { KafkaMessage } from 'kafkajs'

/** `source` and `seq` are of a process's message: its channel, and its number there from 1. */
export type Entry = {
  height: number
  prev: Buffer
  hash: Buffer
  timestamp: number
  id: string
  source: number
  seq: number
}

type Part = number | string | Uint8Array | null | Part[] | { [field: string]: Part }
type Signed = { item: Buffer }
type Relayed = { [field: string]: Part } & { partition: number; seq: number }
type Message = {
  'org.hollowbeam.Signed'?: Signed
  'org.hollowbeam.Relayed'?: Relayed
  'org.hollowbeam.Genesis'?: { name: string }
}
type Fields = Pick<Entry, 'height' | 'prev' | 'timestamp'> & { admission: Part; message: Message }

/** Avro's single-object encoding: a mark, and the fingerprint of schemas/entry.avsc. */
const HEADER = 'c301e062dd386aeb01a2'

export class EntryFormat {
  readonly #type: avro.Type
  readonly #network: string

  constructor(network: string, schemaFile: string) {
    this.#type = avro.Type.forSchema(JSON.parse(readFileSync(schemaFile, 'utf8')) as avro.Schema)
    this.#network = network
  }

  /** What the entry of height 0 follows. */
  genesis(partition: number): Pick<Entry, 'height' | 'hash' | 'timestamp'> {
    return { height: -1, hash: hash('hb.log-genesis.1', this.#network, partition), timestamp: 0 }
  }

  /** Throws for another schema: that is for another version of this program, not to be skipped. */
  decode(partition: number, { key, value }: Pick<KafkaMessage, 'key' | 'value'>): Entry {
    if (value?.toString('hex', 0, 10) !== HEADER) throw new Error('a record of another schema')
    const fields = this.#type.fromBuffer(value.subarray(10)) as Fields
    const { height, prev, timestamp, admission, message } = fields
    const relayed = message['org.hollowbeam.Relayed']
    const { partition: source, seq } = relayed ?? { partition: -1, seq: 0 }
    const [id, digest] = identify(this.#network, String(key), message)
    const place = [this.#network, partition, prev, height, timestamp, String(key)]
    const own = hash('hb.entry.1', ...place, id, digest, admission)
    return { height, prev, hash: own, timestamp, id, source, seq }
  }
}

/** Id and digest of an entry's message. */
function identify(network: string, process: string, message: Message): [string, Buffer] {
  const signed = message['org.hollowbeam.Signed']?.item
  if (signed !== undefined) {
    const signature = signed.subarray(2, signed[0] === 1 ? 514 : 66) // RSA, else Ed25519
    return [sha256(signature).toString('base64url'), hash('hb.signed.1', signed)]
  }
  const name = message['org.hollowbeam.Genesis']?.name
  if (name !== undefined) return [process, hash('hb.genesis-spawn.1', network, name)]
  // caller, partition, height, index, seq, kind, target, tags, data, hops, count, budget
  const fields = Object.values(message['org.hollowbeam.Relayed'] ?? {})
  const content = hash('hb.content.1', ...fields.slice(5, 12))
  const id = hash('hb.message.1', network, ...fields.slice(1, 4), content).toString('base64url')
  return [id, hash('hb.relayed.1', id, ...fields.slice(0, 5), content)]
}

function hash(domain: string, ...parts: Part[]): Buffer {
  const bytes = [Buffer.of(domain.length), Buffer.from(domain), ...parts.flatMap(layOut)]
  return sha256(Buffer.concat(bytes))
}

function layOut(part: Part): Buffer[] {
  if (typeof part === 'number') return [bigEndian(part, 8)]
  if (Array.isArray(part)) return [bigEndian(part.length, 8), ...part.flatMap(layOut)]
  if (typeof part === 'string' || part instanceof Uint8Array || part === null) {
    const bytes = Buffer.from(part ?? '')
    return [bigEndian(bytes.length, 4), bytes]
  }
  return Object.values(part).flatMap(layOut)
}

function bigEndian(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes.subarray(8 - size)
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
