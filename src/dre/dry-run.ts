// What a message would do to a process: evaluated on a state of it in an instance of its own, which
// is gone afterwards.
//
// Owners: the caller owns the evaluator, and gives a name that no other instance there has.
// Invariants: Z1 nothing is written or appended, and no row, slot or channel number moves. Z2 the
// outcome is what `transition.ts` makes of the same entry: there is no second way to evaluate.
// Z3 whatever happens, the instance is closed: each batch that opens it ends by closing it.

import type { Entry } from '../protocol/entry.ts'
import { NO_AUTHORITY } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import { endsInterval, intervalOf } from '../protocol/interval.ts'
import type { Message } from '../protocol/message.ts'
import type { IsKnown, ModuleName, ModuleText } from '../protocol/module-ref.ts'
import type { Evaluated, Outcome, Plan, ProcessRow } from '../protocol/transition.ts'
import { complete, prepare } from '../protocol/transition.ts'
import type { Evaluator, EvaluatorCommand, EvaluatorReply } from '../runtime/evaluator/port.ts'
import { EMPTY } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import type { OwnedPartition } from './task.ts'

/** Modules that a message may name by their hash. */
export type NamedModules = {
  /** As of the entry that the message would be. */
  readonly isKnown: IsKnown
  /** Rejects where the source is not to be had. */
  text(name: ModuleName): Promise<ModuleText>
}

/** A state, and what its process is evaluated with. */
export type DryRunBasis = {
  readonly process: string
  readonly partition: number
  /** Of the last entry of the process that is in the state. */
  readonly slot: number
  readonly stateHash: Uint8Array
  /** JSON of the state, and change texts (R6) to apply after it. */
  readonly snapshot: string
  readonly changes: readonly string[]
  /** Undefined: the spawn failed. */
  readonly module: ModuleText | undefined
  readonly named: NamedModules
  readonly level: number
  /** Of the entry that the message would be. */
  readonly height: number
  /** Time never goes back in a log: the entry's would not be less, ms. */
  readonly timestampMin: number
}

export type DryRunOptions = {
  readonly network: Network
  readonly evaluator: Evaluator
  /** Of the instance. */
  readonly name: string
  readonly basis: DryRunBasis
  readonly message: Message
  readonly timestamp: number
  readonly withState: boolean
}

export type DryRun = {
  readonly outcome: Outcome
  /** JSON of the state after it; undefined where there is none, or it was not asked for. */
  readonly state?: string
}

/** An instance may be lost for no fault of the message, its worker ended say. */
const TRIES_MAX = 3

/**
 * Errors: `evaluation-fault`, `feature-level-unknown`, those of `NamedModules.text`; those of the
 * contract are outcomes.
 */
export async function dryRun(options: DryRunOptions): Promise<DryRun> {
  const { network, basis, message, withState } = options
  const { engine, hash } = basis.module ?? { engine: 'quickjs', hash: '' }
  const failed = basis.module === undefined
  const { process, slot, stateHash } = basis
  const row: ProcessRow = { process, slot, stateHash, failed, engine, module: hash }
  const plan = prepare(network, row, entryOf(options), basis.named.isKnown)
  if (plan.type === 'settled') {
    const state = withState && !failed ? await stateAfter(options, plan.outcome) : undefined
    return { outcome: plan.outcome, ...(state !== undefined && { state }) }
  }
  // a spawn of what is there is settled as repeated
  if (plan.type === 'open') throw new HbError('internal-error', 'a spawn in a dry run')
  const evaluate = await commandOf(options, plan)
  const [evaluated, snapshot] = await inInstance(options, basis.changes, evaluate, withState)
  if (evaluated?.kind !== 'evaluated') throw faultOf(evaluated)
  const outcome = complete(message, evaluated.evaluation as Evaluated)
  if (!withState) return { outcome }
  if (snapshot?.kind === 'snapshot') return { outcome, state: snapshot.text }
  // the message used its sandbox up: the state comes from a fresh one
  return { outcome, state: await stateAfter(options, outcome) }
}

async function commandOf(
  { name, basis, message }: DryRunOptions,
  plan: Extract<Plan, { type: 'evaluate' | 'upgrade' }>,
): Promise<EvaluatorCommand> {
  const { hops, count, budget } = message
  const { action } = plan
  const common = { process: name, action, parent: { hops, count, budget } }
  if (plan.type === 'evaluate') return { kind: 'evaluate', ...common }
  const { module } = plan
  const text = module.source === undefined ? await basis.named.text(module) : module
  return { kind: 'upgrade', level: basis.level, module: text, ...common }
}

function entryOf({ basis, message, timestamp }: DryRunOptions): Entry {
  const { partition, height } = basis
  const place = { partition, height, timestamp, prev: EMPTY, hash: EMPTY }
  return { ...place, admission: NO_AUTHORITY, message }
}

async function stateAfter(options: DryRunOptions, { changes }: Outcome): Promise<string> {
  const all = changes === '[]' ? options.basis.changes : [...options.basis.changes, changes]
  const snapshot: EvaluatorCommand = { kind: 'snapshot', process: options.name }
  const [reply] = await inInstance(options, all, snapshot, false)
  if (reply?.kind !== 'snapshot') throw faultOf(reply)
  return reply.text
}

/** Opens it, does the one thing, takes the state where it is wanted, and closes it. */
async function inInstance(
  { evaluator, name, basis }: DryRunOptions,
  changes: readonly string[],
  command: EvaluatorCommand,
  withState: boolean,
): Promise<readonly EvaluatorReply[]> {
  const { level, module, snapshot } = basis
  if (module === undefined) throw new HbError('process-failed', basis.process)
  if (!evaluator.levels.includes(level)) {
    throw new HbError('feature-level-unknown', `level ${level}`)
  }
  const commands: EvaluatorCommand[] = [
    { kind: 'open', process: name, level, module, snapshot, changes },
    command,
    ...(withState ? [{ kind: 'snapshot', process: name } as const] : []),
    { kind: 'close', process: name },
  ]
  for (let tries = 1; ; tries++) {
    const [opened, ...replies] = await evaluator.run(commands)
    // what is served was opened before: that it cannot be is no answer about the message
    if (opened?.kind === 'refused' || opened?.kind === 'fault') throw faultOf(opened)
    if (replies[0]?.kind !== 'lost' || tries >= TRIES_MAX) return replies
  }
}

function faultOf(reply: EvaluatorReply | undefined): HbError {
  const isTold = reply?.kind === 'fault' || reply?.kind === 'refused'
  const why = isTold ? `${reply.code}: ${reply.text}` : (reply?.kind ?? 'no reply')
  return new HbError('evaluation-fault', `a dry run: ${why}`)
}

/**
 * The current state as the store of an open partition has it, or that after a slot. Errors:
 * `process-not-found`, `state-unknown` (there is no such slot), `state-not-kept`.
 */
export function basisIn(
  network: Network,
  owned: OwnedPartition,
  partition: number,
  process: string,
  atSlot?: number,
): DryRunBasis {
  const { store, modules, level } = owned
  const row = store.row(process)
  const position = store.position()
  if (row === undefined || position === undefined) throw new HbError('process-not-found', process)
  const { settledSlot, stateHash, failed } = row
  const { view } = position
  const slot = Math.min(atSlot ?? settledSlot, settledSlot)
  const module = failed ? undefined : modules.get(row.engine, store.moduleAt(row, slot))
  const common = { process, partition, module }
  if (atSlot === undefined || atSlot === settledSlot) {
    const saved = store.state(process) ?? { snapshot: '{}', changes: [] }
    const height = view.height + 1
    const crosses = endsInterval(view.height, network.genesis.intervalLength)
    const { timestamp: timestampMin } = view
    const place = { slot: settledSlot, stateHash, height, timestampMin, level: level.next(crosses) }
    return { ...common, named: namedIn(owned, height), ...place, ...saved }
  }
  if (atSlot > settledSlot) {
    throw new HbError('state-unknown', `slot ${atSlot} of ${process}: its last is ${settledSlot}`)
  }
  const [last, then] = store.heights(process, atSlot, 2)
  const result = last === undefined ? undefined : store.result(last)
  const saved = store.state(process, atSlot)
  // in the place of the entry that came next
  const height = then ?? (last ?? 0) + 1
  const levelAt = levelThen(network, { store, level }, partition, height)
  if (result === undefined || saved === undefined || levelAt === undefined) {
    throw new HbError('state-not-kept', `slot ${atSlot} of ${process}`)
  }
  const place = { slot: atSlot, stateHash: result.stateHash, height, timestampMin: 0 }
  return { ...common, named: namedIn(owned, height), ...place, level: levelAt, ...saved }
}

/** What is not at hand is not looked for: a dry run reads the store alone. */
function namedIn({ ledger, modules }: OwnedPartition, height: number): NamedModules {
  return {
    isKnown: (hash) => ledger.isKnown(hash, height),
    text: async ({ engine, hash }) => {
      if (modules.isAtHand(hash)) return modules.get(engine, hash)
      throw new HbError('dry-run-malformed', `data: ${hash} is not at hand here; give the source`)
    },
  }
}

/** Undefined: it may have changed since, and the store does not say what it was. */
function levelThen(
  network: Network,
  { store, level }: Pick<OwnedPartition, 'store' | 'level'>,
  partition: number,
  height: number,
): number | undefined {
  const id = network.featureIds[partition]
  const row = id === undefined ? undefined : store.row(id)
  if (row === undefined || row.settledSlot <= 0) return level.now
  const { intervalLength } = network.genesis
  const since = intervalOf(row.settledHeight, intervalLength)
  return since < intervalOf(height, intervalLength) ? level.now : undefined
}
