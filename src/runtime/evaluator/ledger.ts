// What an evaluator knows of its processes beside the instances themselves: memory, and faults in a
// row. Invariant: a process is in `memory` exactly while it is open on its worker, as far as
// replies have told.

import type { EvaluatorCommand, EvaluatorReply } from './port.ts'
import type { TableReply } from './table.ts'

const FAULTS_MAX = 3

export type Ledger = {
  /** Takes a reply in, and gives the one the caller sees. */
  record(command: EvaluatorCommand, reply: TableReply): EvaluatorReply
  /** The processes are no longer open (their worker died). */
  forget(processes: Iterable<string>): void
  readonly open: number
  readonly memoryBytes: number
}

export function createLedger(faultsMax: number = FAULTS_MAX): Ledger {
  const memory = new Map<string, number>()
  const faults = new Map<string, number>()
  let total = 0

  function hold(process: string, bytes: number | undefined): void {
    total += (bytes ?? 0) - (memory.get(process) ?? 0)
    if (bytes === undefined) memory.delete(process)
    else memory.set(process, bytes)
  }

  return {
    record(command, reply) {
      const { process } = command
      if (reply.kind === 'opened' || reply.kind === 'evaluated') hold(process, reply.memoryBytes)
      else if (reply.kind !== 'snapshot') hold(process, undefined)
      if (reply.kind === 'evaluated') faults.delete(process)
      if (reply.kind !== 'fault') return reply
      const count = (faults.get(process) ?? 0) + 1
      faults.set(process, count)
      return { ...reply, faults: count, exhausted: count >= faultsMax }
    },
    forget(processes) {
      for (const process of processes) hold(process, undefined)
    },
    get open() {
      return memory.size
    },
    get memoryBytes() {
      return total
    },
  }
}
