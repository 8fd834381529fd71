// One sandbox: a machine with a hardened context in it, and what the host drives it by. Made by
// copying an image (the memory of a machine that was hardened once), so a new one costs a copy of
// about a megabyte.
//
// Owners: a Sandbox owns its machine, and the meter, the context and the reader of it; whoever made
// the sandbox drops it. Images belong to the runtime. Invariants: S1 a new one is as if the realm
// had just been made. S2 the time in it is that of the action about to run (R4).

import type { MemoryBound } from './engine.ts'
import { newMeteredMachine, type GasMeter } from './gas-meter.ts'
import { HeapReader } from './heap.ts'
import type { Image } from './image.ts'
import type { MachineMemory } from './machine-memory.ts'
import { ScriptContext } from './script-context.ts'
import { PAGES_MIN } from './transform.ts'

export class Sandbox {
  readonly gas: GasMeter
  readonly context: ScriptContext
  readonly #memory: MachineMemory
  readonly #bound: MemoryBound
  readonly #reader: HeapReader
  #reserved: readonly number[]
  #action = ''
  #timestamp: number | undefined

  constructor(image: Image, pagesMax: number) {
    this.#bound = { bytes: pagesMax * 65_536 }
    const made = newMeteredMachine(image.engine, pagesMax, this.#bound, () => this.#now())
    this.#memory = made.memory
    this.#memory.load(image)
    this.gas = made.gas
    this.gas.place(image.counter, image.collector)
    this.context = new ScriptContext(this.#memory, image.runtime, image.context)
    this.context.functions = image.functions
    this.#reserved = image.reserved
    this.#reader = new HeapReader(image.layout, this.#memory)
  }

  /** Reads what `context.run` gave. */
  get reader(): HeapReader {
    this.#reader.refresh(this.#memory)
    return this.#reader
  }

  /** The action about to run: its timestamp is the time, should anyone ask. */
  set action(json: string) {
    this.#action = json
    this.#timestamp = undefined
  }

  #now(): number {
    if (this.#timestamp !== undefined) return this.#timestamp
    const action = this.#action === '' ? {} : (JSON.parse(this.#action) as { timestamp?: unknown })
    this.#timestamp = typeof action.timestamp === 'number' ? action.timestamp : 0
    return this.#timestamp
  }

  /**
   * Frees the image's reserve, once the state is in. What a message takes and gives back then fits
   * these blocks as they are; else the allocator joins and splits neighbours all the time, which
   * took a seventh of a small message's time.
   */
  scatter(): void {
    for (const block of this.#reserved) this.#memory.machine.free(block)
    this.#reserved = []
  }

  /** From here on the memory may not grow past this, or past what it has. */
  boundMemory(bytes: number): void {
    this.#bound.bytes = Math.max(bytes, this.#memory.bytes.length)
  }

  memoryBytes(): number {
    // The engine's own stack (5 MiB, mostly untouched) is not counted.
    return Math.max(0, this.#memory.bytes.length - (PAGES_MIN - 16) * 65_536)
  }
}
