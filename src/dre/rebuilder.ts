// Evaluates entries of one partition into a store of its own, beside whatever is running: nothing
// is appended anywhere. What a rebuild, a replay and a trial of new code have in common.
//
// Owners: one caller each, which hands in entries in order of height. Invariants: B1 `take` may be
// called before the one before has resolved; results come in order. B2 the store is a scratch: what
// it held before would be believed. B3 memory does not grow with the entries: changes lie in the
// store, and the least recently used instances are closed.

import type { View } from '../protocol/accept.ts'
import { copyView, initialView } from '../protocol/accept.ts'
import { stateAfter } from '../protocol/changes.ts'
import { Records } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import { intervalOf } from '../protocol/interval.ts'
import type { TopicNames } from '../protocol/topics.ts'
import type { ModuleName, ModuleText } from '../protocol/module-ref.ts'
import type { Plan } from '../protocol/transition.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import type { Log } from '../log/port.ts'
import { endsOf } from '../log/resume/index.ts'
import type { Store, StoreOp } from '../store/port.ts'
import type { LedgerRow, Placed } from './core.ts'
import { Ledger } from './core.ts'
import type { DryRunBasis, NamedModules } from './dry-run.ts'
import { Evaluation } from './evaluation.ts'
import { searchLogs } from './module-search.ts'
import { Modules } from './modules.ts'
import { PartitionLevel } from './partition-level.ts'
import type { DreLimits } from './ports.ts'
import { DRE_LIMITS, noDreFigures } from './ports.ts'
import { ProcessStore } from './process-store.ts'
import type { RestoreOptions } from './restore.ts'
import { restore } from './restore.ts'
import type { Segment, Settled } from './steps.ts'

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
  /** Evaluated instead of what the spawn of that process carries. */
  readonly code?: { readonly process: string; readonly module: ModuleText }
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
  readonly #level: PartitionLevel
  readonly records = new Records()
  readonly ledger: Ledger
  /** Tails of the two stages. */
  #begun: Promise<void> = Promise.resolve()
  #under: Promise<void> = Promise.resolve()
  #written: Promise<void> = Promise.resolve()
  /** The interval of the last entry that was taken. */
  #interval = 0

  constructor(options: RebuilderOptions) {
    this.#o = options
    const { network, partition, store, evaluator, code, topics } = options
    this.ledger =
      code === undefined
        ? new Ledger(network, partition)
        : new LedgerOfCode(network, partition, code)
    this.#kept = new ProcessStore(store, this.records, partition)
    const { levels } = evaluator
    this.#level = new PartitionLevel({ network, partition, store: this.#kept, levels })
    const find = searchLogs({ network, log: options.log, topics, records: this.records })
    this.#modules = new Modules(store, this.records, undefined, topics.modules, find)
    this.#evaluation = new Evaluation({
      network,
      ledger: this.ledger,
      evaluator,
      store: this.#kept,
      modules: this.#modules,
      level: this.#level,
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
    this.#level.goOn(position)
    if (position === undefined) {
      const { start } = await endsOf(log, topics.log, partition)
      const view = initialView(network.id, partition, network.genesis.partitions)
      return { view, next: start, restored: false }
    }
    this.ledger.load(this.#kept.rows(), position.outgoing, this.#kept.known())
    this.#interval = this.#intervalOf(position.view.height + 1)
    return { view: copyView(position.view), next: position.next, restored: true }
  }

  /**
   * Whether the entry is needed to evaluate the process: its own, and those that set the level that
   * it is evaluated on.
   */
  concerns(process: string, entry: Entry): boolean {
    const { network, partition } = this.#o
    const of = entry.message.process
    return of === process || of === network.featureIds[partition]
  }

  /**
   * Entries of others, where one process alone is replayed: what they carry may be named later.
   * Call before `take` of what lies behind them.
   */
  async notes(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) {
      const carried = this.ledger.note(entry)
      if (carried?.source !== undefined) await this.#modules.publish(carried)
    }
  }

  /** Resolves with what came of them; where one call failed, all later ones do. */
  async take(entries: readonly Entry[]): Promise<Settled[]> {
    const parts: Promise<Settled[]>[] = []
    for (let at = 0; at < entries.length; ) {
      const interval = this.#intervalOf((entries[at] as Entry).height)
      let to = at + 1
      while (to < entries.length && this.#intervalOf((entries[to] as Entry).height) === interval) {
        to += 1
      }
      parts.push(this.#takePart(entries.slice(at, to), interval))
      at = to
    }
    return parts.length === 1 ? (parts[0] as Promise<Settled[]>) : (await Promise.all(parts)).flat()
  }

  /** Nothing must be under way. undefined: it does not exist, or its spawn failed. */
  state(process: string): StateText | undefined {
    const row = this.ledger.rows.get(process)
    const saved = this.#kept.state(process)
    if (row === undefined || saved === undefined) return undefined
    const { settledSlot: slot, settledHeight: height, stateHash } = row
    if (saved.changes.length === 0) return { slot, height, stateHash, text: saved.snapshot }
    const state = stateAfter(saved.snapshot, saved.changes)
    return { slot, height, stateHash, text: JSON.stringify(state) }
  }

  /** What an entry of the process would be evaluated with at a height that is next. */
  codeAt(process: string, height: number): Pick<DryRunBasis, 'module' | 'named' | 'level'> {
    const crosses = this.#intervalOf(height) !== this.#interval
    const named: NamedModules = {
      isKnown: (hash) => this.ledger.isKnown(hash, height),
      text: (name) => this.moduleText(name),
    }
    return { module: this.#moduleOf(process), named, level: this.#level.next(crosses) }
  }

  /** By its hash, wherever it was recorded. Throws `module-missing`. */
  async moduleText({ engine, hash }: ModuleName): Promise<ModuleText> {
    await this.#modules.fetch(hash)
    return this.#modules.get(engine, hash)
  }

  /** Goes on from where another evaluation is: the process changes its code there. */
  async adopt(process: string, state: StateText, from: Rebuilder): Promise<void> {
    const { network, partition, code } = this.#o
    const rows: LedgerRow[] = []
    const features = network.featureIds[partition]
    const level = features === undefined || features === process ? undefined : from.state(features)
    if (features !== undefined && level !== undefined) {
      rows.push(await this.#adopt(features, level, from.#moduleOf(features)))
    }
    rows.push(await this.#adopt(process, state, code?.module ?? from.#moduleOf(process)))
    this.ledger.load(rows, this.ledger.outgoing, from.ledger.known)
    this.#interval = from.#interval
    // within the interval: nothing is looked up at its end
    const height = this.#interval * network.genesis.intervalLength
    this.#level.goOn({ view: { height }, level: from.#level.now })
  }

  async #adopt(process: string, state: StateText, module: ModuleText): Promise<LedgerRow> {
    const { slot, height, stateHash, text } = state
    const { engine, hash } = module
    const settled = { slot, settledSlot: slot, settledHeight: height, writtenSlot: slot, stateHash }
    const row = { process, ordinal: 0, ...settled, failed: false, engine, module: hash }
    await this.#modules.publish(module)
    await this.#kept.write([this.#kept.baseOp(process, slot + 1, text), this.#kept.rowOp(row)])
    return row
  }

  #moduleOf(process: string): ModuleText {
    const row = this.ledger.rows.get(process) as LedgerRow
    return this.#modules.get(row.engine, row.module)
  }

  async close(): Promise<void> {
    await this.#under.catch(() => undefined)
    await this.#evaluation.close()
  }

  /** Of one interval: it begins while what came before is finished, but not across its end. */
  #takePart(entries: readonly Entry[], interval: number): Promise<Settled[]> {
    const before = this.#under
    const crosses = interval !== this.#interval
    this.#interval = interval
    const ready = crosses ? before.then(() => this.#goOn(interval)) : this.#begun
    const begun = ready.then(() => this.#evaluation.begin(entries))
    const done = before.then(async () => this.#finish(await begun))
    this.#begun = begun.then(() => undefined)
    this.#under = done.then(() => undefined)
    for (const each of [begun, this.#begun, done, this.#under]) each.catch(() => undefined)
    return done
  }

  async #goOn(interval: number): Promise<void> {
    const height = interval * this.#o.network.genesis.intervalLength - 1
    if (this.#level.goOn({ view: { height }, level: this.#level.now })) {
      await this.#evaluation.close()
    }
  }

  #intervalOf(height: number): number {
    return intervalOf(height, this.#o.network.genesis.intervalLength)
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
    for (const { result, changes, spawned, carried } of settled) {
      if (carried !== undefined) await this.#modules.publish(carried)
      if (result.slot < 0) continue
      if (spawned !== undefined) {
        if (this.#o.code !== undefined) await this.#modules.publish(spawned.module)
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

/** A ledger in which the spawn of one process opens other code than it carries. */
class LedgerOfCode extends Ledger {
  readonly #code: NonNullable<RebuilderOptions['code']>

  constructor(network: Network, partition: number, code: NonNullable<RebuilderOptions['code']>) {
    super(network, partition)
    this.#code = code
  }

  override plan(placed: Placed): Plan {
    const plan = super.plan(placed)
    const { process, module } = this.#code
    const isIts = plan.type === 'open' && placed.entry.message.process === process
    return isIts ? { ...plan, module } : plan
  }
}
