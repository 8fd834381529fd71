// What a DRE keeps locally of one partition: a cache that the log can always fill again, written
// in one transaction per batch, so that rows, journal, results and position are of one height.
//
// Keys under the partition's prefix `d<pppp>/`:
//   p                     position: view, next offset, outgoing counters (JSON)
//   r/<process>           row (JSON)
//   b/<process>           base state: u48 number of slots it holds · JSON text
//   c/<process>/<slot>    u48 height · changes text of that slot: the journal, and the index of
//                         results by slot
//   v/<process>/<slot>    hash of the module that an upgrade at that slot replaced
//   m/<message id>        u48 height
//   k/<hash>              u48 height of the entry that made a module known first
//   o/<height>            run (Avro) whose first result has that height
// Numbers in keys are 12 hex digits.

import { parseJson } from '../std/json-text.ts'
import { applyChanges, composeChanges } from '../protocol/changes.ts'
import type { Changes, JsonObject } from '../protocol/changes.ts'
import type { View } from '../protocol/accept.ts'
import { FIRST_LEVEL } from '../protocol/features.ts'
import type { Result, Run } from '../protocol/result.ts'
import type { Records } from '../protocol/codec/records.ts'
import { asBuffer, fromBase64Url, toBase64Url } from '../std/bytes.ts'
import { dropRange } from '../store/drop-range/index.ts'
import type { Store, StoreOp } from '../store/port.ts'
import type { LedgerRow } from './core.ts'

/** A settled place: everything up to `view.height` is evaluated and published. */
export type DrePosition = {
  readonly view: View
  readonly next: number
  /** Offset of the record that carries the view's hash. */
  readonly at: number
  readonly outgoing: readonly number[]
  /** The feature level of its entry. */
  readonly level: number
  /** An offset in the outbox at or before the run that holds the result of `outboxNext`. */
  readonly outbox: number
  /**
   * Up to below this height the outbox was seen to hold the results: mostly `view.height + 1`, but
   * less where the store was filled by a follower that is ahead of it.
   */
  readonly outboxNext: number
}

/** What reading the log alone tells of a position. */
export type LogPosition = Omit<DrePosition, 'outbox' | 'outboxNext'>

type SavedPosition = Omit<DrePosition, 'view' | 'level' | 'outboxNext'> & {
  readonly view: Omit<View, 'hash'> & { readonly hash: string }
  readonly level?: number
  readonly outboxNext?: number
}

/** Deletes what is kept of a partition: what is left half way is not gone on from. */
export async function dropPartition(store: Store, partition: number): Promise<void> {
  const prefix = partition.toString(16).padStart(4, '0')
  await dropRange(store, `d${prefix}/`, `d${prefix}/p`)
  await dropRange(store, `n${prefix}/`)
}

export class ProcessStore {
  readonly #store: Store
  readonly #records: Records
  readonly #prefix: string
  /** The run that was asked for last: results are mostly asked for in order. */
  #lastRun: Run | undefined

  constructor(store: Store, records: Records, partition: number) {
    this.#store = store
    this.#records = records
    this.#prefix = `d${partition.toString(16).padStart(4, '0')}/`
  }

  position(): DrePosition | undefined {
    const bytes = this.#store.get(`${this.#prefix}p`)
    if (bytes === undefined) return undefined
    const saved = JSON.parse(text(bytes)) as SavedPosition
    const view = { ...saved.view, hash: fromBase64Url(saved.view.hash) }
    // stores of before there were levels name neither
    const { level = FIRST_LEVEL, outboxNext = view.height + 1 } = saved
    return { ...saved, view, level, outboxNext }
  }

  positionOp({ view, ...rest }: DrePosition): StoreOp {
    const saved = { ...rest, view: { ...view, hash: toBase64Url(view.hash) } }
    return { key: `${this.#prefix}p`, value: Buffer.from(JSON.stringify(saved)) }
  }

  *rows(): Iterable<LedgerRow> {
    for (const { value } of this.#range('r/')) yield decodeRow(value)
  }

  *known(): Iterable<readonly [string, number]> {
    const start = `${this.#prefix}k/`.length
    for (const { key, value } of this.#range('k/')) {
      yield [key.slice(start), asBuffer(value).readUIntBE(0, 6)]
    }
  }

  knownOp(hash: string, height: number): StoreOp {
    const value = Buffer.allocUnsafe(6)
    value.writeUIntBE(height, 0, 6)
    return { key: `${this.#prefix}k/${hash}`, value }
  }

  row(process: string): LedgerRow | undefined {
    const bytes = this.#store.get(`${this.#prefix}r/${process}`)
    return bytes === undefined ? undefined : decodeRow(bytes)
  }

  rowOp(row: LedgerRow): StoreOp {
    const value = [
      row.ordinal,
      row.settledSlot,
      row.settledHeight,
      toBase64Url(row.stateHash),
      row.failed,
      row.engine,
      row.module,
    ]
    const key = `${this.#prefix}r/${row.process}`
    return { key, value: Buffer.from(JSON.stringify([row.process, ...value])) }
  }

  /**
   * The base state and the change texts after it, up to the newest that was written, or up to a
   * slot: undefined where the base is beyond that.
   */
  state(process: string, slot?: number): { snapshot: string; changes: string[] } | undefined {
    const bytes = this.#store.get(`${this.#prefix}b/${process}`)
    if (bytes === undefined) return undefined
    const base = asBuffer(bytes)
    const slots = base.readUIntBE(0, 6)
    if (slot !== undefined && slot + 1 < slots) return undefined
    const changes: string[] = []
    const to = slot === undefined ? undefined : slot + 1
    for (const { value } of this.#range(`c/${process}/`, slots, to)) {
      const text = asBuffer(value).toString('utf8', 6)
      if (text !== '[]') changes.push(text)
    }
    return { snapshot: base.toString('utf8', 6), changes }
  }

  replacedOp(process: string, slot: number, module: string): StoreOp {
    return { key: `${this.#prefix}v/${process}/${hex(slot)}`, value: Buffer.from(module) }
  }

  /**
   * Hash of what the process ran after a slot of which the store has the state: `row` is that of
   * now.
   */
  moduleAt(row: LedgerRow, slot: number): string {
    for (const { value } of this.#range(`v/${row.process}/`, slot + 1)) return text(value)
    return row.module
  }

  /** `slots`: how many slots the state holds already; 0 is the state that a spawn was given. */
  baseOp(process: string, slots: number, snapshot: string): StoreOp {
    const value = Buffer.allocUnsafe(6 + Buffer.byteLength(snapshot))
    value.writeUIntBE(slots, 0, 6)
    value.write(snapshot, 6)
    return { key: `${this.#prefix}b/${process}`, value }
  }

  /** A state out of a manifest: the full text with its deltas applied becomes the base. */
  restoredOps(process: string, slot: number, full: string, deltas: readonly string[]): StoreOp[] {
    const base = composeChanges(deltas.map((text) => parseJson(text) as Changes))
    const state = applyChanges(parseJson(full) as JsonObject, base)
    return [this.baseOp(process, slot + 1, deltas.length === 0 ? full : JSON.stringify(state))]
  }

  /** Change texts of the slots from–to (inclusive), in order. */
  changes(process: string, from: number, to: number): string[] {
    const texts: string[] = []
    for (const { value } of this.#range(`c/${process}/`, from, to + 1)) {
      texts.push(asBuffer(value).toString('utf8', 6))
    }
    return texts
  }

  resultOps(result: Result, changes: string): StoreOp[] {
    const head = Buffer.allocUnsafe(6)
    head.writeUIntBE(result.height, 0, 6)
    const message = { key: `${this.#prefix}m/${result.messageId}`, value: head }
    return result.slot < 0 ? [message] : [message, this.journalOp(result, changes)]
  }

  journalOp(result: Result, changes: string): StoreOp {
    const value = Buffer.allocUnsafe(6 + Buffer.byteLength(changes))
    value.writeUIntBE(result.height, 0, 6)
    value.write(changes, 6)
    return { key: `${this.#prefix}c/${result.process}/${hex(result.slot)}`, value }
  }

  runOp(from: number, bytes: Uint8Array): StoreOp {
    return { key: `${this.#prefix}o/${hex(from)}`, value: bytes }
  }

  heightOf(messageId: string): number | undefined {
    const bytes = this.#store.get(`${this.#prefix}m/${messageId}`)
    return bytes === undefined ? undefined : asBuffer(bytes).readUIntBE(0, 6)
  }

  /** Heights of a process's slots from `from`, at most `limit`. */
  heights(process: string, from: number, limit: number): number[] {
    const heights: number[] = []
    for (const { value } of this.#range(`c/${process}/`, from, from + limit)) {
      heights.push(asBuffer(value).readUIntBE(0, 6))
    }
    return heights
  }

  /** The lowest height of a result that is here. */
  firstResult(): number | undefined {
    for (const { value } of this.#range('o/')) return this.#records.decodeRun(asBuffer(value)).from
    return undefined
  }

  result(height: number): Result | undefined {
    const from = `${this.#prefix}o/`
    const to = `${from}${hex(height + 1)}`
    const last = this.#lastRun
    if (last !== undefined && height >= last.from && height < last.from + last.results.length) {
      return last.results[height - last.from]
    }
    for (const { value } of this.#store.range({ from, to, limit: 1, reverse: true })) {
      const run = this.#records.decodeRun(asBuffer(value))
      this.#lastRun = run
      return run.results[height - run.from]
    }
    return undefined
  }

  /** Stored runs that hold results from `height` on, in order. */
  *runs(height: number): Iterable<Run> {
    if (this.result(height) === undefined) return
    for (const { value } of this.#range('o/', this.#lastRun?.from)) {
      yield this.#records.decodeRun(asBuffer(value))
    }
  }

  async write(ops: readonly StoreOp[]): Promise<void> {
    await this.#store.write(ops)
  }

  #range(
    folder: string,
    from?: number,
    to?: number,
  ): Iterable<{ readonly key: string; readonly value: Uint8Array }> {
    const start = `${this.#prefix}${folder}`
    return this.#store.range({
      from: from === undefined ? start : start + hex(from),
      to: to === undefined ? `${start}\u007f` : start + hex(to),
    })
  }
}

function text(bytes: Uint8Array): string {
  return asBuffer(bytes).toString()
}

function hex(value: number): string {
  return value.toString(16).padStart(12, '0')
}

function decodeRow(bytes: Uint8Array): LedgerRow {
  const [process, ordinal, slot, height, hash, failed, engine, module] = JSON.parse(
    text(bytes),
  ) as [string, number, number, number, string, boolean, LedgerRow['engine'], string]
  return {
    process,
    ordinal,
    slot,
    settledSlot: slot,
    writtenSlot: slot,
    settledHeight: height,
    stateHash: fromBase64Url(hash),
    failed,
    engine,
    module,
  }
}
