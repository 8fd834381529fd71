// The host's calls into the context of a machine: scripts evaluated, the driver's functions called
// with texts and numbers, promise jobs run, and what comes back read or thrown.
//
// Owners: a ScriptContext owns the room in the machine's memory through which arguments go; values
// that `evaluate`, `apply` and `run` give are the caller's to release. Invariants: X1 `dead` once
// set never clears: no call into a machine after a fault. X2 `run`, `runJobs` and `release`, which
// every message needs, make no object on the host.

import { MachineFault } from './engine.ts'
import type { Machine } from './engine.ts'
import { TAG } from './heap.ts'
import type { MachineMemory } from './machine-memory.ts'
import { ScriptError } from './script-error.ts'

/** The driver's functions, in the order of the list that driver.js ends as. */
export const DRIVER = {
  load: 0,
  make: 1,
  begin: 2,
  end: 3,
  text: 4,
  install: 5,
  undo: 6,
  snapshot: 7,
  probe: 8,
  spin: 9,
  migrate: 10,
} as const

const COMPILE_ONLY = 1 << 5
const SCRATCH_BYTES = 64
const TEXT_BYTES_MIN = 4_096

export class ScriptContext {
  readonly #memory: MachineMemory
  readonly #machine: Machine
  readonly #runtime: number
  readonly #context: number
  readonly #scratch: number
  readonly #undefined: number
  #text = 0
  #textBytes = 0
  /** Addresses of the driver's functions, by DRIVER. */
  functions: readonly number[] = []
  dead = false

  /** The addresses of a context in that memory and of its runtime. */
  constructor(memory: MachineMemory, runtime: number, context: number) {
    this.#memory = memory
    this.#machine = memory.machine
    this.#runtime = runtime
    this.#context = context
    this.#scratch = memory.machine.malloc(SCRATCH_BYTES)
    this.#undefined = memory.machine.getUndefined()
  }

  /** From here on, `fuel` steps until the machine traps (MachineFault 'fuel'). */
  set fuel(steps: number) {
    this.#machine.fuel.value = steps
  }

  /** A trap without fuel left is the meter's; any other is a fault of the engine. */
  #fault(error: unknown): unknown {
    this.dead = true
    const trap = error instanceof WebAssembly.RuntimeError
    return trap && this.#machine.fuel.value < 0 ? new MachineFault('fuel', 'out of fuel') : error
  }

  // ---- scripts

  /**
   * Evaluates a script text; throws a ScriptError with the script's message. Gives a pointer that
   * is kept.
   */
  evaluate(source: string, name: string, flags = 0): number {
    const code = this.#memory.cString(source)
    const file = this.#memory.cString(name)
    try {
      const bytes = Buffer.byteLength(source)
      return this.#checked(this.#machine.evaluate(this.#context, code, bytes, file, 0, flags))
    } finally {
      this.#machine.free(code)
      this.#machine.free(file)
    }
  }

  /** Calls a function with values; throws a ScriptError with what it threw. */
  apply(callee: number, args: readonly number[]): number {
    return this.#checked(this.#invoke(callee, args))
  }

  /** Compiles without running; throws a ScriptError. */
  parse(source: string): void {
    this.release(this.evaluate(source, 'module.js', COMPILE_ONLY))
  }

  /** Evaluates an expression that is a function and hands it to the driver. */
  make(source: string): void {
    const compiled = this.evaluate(source, 'module.js')
    this.release(this.apply(this.functions[DRIVER.make] as number, [compiled]))
    this.release(compiled)
  }

  #checked(value: number): number {
    if (this.#tag(value) !== TAG.exception) return value
    const error = this.#machine.resolveException(this.#context, value)
    const dump = this.#machine.dump(this.#context, error)
    const text = this.#memory.textAt(dump)
    this.#machine.free(dump)
    this.release(error)
    throw new ScriptError(text)
  }

  // ---- calls of the driver

  /**
   * Calls one of the driver's functions with texts. Gives its text, or undefined for none and for
   * an interrupt (then the meter is exhausted). Throws MachineFault or a RangeError of V8's stack:
   * the context is dead after either.
   */
  call(index: number, texts: readonly string[] = []): string | undefined {
    try {
      const args = texts.map((text) => {
        const at = this.#memory.cString(text)
        const value = this.#machine.newString(this.#context, at)
        this.#machine.free(at)
        return value
      })
      const result = this.#invoke(this.functions[index] as number, args)
      for (const value of args) this.release(value)
      return this.#take(result)
    } catch (error) {
      throw this.#fault(error)
    }
  }

  /**
   * As `call`, for what is called per message: at most one argument, a text, which is copied into
   * room that is kept, or a whole number. Gives the address of what came back, for a HeapReader and
   * `release`, or 0 for an interrupt.
   */
  run(index: number, argument?: string | number): number {
    const machine = this.#machine
    try {
      let value = 0
      if (typeof argument === 'string') value = this.#textValue(argument)
      else if (argument !== undefined) value = this.#integer(argument)
      this.#memory.words[this.#scratch >> 2] = value
      const callee = this.functions[index] as number
      const count = argument === undefined ? 0 : 1
      const result = machine.call(this.#context, callee, this.#undefined, count, this.#scratch)
      if (typeof argument === 'string') machine.freeValue(this.#context, value)
      if (this.#tag(result) !== TAG.exception) return result
      machine.freeValue(this.#context, machine.resolveException(this.#context, result))
      return 0
    } catch (error) {
      throw this.#fault(error)
    }
  }

  /** The value is needed no more. */
  release(value: number): void {
    this.#machine.freeValue(this.#context, value)
  }

  /** The text that `run` gave; released. */
  textOf(value: number): string {
    return this.#take(value) as string
  }

  /**
   * Runs at most `jobsMax` jobs of the promise queue: how many ran, or −1 where more are left than
   * that.
   */
  runJobs(jobsMax: number): number {
    const machine = this.#machine
    try {
      let ran = 0
      while (machine.isJobPending(this.#runtime) !== 0) {
        if (ran === jobsMax) return -1
        const value = machine.executePendingJob(this.#runtime, 1, this.#scratch)
        machine.freeValue(this.#context, value)
        ran += 1
      }
      return ran
    } catch (error) {
      throw this.#fault(error)
    }
  }

  // ---- values

  #invoke(callee: number, args: readonly number[]): number {
    const { words } = this.#memory
    args.forEach((arg, index) => (words[(this.#scratch >> 2) + index] = arg))
    return this.#machine.call(this.#context, callee, this.#undefined, args.length, this.#scratch)
  }

  #tag(value: number): number {
    return this.#memory.words[(value >> 2) + 1] as number
  }

  #textValue(text: string): number {
    // A unit takes three bytes at most.
    const room = 3 * text.length + 1
    if (room > this.#textBytes) {
      if (this.#text !== 0) this.#machine.free(this.#text)
      this.#textBytes = Math.max(TEXT_BYTES_MIN, 2 * room)
      this.#text = this.#machine.malloc(this.#textBytes)
    }
    const { bytes } = this.#memory
    const length = bytes.write(text, this.#text, room - 1, 'utf8')
    bytes[this.#text + length] = 0
    return this.#machine.newString(this.#context, this.#text)
  }

  /** A value of the second half of the scratch room. */
  #integer(value: number): number {
    const { words } = this.#memory
    const at = this.#scratch + SCRATCH_BYTES / 2
    words[at >> 2] = value
    words[(at >> 2) + 1] = TAG.int
    return at
  }

  #take(result: number): string | undefined {
    const machine = this.#machine
    const tag = this.#tag(result)
    if (tag === TAG.exception) {
      machine.freeValue(this.#context, machine.resolveException(this.#context, result))
      return undefined
    }
    if (tag === TAG.undefined) {
      machine.freeValue(this.#context, result)
      return undefined
    }
    const at = machine.getString(this.#context, result)
    const text = this.#memory.textAt(at)
    machine.freeCString(this.#context, at)
    machine.freeValue(this.#context, result)
    return text
  }
}
