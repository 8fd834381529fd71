// The WebAssembly engine: QuickJS 2025-09-13 as @jitl/quickjs-wasmfile-release-sync ships it,
// loaded without its JavaScript glue, so that an instance is one memory, made synchronously, and
// every import is ours and deterministic.
//
// Owners: an Engine owns the compiled module (shareable between threads); a Machine owns one
// memory. Who makes a machine drops it: there is nothing to free but the memory.
//
// Invariants: W1 the binary is the one whose hash is pinned here: it is part of genesis (sandbox
// engine and version). W2 no import reads a clock, a locale, an environment or randomness. W3
// running out of memory or an abort leaves by a MachineFault, never as something that a contract
// could catch.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { sha256 } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'
import { PAGES_MIN, transformEngine } from './transform.ts'

/** Of the binary that SANDBOX (sandbox-version.ts) names. */
const ENGINE_HASH = '105c3bed22d457e43e3d1c3c1c6959fda62a8fe06f0fc8a985303c3a2be72232'
/**
 * Index of build_backtrace in that binary: the one function that refers to the text " at %s".
 */
const TRACE_FUNCTION = 348
const PAGE_BYTES = 65_536
/** A machine counts its fuel in an i32. */
export const FUEL_MAX = 0x7fffffff

export type Engine = { readonly module: WebAssembly.Module }

/** Compiles the pinned binary; throws 'engine-unknown' for another one. */
export function loadEngine(): Engine {
  const require = createRequire(import.meta.url)
  const bytes = readFileSync(require.resolve('@jitl/quickjs-wasmfile-release-sync/wasm'))
  const hash = sha256(bytes).toString('hex')
  if (hash !== ENGINE_HASH) throw new HbError('engine-unknown', `its SHA-256 is ${hash}`)
  return { module: new WebAssembly.Module(transformEngine(bytes, TRACE_FUNCTION)) }
}

/** Thrown through the engine: the machine it left is dead. */
export class MachineFault extends Error {
  readonly reason: 'memory' | 'fuel' | 'abort'
  constructor(reason: 'memory' | 'fuel' | 'abort', text: string) {
    super(text)
    this.reason = reason
  }
}

/** What a machine asks of its owner while it runs. */
export type MachineHost = {
  /** ms since the epoch, for Date. */
  now(): number
  /** The interrupt counter reached zero; true ends the script. */
  interrupted(): boolean
  /** The script called its one host function. Gives a pointer to a new JSValue, 0 for undefined. */
  called(argv: number): number
}

/** How far the memory may grow now; the owner may change it between calls. */
export type MemoryBound = { bytes: number }

type Native = (...args: number[]) => number

/** The exports used here; `v`, `M`, … are the names in the pinned binary. */
export type Machine = {
  /** What is left to do before the machine traps; see transform.ts. */
  readonly fuel: { value: number }
  readonly memory: WebAssembly.Memory
  readonly initialize: Native
  readonly malloc: Native
  readonly free: Native
  readonly newRuntime: Native
  readonly newContext: Native
  readonly freeValue: Native
  readonly newString: Native
  readonly getString: Native
  readonly freeCString: Native
  readonly getUndefined: Native
  readonly isJobPending: Native
  readonly executePendingJob: Native
  readonly call: Native
  readonly resolveException: Native
  readonly dump: Native
  readonly evaluate: Native
  readonly newFunction: Native
  readonly property: Native
  readonly enableInterrupts: Native
  readonly setMaxStackSize: Native
}

/**
 * A new memory with nothing in it: call `initialize` and build a context, or copy an image into it.
 */
export function newMachine(
  engine: Engine,
  host: MachineHost,
  pagesMax: number,
  bound: MemoryBound,
): Machine {
  const memory = new WebAssembly.Memory({ initial: PAGES_MIN, maximum: pagesMax })
  const { exports } = new WebAssembly.Instance(engine.module, {
    a: { a: memory, ...imports(memory, host, bound) },
  })
  const native = (name: string): Native => exports[name] as Native
  return {
    fuel: exports['fuel'] as { value: number },
    memory,
    initialize: native('u'),
    malloc: native('v'),
    free: native('M'),
    newRuntime: native('K'),
    newContext: native('N'),
    freeValue: native('P'),
    newString: native('_'),
    getString: native('$'),
    freeCString: native('S'),
    getUndefined: native('E'),
    isJobPending: native('fa'),
    executePendingJob: native('ga'),
    call: native('ma'),
    resolveException: native('na'),
    dump: native('oa'),
    evaluate: native('pa'),
    newFunction: native('Da'),
    property: native('ia'),
    enableInterrupts: native('Fa'),
    setMaxStackSize: native('D'),
  }
}

function imports(
  memory: WebAssembly.Memory,
  host: MachineHost,
  bound: MemoryBound,
): Record<string, Native> {
  const abort = (): never => {
    throw new MachineFault('abort', 'the engine aborted')
  }
  return {
    b: abort, // assertion failed
    q: abort,
    r: abort, // exit
    l: () => 0,
    j: () => 0, // timers
    d: () => 52, // files do not exist
    o: () => 70,
    c: () => 52,
    e: () => 0, // an empty environment
    f: (count, bytes) => {
      const view = new Uint32Array(memory.buffer)
      view[(count) >>> 2] = 0
      view[(bytes) >>> 2] = 0
      return 0
    },
    m: ((_seconds: bigint, time: number) => {
      // Local time is UTC: QuickJS reads the zone's offset (at 36) alone.
      new Uint8Array(memory.buffer).fill(0, time, time + 44)
    }) as unknown as Native,
    n: (zone, daylight) => {
      const view = new Uint32Array(memory.buffer)
      view[(zone) >>> 2] = 0
      view[(daylight) >>> 2] = 0
      return 0
    },
    p: () => host.now(),
    k: (bytes) => growTo(memory, (bytes) >>> 0, bound.bytes),
    s: (_context, _self, _count, argv) => host.called(argv),
    i: () => (host.interrupted() ? 1 : 0),
    h: () => 0, // module loading is never enabled
    g: () => 0,
    t: () => 0,
  }
}

function growTo(memory: WebAssembly.Memory, bytes: number, most: number): number {
  const now = memory.buffer.byteLength
  // In steps of an eighth: growing is cheap, the pages stay untouched.
  const wanted = Math.max(bytes, now + (now >>> 3))
  for (const target of [Math.min(wanted, most), bytes]) {
    if (target < bytes || target > most) continue
    try {
      memory.grow(Math.ceil((target - now) / PAGE_BYTES))
      return 1
    } catch {
      // The next, smaller one; the last failure is the fault below.
    }
  }
  throw new MachineFault('memory', `${bytes} bytes are more than this instance may have`)
}
