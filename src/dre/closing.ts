// Closes instances: those beyond the bounds, those that nothing came for, or all.
//
// Owner: evaluation.ts. Invariants: V3 there. C1 a process whose journal has outgrown its base gets
// a new base before it is closed, so that opening it again stays cheap.

import type { Evaluator, EvaluatorCommand } from '../runtime/evaluator/port.ts'
import type { Ledger } from './core.ts'
import type { Instances } from './instances.ts'
import type { DreFigures, DreLimits } from './ports.ts'
import type { ProcessStore } from './process-store.ts'

export type ClosingOptions = {
  readonly ledger: Ledger
  readonly evaluator: Evaluator
  readonly store: ProcessStore
  readonly limits: DreLimits
  readonly figures: DreFigures
}

/** Processes closed by one command batch. */
const CLOSE_MAX = 1_000

export class Closing {
  readonly #o: ClosingOptions
  readonly #instances: Instances

  constructor(options: ClosingOptions, instances: Instances) {
    this.#o = options
    this.#instances = instances
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
}
