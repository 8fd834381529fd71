// The records of every topic, to and from bytes. Shapes are those of schemas/*.avsc; this file maps
// them to the protocol's own types. Invariant: decode(encode(x)) = x, and what is hashed is never
// these bytes (but a data item's).

import type { Claim, Head, ModuleRecord, NetworkRecord } from '../records.ts'
import type { ManifestPart, SnapshotPart } from '../records.ts'
import type { Admission } from '../entry.ts'
import type { Content, Origin } from '../message.ts'
import type { Outgoing, Result, Run } from '../result.ts'
import { SCHEMAS } from './schemas.ts'
import { RecordCodec } from './single-object.ts'

/** A message as it stands in a record. */
export type WireMessage =
  | { readonly type: 'signed'; readonly item: Buffer }
  | { readonly type: 'relayed'; readonly relayed: RelayedRecord }
  | { readonly type: 'genesis'; readonly name: string }

/** A process's message on the wire; field names are the schema's. */
export type RelayedRecord = Content &
  Origin & { readonly caller: string; readonly attestation: Buffer | null }

export type EntryRecord = {
  readonly height: number
  readonly prev: Buffer
  readonly timestamp: number
  readonly admission: Admission
  readonly message: WireMessage
}

/** Manifests of before modules had names lack their last field. */
const MANIFEST_BEFORE = withoutLastField(SCHEMAS.manifest)

type MessageUnion =
  | { 'org.hollowbeam.Signed': { item: Uint8Array } }
  | { 'org.hollowbeam.Relayed': RelayedRecord }
  | { 'org.hollowbeam.Genesis': { name: string } }

type AvroIngress = { message: MessageUnion }
type AvroEntry = {
  height: number
  prev: Uint8Array
  timestamp: number
  admission: Admission
  message: MessageUnion
}
type AvroResult = Omit<Result, 'status'> & { ok: boolean }
type AvroRun = Omit<Run, 'results'> & { results: AvroResult[] }

/**
 * All codecs of one owner (each keeps a scratch buffer, so an owner per service, not per module).
 */
export class Records {
  readonly #ingress = new RecordCodec<AvroIngress>(SCHEMAS.ingress)
  readonly #entry = new RecordCodec<AvroEntry>(SCHEMAS.entry)
  readonly #run = new RecordCodec<AvroRun>(SCHEMAS.run)
  readonly claim = new RecordCodec<Claim>(SCHEMAS.claim)
  readonly head = new RecordCodec<Head>(SCHEMAS.head)
  readonly network = new RecordCodec<NetworkRecord>(SCHEMAS.network)
  readonly module = new RecordCodec<ModuleRecord>(SCHEMAS.module)
  readonly snapshot = new RecordCodec<SnapshotPart>(SCHEMAS.snapshot)
  readonly manifest = new RecordCodec<ManifestPart>(SCHEMAS.manifest, MANIFEST_BEFORE)

  encodeIngress(message: WireMessage): Buffer {
    return this.#ingress.encode({ message: toUnion(message) })
  }

  /** Throws `record-malformed`. */
  decodeIngress(bytes: Buffer): WireMessage {
    return fromUnion(this.#ingress.decode(bytes).message)
  }

  /**
   * For ingress that was written with this schema, after a header of so many bytes. Throws
   * `writer-schema-unusable`; what is returned throws `record-malformed`.
   */
  ingressReader(schema: string, headerBytes: number): (bytes: Buffer) => WireMessage {
    const read = this.#ingress.reader(schema)
    return (bytes) => fromUnion(read(bytes, headerBytes).message)
  }

  isEntry(bytes: Uint8Array): boolean {
    return this.#entry.matches(bytes)
  }

  encodeEntry(entry: EntryRecord): Buffer {
    return this.#entry.encode(toEntry(entry))
  }

  /** True where these bytes are what `encodeEntry` gives: legal Avro has other forms. */
  isCanonicalEntry(entry: EntryRecord, bytes: Uint8Array): boolean {
    return this.#entry.encodesTo(toEntry(entry), bytes)
  }

  /** Throws `record-malformed`. */
  decodeEntry(bytes: Buffer): EntryRecord {
    const entry = this.#entry.decode(bytes)
    return { ...entry, prev: entry.prev as Buffer, message: fromUnion(entry.message) }
  }

  encodeRun(run: Run): Buffer {
    const results = run.results.map((result) => ({ ...result, ok: result.status === 'ok' }))
    return this.#run.encode({ ...run, results })
  }

  /** Throws `record-malformed`. */
  decodeRun(bytes: Buffer): Run {
    const run = this.#run.decode(bytes)
    const results = run.results.map((result): Result => {
      const { ok, ...rest } = result
      return { ...rest, status: ok ? 'ok' : 'error' }
    })
    return { partition: run.partition, from: run.from, results, attestation: run.attestation }
  }
}

function withoutLastField(schema: string): string {
  const record = JSON.parse(schema) as { fields: unknown[] }
  return JSON.stringify({ ...record, fields: record.fields.slice(0, -1) })
}

function toEntry({ height, prev, timestamp, admission, message }: EntryRecord): AvroEntry {
  return { height, prev, timestamp, admission, message: toUnion(message) }
}

function toUnion(message: WireMessage): MessageUnion {
  if (message.type === 'signed') return { 'org.hollowbeam.Signed': { item: message.item } }
  if (message.type === 'relayed') return { 'org.hollowbeam.Relayed': message.relayed }
  return { 'org.hollowbeam.Genesis': { name: message.name } }
}

function fromUnion(union: MessageUnion): WireMessage {
  if ('org.hollowbeam.Relayed' in union) {
    return { type: 'relayed', relayed: union['org.hollowbeam.Relayed'] }
  }
  if ('org.hollowbeam.Signed' in union) {
    return { type: 'signed', item: union['org.hollowbeam.Signed'].item as Buffer }
  }
  return { type: 'genesis', name: union['org.hollowbeam.Genesis'].name }
}

/** The wire form of a message that a result emits. */
export function relayedRecord(caller: string, origin: Origin, content: Outgoing): RelayedRecord {
  return {
    caller,
    partition: origin.partition,
    height: origin.height,
    index: origin.index,
    seq: origin.seq,
    kind: content.kind,
    target: content.target,
    tags: content.tags,
    data: content.data,
    hops: content.hops,
    count: content.count,
    budget: content.budget,
    attestation: null,
  }
}
