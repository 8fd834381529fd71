// Publishes results: runs into the outbox, then rows, journal and position into the store, in order of height (R7).
//
// Invariants: U1 one append in flight. U2 what another publication already holds is not published twice, and must agree.
// U3 the store is written after the outbox: a crash in between is repaired by evaluating again (results are functions).

import type { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Result, Run } from '../protocol/result.ts'
import { resultLeaf } from '../protocol/result.ts'
import type { Log, LogRecord } from '../log/port.ts'
import { asBuffer } from '../std/bytes.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { StoreOp } from '../store/port.ts'
import type { LedgerRow } from './core.ts'
import type { Settled } from './evaluation.ts'
import type { DreFigures, DreLimits, DreListener } from './ports.ts'
import type { DrePosition, ProcessStore } from './process-store.ts'

export type PublisherOptions = {
  readonly network: Network
  readonly partition: number
  readonly log: Log
  readonly topic: string
  readonly records: Records
  readonly store: ProcessStore
  readonly limits: DreLimits
  readonly figures: DreFigures
  readonly listener: DreListener
  readonly rows: ReadonlyMap<string, LedgerRow>
}

export class Publisher {
  readonly #o: PublisherOptions
  /** Height after the last one in the outbox. */
  #next = 0
  /** Offset after the last run read or written there. */
  #offset = 0

  constructor(options: PublisherOptions) {
    this.#o = options
  }

  get next(): number {
    return this.#next
  }

  /**
   * Reads what the outbox holds: from its earliest record, or on from a stored position. Runs that begin above the next height are not counted (R7).
   * `known` gives this reader's own result of a height, where it has one, to compare with.
   */
  async open(
    known: (height: number) => Result | undefined,
    from?: { readonly height: number; readonly offset: number },
  ): Promise<void> {
    const { log, topic, partition, records } = this.#o
    const ends = (await log.ends(topic))[partition] ?? { start: 0, end: 0 }
    const kept = from !== undefined && from.offset >= ends.start && from.offset <= ends.end
    this.#offset = kept ? from.offset : ends.start
    this.#next = kept ? from.height : 0
    let first = !kept
    for (;;) {
      const read = await log.read(topic, partition, this.#offset)
      for (const { value } of read.records) {
        if (value === null) continue
        const run = decodeRun(records, value)
        if (run === undefined || (run.from > this.#next && !first)) continue
        first = false
        this.#agree(run, known)
        this.#next = Math.max(this.#next, run.from + run.results.length)
      }
      this.#offset = read.next
      if (read.records.length === 0) return
    }
  }

  /** Fills the outbox from stored runs where it lacks them, up to `height`. */
  async fill(height: number): Promise<void> {
    if (this.#next > height) return
    for (const run of this.#o.store.runs(this.#next)) await this.#append(run.results)
  }

  /** Publishes settled results of consecutive heights; resolves when they are durable and stored. */
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
    for (const { from, bytes } of await this.#append(results)) ops.push(this.#o.store.runOp(from, bytes))
    ops.push(this.#o.store.positionOp({ ...position, outbox: this.#offset }))
    await this.#o.store.write(ops)
    for (const [process, { slot }] of touched) {
      ;(this.#o.rows.get(process) as LedgerRow).writtenSlot = slot
    }
    this.#o.listener.results?.(this.#o.partition, results)
  }

  async #append(results: readonly Result[]): Promise<{ from: number; bytes: Buffer }[]> {
    const { log, topic, partition } = this.#o
    const runs = this.#cut(results)
    const fresh = this.#cut(results.filter(({ height }) => height >= this.#next))
    const batch: LogRecord[] = fresh.map(({ bytes }) => ({
      key: String(partition),
      value: bytes,
      headers: { 'hb-kind': 'run' },
    }))
    for (const record of batch) {
      // a run that is appended twice is counted once by its readers, so anything unclear is simply repeated
      for (;;) {
        try {
          this.#offset = (await log.append(topic, partition, [record])) + 1
          break
        } catch (error) {
          if (isHbError(error, 'log-append-refused') || isHbError(error, 'log-append-unclear')) continue
          throw error
        }
      }
      this.#o.figures.runs += 1
    }
    const last = results.at(-1)
    if (last !== undefined) this.#next = Math.max(this.#next, last.height + 1)
    return runs
  }

  /** Results → runs of at most `runBytesMax` each (one result always passes). */
  #cut(results: readonly Result[]): { from: number; bytes: Buffer }[] {
    if (results.length === 0) return []
    const { partition, records, limits } = this.#o
    const from = (results[0] as Result).height
    const bytes = records.encodeRun({ partition, from, results, attestation: null })
    if (bytes.length <= limits.runBytesMax || results.length === 1) return [{ from, bytes }]
    const half = results.length >> 1
    return [...this.#cut(results.slice(0, half)), ...this.#cut(results.slice(half))]
  }

  #agree(run: Run, known: (height: number) => Result | undefined): void {
    const { network, partition } = this.#o
    for (const published of run.results) {
      const own = known(published.height)
      if (own === undefined) continue
      const leaf = resultLeaf(network.id, partition, own)
      if (!leaf.equals(resultLeaf(network.id, partition, published))) {
        throw new HbError('result-mismatch', `partition ${partition}, height ${published.height}`)
      }
    }
  }
}

function decodeRun(records: Records, value: Uint8Array): Run | undefined {
  try {
    return records.decodeRun(asBuffer(value))
  } catch (error) {
    if (isHbError(error)) return undefined
    throw error
  }
}
