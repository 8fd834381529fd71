// Publishes results: runs into the outbox, then rows, journal and position into the store, in order
// of height (R7).
//
// Invariants: U1 one append in flight. U2 what the outbox already holds is not published twice, and
// must agree. U3 the store is written after the outbox: a crash in between is repaired by
// evaluating again (results are functions).

import type { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Result } from '../protocol/result.ts'
import { resultLeaf } from '../protocol/result.ts'
import type { Log } from '../log/port.ts'
import { HbError } from '../std/errors.ts'
import type { StoreOp } from '../store/port.ts'
import type { AppendAgain } from './append-again.ts'
import type { LedgerRow } from './core.ts'
import type { Settled } from './evaluation.ts'
import type { DreFigures, DreLimits, DreListener } from './ports.ts'
import type { DrePosition, ProcessStore } from './process-store.ts'
import { Published } from './published.ts'

export type PublisherOptions = {
  readonly network: Network
  readonly partition: number
  readonly log: Log
  readonly append: AppendAgain
  readonly topic: string
  readonly records: Records
  readonly store: ProcessStore
  readonly limits: DreLimits
  readonly figures: DreFigures
  readonly listener: DreListener
  readonly rows: ReadonlyMap<string, LedgerRow>
}

type Cut = { readonly from: number; readonly bytes: Buffer }

export class Publisher {
  readonly #o: PublisherOptions
  readonly #published: Published
  /** Height after the last one in the outbox. */
  #next = 0
  /** Offset after the last run read or written there. */
  #offset = 0

  constructor(options: PublisherOptions) {
    this.#o = options
    const { log, topic, partition, records } = options
    this.#published = new Published(log, topic, partition, records)
  }

  get next(): number {
    return this.#next
  }

  /**
   * Reads what the outbox holds: from its earliest record, or on from a stored position. `known`
   * gives this reader's own result of a height, where it has one, to compare with.
   */
  async open(
    known: (height: number) => Result | undefined,
    from?: { readonly height: number; readonly offset: number },
  ): Promise<void> {
    const { next, offset } = await this.#published.open(from, ({ results }) => {
      for (const published of results) {
        const own = known(published.height)
        if (own !== undefined) this.#agree(own, published)
      }
    })
    this.#next = next
    this.#offset = offset
  }

  /** Fills the outbox from stored runs where it lacks them, up to `height`. */
  async fill(height: number): Promise<void> {
    if (this.#next > height) return
    for (const run of this.#o.store.runs(this.#next)) await this.#append(run.results)
  }

  /**
   * Publishes settled results of consecutive heights; resolves when they are durable and stored.
   */
  async publish(settled: readonly Settled[], position: Omit<DrePosition, 'outbox'>): Promise<void> {
    const results = settled.map(({ result }) => result)
    const ops: StoreOp[] = []
    const touched = new Map<string, Result>()
    for (const { result, changes, spawned } of settled) {
      ops.push(...this.#o.store.resultOps(result, changes))
      if (result.slot >= 0) touched.set(result.process, result)
      if (spawned !== undefined) ops.push(this.#o.store.baseOp(result.process, 0, spawned.snapshot))
    }
    for (const [process, { slot, height, stateHash }] of touched) {
      const row = this.#o.rows.get(process) as LedgerRow
      // the ledger may run ahead: the row is written as of these results
      ops.push(this.#o.store.rowOp({ ...row, settledSlot: slot, settledHeight: height, stateHash }))
    }
    for (const { from, bytes } of await this.#append(results)) {
      ops.push(this.#o.store.runOp(from, bytes))
    }
    ops.push(this.#o.store.positionOp({ ...position, outbox: this.#outbox(position.view.height) }))
    await this.#o.store.write(ops)
    for (const [process, { slot }] of touched) {
      ;(this.#o.rows.get(process) as LedgerRow).writtenSlot = slot
    }
    this.#o.listener.results?.(this.#o.partition, results)
  }

  /** Publishes what the outbox lacks of these; resolves with all of them as runs. */
  async #append(results: readonly Result[]): Promise<Cut[]> {
    const { append, topic, partition } = this.#o
    const runs = this.#cut(results)
    const known = results.filter(({ height }) => height < this.#next)
    for (const own of known) {
      const published = await this.#published.result(own.height)
      if (published !== undefined) this.#agree(own, published)
    }
    const fresh = known.length === 0 ? runs : this.#cut(results.slice(known.length))
    const headers = { 'hb-kind': 'run' }
    for (const { bytes } of fresh) {
      const record = { key: String(partition), value: bytes, headers }
      this.#offset = (await append(topic, partition, [record])) + 1
      this.#o.figures.runs += 1
    }
    const last = results.at(-1)
    if (last !== undefined) this.#next = Math.max(this.#next, last.height + 1)
    return runs
  }

  /** Where to read on in the outbox after `height`, the last that was published or compared. */
  #outbox(height: number): number {
    return this.#next > height + 1 ? this.#published.offsetAfter(height) : this.#offset
  }

  /** Results → runs of at most `runBytesMax` each (one result always passes). */
  #cut(results: readonly Result[]): Cut[] {
    if (results.length === 0) return []
    const { partition, records, limits } = this.#o
    const from = (results[0] as Result).height
    const bytes = records.encodeRun({ partition, from, results, attestation: null })
    if (bytes.length <= limits.runBytesMax || results.length === 1) return [{ from, bytes }]
    const half = results.length >> 1
    return [...this.#cut(results.slice(0, half)), ...this.#cut(results.slice(half))]
  }

  #agree(own: Result, published: Result): void {
    const { network, partition } = this.#o
    const leaf = resultLeaf(network.id, partition, own)
    if (leaf.equals(resultLeaf(network.id, partition, published))) return
    throw new HbError('result-mismatch', `partition ${partition}, height ${own.height}`)
  }
}
