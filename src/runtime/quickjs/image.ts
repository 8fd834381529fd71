// What every sandbox of a runtime starts from, and how it is found in an engine that was just set
// up: the words that the gas counter and the collector's threshold are, checked by what they do.
//
// Owners: nothing is kept here. Invariants: I1 a place that is not found exactly once, or does not
// do what it should, refuses the engine ('engine-unknown').

import { asBuffer } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'
import type { Engine } from './engine.ts'
import type { Layout } from './heap.ts'

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

/** Polls in one turn of an empty loop: the test and the jump. */
const TURN_GAS = 2
const RUN_BYTES = 4_096
/** Words of a context or runtime that are looked at. */
const WORDS = 128

export type Scripts = { readonly overlay: string; readonly realm: string; readonly driver: string }

export type Image = {
  readonly engine: Engine
  /** What is not zero in the memory, in runs. */
  readonly runs: readonly { readonly at: number; readonly bytes: Uint8Array }[]
  readonly end: number
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
 * The size of the heap at which cycles are collected: the one word of a new runtime that says 256
 * KiB.
 */
export function findCollector(words: Int32Array, runtime: number): number {
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
export function findCounter(context: number, spin: (turns: string) => Int32Array): number {
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

/** The side of a sandbox that counts. */
export type Metered = {
  meter(gas: number): void
  unmeter(): void
  left(): number
  call(index: number, texts: readonly string[]): string | undefined
  readonly exhausted: boolean
}

/** Throws unless a new sandbox counts its gas, and can be interrupted. */
export function checkGas(sandbox: Metered): void {
  for (const turns of [0, 7, 25_000]) {
    sandbox.meter(100_000)
    sandbox.call(DRIVER.spin, [String(turns)])
    const gas = 100_000 - sandbox.left()
    sandbox.meter(100_000)
    sandbox.call(DRIVER.spin, [String(turns + 1)])
    if (100_000 - sandbox.left() !== gas + TURN_GAS || gas < turns) {
      throw new HbError('engine-unknown', 'its gas counter does not count')
    }
  }
  sandbox.meter(1_000)
  if (sandbox.call(DRIVER.spin, ['5000']) !== undefined || !sandbox.exhausted) {
    throw new HbError('engine-unknown', 'it cannot be interrupted')
  }
  sandbox.unmeter()
}

export function memoryImage(memory: WebAssembly.Memory): Pick<Image, 'runs' | 'end'> {
  const all = asBuffer(new Uint8Array(memory.buffer))
  const empty = Buffer.alloc(RUN_BYTES)
  const runs: { at: number; bytes: Uint8Array }[] = []
  let start = -1
  for (let at = 0; at <= all.length; at += RUN_BYTES) {
    const zero = at === all.length || all.compare(empty, 0, RUN_BYTES, at, at + RUN_BYTES) === 0
    if (!zero && start < 0) start = at
    if (zero && start >= 0) {
      runs.push({ at: start, bytes: Uint8Array.prototype.slice.call(all, start, at) })
      start = -1
    }
  }
  const last = runs.at(-1)
  return { runs, end: last === undefined ? 0 : last.at + last.bytes.length }
}

/** A script that did not parse or threw while it was set up; `detail` is the engine's message. */
export class ScriptError extends Error {
  readonly detail: string
  constructor(dump: string) {
    super(dump)
    this.detail = detailOf(dump)
  }
}

function detailOf(dump: string): string {
  try {
    const { name, message } = JSON.parse(dump) as { name?: string; message?: string }
    return `${name ?? 'Error'}: ${message ?? ''}`
  } catch {
    return dump
  }
}
