// kafkajs' own encoders and decoders of what src/log/kafka encodes itself: the independent second
// opinion of the tests. Loaded past jest's module registry: their types are written here.

import { createRequire } from 'node:module'
import type { LogRecord } from '../../../src/log/port.ts'

export type Encoded = { readonly buffer: Buffer }

export type ReferenceRecord = {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer>>
  readonly isControlRecord: boolean
}

export type ReferenceBatch = {
  readonly records: readonly LogRecord[]
  readonly firstOffset?: number
  readonly firstTimestamp?: number
  readonly timestampDeltas?: readonly number[]
  readonly partitionLeaderEpoch?: number
  /** 0 none, 1 gzip. */
  readonly compression?: 0 | 1
  /** Where records were compacted away: offset deltas of those that stayed. */
  readonly offsetDeltas?: readonly number[]
  readonly lastOffsetDelta?: number
}

type Request = { readonly encode: () => Promise<Encoded> }
type Decode = { readonly decode: (data: Buffer) => Promise<unknown> }

const load = createRequire(import.meta.url)
const protocol = (path: string): unknown => load(`kafkajs/src/protocol/${path}`)
const encodeRecord = protocol('recordBatch/record/v0') as (record: object) => Encoded
const { RecordBatch } = protocol('recordBatch/v0') as {
  RecordBatch: (batch: object) => Promise<Encoded>
}
const decodeMessages = protocol('requests/fetch/v4/decodeMessages') as (
  decoder: object,
) => Promise<ReferenceRecord[]>
const Decoder = protocol('decoder') as new (bytes: Buffer) => object
const Long = load('kafkajs/src/utils/long') as { fromValue: (value: number) => object }
const assigners = load('kafkajs') as {
  AssignerProtocol: {
    readonly MemberMetadata: { decode: (bytes: Buffer) => { topics: string[] } }
    readonly MemberAssignment: {
      decode: (bytes: Buffer) => { assignment: Record<string, number[]> } | null
    }
  }
}

export const { AssignerProtocol } = assigners
export const produceRequestV7 = protocol('requests/produce/v7/request') as (o: object) => Request
export const produceResponseV7 = protocol('requests/produce/v7/response') as Decode

export async function referenceEncode(batch: ReferenceBatch): Promise<Buffer> {
  const { records, offsetDeltas, timestampDeltas, firstOffset = 0, firstTimestamp = 0 } = batch
  const encoded = records.map(({ key, value, headers }, at) =>
    encodeRecord({
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      headers: headers ?? {},
      offsetDelta: offsetDeltas?.[at] ?? at,
      timestampDelta: timestampDeltas?.[at] ?? 0,
    }),
  )
  const { buffer } = await RecordBatch({
    compression: batch.compression ?? 0,
    records: encoded,
    firstOffset: Long.fromValue(firstOffset),
    firstTimestamp: Long.fromValue(firstTimestamp),
    maxTimestamp: Long.fromValue(firstTimestamp + Math.max(0, ...(timestampDeltas ?? []))),
    partitionLeaderEpoch: batch.partitionLeaderEpoch ?? 0,
    lastOffsetDelta: batch.lastOffsetDelta ?? records.length - 1,
  })
  // kafkajs encodes on with its buffers: the bytes are copied
  return Buffer.from(buffer)
}

export function referenceDecode(bytes: Buffer): Promise<ReferenceRecord[]> {
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return decodeMessages(new Decoder(Buffer.concat([size, bytes])))
}
