// One sandbox: a machine with a hardened context in it, and the few calls by which the host drives
// it. Made by copying an image (the memory of a sandbox that was hardened once), so a new one costs
// a copy of about a megabyte.
//
// Owners: a Sandbox owns its machine; whoever made it drops it. Images belong to the runtime.
// Invariants: S1 gas is the number of the engine's polls plus charges, read from its own counter,
// so it does not depend on what ran before. S2 `dead` once set never clears: no call into a machine
// after a fault. S3 outside a metered call the counter is as far away as it can be.

import { asBuffer } from '../../std/bytes.ts'
import { MachineFault, newMachine } from './engine.ts'
import type { Engine, Machine, MachineHost, MemoryBound } from './engine.ts'
import { checkGas, DRIVER, findCollector, findCounter, memoryImage, ScriptError } from './image.ts'
import type { Image, Scripts } from './image.ts'
import { findLayout, HeapReader, TAG, type Layout, type Views } from './heap.ts'
import { PAGES_MIN } from './transform.ts'

const UNMETERED = 0x7fffffff
/** What QuickJS sets its counter to before it asks the host. */
const COUNTER_RESET = 10_000
/** A regular expression asks once per 10,000 steps of its own. */
const REGEXP_GAS = 5_000
/**
 * Fewer frames than the engine's own stack could hold: V8's stack, under it, must never be the
 * first to end.
 */
const STACK_BYTES = 192 * 1024
export const FUEL_MAX = 0x7fffffff
const COLLECT_BYTES = 2_097_152
/** Some 70 KB in all. */
const SCATTER_ROUNDS = 12
const SCATTER_BYTES_MIN = 12
const SCATTER_BYTES_MAX = 252
const COMPILE_ONLY = 1 << 5

export class Sandbox {
  readonly machine: Machine
  readonly #bound: MemoryBound
  #runtime = 0
  #context = 0
  #functions: readonly number[] = []
  #counter = 0
  #collector = 0
  #scratch = 0
  #undefined = 0
  #reserved: readonly number[] = []
  #text = 0
  #textBytes = 0
  #reader: HeapReader | undefined
  #exhausted = false
  #action = ''
  #timestamp: number | undefined
  #buffer: Buffer
  #words: Int32Array
  dead = false

  private constructor(engine: Engine, pagesMax: number) {
    const host: MachineHost = {
      now: () => this.#now(),
      interrupted: () => this.#interrupted(),
      called: (argv) => this.#burn(argv),
    }
    this.#bound = { bytes: pagesMax * 65_536 }
    this.machine = newMachine(engine, host, pagesMax, this.#bound)
    this.fuel = FUEL_MAX
    this.#buffer = asBuffer(new Uint8Array(this.machine.memory.buffer))
    this.#words = new Int32Array(this.machine.memory.buffer)
  }

  /** A copy of the image: as if the realm had just been made. */
  static copy(image: Image, pagesMax: number): Sandbox {
    const sandbox = new Sandbox(image.engine, pagesMax)
    const { memory } = sandbox.machine
    const missing = image.end - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / 65_536))
    const all = new Uint8Array(memory.buffer)
    for (const run of image.runs) all.set(run.bytes, run.at)
    sandbox.#runtime = image.runtime
    sandbox.#context = image.context
    sandbox.#functions = image.functions
    sandbox.#counter = image.counter
    sandbox.#collector = image.collector
    sandbox.#reserved = image.reserved
    sandbox.#scratch = sandbox.machine.malloc(64)
    sandbox.#undefined = sandbox.machine.getUndefined()
    sandbox.#refresh()
    sandbox.#reader = new HeapReader(image.layout, sandbox.#views())
    return sandbox
  }

  /**
   * Builds a context, runs the scripts, finds the counter, and keeps the memory. Throws
   * 'engine-unknown'.
   */
  static image(engine: Engine, scripts: Scripts): Image {
    const sandbox = new Sandbox(engine, 4_096)
    const { machine } = sandbox
    machine.initialize()
    sandbox.#runtime = machine.newRuntime()
    sandbox.#refresh()
    sandbox.#collector = findCollector(sandbox.#words, sandbox.#runtime)
    machine.setMaxStackSize(sandbox.#runtime, STACK_BYTES)
    sandbox.#context = machine.newContext(sandbox.#runtime, 0)
    machine.enableInterrupts(sandbox.#runtime)
    sandbox.#scratch = machine.malloc(64)
    // Until the counter is known, the place it would have must be harmless to write.
    sandbox.#counter = machine.malloc(8)
    sandbox.#undefined = machine.getUndefined()
    sandbox.#refresh()
    sandbox.unmeter()
    sandbox.#functions = sandbox.#driver(scripts)
    sandbox.#counter = sandbox.#findCounter()
    checkGas(sandbox)
    const layout = sandbox.#findLayout()
    const reserved = sandbox.#reserve()
    return {
      engine,
      ...memoryImage(machine.memory),
      runtime: sandbox.#runtime,
      context: sandbox.#context,
      functions: sandbox.#functions,
      counter: sandbox.#counter,
      collector: sandbox.#collector,
      layout,
      reserved,
    }
  }

  #driver(scripts: Scripts): number[] {
    const { machine } = this
    const name = this.#cString('burn')
    const burn = machine.newFunction(this.#context, name, 1, 0, 1)
    machine.free(name)
    const made = ['driver', 'overlay', 'realm'].map((key) =>
      this.#evaluate(scripts[key as keyof Scripts], `${key}.js`),
    )
    const [driver = 0, overlay = 0, realm = 0] = made
    const list = this.#checked(this.#invoke(driver, [burn, overlay, realm]))
    return Object.values(DRIVER).map((index) =>
      machine.property(this.#context, list, index),
    )
  }

  #findCounter(): number {
    return findCounter(this.#context, (turns) => {
      this.call(DRIVER.spin, [turns])
      return this.#words
    })
  }

  #findLayout(): Layout {
    const made: number[] = []
    const layout = findLayout(this.#runtime, (source) => {
      const value = this.#evaluate(source, 'layout.js')
      made.push(value)
      this.#refresh()
      return { at: value, views: this.#views() }
    })
    for (const value of made) this.machine.freeValue(this.#context, value)
    return layout
  }

  // ---- gas

  /** From here on, `gas` polls until the script is interrupted. */
  meter(gas: number): void {
    this.#refresh()
    this.#exhausted = false
    this.#words[this.#counter >> 2] = gas
    // A module's scope is a cycle, so every message leaves some: collecting small heaps at once
    // would cost more than the messages. Nothing a contract can see depends on it.
    const at = this.#collector >> 2
    if ((this.#words[at] as number) < COLLECT_BYTES) this.#words[at] = COLLECT_BYTES
  }

  unmeter(): void {
    this.#refresh()
    this.#exhausted = false
    this.#words[this.#counter >> 2] = UNMETERED
  }

  /** What is left of what `meter` gave; 0 or less when exhausted. */
  left(): number {
    // The last call may have made the memory grow.
    this.#refresh()
    return this.#exhausted ? 0 : (this.#words[this.#counter >> 2] as number)
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

  get exhausted(): boolean {
    return this.#exhausted
  }

  #interrupted(): boolean {
    this.#refresh()
    const at = this.#counter >> 2
    const left = this.#words[at] as number
    if (!this.#exhausted && left !== COUNTER_RESET && left > REGEXP_GAS) {
      this.#words[at] = left - REGEXP_GAS
      return false
    }
    // From now on every poll interrupts, so that nothing of the contract goes on.
    this.#exhausted = true
    this.#words[at] = 1
    return true
  }

  #burn(argv: number): number {
    this.#refresh()
    const at = this.#counter >> 2
    const left = (this.#words[at] as number) - (this.#words[argv >> 2] as number)
    if (left > 1 && !this.#exhausted) {
      this.#words[at] = left
      return 0
    }
    this.#words[at] = 1
    const truth = this.machine.malloc(8)
    this.#refresh()
    this.#words[truth >> 2] = 1
    this.#words[(truth >> 2) + 1] = 1
    return truth
  }

  // ---- calls

  /** Views of a memory that has grown since are empty, which is cheaper to ask than the memory. */
  #refresh(): void {
    if (this.#words.length !== 0) return
    this.#buffer = asBuffer(new Uint8Array(this.machine.memory.buffer))
    this.#words = new Int32Array(this.machine.memory.buffer)
    this.#reader?.refresh(this.#views())
  }

  #views(): Views {
    return { words: this.#words, bytes: this.#buffer }
  }

  /** Reads what `run` gave. */
  get reader(): HeapReader {
    this.#refresh()
    return this.#reader as HeapReader
  }

  #cString(text: string): number {
    const bytes = Buffer.byteLength(text)
    const at = this.machine.malloc(bytes + 1)
    this.#refresh()
    this.#buffer.write(text, at, bytes, 'utf8')
    this.#buffer[at + bytes] = 0
    return at
  }

  #textAt(at: number): string {
    this.#refresh()
    return this.#buffer.toString('utf8', at, this.#buffer.indexOf(0, at))
  }

  #invoke(callee: number, args: readonly number[]): number {
    const { machine } = this
    this.#refresh()
    args.forEach((arg, index) => (this.#words[(this.#scratch >> 2) + index] = arg))
    return machine.call(this.#context, callee, this.#undefined, args.length, this.#scratch)
  }

  #tag(value: number): number {
    this.#refresh()
    return this.#words[(value >> 2) + 1] as number
  }

  /** From here on, `fuel` steps until the machine traps (MachineFault 'fuel'). */
  set fuel(steps: number) {
    this.machine.fuel.value = steps
  }

  /** A trap without fuel left is the meter's; any other is a fault of the engine. */
  #fault(error: unknown): unknown {
    this.dead = true
    const trap = error instanceof WebAssembly.RuntimeError
    return trap && this.machine.fuel.value < 0 ? new MachineFault('fuel', 'out of fuel') : error
  }

  /**
   * Evaluates a script text; throws a ScriptError with the script's message. Gives a pointer that
   * is kept.
   */
  #evaluate(source: string, name: string, flags = 0): number {
    const code = this.#cString(source)
    const file = this.#cString(name)
    try {
      const bytes = Buffer.byteLength(source)
      return this.#checked(
        this.machine.evaluate(this.#context, code, bytes, file, 0, flags),
      )
    } finally {
      this.machine.free(code)
      this.machine.free(file)
    }
  }

  #checked(value: number): number {
    if (this.#tag(value) !== TAG.exception) return value
    const error = this.machine.resolveException(this.#context, value)
    const dump = this.machine.dump(this.#context, error)
    const text = this.#textAt(dump)
    this.machine.free(dump)
    this.machine.freeValue(this.#context, error)
    throw new ScriptError(text)
  }

  /**
   * Calls one of the driver's functions with texts. Gives its text, or undefined for none and for
   * an interrupt (then `exhausted` is set). Throws MachineFault or a RangeError of V8's stack: the
   * sandbox is dead after either.
   */
  call(index: number, texts: readonly string[] = []): string | undefined {
    const { machine } = this
    const context = this.#context
    try {
      const args = texts.map((text) => {
        const at = this.#cString(text)
        const value = machine.newString(context, at)
        machine.free(at)
        return value
      })
      const result = this.#invoke(this.#functions[index] as number, args)
      for (const value of args) machine.freeValue(context, value)
      return this.#take(result)
    } catch (error) {
      throw this.#fault(error)
    }
  }

  /**
   * As `call`, for what is called per message: at most one argument, a text, which is copied into
   * room that is kept, or a whole number. Gives the address of what came back, for `reader` and
   * `release`, or 0 for an interrupt.
   */
  run(index: number, argument?: string | number): number {
    const { machine } = this
    try {
      let value = 0
      if (typeof argument === 'string') value = this.#textValue(argument)
      else if (argument !== undefined) value = this.#integer(argument)
      this.#refresh()
      this.#words[this.#scratch >> 2] = value
      const callee = this.#functions[index] as number
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

  /** What `run` gave is needed no more. */
  release(value: number): void {
    this.machine.freeValue(this.#context, value)
  }

  /** The text that `run` gave; released. */
  textOf(value: number): string {
    return this.#take(value) as string
  }

  #textValue(text: string): number {
    // A unit takes three bytes at most.
    const room = 3 * text.length + 1
    if (room > this.#textBytes) {
      if (this.#text !== 0) this.machine.free(this.#text)
      this.#textBytes = Math.max(4_096, 2 * room)
      this.#text = this.machine.malloc(this.#textBytes)
      this.#refresh()
    }
    const bytes = this.#buffer.write(text, this.#text, room - 1, 'utf8')
    this.#buffer[this.#text + bytes] = 0
    return this.machine.newString(this.#context, this.#text)
  }

  /** A value of the second half of the scratch room. */
  #integer(value: number): number {
    const at = this.#scratch + 32
    this.#words[at >> 2] = value
    this.#words[(at >> 2) + 1] = TAG.int
    return at
  }

  #take(result: number): string | undefined {
    const { machine } = this
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
    const text = this.#textAt(at)
    machine.freeCString(this.#context, at)
    machine.freeValue(this.#context, result)
    return text
  }

  /**
   * Runs at most `jobsMax` jobs of the promise queue: how many ran, or −1 where more are left than
   * that.
   */
  runJobs(jobsMax: number): number {
    const { machine } = this
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

  /** Compiles without running; throws a ScriptError. */
  parse(source: string): void {
    this.machine.freeValue(this.#context, this.#evaluate(source, 'module.js', COMPILE_ONLY))
  }

  /** Evaluates an expression that is a function and hands it to the driver. */
  make(source: string): void {
    const compiled = this.#evaluate(source, 'module.js')
    const result = this.#invoke(this.#functions[DRIVER.make] as number, [compiled])
    this.machine.freeValue(this.#context, this.#checked(result))
    this.machine.freeValue(this.#context, compiled)
  }

  /** Blocks of each small size, each with a block behind it that stays in use. */
  #reserve(): number[] {
    const { malloc } = this.machine
    const blocks: number[] = []
    for (let round = 0; round < SCATTER_ROUNDS; round++) {
      for (let bytes = SCATTER_BYTES_MIN; bytes <= SCATTER_BYTES_MAX; bytes += 8) {
        blocks.push(malloc(bytes))
        malloc(SCATTER_BYTES_MIN)
      }
    }
    return blocks
  }

  /**
   * Frees the image's reserve, once the state is in. What a message takes and gives back then fits
   * these blocks as they are; else the allocator joins and splits neighbours all the time, which
   * took a seventh of a small message's time.
   */
  scatter(): void {
    for (const block of this.#reserved) this.machine.free(block)
    this.#reserved = []
  }

  /** From here on the memory may not grow past this, or past what it has. */
  boundMemory(bytes: number): void {
    this.#bound.bytes = Math.max(bytes, this.machine.memory.buffer.byteLength)
  }

  memoryBytes(): number {
    this.#refresh()
    // The engine's own stack (5 MiB, mostly untouched) is not counted.
    return Math.max(0, this.#words.byteLength - (PAGES_MIN - 16) * 65_536)
  }
}
