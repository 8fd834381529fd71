// An evaluator for the roles' tests: contracts are TypeScript functions, named by a module's
// source. Everything else is as in the real ones: replies per command, `lost` for what is not
// open, outboxes checked, changes as texts.

import type { Changes, JsonObject } from '../../src/protocol/changes.ts'
import { applyChanges, changesText, diff } from '../../src/protocol/changes.ts'
import { FIRST_LEVEL } from '../../src/protocol/features.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import type { OutboxLimits } from '../../src/protocol/outbox.ts'
import { checkOutbox } from '../../src/protocol/outbox.ts'
import type {
  Evaluator,
  EvaluatorCommand,
  EvaluatorReply,
} from '../../src/runtime/evaluator/port.ts'
import type { Action, Evaluation } from '../../src/runtime/port.ts'
import { isHbError } from '../../src/std/errors.ts'
import type { Random } from '../../src/std/random.ts'

export type State = Record<string, unknown>
export type Handle = (
  state: State,
  action: Action,
) => { messages?: unknown[]; status?: string } | undefined

type Open = { handle: Handle; text: string }
type Evaluate = Pick<Extract<EvaluatorCommand, { kind: 'evaluate' }>, 'action' | 'parent'>

/**
 * `handles`: contracts by source text; a source that is not there is refused with
 * `module-invalid`.
 */
export function plainEvaluator(
  network: Network,
  handles: Readonly<Record<string, Handle>>,
): Evaluator {
  const open = new Map<string, Open>()
  const { limits } = network.genesis
  const one = (command: EvaluatorCommand): EvaluatorReply => {
    const { process } = command
    if (command.kind === 'open') {
      const instance = openOf(handles[command.module.source], command.snapshot, command.changes)
      open.delete(process)
      if (instance === undefined) {
        return { kind: 'refused', code: 'module-invalid', text: 'no such contract' }
      }
      open.set(process, instance)
      return { kind: 'opened', memoryBytes: 1_000 }
    }
    const instance = open.get(process)
    if (command.kind === 'close') {
      open.delete(process)
      return { kind: 'closed' }
    }
    if (instance === undefined) return { kind: 'lost' }
    if (command.kind === 'snapshot') return { kind: 'snapshot', text: instance.text }
    if (command.kind === 'upgrade') {
      const evaluation = upgrade(instance, handles[command.module.source], command, limits)
      return { kind: 'evaluated', evaluation, memoryBytes: 1_000 }
    }
    const evaluation = evaluate(instance, command, limits)
    return { kind: 'evaluated', evaluation, memoryBytes: 1_000 }
  }
  return {
    levels: [FIRST_LEVEL],
    // a turn later, as from a worker, so that stages overlap
    run: async (commands) => {
      const replies = commands.map(one)
      await new Promise((resolve) => setImmediate(resolve))
      return replies
    },
    figures: () => ({
      workers: 0,
      workersRunning: 0,
      open: open.size,
      memoryBytes: 0,
      commandsPending: 0,
      workersLost: 0,
    }),
    close: async () => open.clear(),
  }
}

function openOf(
  handle: Handle | undefined,
  snapshot: string,
  changes: readonly string[] = [],
): Open | undefined {
  if (handle === undefined) return undefined
  let state = JSON.parse(snapshot) as JsonObject
  for (const text of changes) state = applyChanges(state, JSON.parse(text) as Changes)
  return { handle, text: JSON.stringify(state) }
}

/** The new contract's function is its `migrate` as well. */
function upgrade(
  instance: Open,
  handle: Handle | undefined,
  command: Evaluate,
  limits: OutboxLimits,
): Evaluation {
  if (handle === undefined) {
    return { status: 'error', gas: 0, code: 'module-invalid', text: 'no such contract' }
  }
  const next = { handle, text: instance.text }
  const evaluation = evaluate(next, command, limits)
  if (evaluation.status === 'ok') Object.assign(instance, next)
  return evaluation
}

function evaluate(instance: Open, command: Evaluate, limits: OutboxLimits): Evaluation {
  const state = JSON.parse(instance.text) as State
  try {
    const answer = instance.handle(state, JSON.parse(command.action) as Action) ?? {}
    if (answer.status !== undefined && answer.status !== 'ok') {
      return { status: 'error', gas: 2, code: 'contract-error', text: answer.status }
    }
    const drafts = answer.messages ?? []
    const messages = command.parent ? checkOutbox(drafts, command.parent, limits) : drafts
    const before = JSON.parse(instance.text) as JsonObject
    const text = JSON.stringify(state)
    const changes = changesText(diff(before, JSON.parse(text) as JsonObject))
    instance.text = text
    return { status: 'ok', gas: 3, changes, messages, stateBytes: text.length }
  } catch (error) {
    const code = isHbError(error) ? error.code : 'contract-error'
    return { status: 'error', gas: 2, code, text: (error as Error).message.slice(0, 512) }
  }
}

/** Loses processes and faults at random, before or after the command had its effect (E4). */
export function losingEvaluator(inner: Evaluator, random: Random, share: number): Evaluator {
  return {
    ...inner,
    run: async (commands) => {
      const replies: EvaluatorReply[] = []
      const parts = commands.map((command) => [command])
      const waits = parts.map(async ([command], index) => {
        const { process } = command as EvaluatorCommand
        if (random.float() >= share) {
          const [reply] = await inner.run([command as EvaluatorCommand])
          replies[index] = reply as EvaluatorReply
          return
        }
        const run = random.below(2) === 0 ? inner.run([command as EvaluatorCommand]) : undefined
        const close = inner.run([{ kind: 'close', process }])
        await Promise.all([run, close])
        replies[index] =
          random.below(2) === 0
            ? { kind: 'lost' }
            : { kind: 'fault', code: 'evaluation-fault', text: 'x', faults: 1, exhausted: false }
      })
      await Promise.all(waits)
      return replies
    },
  }
}
