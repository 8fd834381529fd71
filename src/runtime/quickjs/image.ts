// What every sandbox of a runtime starts from: the memory of a machine whose context was made and
// hardened once, and the addresses of what the host drives in it. Two of them, the words of the gas
// counter and of the collector's threshold, are found in the engine and checked by what they do.
//
// Owners: whoever asks for an image owns it; nothing is kept here. Invariants: I1 a place that is
// not found exactly once, or does not do what it should, refuses the engine ('engine-unknown'). I2
// the same engine and scripts give the same image, byte for byte.

import { HbError } from '../../std/errors.ts'
import type { Engine, Machine } from './engine.ts'
import { newMeteredMachine, type GasMeter } from './gas-meter.ts'
import { findLayout, type Layout } from './heap.ts'
import type { MachineMemory, MemoryImage } from './machine-memory.ts'
import { DRIVER, ScriptContext } from './script-context.ts'

const PAGES_MAX = 4_096
/**
 * Fewer frames than the engine's own stack could hold: V8's stack, under it, must never be the
 * first to end.
 */
const STACK_BYTES = 192 * 1024
/** Some 70 KB in all. */
const SCATTER_ROUNDS = 12
const SCATTER_BYTES_MIN = 12
const SCATTER_BYTES_MAX = 252
/** Polls in one turn of an empty loop: the test and the jump. */
const TURN_GAS = 2
/** Words of a context or runtime that are looked at. */
const WORDS = 128

export type Scripts = { readonly overlay: string; readonly realm: string; readonly driver: string }

export type Image = MemoryImage & {
  readonly engine: Engine
  readonly runtime: number
  readonly context: number
  readonly functions: readonly number[]
  readonly counter: number
  readonly collector: number
  readonly layout: Layout
  /** Blocks of memory to free once a state is loaded. */
  readonly reserved: readonly number[]
}

/**
 * Builds a context, runs the scripts, finds the counter, and keeps the memory. Throws
 * 'engine-unknown'.
 */
export function makeImage(engine: Engine, scripts: Scripts): Image {
  const bound = { bytes: PAGES_MAX * 65_536 }
  const { memory, gas } = newMeteredMachine(engine, PAGES_MAX, bound, () => 0)
  const { machine } = memory
  machine.initialize()
  const runtime = machine.newRuntime()
  const collector = findCollector(memory.words, runtime)
  machine.setMaxStackSize(runtime, STACK_BYTES)
  const address = machine.newContext(runtime, 0)
  machine.enableInterrupts(runtime)
  const context = new ScriptContext(memory, runtime, address)
  // Until the counter is known, the place it would have must be harmless to write.
  gas.place(machine.malloc(8), collector)
  gas.unmeter()
  context.functions = driverFunctions(memory, context, address, scripts)
  const counter = findCounter(address, (turns) => {
    context.call(DRIVER.spin, [turns])
    return memory.words
  })
  gas.place(counter, collector)
  checkGas(gas, context)
  const layout = layoutOf(memory, context, runtime)
  const reserved = reserve(machine)
  const { functions } = context
  return {
    ...memory.image(),
    engine,
    runtime,
    context: address,
    functions,
    counter,
    collector,
    layout,
    reserved,
  }
}

function driverFunctions(
  memory: MachineMemory,
  context: ScriptContext,
  address: number,
  scripts: Scripts,
): number[] {
  const { machine } = memory
  const name = memory.cString('burn')
  const burn = machine.newFunction(address, name, 1, 0, 1)
  machine.free(name)
  const driver = context.evaluate(scripts.driver, 'driver.js')
  const overlay = context.evaluate(scripts.overlay, 'overlay.js')
  const realm = context.evaluate(scripts.realm, 'realm.js')
  const list = context.apply(driver, [burn, overlay, realm])
  return Object.values(DRIVER).map((index) => machine.property(address, list, index))
}

function layoutOf(memory: MachineMemory, context: ScriptContext, runtime: number): Layout {
  const made: number[] = []
  const layout = findLayout(runtime, (source) => {
    const value = context.evaluate(source, 'layout.js')
    made.push(value)
    return { at: value, views: memory }
  })
  for (const value of made) context.release(value)
  return layout
}

/** Blocks of each small size, each with a block behind it that stays in use. */
function reserve({ malloc }: Machine): number[] {
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
 * The size of the heap at which cycles are collected: the one word of a new runtime that says 256
 * KiB.
 */
function findCollector(words: Int32Array, runtime: number): number {
  const start = runtime >> 2
  const found: number[] = []
  for (let at = start; at < start + WORDS; at++) if (words[at] === 262_144) found.push(at * 4)
  const [collector] = found
  if (found.length !== 1 || collector === undefined) {
    throw new HbError('engine-unknown', `its collector is not found (${found.length} places)`)
  }
  return collector
}

/**
 * The counter is the one word of the context that a loop of n turns lowers by so much more than a
 * loop of none. `spin` runs such a loop and gives the memory.
 */
function findCounter(context: number, spin: (turns: string) => Int32Array): number {
  const drops = (turns: string): Int32Array => {
    const before = spin('0').slice(context >> 2, (context >> 2) + WORDS)
    const after = spin(turns).subarray(context >> 2, (context >> 2) + WORDS)
    return before.map((word, index) => word - (after[index] as number))
  }
  const found: number[] = []
  // The counter may start over within one of the loops, but not in three pairs of them.
  for (let round = 0; round < 3 && found.length === 0; round++) {
    const idle = drops('0')
    drops('1357').forEach((drop, index) => {
      const more = drop - (idle[index] as number)
      if (more === TURN_GAS * 1357) found.push(context + index * 4)
    })
  }
  const [counter] = found
  if (found.length !== 1 || counter === undefined) {
    throw new HbError('engine-unknown', `its gas counter is not found (${found.length} places)`)
  }
  return counter
}

/** Throws unless a new context counts its gas, and can be interrupted. */
function checkGas(gas: GasMeter, context: ScriptContext): void {
  const spent = (turns: number): number => {
    gas.meter(100_000)
    context.call(DRIVER.spin, [String(turns)])
    return 100_000 - gas.left()
  }
  for (const turns of [0, 7, 25_000]) {
    const few = spent(turns)
    if (spent(turns + 1) !== few + TURN_GAS || few < turns) {
      throw new HbError('engine-unknown', 'its gas counter does not count')
    }
  }
  gas.meter(1_000)
  if (context.call(DRIVER.spin, ['5000']) !== undefined || !gas.exhausted) {
    throw new HbError('engine-unknown', 'it cannot be interrupted')
  }
  gas.unmeter()
}
