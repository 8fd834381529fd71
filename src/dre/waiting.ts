// Which entries are not sent yet: those of a process that was lost, while something of it before is
// under way, and those behind one that waits.
//
// Owner: evaluation.ts. Invariant: V4 there.

import type { Placed } from './core.ts'
import type { Instances } from './instances.ts'
import type { Step } from './steps.ts'

export class Waiting {
  readonly #instances: Instances
  /** Processes that were lost, until nothing of them is under way (V4). */
  readonly #suspects = new Set<string>()
  /** How many entries of a process wait to be sent (V4). */
  readonly #waiting = new Map<string, number>()

  constructor(instances: Instances) {
    this.#instances = instances
  }

  /** It was lost: what of it is under way must be evaluated again before anything else. */
  suspect(process: string): void {
    this.#suspects.add(process)
  }

  /** Nor is what comes behind it sent, though an entry before it may open the process. */
  add(step: Step): void {
    if (step.waits) return
    step.waits = true
    const { process } = step.placed.entry.message
    this.#waiting.set(process, (this.#waiting.get(process) ?? 0) + 1)
  }

  remove(step: Step): void {
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
  mustWait({ row, slot }: Placed): boolean {
    if (row === undefined) return false
    const underWay = slot - 1 > row.writtenSlot
    if (!underWay) this.#suspects.delete(row.process)
    if (!underWay) return false
    if (this.#waiting.has(row.process)) return true
    return this.#suspects.has(row.process) || this.#instances.get(row.process) === undefined
  }
}
