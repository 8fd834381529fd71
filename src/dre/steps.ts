// The entries of a segment on their way through the evaluation, and what has become of their
// processes meanwhile.
//
// Owner: evaluation.ts. Invariant: what a process became is a function of the outcomes of its
// entries, in order; nothing here knows of an evaluator or a store.

import type { Result } from '../protocol/result.ts'
import type { ModuleText } from '../protocol/module-ref.ts'
import type { Evaluated, Outcome, Plan } from '../protocol/transition.ts'
import { complete, refuseSpawn } from '../protocol/transition.ts'
import type { EvaluatorReply } from '../runtime/evaluator/port.ts'
import type { Placed } from './core.ts'

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

export type Step = {
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

/** What a process became within a segment that is not written yet. */
export type Unwritten = {
  readonly spawned?: NonNullable<Settled['spawned']>
  /** Of the last upgrade. */
  readonly module?: ModuleText
  readonly changes: string[]
}

/**
 * What processes became, those entries included that are evaluated but wait behind one that is not:
 * of one process they all come before its first that must be evaluated again.
 */
export function withEvaluated(
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
export function became(
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

export function outcomeOf({ plan, reply, opening, placed }: Step): Outcome | undefined {
  const { message } = placed.entry
  if (plan.type === 'settled') return plan.outcome
  if (opening?.kind === 'refused') return refuseSpawn(message, opening)
  if (reply?.kind !== 'evaluated') return undefined
  const snapshot = plan.type === 'open' ? plan.snapshot : undefined
  // the sandbox's messages went through checkOutbox there: they are contents
  return complete(message, reply.evaluation as Evaluated, snapshot)
}
