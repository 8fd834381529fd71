// Starting in mid-log (R8): the newest complete manifest, and the states that it names, out of
// `snapshots`.
//
// Invariants: M1 every state and every delta is checked against the manifest's hashes, the
// manifest against its root, and the manifest's place against the log's own record. M2 what does
// not check is passed over for an older manifest, and for height 0 at last: slower, never wrong.

import { copyView } from '../protocol/accept.ts'
import type { Records } from '../protocol/codec/records.ts'
import type { RecordCodec } from '../protocol/codec/single-object.ts'
import { isEngineName } from '../protocol/engines.ts'
import { firstLevel } from '../protocol/features.ts'
import type { Network } from '../protocol/genesis.ts'
import type { ManifestHead } from '../protocol/manifest.ts'
import { manifestRoot } from '../protocol/manifest.ts'
import type { ManifestPart, ManifestProcess, SnapshotPart } from '../protocol/records.ts'
import { deltaHash, snapshotHash } from '../protocol/state-hash.ts'
import type { TopicNames } from '../protocol/topics.ts'
import type { Log, StoredRecord } from '../log/port.ts'
import { carries } from '../log/resume/index.ts'
import type { Opening } from '../log/resume/index.ts'
import { asBuffer, EMPTY, equalBytes } from '../std/bytes.ts'
import { isHbError } from '../std/errors.ts'
import type { StoreOp } from '../store/port.ts'
import type { LedgerRow } from './core.ts'
import type { Intervals } from './intervals.ts'
import type { Modules } from './modules.ts'
import type { DrePosition, ProcessStore } from './process-store.ts'

export type RestoreOptions = {
  readonly network: Network
  readonly partition: number
  readonly log: Log
  readonly topics: TopicNames
  readonly records: Records
  readonly store: ProcessStore
  readonly modules: Modules
  /** Told what is recorded of each process; who records nothing needs none. */
  readonly intervals?: Intervals
  /** Which manifests will do, by all that they say; default: any. */
  readonly accepts?: (head: ManifestHead, processes: readonly ManifestProcess[]) => boolean
  /** Restores this process alone, and what keeps the level: of the others there is no row then. */
  readonly process?: string
  /** Told how far reading has got. */
  readonly opening?: Opening
}

type RestoredState = {
  readonly row: ManifestProcess
  readonly full: string
  readonly deltas: string[]
}

/**
 * Fills the local store from the newest manifest that checks. undefined: none does, begin at
 * height 0.
 */
export async function restore(options: RestoreOptions): Promise<DrePosition | undefined> {
  const manifests = await readManifests(options)
  const heights = [...manifests.keys()].sort((a, b) => b - a)
  for (const height of heights) {
    const parts = await manifestAt(options, manifests.get(height) as number[])
    const position = parts && (await take(options, parts))
    if (position !== undefined) return position
  }
  return undefined
}

/** Offsets of the manifests' parts by height: not the parts, of which there may be a great many. */
async function readManifests(o: RestoreOptions): Promise<Map<number, number[]>> {
  const offsets = new Map<number, number[]>()
  for await (const { offset, value } of snapshots(o)) {
    const part = decoded(o.records.manifest, value)
    if (part !== undefined) push(offsets, part.height, offset)
  }
  return offsets
}

async function manifestAt(
  o: RestoreOptions,
  offsets: readonly number[],
): Promise<ManifestPart[] | undefined> {
  const parts: ManifestPart[] = []
  for (const offset of offsets) {
    const to = offset + 1
    const read = await o.log.read(o.topics.snapshots, o.partition, offset, { to })
    const part = decoded(o.records.manifest, read.records[0]?.value ?? null)
    if (part !== undefined) parts.push(part)
  }
  return whole(parts)
}

/** The parts of the states and deltas that a manifest names, by process and height. */
async function readStates(
  o: RestoreOptions,
  processes: readonly ManifestProcess[],
): Promise<Map<string, SnapshotPart[]>> {
  const wanted = new Set<string>()
  for (const { process, fullHeight, deltaHeights } of processes) {
    for (const height of [fullHeight, ...deltaHeights]) wanted.add(`${process}/${height}`)
  }
  const states = new Map<string, SnapshotPart[]>()
  for await (const { value } of snapshots(o)) {
    const part = decoded(o.records.snapshot, value)
    const name = part && `${part.process}/${part.height}`
    if (part !== undefined && wanted.has(name as string)) push(states, name as string, part)
  }
  return states
}

async function* snapshots(o: RestoreOptions): AsyncIterable<StoredRecord> {
  const topic = o.topics.snapshots
  let from = (await o.log.ends(topic))[o.partition]?.start ?? 0
  for (o.opening?.reads(topic, from); ; ) {
    const read = await o.log.read(topic, o.partition, from)
    yield* read.records
    from = read.next
    o.opening?.has(from)
    if (read.records.length === 0) return
  }
}

/** undefined for another kind of record, and for one that does not decode (M2). */
function decoded<T>(codec: RecordCodec<T>, value: Uint8Array | null): T | undefined {
  if (value === null || !codec.matches(asBuffer(value))) return undefined
  try {
    return codec.decode(asBuffer(value))
  } catch (error) {
    if (isHbError(error)) return undefined
    throw error
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

/** The parts in order, the newest of each; undefined if one is missing. */
function whole<T extends { part: number; parts: number }>(parts: readonly T[]): T[] | undefined {
  const count = parts.at(-1)?.parts ?? 0
  const list: T[] = []
  for (const part of parts) if (part.parts === count) list[part.part] = part
  for (let at = 0; at < count; at++) if (list[at] === undefined) return undefined
  return count === 0 ? undefined : list
}

async function take(
  o: RestoreOptions,
  parts: readonly ManifestPart[],
): Promise<DrePosition | undefined> {
  const head = parts[0] as ManifestPart
  const all = parts.flatMap((part) => part.processes)
  if (o.accepts?.(head, all) === false) return undefined
  const modules = parts.flatMap((part) => part.modules ?? [])
  if (!equalBytes(manifestRoot(head, all, modules), head.root)) return undefined
  const { process } = o
  const features = o.network.featureIds[head.partition]
  const processes =
    process === undefined
      ? all
      : all.filter((row) => row.process === process || row.process === features)
  const timestamp = head.timestamp
  const at = await findRecord(o, head)
  if (at === undefined) return undefined
  const states = await readStates(o, processes)
  const restored: RestoredState[] = []
  for (const row of processes) {
    if (row.failed) continue
    const state = stateOf(row, states)
    if (state === undefined) return undefined
    restored.push(state)
  }
  await learnModules(o)
  if (processes.some((row) => !row.failed && !o.modules.has(row.module))) return undefined
  const { partition, height, hash } = head
  const view = copyView({ partition, height, hash, timestamp, counters: [...head.counters] })
  // -1 is below every outbox: it is read from its earliest record
  const outbox = { outbox: -1, outboxNext: 0 }
  // at an interval's end, where what the restored states say of the level holds
  const level = firstLevel(o.network.genesis)
  const place = { view, next: at + 1, at, outgoing: head.outgoing, level }
  const position: DrePosition = { ...place, ...outbox }
  const ops: StoreOp[] = []
  processes.forEach((row, ordinal) => ops.push(o.store.rowOp(ledgerRow(row, ordinal, height))))
  for (const { row, full, deltas } of restored) {
    ops.push(...o.store.restoredOps(row.process, row.slot, full, deltas))
    const deltaBytes = deltas.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0)
    const learnt = o.intervals?.learn(row, Buffer.byteLength(full), deltaBytes)
    if (learnt !== undefined) ops.push(learnt)
  }
  for (const hash of knownAt(all, modules)) ops.push(o.store.knownOp(hash, height))
  ops.push(o.store.positionOp(position))
  await o.store.write(ops)
  return position
}

/** Manifests of before modules had names say those of their processes only. */
function knownAt(rows: readonly ManifestProcess[], modules: readonly string[]): Set<string> {
  const of = rows.filter(({ failed, engine }) => !failed && engine !== 'native')
  return new Set([...modules, ...of.map(({ module }) => module)])
}

/** The offset of the record that carries the manifest's hash: by the hint, else searched for. */
async function findRecord(o: RestoreOptions, head: ManifestPart): Promise<number | undefined> {
  const ends = (await o.log.ends(o.topics.log))[head.partition]
  if (ends === undefined) return undefined
  const { offsetHint } = head
  if (offsetHint >= ends.start && offsetHint < ends.end) {
    const { records } = await o.log.read(o.topics.log, head.partition, offsetHint, {
      to: offsetHint + 1,
    })
    if (records[0]?.offset === offsetHint && isPlaceOf(o, head, records[0].value)) return offsetHint
  }
  for (let from = ends.start; from < ends.end; ) {
    const read = await o.log.read(o.topics.log, head.partition, from)
    for (const record of read.records) if (isPlaceOf(o, head, record.value)) return record.offset
    if (read.next === from) return undefined
    from = read.next
  }
  return undefined
}

function isPlaceOf(o: RestoreOptions, head: ManifestPart, value: Uint8Array | null): boolean {
  if (value === null || !o.records.isEntry(value)) return false
  try {
    const record = o.records.decodeEntry(asBuffer(value))
    if (record.height !== head.height || record.timestamp !== head.timestamp) return false
  } catch (error) {
    if (isHbError(error)) return false
    throw error
  }
  return carries(o.records, o.network, head.partition, value, head.hash)
}

function stateOf(
  row: ManifestProcess,
  states: ReadonlyMap<string, SnapshotPart[]>,
): RestoredState | undefined {
  const text = (height: number, full: boolean): string | undefined => {
    const all = states.get(`${row.process}/${height}`)?.filter((part) => part.full === full)
    const parts = all === undefined ? undefined : whole(all)
    return parts && Buffer.concat(parts.map((part) => asBuffer(part.text))).toString()
  }
  const full = text(row.fullHeight, true)
  if (full === undefined || !equalBytes(snapshotHash(full), row.fullHash)) return undefined
  const deltas: string[] = []
  let hash: Uint8Array = EMPTY
  for (const height of row.deltaHeights) {
    const delta = text(height, false)
    if (delta === undefined) return undefined
    deltas.push(delta)
    hash = deltaHash(hash, delta)
  }
  if (deltas.length > 0 && !equalBytes(hash, row.deltaHash)) return undefined
  return { row, full, deltas }
}

async function learnModules({ log, topics, modules }: RestoreOptions): Promise<void> {
  const start = (await log.ends(topics.modules))[0]?.start ?? 0
  for (let from = start; ; ) {
    const read = await log.read(topics.modules, 0, from)
    for (const { key, value } of read.records) {
      if (key !== null && value !== null) await modules.learn(key, value)
    }
    from = read.next
    if (read.records.length === 0) return
  }
}

function ledgerRow(row: ManifestProcess, ordinal: number, height: number): LedgerRow {
  return {
    process: row.process,
    ordinal,
    slot: row.slot,
    settledSlot: row.slot,
    settledHeight: height,
    writtenSlot: row.slot,
    stateHash: row.stateHash,
    failed: row.failed,
    engine: isEngineName(row.engine) ? row.engine : 'quickjs',
    module: row.module,
  }
}
