// The gas of a machine: the engine's own counter of polls, which the host sets before a message and
// reads after it, and what happens when it has run down.
//
// Owners: a GasMeter owns two words of its machine's memory: the counter, and the size at which the
// engine collects cycles. Invariants: G1 gas is the number of the engine's polls plus charges, read
// from its own counter, so it does not depend on what ran before. G2 once exhausted, every poll
// interrupts until the meter is set again. G3 outside a metered call the counter is as far away as
// it can be.

import { FUEL_MAX, newMachine } from './engine.ts'
import type { Engine, MachineHost, MemoryBound } from './engine.ts'
import { MachineMemory } from './machine-memory.ts'

const UNMETERED = 0x7fffffff
/** What QuickJS sets its counter to before it asks the host. */
const COUNTER_RESET = 10_000
/** A regular expression asks once per 10,000 steps of its own. */
const REGEXP_GAS = 5_000
const COLLECT_BYTES = 2_097_152

export class GasMeter {
  readonly #memory: MachineMemory
  #counter = 0
  #collector = 0
  #exhausted = false

  constructor(memory: MachineMemory) {
    this.#memory = memory
  }

  /** The addresses of its two words, before anything is metered. */
  place(counter: number, collector: number): void {
    this.#counter = counter
    this.#collector = collector
  }

  /** From here on, `gas` polls until the script is interrupted. */
  meter(gas: number): void {
    const { words } = this.#memory
    this.#exhausted = false
    words[this.#counter >> 2] = gas
    // A module's scope is a cycle, so every message leaves some: collecting small heaps at once
    // would cost more than the messages. Nothing a contract can see depends on it.
    const at = this.#collector >> 2
    if ((words[at] as number) < COLLECT_BYTES) words[at] = COLLECT_BYTES
  }

  unmeter(): void {
    this.#exhausted = false
    this.#memory.words[this.#counter >> 2] = UNMETERED
  }

  /** What is left of what `meter` gave; 0 or less when exhausted. */
  left(): number {
    return this.#exhausted ? 0 : (this.#memory.words[this.#counter >> 2] as number)
  }

  get exhausted(): boolean {
    return this.#exhausted
  }

  /** The machine's counter reached zero: whether that ends the script. */
  interrupted(): boolean {
    const { words } = this.#memory
    const at = this.#counter >> 2
    const left = words[at] as number
    if (!this.#exhausted && left !== COUNTER_RESET && left > REGEXP_GAS) {
      words[at] = left - REGEXP_GAS
      return false
    }
    // From now on every poll interrupts, so that nothing of the contract goes on.
    this.#exhausted = true
    words[at] = 1
    return true
  }

  /** Charges the integer at `argv`; gives undefined (0), or true where that is too much. */
  burn(argv: number): number {
    const { words } = this.#memory
    const at = this.#counter >> 2
    const left = (words[at] as number) - (words[argv >> 2] as number)
    if (left > 1 && !this.#exhausted) {
      words[at] = left
      return 0
    }
    words[at] = 1
    const truth = this.#memory.machine.malloc(8)
    const now = this.#memory.words
    now[truth >> 2] = 1
    now[(truth >> 2) + 1] = 1
    return truth
  }
}

export type MeteredMachine = { readonly memory: MachineMemory; readonly gas: GasMeter }

/** A machine with nothing in it that asks its meter; `now` gives ms since the epoch, for Date. */
export function newMeteredMachine(
  engine: Engine,
  pagesMax: number,
  bound: MemoryBound,
  now: () => number,
): MeteredMachine {
  const host: MachineHost = {
    now,
    interrupted: () => gas.interrupted(),
    called: (argv) => gas.burn(argv),
  }
  const machine = newMachine(engine, host, pagesMax, bound)
  machine.fuel.value = FUEL_MAX
  const memory = new MachineMemory(machine)
  const gas = new GasMeter(memory)
  return { memory, gas }
}
