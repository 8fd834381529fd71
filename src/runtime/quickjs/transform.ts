// Rewrites the pinned engine's binary before it is compiled: a meter in every loop, no stack
// traces, and no more memory to begin with than it needs.
//
// Why a meter: the engine's own gas counts calls and jumps of the script, so it is blind inside
// natives and straight code. `fuel` is a global that each turn of each WebAssembly loop (one per
// bytecode, one per step of a native) lowers, and each bulk copy by its length; below zero the
// machine traps. It bounds real work whatever a contract finds to hide in. Its count depends on the
// heap's history, so a warm machine's trap only means "open again and repeat"; a fresh machine's is
// a function of (state, action, module) and a result (see runtime.ts).
//
// Why no stack traces: their text names the sandbox's own scripts, and each costs the depth of the
// stack.
//
// Why less memory: V8 collects its own garbage whenever the memories made since amount to so much,
// whatever of them is in use: with the 16 MiB that the binary asks for, opening many processes kept
// it collecting. How far a memory may grow, and so what a contract can do, is not decided here.
//
// Invariants: N1 the input is the pinned binary; every place that is rewritten is checked, so
// another binary is refused. N2 nothing else changes: no index of a function, type or global moves.

import { HbError } from '../../std/errors.ts'

/**
 * What a memory begins with: the engine's stack (5 MiB, mostly never touched), its static data, the
 * realm, and half a MiB for a module and its state.
 */
export const PAGES_MIN = 96
/** Bytes of one bulk copy per unit of fuel, as a shift. */
const COPY_SHIFT = 5
const SECTION = { type: 1, import: 2, function: 3, global: 6, export: 7, code: 10 } as const

class Reader {
  readonly bytes: Uint8Array
  at: number
  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes
    this.at = at
  }
  byte(): number {
    return this.bytes[this.at++] as number
  }
  /** An unsigned LEB128 of up to 32 bits. */
  u32(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte()
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }
  skipLeb(): void {
    while (this.byte() >= 128);
  }
  skip(count: number): void {
    this.at += count
  }
}

function leb(value: number): number[] {
  const out: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...out, rest]
    out.push((rest & 127) | 128)
  }
}

/**
 * The fuel is the exported global `fuel`; `trace` is the index of the function that builds stack
 * traces.
 */
export function transformEngine(binary: Uint8Array, trace: number): Uint8Array {
  const reader = new Reader(binary, 8)
  const out: Uint8Array[] = [binary.subarray(0, 8)]
  let params: number[] = []
  let types: number[] = []
  let imported = 0
  let fuel = -1
  while (reader.at < binary.length) {
    const start = reader.at
    const id = reader.byte()
    const size = reader.u32()
    const body = binary.subarray(reader.at, reader.at + size)
    reader.skip(size)
    if (id === SECTION.type) params = parameterCounts(body)
    const imports = id === SECTION.import ? withLessMemory(body) : undefined
    if (imports !== undefined) imported = imports.functions
    if (id === SECTION.function) types = functionTypes(body)
    if (id === SECTION.global) fuel = new Reader(body).u32()
    const appended = appendix(id, fuel)
    if (imports !== undefined) out.push(section(id, imports.body))
    else if (appended !== undefined) out.push(section(id, extended(body, appended)))
    else if (id === SECTION.code) {
      const counts = types.map((type) => params[type] as number)
      out.push(section(id, code(body, counts, fuel, trace - imported)))
    } else out.push(binary.subarray(start, reader.at))
  }
  if (fuel < 0) throw unknown('it has no globals')
  return Buffer.concat(out)
}

function unknown(detail: string): HbError {
  return new HbError('engine-unknown', detail)
}

/**
 * What is added to a section that is a list: the global (full, because the start function runs at
 * once), its export.
 */
function appendix(id: number, fuel: number): number[] | undefined {
  if (id === SECTION.global) return [0x7f, 0x01, 0x41, 0xff, 0xff, 0xff, 0xff, 0x07, 0x0b]
  if (id === SECTION.export) return [4, ...Buffer.from('fuel'), 0x03, ...leb(fuel)]
  return undefined
}

function section(id: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([id, ...leb(body.length)]), body])
}

function extended(body: Uint8Array, more: number[]): Uint8Array {
  const reader = new Reader(body)
  const count = reader.u32()
  const list = body.subarray(reader.at)
  return Buffer.concat([Uint8Array.from(leb(count + 1)), list, Uint8Array.from(more)])
}

function parameterCounts(body: Uint8Array): number[] {
  const reader = new Reader(body)
  return Array.from({ length: reader.u32() }, () => {
    if (reader.byte() !== 0x60) throw unknown('a type is no function')
    const count = reader.u32()
    reader.skip(count)
    reader.skip(reader.u32())
    return count
  })
}

/** How many functions are imported, and the section with PAGES_MIN. */
function withLessMemory(body: Uint8Array): { functions: number; body: Uint8Array } {
  const reader = new Reader(body)
  const out: Uint8Array[] = []
  let from = 0
  let functions = 0
  for (let left = reader.u32(); left > 0; left--) {
    reader.skip(reader.u32())
    reader.skip(reader.u32())
    const kind = reader.byte()
    if (kind === 0) {
      functions += 1
      reader.skipLeb()
    } else if (kind === 2) {
      const flags = reader.byte()
      out.push(body.subarray(from, reader.at), Uint8Array.from(leb(PAGES_MIN)))
      if (reader.u32() < PAGES_MIN) throw unknown('its memory is smaller')
      from = reader.at
      if ((flags & 1) === 1) reader.skipLeb()
    } else throw unknown('an import is neither function nor memory')
  }
  if (out.length !== 2) throw unknown('it imports no memory')
  return { functions, body: Buffer.concat([...out, body.subarray(from)]) }
}

function functionTypes(body: Uint8Array): number[] {
  const reader = new Reader(body)
  return Array.from({ length: reader.u32() }, () => reader.u32())
}

function code(body: Uint8Array, params: number[], fuel: number, trace: number): Uint8Array {
  const reader = new Reader(body)
  const count = reader.u32()
  const out: Uint8Array[] = [Uint8Array.from(leb(count))]
  for (let index = 0; index < count; index++) {
    const size = reader.u32()
    const whole = body.subarray(reader.at, reader.at + size)
    reader.skip(size)
    // An empty body: no locals, end. The function gives nothing, so that is what it does.
    const made =
      index === trace
        ? Uint8Array.from([0, 0x0b])
        : metered(whole, params[index] as number, fuel)
    out.push(Uint8Array.from(leb(made.length)), made)
  }
  return Buffer.concat(out)
}

/** One function's body with the meter in it. */
function metered(body: Uint8Array, params: number, fuel: number): Uint8Array {
  const reader = new Reader(body)
  const groups = reader.u32()
  let locals = params
  for (let i = 0; i < groups; i++) {
    locals += reader.u32()
    reader.skip(1)
  }
  const declared = reader.at
  const turn = spend([0x41, 1], fuel)
  // The length is on top of the stack, and stays there: local.tee of a new local, the last one.
  const length = leb(locals)
  const copy = [0x22, ...length, ...spend([0x20, ...length, 0x41, COPY_SHIFT, 0x76], fuel)]
  const pieces: Uint8Array[] = []
  let copies = false
  let from = declared
  while (reader.at < body.length) {
    const start = reader.at
    const kind = skipInstruction(reader)
    if (kind === LOOP) {
      pieces.push(body.subarray(from, reader.at), Uint8Array.from(turn))
      from = reader.at
    } else if (kind === COPY) {
      pieces.push(body.subarray(from, start), Uint8Array.from(copy))
      from = start
      copies = true
    }
  }
  pieces.push(body.subarray(from))
  const head = copies ? [...leb(groups + 1)] : [...leb(groups)]
  const old = body.subarray(leb(groups).length, declared)
  const extra = copies ? [1, 0x7f] : []
  return Buffer.concat([Uint8Array.from(head), old, Uint8Array.from(extra), ...pieces])
}

/** fuel -= cost; if (fuel < 0) trap. */
function spend(cost: number[], fuel: number): number[] {
  const g = leb(fuel)
  return [
    ...[0x23, ...g, ...cost, 0x6b, 0x24, ...g],
    ...[0x23, ...g, 0x41, 0, 0x48, 0x04, 0x40, 0x00, 0x0b],
  ]
}

const PLAIN = 0
const LOOP = 1
const COPY = 2

/** Moves past one instruction (MVP, sign extension, saturating conversion, bulk memory). */
function skipInstruction(reader: Reader): number {
  const opcode = reader.byte()
  if (opcode === 0x02 || opcode === 0x03 || opcode === 0x04) {
    reader.skipLeb() // block type
    return opcode === 0x03 ? LOOP : PLAIN
  }
  if (opcode === 0x0c || opcode === 0x0d || opcode === 0x10) reader.skipLeb()
  else if (opcode === 0x0e) for (let left = reader.u32() + 1; left > 0; left--) reader.skipLeb()
  else if (opcode === 0x11) {
    reader.skipLeb()
    reader.skipLeb()
  } else if (opcode >= 0x20 && opcode <= 0x24) reader.skipLeb()
  else if (opcode >= 0x28 && opcode <= 0x3e) {
    reader.skipLeb()
    reader.skipLeb()
  } else if (opcode === 0x3f || opcode === 0x40) reader.skip(1)
  else if (opcode === 0x41 || opcode === 0x42) reader.skipLeb()
  else if (opcode === 0x43) reader.skip(4)
  else if (opcode === 0x44) reader.skip(8)
  else if (opcode === 0xfc) return skipPrefixed(reader)
  else if (!isSimple(opcode)) throw unknown(`opcode 0x${opcode.toString(16)}`)
  return PLAIN
}

/**
 * Without immediates: control, drop and select, and everything from comparison to sign extension.
 */
function isSimple(opcode: number): boolean {
  if (opcode <= 0x01 || opcode === 0x05 || opcode === 0x0b || opcode === 0x0f) return true
  return opcode === 0x1a || opcode === 0x1b || (opcode >= 0x45 && opcode <= 0xc4)
}

function skipPrefixed(reader: Reader): number {
  const opcode = reader.u32()
  if (opcode <= 7) return PLAIN
  if (opcode === 10) reader.skip(2)
  else if (opcode === 11) reader.skip(1)
  else throw unknown(`opcode 0xfc ${opcode}`)
  return COPY
}
