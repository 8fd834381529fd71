// R8: at an interval's end, the states of all processes that were touched in it, as a delta or in
// full, then the manifest.
//
// Invariants: I1 what is written is a function of the log and genesis: full when the deltas since
// the last full state have grown beyond its bytes or number DELTAS_MAX, else a delta. I2 the
// manifest is written last: what it names is there.

import { parseJson } from '../std/json-text.ts'
import type { ManifestProcess } from '../protocol/records.ts'
import type { Records } from '../protocol/codec/records.ts'
import { changesText, composeChanges } from '../protocol/changes.ts'
import type { Changes } from '../protocol/changes.ts'
import type { Network } from '../protocol/genesis.ts'
import { DELTAS_MAX, manifestRoot } from '../protocol/manifest.ts'
import { deltaHash, snapshotHash } from '../protocol/state-hash.ts'
import type { EvaluatorCommand, Evaluator } from '../runtime/evaluator/port.ts'
import type { LogRecord } from '../log/port.ts'
import { EMPTY, fromBase64Url, toBase64Url } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import type { Store, StoreOp } from '../store/port.ts'
import type { AppendAgain } from './append-again.ts'
import type { LedgerRow } from './core.ts'
import type { Modules } from './modules.ts'
import type { PartitionLevel } from './partition-level.ts'
import type { DreLimits } from './ports.ts'
import type { LogPosition, ProcessStore } from './process-store.ts'

/** What is recorded of a process so far. */
type Recorded = {
  slot: number
  fullHeight: number
  fullBytes: number
  fullHash: Uint8Array
  deltaHeights: number[]
  deltaBytes: number
  deltaHash: Uint8Array
}

/** About what a manifest's row takes at most: ids, hashes, and the heights of its deltas. */
const MANIFEST_ROW_BYTES_MAX = 2_048
const MANIFEST_MODULE_BYTES = 45

/** About what a record takes beside its value: key, headers, framing. */
const RECORD_BYTES = 256

export type IntervalsOptions = {
  readonly network: Network
  readonly partition: number
  readonly append: AppendAgain
  readonly topic: string
  readonly records: Records
  readonly store: ProcessStore
  readonly rawStore: Store
  readonly modules: Modules
  readonly evaluator: Evaluator
  readonly level: PartitionLevel
  readonly limits: DreLimits
  readonly rows: ReadonlyMap<string, LedgerRow>
  /** Hashes of modules that are known in the partition. */
  readonly known: ReadonlyMap<string, number>
}

export class Intervals {
  readonly #o: IntervalsOptions
  readonly #recorded = new Map<string, Recorded>()
  readonly #key: string

  constructor(options: IntervalsOptions) {
    this.#o = options
    this.#key = `n${options.partition.toString(16).padStart(4, '0')}/`
  }

  /** Loads what was recorded from the local store. */
  open(): void {
    const range = { from: this.#key, to: `${this.#key}\u007f` }
    for (const { key, value } of this.#o.rawStore.range(range)) {
      this.#recorded.set(key.slice(this.#key.length), decodeRecorded(value))
    }
  }

  /** Takes in what a manifest says of a process. */
  learn(row: ManifestProcess, fullBytes: number, deltaBytes: number): StoreOp {
    const recorded: Recorded = {
      slot: row.slot,
      fullHeight: row.fullHeight,
      fullBytes,
      fullHash: row.fullHash,
      deltaHeights: [...row.deltaHeights],
      deltaBytes,
      deltaHash: row.deltaHeights.length === 0 ? EMPTY : row.deltaHash,
    }
    this.#recorded.set(row.process, recorded)
    return this.#op(row.process, recorded)
  }

  /**
   * Records the interval that ends at `position`; everything up to it must be settled and stored.
   * `writes`: into the topic too, where a follower leaves that to the partition's owner.
   */
  async close(position: LogPosition, writes: boolean): Promise<void> {
    const { height } = position.view
    const ops: StoreOp[] = []
    const out = new Outgoing(this.#o)
    for (const row of this.#o.rows.values()) {
      const before = this.#recorded.get(row.process)
      if (row.failed || before?.slot === row.settledSlot) continue
      const { recorded, text } = await this.#record(row, before, height)
      const full = recorded.fullHeight === height
      if (writes) await out.put(snapshotParts(this.#o, row, height, full, text))
      if (full) ops.push(this.#o.store.baseOp(row.process, row.settledSlot + 1, text))
      this.#recorded.set(row.process, recorded)
      ops.push(this.#op(row.process, recorded))
    }
    if (writes) {
      await out.put(this.#manifest(position))
      await out.flush()
    }
    if (ops.length > 0) await this.#o.rawStore.write(ops)
  }

  async #record(
    row: LedgerRow,
    before: Recorded | undefined,
    height: number,
  ): Promise<{ recorded: Recorded; text: string }> {
    if (before !== undefined) {
      const texts = this.#o.store.changes(row.process, before.slot + 1, row.settledSlot)
      const text = changesText(composeChanges(texts.map((each) => parseJson(each) as Changes)))
      const deltaBytes = before.deltaBytes + Buffer.byteLength(text)
      if (deltaBytes <= before.fullBytes && before.deltaHeights.length < DELTAS_MAX) {
        const recorded = {
          ...before,
          slot: row.settledSlot,
          deltaHeights: [...before.deltaHeights, height],
          deltaBytes,
          deltaHash: deltaHash(before.deltaHash, text),
        }
        return { recorded, text }
      }
    }
    const text = await this.#snapshot(row)
    const recorded = {
      slot: row.settledSlot,
      fullHeight: height,
      fullBytes: Buffer.byteLength(text),
      fullHash: snapshotHash(text),
      deltaHeights: [],
      deltaBytes: 0,
      deltaHash: EMPTY,
    }
    return { recorded, text }
  }

  async #snapshot(row: LedgerRow): Promise<string> {
    const { evaluator, store, modules, limits } = this.#o
    const [open] = await evaluator.run([{ kind: 'snapshot', process: row.process }])
    if (open?.kind === 'snapshot') return open.text
    const saved = store.state(row.process)
    if (saved === undefined) throw new HbError('evaluation-fault', `no state of ${row.process}`)
    const { process } = row
    const module = modules.get(row.engine, row.module)
    const { snapshot, changes } = saved
    const commands: EvaluatorCommand[] = [
      { kind: 'open', process, level: this.#o.level.now, module, snapshot, changes },
      { kind: 'snapshot', process },
      { kind: 'close', process },
    ]
    for (let tries = 1; ; tries++) {
      const reply = (await evaluator.run(commands))[1]
      if (reply?.kind === 'snapshot') return reply.text
      if (tries < limits.triesMax) continue
      throw new HbError('evaluation-fault', `snapshot of ${process}: ${reply?.kind}`)
    }
  }

  #manifest({ view, at, outgoing }: LogPosition): LogRecord[] {
    const { records, partition, limits } = this.#o
    const processes = [...this.#o.rows.values()].map((row) => this.#manifestRow(row))
    const { height, hash, timestamp, counters } = view
    const modules = [...this.#o.known.keys()].sort()
    const room = limits.partBytesMax / 2
    const perPart = Math.max(1, Math.floor(room / MANIFEST_ROW_BYTES_MAX))
    const modulesPerPart = Math.max(1, Math.floor(room / MANIFEST_MODULE_BYTES))
    const parts = Math.max(
      1,
      Math.ceil(processes.length / perPart),
      Math.ceil(modules.length / modulesPerPart),
    )
    const place = { partition, height, hash, timestamp, counters, outgoing }
    const root = manifestRoot(place, processes, modules)
    return Array.from({ length: parts }, (_, part) => ({
      key: `manifest/${partition}/${height}/${part}`,
      value: records.manifest.encode({
        ...place,
        root,
        indexHash: null,
        offsetHint: at,
        part,
        parts,
        processes: processes.slice(part * perPart, (part + 1) * perPart),
        modules: modules.slice(part * modulesPerPart, (part + 1) * modulesPerPart),
      }),
      headers: { 'hb-kind': 'manifest', 'hb-height': String(height) },
    }))
  }

  #manifestRow(row: LedgerRow): ManifestProcess {
    const recorded = this.#recorded.get(row.process)
    return {
      process: row.process,
      slot: row.settledSlot,
      stateHash: row.stateHash,
      failed: row.failed,
      engine: row.engine,
      module: row.module,
      fullHeight: recorded?.fullHeight ?? -1,
      fullHash: padded(recorded?.fullHash),
      deltaHeights: recorded?.deltaHeights ?? [],
      deltaHash: padded(recorded?.deltaHash),
    }
  }

  #op(process: string, recorded: Recorded): StoreOp {
    const { slot, fullHeight, fullBytes, fullHash, deltaHeights, deltaBytes } = recorded
    const value = [slot, fullHeight, fullBytes, toBase64Url(fullHash), deltaHeights, deltaBytes]
    const text = JSON.stringify([...value, toBase64Url(recorded.deltaHash)])
    return { key: this.#key + process, value: Buffer.from(text) }
  }
}

/** Records on their way into the topic, in order, as few appends as their bytes allow. */
class Outgoing {
  readonly #o: IntervalsOptions
  #batch: LogRecord[] = []
  #bytes = 0

  constructor(options: IntervalsOptions) {
    this.#o = options
  }

  async put(records: readonly LogRecord[]): Promise<void> {
    for (const record of records) {
      const bytes = (record.value?.length ?? 0) + RECORD_BYTES
      if (this.#bytes + bytes > this.#o.limits.runBytesMax) await this.flush()
      this.#batch.push(record)
      this.#bytes += bytes
    }
  }

  async flush(): Promise<void> {
    const { append, topic, partition } = this.#o
    const batch = this.#batch
    this.#batch = []
    this.#bytes = 0
    if (batch.length > 0) await append(topic, partition, batch)
  }
}

function decodeRecorded(bytes: Uint8Array): Recorded {
  const [slot, fullHeight, fullBytes, fullHash, deltaHeights, deltaBytes, deltas] = JSON.parse(
    Buffer.from(bytes).toString(),
  ) as [number, number, number, string, number[], number, string]
  return {
    slot,
    fullHeight,
    fullBytes,
    fullHash: fromBase64Url(fullHash),
    deltaHeights,
    deltaBytes,
    deltaHash: fromBase64Url(deltas),
  }
}

/** The schema's hashes have 32 bytes: none is 32 zeros. */
function padded(hash: Uint8Array | undefined): Uint8Array {
  return hash === undefined || hash.length === 0 ? Buffer.alloc(32) : hash
}

function snapshotParts(
  o: IntervalsOptions,
  row: LedgerRow,
  height: number,
  full: boolean,
  text: string,
): LogRecord[] {
  const bytes = Buffer.from(text)
  const { process, settledSlot: slot } = row
  const parts = Math.max(1, Math.ceil(bytes.length / o.limits.partBytesMax))
  return Array.from({ length: parts }, (_, part) => ({
    key: `state/${process}/${height}/${part}`,
    value: o.records.snapshot.encode({
      process,
      height,
      slot,
      full,
      part,
      parts,
      text: bytes.subarray(part * o.limits.partBytesMax, (part + 1) * o.limits.partBytesMax),
    }),
    headers: { 'hb-kind': full ? 'state' : 'delta', 'hb-height': String(height) },
  }))
}
