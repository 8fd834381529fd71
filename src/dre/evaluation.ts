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
import type { ModuleRef, ModuleText } from '../protocol/module-ref.ts'
import type { Outcome, Plan } from '../protocol/transition.ts'
import type { Evaluator, EvaluatorCommand, EvaluatorReply } from '../runtime/evaluator/port.ts'
import { HbError } from '../std/errors.ts'
import { Closing } from './closing.ts'
import type { Ledger, Placed } from './core.ts'
import { Instances } from './instances.ts'
import type { Modules } from './modules.ts'
import type { PartitionLevel } from './partition-level.ts'
import type { DreFigures, DreLimits } from './ports.ts'
import type { ProcessStore } from './process-store.ts'
import type { Segment, Settled, Step, Unwritten } from './steps.ts'
import { became, outcomeOf, withEvaluated } from './steps.ts'
import { Waiting } from './waiting.ts'

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

/** What a row of the journal costs whoever opens the process, beside its text. */
const ROW_BYTES = 32

export class Evaluation {
  readonly #o: EvaluationOptions
  readonly #instances = new Instances()
  readonly #waiting = new Waiting(this.#instances)
  readonly #closing: Closing

  constructor(options: EvaluationOptions) {
    this.#o = options
    this.#closing = new Closing(options, this.#instances)
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
        this.#waiting.remove(step)
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

  /** See closing.ts; the store must hold everything that finished. */
  evict(): Promise<void> {
    return this.#closing.evict()
  }

  sweep(): Promise<void> {
    return this.#closing.sweep()
  }

  /** Closes everything; nothing must be under way. */
  close(): Promise<void> {
    return this.#closing.close()
  }

  #send(steps: readonly Step[], unwritten: ReadonlyMap<string, Unwritten> | undefined): Segment {
    const waiting = this.#waiting
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
          waiting.add(step)
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
        const mayGo = unwritten === undefined ? !waiting.mustWait(placed) : !stopped.has(process)
        if (!isThere || !mayGo) {
          stopped.add(process)
          waiting.add(step)
          continue
        }
        if (!this.#instances.touch(process)) {
          const open = this.#openCommand(placed, unwritten?.get(process))
          if (open === undefined) {
            stopped.add(process)
            waiting.add(step)
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
      waiting.remove(step)
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
      this.#waiting.suspect(process)
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
