// Publishes results: runs into the outbox, then rows, journal and position into the store, in order
// of height (R7). Before it is activated it follows: it writes the store alone, and compares.
//
// Invariants: U1 one append in flight. U2 what the outbox already holds is not published twice, and
// must agree. U3 an active one writes the store after the outbox: a crash in between is repaired by
// evaluating again (results are functions). U4 the position says up to which height the outbox was
// seen to hold what the store holds: a follower may be ahead of it, and `fill` makes up for that.

import type { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Result } from '../protocol/result.ts'
import { resultLeaf } from '../protocol/result.ts'
import type { Log } from '../log/port.ts'
import { HbError } from '../std/errors.ts'
import type { Leg, Trace } from '../std/trace.ts'
import { runTraces } from '../std/trace.ts'
import type { StoreOp } from '../store/port.ts'
import type { AppendAgain } from './append-again.ts'
import type { LedgerRow } from './core.ts'
import type { DreFigures, DreLimits, DreListener } from './ports.ts'
import type { DrePosition, LogPosition, ProcessStore } from './process-store.ts'
import { Published } from './published.ts'
import type { Settled } from './steps.ts'

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
  /** All that the outbox holds below this offset was numbered up to these counters. */
  readonly onPublished: (offset: number, height: number, outgoing: readonly number[]) => void
  /** The run that was published at this offset does not follow what was read or published here. */
  readonly onForeign: (offset: number) => void
}

/** A follower's wait for the outbox, ms: it is asked again. */
const WAIT_MS = 1_000

type Cut = { readonly from: number; readonly count: number; readonly bytes: Buffer }
/** By height. */
type Legs = ReadonlyMap<number, Leg> | undefined

export class Publisher {
  readonly #o: PublisherOptions
  readonly #published: Published
  /** Active: the height after the last one in the outbox. Following: the next to be compared. */
  #next = 0
  /** Offset after the last run read or written there. */
  #offset = 0
  #active = false

  constructor(options: PublisherOptions) {
    this.#o = options
    const { log, topic, partition, records } = options
    this.#published = new Published(log, topic, partition, records)
  }

  get active(): boolean {
    return this.#active
  }

  /** Up to below this height the outbox is known to hold the results. */
  get next(): number {
    return this.#next
  }

  /** At or before the run that is read next. */
  get offset(): number {
    return this.#published.offset
  }

  /** Takes up a stored position, or none; from here on it follows. */
  async begin(position: DrePosition | undefined): Promise<void> {
    const from = position && { height: position.outboxNext, offset: position.outbox }
    this.#next = await this.#published.begin(from)
  }

  /**
   * Reads the outbox to its end: from now on what it lacks is published. `known` gives this
   * reader's own result of a height, where it has one, to compare with.
   */
  async activate(
    known: (height: number) => Result | undefined,
    onRead: (next: number) => void,
  ): Promise<void> {
    const { next, offset } = await this.#published.toEnd(this.#next, ({ results }, at) => {
      onRead(at + 1)
      for (const published of results) {
        if (published.height < this.#next) continue
        const own = known(published.height)
        if (own !== undefined) this.#agree(own, published)
      }
    })
    this.#next = next
    this.#offset = offset
    this.#active = true
  }

  /** What is below this height was published once, whatever the outbox still shows. */
  goOn(height: number): void {
    this.#next = Math.max(this.#next, height)
  }

  /** Fills the outbox from stored runs where it lacks them, up to `height`; what it lacked. */
  async fill(height: number): Promise<Result[]> {
    const filled: Result[] = []
    if (this.#next > height) return filled
    for (const { results } of this.#o.store.runs(this.#next)) {
      if ((results[0]?.height ?? 0) > this.#next) break
      const lacking = results.filter((each) => each.height >= this.#next)
      await this.#append(lacking)
      for (const each of lacking) filled.push(each)
    }
    return filled
  }

  /**
   * Of a follower: waits until the outbox holds a result above `height`. Throws `partition-lost`
   * when the signal is aborted before.
   */
  async beyond(height: number, signal: AbortSignal): Promise<void> {
    const waiting = { waitMs: WAIT_MS, signal }
    while (!this.#active) {
      await this.#compare(height, (at) => this.#o.store.result(at))
      const isThere = this.#next > height
      if (isThere && (await this.#published.result(height + 1)) !== undefined) return
      if (signal.aborted) throw new HbError('partition-lost', 'stopping')
      await this.#published.result(isThere ? height + 1 : this.#next, waiting)
    }
  }

  /**
   * Publishes settled results of consecutive heights; resolves when they are durable and stored,
   * with how many of them, the last ones, were not published before. `legs`: of those that are
   * traced, by height.
   */
  async publish(
    settled: readonly Settled[],
    position: LogPosition,
    legs?: Legs,
  ): Promise<number> {
    const results = settled.map(({ result }) => result)
    const ops: StoreOp[] = []
    const touched = new Map<string, Settled>()
    for (const each of settled) {
      const { result, changes, spawned, learnt, replaced } = each
      ops.push(...this.#o.store.resultOps(result, changes))
      if (learnt !== undefined) ops.push(this.#o.store.knownOp(learnt, result.height))
      if (result.slot >= 0) touched.set(result.process, each)
      if (replaced !== undefined) {
        ops.push(this.#o.store.replacedOp(result.process, result.slot, replaced))
      }
      if (spawned !== undefined) ops.push(this.#o.store.baseOp(result.process, 0, spawned.snapshot))
    }
    for (const [process, { result, module }] of touched) {
      const row = this.#o.rows.get(process) as LedgerRow
      const { slot: settledSlot, height: settledHeight, stateHash } = result
      // the ledger may run ahead: the row is written as of these results, its module too
      const now = { settledSlot, settledHeight, stateHash, module }
      ops.push(this.#o.store.rowOp({ ...row, ...now }))
    }
    const before = this.#next
    const runs = this.#active ? await this.#append(results, legs) : await this.#follow(results)
    for (const { from, bytes } of runs) ops.push(this.#o.store.runOp(from, bytes))
    ops.push(this.#o.store.positionOp({ ...position, ...this.#outbox(position.view.height) }))
    await this.#o.store.write(ops)
    for (const [process, { result }] of touched) {
      ;(this.#o.rows.get(process) as LedgerRow).writtenSlot = result.slot
    }
    if (!this.#active) return 0
    // what was published before was not published now: its offset is not known
    if (this.#next === position.view.height + 1 && this.#next > before) {
      this.#o.onPublished(this.#offset - 1, position.view.height, position.outgoing)
    }
    this.#o.listener.results?.(this.#o.partition, results)
    return Math.min(results.length, Math.max(0, position.view.height + 1 - before))
  }

  async #follow(results: readonly Result[]): Promise<Cut[]> {
    const [first] = results
    if (first !== undefined) {
      const { store } = this.#o
      await this.#compare(first.height + results.length - 1, (height) =>
        height < first.height ? store.result(height) : results[height - first.height],
      )
    }
    return this.#cut(results)
  }

  /** Compares up to `height`, as far as the outbox goes. */
  async #compare(height: number, own: (height: number) => Result | undefined): Promise<void> {
    while (this.#next <= height) {
      const published = await this.#published.result(this.#next)
      if (published === undefined) return
      const mine = published === 'trimmed' ? undefined : own(this.#next)
      if (mine !== undefined) this.#agree(mine, published as Result)
      this.#next += 1
    }
  }

  /** Publishes what the outbox lacks of these; resolves with all of them as runs. */
  async #append(results: readonly Result[], legs?: Legs): Promise<Cut[]> {
    const { append, topic, partition } = this.#o
    const runs = this.#cut(results)
    const known = results.filter(({ height }) => height < this.#next)
    for (const own of known) {
      const published = await this.#published.result(own.height)
      if (published !== undefined && published !== 'trimmed') this.#agree(own, published)
    }
    const fresh = known.length === 0 ? runs : this.#cut(results.slice(known.length))
    const traces = tracesOf(results, legs)
    const kind = { 'hb-kind': 'run' }
    for (const { from, count, bytes } of fresh) {
      const headers = traces === undefined ? kind : { ...kind, ...runTraces(traces, from, count) }
      const record = { key: String(partition), value: bytes, headers }
      const at = await append(topic, partition, [record])
      if (at !== this.#offset) this.#o.onForeign(at)
      this.#offset = at + 1
      this.#o.figures.runs += 1
    }
    const last = results.at(-1)
    if (last !== undefined) this.#next = Math.max(this.#next, last.height + 1)
    return runs
  }

  /** Where to read on in the outbox: after `height`, or where a follower has got to. */
  #outbox(height: number): Pick<DrePosition, 'outbox' | 'outboxNext'> {
    if (!this.#active) return { outbox: this.#published.offset, outboxNext: this.#next }
    const ahead = this.#next > height + 1
    const outbox = ahead ? this.#published.offsetAfter(height) : this.#offset
    return { outbox, outboxNext: height + 1 }
  }

  /** Results → runs of at most `runBytesMax` each (one result always passes). */
  #cut(results: readonly Result[]): Cut[] {
    if (results.length === 0) return []
    const { partition, records, limits } = this.#o
    const from = (results[0] as Result).height
    const bytes = records.encodeRun({ partition, from, results, attestation: null })
    if (bytes.length <= limits.runBytesMax || results.length === 1) {
      return [{ from, count: results.length, bytes }]
    }
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

/** Of what is sent on: nothing follows the others. */
function tracesOf(results: readonly Result[], legs: Legs): Map<number, Trace> | undefined {
  if (legs === undefined) return undefined
  const traces = new Map<number, Trace>()
  for (const { height, messages } of results) {
    const leg = messages.length === 0 ? undefined : legs.get(height)
    if (leg !== undefined) traces.set(height, leg.trace)
  }
  return traces
}
