// The evaluator without threads: for tests, simulations and small tools. Same replies as the one
// with workers; no wall clock ends a command. Owners: it owns one table; commands run when `run` is
// called, so nothing is ever pending.

import { HbError } from '../../std/errors.ts'
import { createLedger } from './ledger.ts'
import type { Evaluator, InlineEvaluatorOptions } from './port.ts'
import { runtimesByLevel } from './runtimes.ts'
import { createProcessTable } from './table.ts'

/** Async only to be interchangeable with the evaluator with workers. */
export async function createInlineEvaluator(options: InlineEvaluatorOptions): Promise<Evaluator> {
  const runtimes = runtimesByLevel(options.host.levels)
  const table = createProcessTable(runtimes, options.host, options.limits)
  const ledger = createLedger(options.faultsMax)
  let closed = false
  const evaluator: Evaluator = {
    levels: options.host.levels.map(({ level }) => level),
    async run(commands) {
      if (closed) throw new HbError('evaluator-closed')
      return commands.map((command) => ledger.record(command, table.run(command)))
    },
    figures: () => ({
      workers: 0,
      workersRunning: 0,
      open: ledger.open,
      memoryBytes: ledger.memoryBytes,
      commandsPending: 0,
      workersLost: 0,
    }),
    async close() {
      closed = true
      table.close()
    },
  }
  return Promise.resolve(evaluator)
}
