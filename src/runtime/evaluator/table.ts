// Runs evaluator commands, one after another, against the instances open on this thread. Shared by
// the inline evaluator and the worker: what differs between them is only how commands arrive.
//
// Owners: the table owns its instances. Invariants: as E1–E4 of port.ts; T1 an instance that threw
// is gone before the reply is given, so the next command of its process answers `lost`.

import { isHbError } from '../../std/errors.ts'
import { SandboxSpent } from '../port.ts'
import type { CheckMessages, EvaluationLimits, Instance } from '../port.ts'
import type { EvaluatorCommand, EvaluatorHost, EvaluatorReply, OutboxParent } from './port.ts'
import type { RuntimesByLevel } from './runtimes.ts'

/** A reply without what the owner of all tables adds (`faults`, `exhausted`). */
export type TableReply =
  | Exclude<EvaluatorReply, { kind: 'fault' }>
  | { readonly kind: 'fault'; readonly code: string; readonly text: string }

export type ProcessTable = {
  run(command: EvaluatorCommand): TableReply
  close(): void
}

export function createProcessTable(
  runtimes: RuntimesByLevel,
  host: EvaluatorHost,
  limits: EvaluationLimits,
): ProcessTable {
  const instances = new Map<string, Instance>()
  let parent: OutboxParent = { hops: 0, count: 0, budget: '0' }
  const check: CheckMessages = (messages) => host.checkOutbox(messages, parent)

  function drop(process: string): void {
    instances.get(process)?.close()
    instances.delete(process)
  }

  function open(command: EvaluatorCommand & { kind: 'open' }): TableReply {
    const { process, level, module, snapshot, changes } = command
    drop(process)
    const runtime = runtimes(level)[module.engine]
    const instance = runtime.open(module, snapshot, limits, changes)
    instances.set(process, instance)
    return { kind: 'opened', memoryBytes: instance.memoryBytes() }
  }

  function evaluate(
    instance: Instance,
    command: EvaluatorCommand & { kind: 'evaluate' },
  ): TableReply {
    if (command.parent !== undefined) parent = command.parent
    const wanted = command.parent === undefined ? undefined : check
    const evaluation = instance.evaluate(command.action, wanted)
    return { kind: 'evaluated', evaluation, memoryBytes: instance.memoryBytes() }
  }

  function answer(command: EvaluatorCommand): TableReply {
    if (command.kind === 'open') return open(command)
    if (command.kind === 'close') {
      drop(command.process)
      return { kind: 'closed' }
    }
    const instance = instances.get(command.process)
    if (instance === undefined) return { kind: 'lost' }
    return command.kind === 'evaluate'
      ? evaluate(instance, command)
      : { kind: 'snapshot', text: instance.snapshot() }
  }

  return {
    run(command) {
      try {
        return answer(command)
      } catch (error) {
        drop(command.process)
        if (error instanceof SandboxSpent) return { kind: 'lost' }
        return command.kind === 'open' && isHbError(error) && error.kind === 'contract'
          ? { kind: 'refused', code: error.code, text: error.detail.slice(0, 512) }
          : { kind: 'fault', ...described(error) }
      }
    },
    close() {
      for (const process of instances.keys()) drop(process)
    },
  }
}

function described(error: unknown): { code: string; text: string } {
  return isHbError(error)
    ? { code: error.code, text: error.message }
    : { code: 'evaluation-fault', text: String(error) }
}
