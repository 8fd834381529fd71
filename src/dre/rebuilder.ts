// Evaluates entries of one partition into a store of its own, beside whatever is running: nothing
// is appended anywhere. What a rebuild, a replay and a trial of new code have in common.
//
// Owners: one caller each, which hands in entries in order of height. Invariants: B1 `take` may be
// called before the one before has resolved; results come in order. B2 the store is a scratch: what
// it held before would be believed. B3 memory does not grow with the entries: changes lie in the
// store, and the least recently used instances are closed.

import type { View } from '../protocol/accept.ts'
import { copyView, initialView } from '../protocol/accept.ts'
import { applyChanges } from '../protocol/changes.ts'
import type { Changes, JsonObject } from '../protocol/changes.ts'
import { Records } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import type { TopicNames } from '../protocol/topics.ts'
import type { ModuleText, Plan } from '../protocol/transition.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import type { Log } from '../log/port.ts'
import { endsOf } from '../log/resume/index.ts'
import { parseJson } from '../std/json-text.ts'
import type { Store, StoreOp } from '../store/port.ts'
import type { Placed } from './core.ts'
import { Ledger } from './core.ts'
import type { Segment, Settled } from './evaluation.ts'
import { Evaluation } from './evaluation.ts'
import { Modules } from './modules.ts'
import type { DreLimits } from './ports.ts'
import { DRE_LIMITS, noDreFigures } from './ports.ts'
import { ProcessStore } from './process-store.ts'
import type { RestoreOptions } from './restore.ts'
import { restore } from './restore.ts'

export type RebuilderOptions = {
  readonly network: Network
  readonly log: Log
  readonly topics: TopicNames
  readonly partition: number
  /** Fresh: what it held before would be believed. */
  readonly evaluator: Evaluator
  /** Fresh as well. */
  readonly store: Store
  readonly limits?: Partial<DreLimits>
  /** Evaluated instead of what a spawn carries. */
  readonly code?: ModuleText
}

/** Where a replay begins: the height before its first entry, and the offset to read on from. */
export type Beginning = { readonly view: View; readonly next: number; readonly restored: boolean }

/** A state, and the place of the entry that made it. */
export type StateText = {
  readonly slot: number
  readonly height: number
  readonly stateHash: Uint8Array
  readonly text: string
}

export class Rebuilder {
  readonly #o: RebuilderOptions
  readonly #kept: ProcessStore
  readonly #modules: Modules
  readonly #evaluation: Evaluation
  readonly records = new Records()
  readonly ledger: Ledger
  #under: Promise<void> = Promise.resolve()
  #written: Promise<void> = Promise.resolve()

  constructor(options: RebuilderOptions) {
    this.#o = options
    const { network, partition, store, evaluator, code, topics } = options
    this.ledger =
      code === undefined
        ? new Ledger(network, partition)
        : new LedgerOfCode(network, partition, code)
    this.#kept = new ProcessStore(store, this.records, partition)
    this.#modules = new Modules(store, this.records, undefined, topics.modules)
    this.#evaluation = new Evaluation({
      network,
      ledger: this.ledger,
      evaluator,
      store: this.#kept,
      modules: this.#modules,
      limits: { ...DRE_LIMITS, ...options.limits },
      figures: noDreFigures(),
    })
  }

  /** The newest manifest that is accepted, where there is one that checks; else height 0. */
  async begin(from?: Pick<RestoreOptions, 'accepts' | 'process'>): Promise<Beginning> {
    const { network, log, topics, partition } = this.#o
    const { records } = this
    const parts = { store: this.#kept, modules: this.#modules, records }
    const position = from && (await restore({ network, log, topics, partition, ...parts, ...from }))
    if (position === undefined) {
      const { start } = await endsOf(log, topics.log, partition)
      const view = initialView(network.id, partition, network.genesis.partitions)
      return { view, next: start, restored: false }
    }
    this.ledger.load(this.#kept.rows(), position.outgoing)
    return { view: copyView(position.view), next: position.next, restored: true }
  }

  /** Resolves with what came of them; where one call failed, all later ones do. */
  take(entries: readonly Entry[]): Promise<Settled[]> {
    const before = this.#under
    const segment = this.#evaluation.begin(entries)
    const done = before.then(() => this.#finish(segment))
    this.#under = done.then(() => undefined)
    this.#under.catch(() => undefined)
    return done
  }

  /** Nothing must be under way. undefined: it does not exist, or its spawn failed. */
  state(process: string): StateText | undefined {
    const row = this.ledger.rows.get(process)
    const saved = this.#kept.state(process)
    if (row === undefined || saved === undefined) return undefined
    const { settledSlot: slot, settledHeight: height, stateHash } = row
    if (saved.changes.length === 0) return { slot, height, stateHash, text: saved.snapshot }
    let state = parseJson(saved.snapshot) as JsonObject
    for (const text of saved.changes) state = applyChanges(state, parseJson(text) as Changes)
    return { slot, height, stateHash, text: JSON.stringify(state) }
  }

  /** Goes on from a state that another evaluation made: a process changes its code there. */
  async adopt(process: string, state: StateText, module: ModuleText): Promise<void> {
    const { slot, height, stateHash, text } = state
    const { engine, hash } = module
    const settled = { slot, settledSlot: slot, settledHeight: height, writtenSlot: slot, stateHash }
    const row = { process, ordinal: 0, ...settled, failed: false, engine, module: hash }
    await this.#modules.publish(module)
    await this.#kept.write([this.#kept.baseOp(process, slot + 1, text), this.#kept.rowOp(row)])
    this.ledger.load([row], this.ledger.outgoing)
  }

  async close(): Promise<void> {
    await this.#under.catch(() => undefined)
    await this.#evaluation.close()
  }

  async #finish(segment: Segment): Promise<Settled[]> {
    const settled = await this.#evaluation.finish(segment, this.#written)
    this.#written = this.#write(settled)
    await this.#written
    await this.#evaluation.evict()
    return settled
  }

  async #write(settled: readonly Settled[]): Promise<void> {
    const ops: StoreOp[] = []
    for (const { result, changes, spawned } of settled) {
      if (result.slot < 0) continue
      if (spawned !== undefined) {
        await this.#modules.publish(spawned.module)
        ops.push(this.#kept.baseOp(result.process, 0, spawned.snapshot))
      }
      if (changes !== '[]') ops.push(this.#kept.journalOp(result, changes))
    }
    await this.#kept.write(ops)
    for (const { result } of settled) {
      const row = this.ledger.rows.get(result.process)
      if (row !== undefined && result.slot >= 0) row.writtenSlot = result.slot
    }
  }
}

/** A ledger whose spawns open other code than they carry. */
class LedgerOfCode extends Ledger {
  readonly #code: ModuleText

  constructor(network: Network, partition: number, code: ModuleText) {
    super(network, partition)
    this.#code = code
  }

  override plan(placed: Placed): Plan {
    const plan = super.plan(placed)
    return plan.type === 'open' ? { ...plan, module: this.#code } : plan
  }
}
