// Runs evaluator commands, one after another, against the instances open on this thread. Shared by
// the inline evaluator and the worker: what differs between them is only how commands arrive.
//
// Owners: the table owns its instances. Invariants: as E1–E4 of port.ts; T1 an instance that threw
// is gone before the reply is given, so the next command of its process answers `lost`. T2 an
// upgrade is evaluated in a fresh instance, so that what comes of it is a function of the state.

import { isHbError } from '../../std/errors.ts'
import type { HbError } from '../../std/errors.ts'
import { SandboxSpent } from '../port.ts'
import type {
  CheckMessages,
  Evaluation,
  EvaluationLimits,
  Instance,
  ModuleSource,
  Runtime,
} from '../port.ts'
import type { EvaluatorCommand, EvaluatorHost, EvaluatorReply, OutboxParent } from './port.ts'
import type { RuntimesByLevel } from './runtimes.ts'

const REFUSAL_TEXT_MAX = 512

/** A reply without what the owner of all tables adds (`faults`, `exhausted`). */
export type TableReply =
  | Exclude<EvaluatorReply, { kind: 'fault' }>
  | { readonly kind: 'fault'; readonly code: string; readonly text: string }

type Evaluates = EvaluatorCommand & { kind: 'evaluate' | 'upgrade' }
type Evaluated = TableReply & { kind: 'evaluated' }

export type ProcessTable = {
  run(command: EvaluatorCommand): TableReply
  close(): void
}

export function createProcessTable(
  runtimes: RuntimesByLevel,
  host: EvaluatorHost,
  limits: EvaluationLimits,
): ProcessTable {
  const instances = new Instances()
  let parent: OutboxParent = { hops: 0, count: 0, budget: '0' }
  const check: CheckMessages = (messages) => host.checkOutbox(messages, parent)

  function open(command: EvaluatorCommand & { kind: 'open' }): TableReply {
    const { process, level, module, snapshot, changes } = command
    instances.drop(process)
    const instance = runtimes(level)[module.engine].open(module, snapshot, limits, changes)
    instances.keep(process, instance, module.engine)
    return { kind: 'opened', memoryBytes: instance.memoryBytes() }
  }

  function evaluate(instance: Instance, command: Evaluates): Evaluated {
    parent = command.parent ?? parent
    const wanted = command.parent && check
    const call = command.kind === 'upgrade' ? 'migrate' : 'evaluate'
    const evaluation = instance[call](command.action, wanted)
    return { kind: 'evaluated', evaluation, memoryBytes: instance.memoryBytes() }
  }

  function upgrade(now: Instance, command: EvaluatorCommand & { kind: 'upgrade' }): TableReply {
    const { process, module } = command
    const memoryBytes = now.memoryBytes()
    const runtime = runtimes(command.level)[module.engine]
    const next = successor(now, instances.engineOf(process), runtime, module, limits)
    if ('status' in next) return { kind: 'evaluated', evaluation: next, memoryBytes }
    const reply = evaluate(next, command)
    if (reply.evaluation.status === 'ok') {
      instances.keep(process, next, module.engine)
      return reply
    }
    next.close()
    return { ...reply, memoryBytes }
  }

  function answer(command: EvaluatorCommand): TableReply {
    if (command.kind === 'open') return open(command)
    if (command.kind === 'close') {
      instances.drop(command.process)
      return { kind: 'closed' }
    }
    const instance = instances.get(command.process)
    if (instance === undefined) return { kind: 'lost' }
    if (command.kind === 'upgrade') return upgrade(instance, command)
    return command.kind === 'evaluate'
      ? evaluate(instance, command)
      : { kind: 'snapshot', text: instance.snapshot() }
  }

  return {
    run(command) {
      try {
        return answer(command)
      } catch (error) {
        instances.drop(command.process)
        if (error instanceof SandboxSpent) return { kind: 'lost' }
        return failure(command, error)
      }
    },
    close() {
      instances.clear()
    },
  }
}

function failure({ kind }: EvaluatorCommand, error: unknown): TableReply {
  return kind === 'open' && isRefusal(error)
    ? { kind: 'refused', code: error.code, text: error.detail.slice(0, REFUSAL_TEXT_MAX) }
    : { kind: 'fault', ...described(error) }
}

/** Those that are open on this thread, by process. */
class Instances {
  readonly #open = new Map<string, { instance: Instance; engine: ModuleSource['engine'] }>()

  get(process: string): Instance | undefined {
    return this.#open.get(process)?.instance
  }

  engineOf(process: string): ModuleSource['engine'] | undefined {
    return this.#open.get(process)?.engine
  }

  keep(process: string, instance: Instance, engine: ModuleSource['engine']): void {
    this.drop(process)
    this.#open.set(process, { instance, engine })
  }

  drop(process: string): void {
    this.get(process)?.close()
    this.#open.delete(process)
  }

  clear(): void {
    for (const process of this.#open.keys()) this.drop(process)
  }
}

/** The module opened on the state of an instance; or why it cannot be. */
function successor(
  now: Instance,
  engine: ModuleSource['engine'] | undefined,
  runtime: Runtime,
  module: ModuleSource,
  limits: EvaluationLimits,
): Instance | (Evaluation & { status: 'error' }) {
  if (engine !== module.engine) {
    const text = `the process runs on ${engine}, the module is for ${module.engine}`
    return refused('upgrade-malformed', text)
  }
  const snapshot = now.snapshot()
  try {
    return runtime.open(module, snapshot, limits)
  } catch (error) {
    if (!isRefusal(error)) throw error
    return refused(error.code, error.detail)
  }
}

/** A module or a state that nobody can open. */
function isRefusal(error: unknown): error is HbError {
  return isHbError(error) && error.kind === 'contract'
}

function refused(code: string, detail: string): Evaluation & { status: 'error' } {
  return { status: 'error', gas: 0, code, text: detail.slice(0, REFUSAL_TEXT_MAX) }
}

function described(error: unknown): { code: string; text: string } {
  return isHbError(error)
    ? { code: error.code, text: error.message }
    : { code: 'evaluation-fault', text: String(error) }
}
