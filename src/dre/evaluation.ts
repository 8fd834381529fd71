// Evaluates segments of accepted entries of one partition: entries in, results out, in order of
// height.
//
// Owners: partition.ts (live) and rebuild.ts. `begin` sends a segment's commands to the evaluator,
// `finish` awaits the replies; the next segment may begin before the one before has finished.
// Invariants: V1 `finish` is called in the order of `begin`. V2 a process that was lost or that
// faulted is opened again from the store and the entries that follow are evaluated again: results
// do not show it (R4). V3 only processes with nothing under way are closed. V4 while an entry of a
// process waits to be evaluated, the first time or again, no later one of it is sent. V5 what was
// sent behind a spawn before it was known to have failed is not believed. V6 an entry whose module
// is not at hand waits until all before it is settled; then it is looked for. V7 what is sent
// behind an upgrade runs on what the evaluator made of it there; a process is opened on the module
// that the last entry in its state left, which the ledger's row says only of what is settled.

import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Result } from '../protocol/result.ts'
import type { ModuleRef, ModuleText } from '../protocol/module-ref.ts'
import type { Evaluated, Outcome, Plan } from '../protocol/transition.ts'
import { complete, refuseSpawn } from '../protocol/transition.ts'
import type { Evaluator, EvaluatorCommand, EvaluatorReply } from '../runtime/evaluator/port.ts'
import { HbError } from '../std/errors.ts'
import type { Ledger, Placed } from './core.ts'
import { Instances } from './instances.ts'
import type { Modules } from './modules.ts'
import type { PartitionLevel } from './partition-level.ts'
import type { DreFigures, DreLimits } from './ports.ts'
import type { ProcessStore } from './process-store.ts'

export type EvaluationOptions = {
  readonly network: Network
  readonly ledger: Ledger
  readonly evaluator: Evaluator
  readonly store: ProcessStore
  readonly modules: Modules
  readonly level: PartitionLevel
  readonly limits: DreLimits
  readonly figures: DreFigures
}

export type Settled = {
  readonly result: Result
  readonly changes: string
  /** To be found by its hash from now on: of every entry that carries a source, or opened it. */
  readonly carried?: ModuleText
  /** Hash of the module that this entry was the first to make known. */
  readonly learnt?: string
  /** Of a spawn that succeeded. */
  readonly spawned?: { readonly module: ModuleText; readonly snapshot: string }
  /** Hash of what its process runs after it; '' where there is no process or its spawn failed. */
  readonly module: string
  /** Of an upgrade that succeeded: hash of what its process ran before it. */
  readonly replaced?: string
}

type Step = {
  readonly placed: Placed
  plan: Plan
  reply: EvaluatorReply | undefined
  /** Of a spawn: what its opening gave. */
  opening: EvaluatorReply | undefined
  /** Of a spawn or an upgrade: what was sent to be opened. */
  module: ModuleText | undefined
  /** It was not sent when its segment began: `finish` does it. */
  waits: boolean
}

/** A segment under way. */
export type Segment = {
  readonly steps: Step[]
  readonly replies: Promise<EvaluatorReply[]>
  readonly sent: Step[]
  /** Which replies are those of openings, and of which spawn. */
  readonly openings: ReadonlyMap<number, Step | undefined>
}

/** What a row of the journal costs whoever opens the process, beside its text. */
const ROW_BYTES = 32

/** Processes closed by one command batch. */
const CLOSE_MAX = 1_000

/** What a process became within a segment that is not written yet. */
type Unwritten = {
  readonly spawned?: NonNullable<Settled['spawned']>
  /** Of the last upgrade. */
  readonly module?: ModuleText
  readonly changes: string[]
}

export class Evaluation {
  readonly #o: EvaluationOptions
  readonly #instances = new Instances()
  /** Processes that were lost, until nothing of them is under way (V4). */
  readonly #suspects = new Set<string>()
  /** How many entries of a process wait to be sent (V4). */
  readonly #waiting = new Map<string, number>()

  constructor(options: EvaluationOptions) {
    this.#o = options
  }

  get instances(): Instances {
    return this.#instances
  }

  begin(entries: readonly Entry[]): Segment {
    const steps = entries.map((entry): Step => {
      const placed = this.#o.ledger.place(entry)
      if (placed.carried?.source !== undefined) this.#o.modules.hold(placed.carried)
      const plan = this.#o.ledger.plan(placed)
      const nothing = { reply: undefined, opening: undefined, module: undefined }
      return { placed, plan, ...nothing, waits: false }
    })
    return this.#send(steps, undefined)
  }

  /** `written`: resolves when the results of all segments before this one are in the store. */
  async finish(segment: Segment, written: Promise<void>): Promise<Settled[]> {
    this.#receive(segment, await segment.replies)
    const settled: Settled[] = []
    const unwritten = new Map<string, Unwritten>()
    let tries = 0
    for (let at = 0; at < segment.steps.length; ) {
      const step = segment.steps[at] as Step
      const failed = step.placed.row?.failed === true && step.placed.slot > 0
      if (step.plan.type !== 'open' && (failed || step.reply?.kind !== 'evaluated')) {
        // its spawn may have failed meanwhile
        step.plan = this.#o.ledger.plan(step.placed)
      }
      const outcome = outcomeOf(step)
      if (outcome !== undefined) {
        this.#waitsNoMore(step)
        settled.push(this.#settle(step, outcome, unwritten))
        tries = 0
        at += 1
        continue
      }
      tries += 1
      this.#checkFault(step, tries)
      await this.#fetch(step.plan)
      await written
      const left = segment.steps.slice(at)
      const rest = left.filter((later) => outcomeOf(later) === undefined)
      for (const later of rest) later.plan = this.#o.ledger.plan(later.placed)
      const again = this.#send(rest, withEvaluated(unwritten, left))
      this.#receive(again, await again.replies)
    }
    return settled
  }

  /** Closes what is beyond the bounds; the store must hold everything that finished. */
  async evict(): Promise<void> {
    const { instancesMax, instanceBytesMax } = this.#o.limits
    const instances = this.#instances
    if (instances.size <= instancesMax && instances.memoryBytes <= instanceBytesMax) return
    await this.#close([...instances.excess(instancesMax, instanceBytesMax, this.#isIdle)])
  }

  /** Closes what nothing came for since the sweep before; the same holds of the store. */
  async sweep(): Promise<void> {
    await this.#close([...this.#instances.sweep(this.#isIdle)])
  }

  /** Closes everything; nothing must be under way. */
  async close(): Promise<void> {
    const open = [...this.#instances.names()]
    for (const process of open) this.#instances.closed(process)
    for (let at = 0; at < open.length; at += CLOSE_MAX) {
      const some = open.slice(at, at + CLOSE_MAX)
      await this.#o.evaluator.run(some.map((process) => ({ kind: 'close', process })))
    }
  }

  readonly #isIdle = (process: string): boolean => {
    const row = this.#o.ledger.rows.get(process)
    return row !== undefined && row.slot === row.writtenSlot
  }

  async #close(processes: readonly string[]): Promise<void> {
    if (processes.length === 0) return
    const { evaluator, ledger, figures } = this.#o
    const instances = this.#instances
    const commands: EvaluatorCommand[] = []
    const bases: { process: string; slots: number; index: number }[] = []
    for (const process of processes) {
      const { baseBytes = 0, journalBytes = 0 } = instances.get(process) ?? {}
      if (journalBytes > Math.max(baseBytes, 65_536)) {
        const slot = ledger.rows.get(process)?.settledSlot ?? 0
        bases.push({ process, slots: slot + 1, index: commands.length })
        commands.push({ kind: 'snapshot', process })
      }
      commands.push({ kind: 'close', process })
      instances.closed(process)
      figures.evicted += 1
    }
    const replies = await evaluator.run(commands)
    const ops = bases.flatMap(({ process, slots, index }) => {
      const reply = replies[index]
      return reply?.kind === 'snapshot' ? [this.#o.store.baseOp(process, slots, reply.text)] : []
    })
    if (ops.length > 0) await this.#o.store.write(ops)
  }

  #send(steps: readonly Step[], unwritten: ReadonlyMap<string, Unwritten> | undefined): Segment {
    const commands: EvaluatorCommand[] = []
    const sent: Step[] = []
    const openings = new Map<number, Step | undefined>()
    /** Processes of which an entry is not sent: no later one is (V4). */
    const stopped = new Set<string>()
    for (const step of steps) {
      const { plan, placed } = step
      const { message } = placed.entry
      const { process } = message
      if (plan.type === 'settled') continue
      if (plan.type === 'open') {
        const module = this.#moduleAtHand(plan.module)
        step.module = module
        if (module === undefined) {
          this.#waits(step)
          continue
        }
        openings.set(commands.length, step)
        const { snapshot } = plan
        commands.push({ kind: 'open', process, level: this.#o.level.now, module, snapshot })
        this.#instances.opened(process, plan.snapshot.length, 0)
      } else {
        const module = plan.type === 'upgrade' ? this.#moduleAtHand(plan.module) : undefined
        step.module = module
        const isThere = plan.type !== 'upgrade' || module !== undefined
        const mayGo = unwritten === undefined ? !this.#mustWait(placed) : !stopped.has(process)
        if (!isThere || !mayGo) {
          stopped.add(process)
          this.#waits(step)
          continue
        }
        if (!this.#instances.touch(process)) {
          const open = this.#openCommand(placed, unwritten?.get(process))
          if (open === undefined) {
            stopped.add(process)
            this.#waits(step)
            continue
          }
          openings.set(commands.length, undefined)
          commands.push(open)
        }
      }
      const parent = { hops: message.hops, count: message.count, budget: message.budget }
      const { action } = plan
      if (plan.type === 'upgrade') {
        const module = step.module as ModuleText
        const { now: level } = this.#o.level
        commands.push({ kind: 'upgrade', process, level, module, action, parent })
      } else commands.push({ kind: 'evaluate', process, action, parent })
      this.#waitsNoMore(step)
      sent.push(step)
    }
    const replies = this.#o.evaluator.run(commands)
    replies.catch(() => undefined)
    return { steps: steps as Step[], replies, sent, openings }
  }

  #moduleAtHand(module: ModuleRef): ModuleText | undefined {
    if (module.source !== undefined) return module
    const { engine, hash } = module
    return this.#o.modules.isAtHand(hash) ? this.#o.modules.get(engine, hash) : undefined
  }

  /** A native module is nowhere but in the plan. */
  async #fetch(plan: Plan): Promise<void> {
    if (plan.type !== 'open' && plan.type !== 'upgrade') return
    if (plan.module.source === undefined) await this.#o.modules.fetch(plan.module.hash)
  }

  /** Nor is what comes behind it sent, though an entry before it may open the process. */
  #waits(step: Step): void {
    if (step.waits) return
    step.waits = true
    const { process } = step.placed.entry.message
    this.#waiting.set(process, (this.#waiting.get(process) ?? 0) + 1)
  }

  #waitsNoMore(step: Step): void {
    if (!step.waits) return
    step.waits = false
    const { process } = step.placed.entry.message
    const left = (this.#waiting.get(process) ?? 1) - 1
    if (left > 0) this.#waiting.set(process, left)
    else this.#waiting.delete(process)
  }

  /**
   * V4: something of the process before this entry is under way and may have to be repeated, or is
   * not even sent.
   */
  #mustWait({ row, slot }: Placed): boolean {
    if (row === undefined) return false
    const underWay = slot - 1 > row.writtenSlot
    if (!underWay) this.#suspects.delete(row.process)
    if (!underWay) return false
    if (this.#waiting.has(row.process)) return true
    return this.#suspects.has(row.process) || this.#instances.get(row.process) === undefined
  }

  #openCommand({ row }: Placed, unwritten: Unwritten | undefined): EvaluatorCommand | undefined {
    const { store, modules, figures, level } = this.#o
    if (row === undefined || row.module === '') return undefined
    const spawned = unwritten?.spawned
    const saved =
      spawned === undefined
        ? store.state(row.process)
        : { snapshot: spawned.snapshot, changes: [] as string[] }
    if (saved === undefined) return undefined
    const changes =
      unwritten === undefined ? saved.changes : saved.changes.concat(unwritten.changes)
    figures.opened += 1
    const journalBytes = changes.reduce((bytes, text) => bytes + text.length + ROW_BYTES, 0)
    this.#instances.opened(row.process, saved.snapshot.length, journalBytes)
    const module = unwritten?.module ?? spawned?.module ?? modules.get(row.engine, row.module)
    const { process } = row
    return { kind: 'open', process, level: level.now, module, snapshot: saved.snapshot, changes }
  }

  #receive(segment: Segment, replies: readonly EvaluatorReply[]): void {
    let sent = 0
    replies.forEach((reply, index) => {
      if (segment.openings.has(index)) {
        const spawn = segment.openings.get(index)
        if (spawn !== undefined) spawn.opening = reply
        return
      }
      const step = segment.sent[sent++] as Step
      step.reply = reply
      const { process } = step.placed.entry.message
      if (reply.kind === 'evaluated') {
        this.#instances.measured(process, reply.memoryBytes)
        return
      }
      this.#instances.closed(process)
      this.#suspects.add(process)
      if (reply.kind === 'lost') this.#o.figures.lost += 1
      if (reply.kind === 'fault') this.#o.figures.faults += 1
    })
  }

  #settle(step: Step, outcome: Outcome, unwritten: Map<string, Unwritten>): Settled {
    const { placed } = step
    const { process } = placed.entry.message
    const { snapshot } = outcome
    const opened = outcome.status === 'ok' ? step.module : undefined
    const spawned =
      opened !== undefined && snapshot !== undefined ? { module: opened, snapshot } : undefined
    const carried = this.#carriedBy(placed, opened)
    const before = placed.row?.module ?? ''
    const result = this.#o.ledger.settle(placed, outcome, opened)
    const common = { result, changes: outcome.changes, ...carried }
    const module = placed.row?.module ?? ''
    this.#o.figures.entries += 1
    this.#o.figures.gas += outcome.gas
    if (outcome.status === 'error') this.#o.figures.errors += 1
    if (spawned !== undefined) {
      unwritten.set(process, { spawned, changes: [outcome.changes] })
      return { ...common, module, spawned }
    }
    const instance = this.#instances.get(process)
    if (instance !== undefined) instance.journalBytes += outcome.changes.length + ROW_BYTES
    became(unwritten, process, outcome.changes, opened)
    return { ...common, module, ...(opened !== undefined && { replaced: before }) }
  }

  /** A native module is no source that anybody could name, but its process is opened by it. */
  #carriedBy(
    { carried, entry }: Placed,
    opened: ModuleText | undefined,
  ): Pick<Settled, 'carried' | 'learnt'> {
    if (carried === undefined) return opened === undefined ? {} : { carried: opened }
    const isFirst = this.#o.ledger.known.get(carried.hash) === entry.height
    return {
      ...(carried.source !== undefined && { carried }),
      ...(isFirst && { learnt: carried.hash }),
    }
  }

  #checkFault({ reply, placed }: Step, tries: number): void {
    const exhausted = reply?.kind === 'fault' && reply.exhausted
    if (!exhausted && tries <= this.#o.limits.triesMax) return
    const { height, message } = placed.entry
    const why =
      reply?.kind === 'fault' ? `${reply.code}: ${reply.text}` : (reply?.kind ?? 'no state')
    throw new HbError('evaluation-fault', `process ${message.process}, height ${height}: ${why}`)
  }
}

/**
 * What processes became, those entries included that are evaluated but wait behind one that is not:
 * of one process they all come before its first that must be evaluated again.
 */
function withEvaluated(
  unwritten: ReadonlyMap<string, Unwritten>,
  left: readonly Step[],
): Map<string, Unwritten> {
  const all = new Map<string, Unwritten>()
  for (const [process, before] of unwritten) {
    all.set(process, { ...before, changes: [...before.changes] })
  }
  for (const step of left) {
    const outcome = outcomeOf(step)
    if (outcome === undefined) continue
    const opened = outcome.status === 'ok' ? step.module : undefined
    const { process } = step.placed.entry.message
    became(all, process, outcome.changes, opened)
  }
  return all
}

/** What an entry that was evaluated left of its process; `module`: what it opened, if it did. */
function became(
  all: Map<string, Unwritten>,
  process: string,
  text: string,
  module: ModuleText | undefined,
): void {
  if (text === '[]' && module === undefined) return
  const before = all.get(process)
  const changes = before?.changes ?? []
  if (text !== '[]') changes.push(text)
  if (before === undefined || module !== undefined) {
    all.set(process, { ...before, changes, ...(module !== undefined && { module }) })
  }
}

function outcomeOf({ plan, reply, opening, placed }: Step): Outcome | undefined {
  const { message } = placed.entry
  if (plan.type === 'settled') return plan.outcome
  if (opening?.kind === 'refused') return refuseSpawn(message, opening)
  if (reply?.kind !== 'evaluated') return undefined
  const snapshot = plan.type === 'open' ? plan.snapshot : undefined
  // the sandbox's messages went through checkOutbox there: they are contents
  return complete(message, reply.evaluation as Evaluated, snapshot)
}
