// The host's side of a machine's memory: views of it, C strings in it, and its image: what is in
// it, kept, and copied into a new one.
//
// Owners: a MachineMemory keeps the views of one machine; nobody else makes any. Invariants: M1
// `words` and `bytes` are views of the memory as it is now: growing it detaches those taken before,
// so they are asked for anew after every call into the machine. M2 what `cString` gives is freed
// by who asked for it.

import { asBuffer } from '../../std/bytes.ts'
import type { Machine } from './engine.ts'

const PAGE_BYTES = 65_536
const RUN_BYTES = 4_096

export type MemoryImage = {
  /** What is not zero in the memory, in runs. */
  readonly runs: readonly { readonly at: number; readonly bytes: Uint8Array }[]
  readonly end: number
}

export class MachineMemory {
  readonly machine: Machine
  #bytes: Buffer
  #words: Int32Array

  constructor(machine: Machine) {
    this.machine = machine
    this.#bytes = asBuffer(new Uint8Array(machine.memory.buffer))
    this.#words = new Int32Array(machine.memory.buffer)
  }

  get words(): Int32Array {
    if (this.#words.length === 0) this.#refresh()
    return this.#words
  }

  get bytes(): Buffer {
    if (this.#words.length === 0) this.#refresh()
    return this.#bytes
  }

  /** Views of a memory that has grown since are empty, which is cheaper to ask than the memory. */
  #refresh(): void {
    this.#bytes = asBuffer(new Uint8Array(this.machine.memory.buffer))
    this.#words = new Int32Array(this.machine.memory.buffer)
  }

  /** The address of a copy of the text. */
  cString(text: string): number {
    const length = Buffer.byteLength(text)
    const at = this.machine.malloc(length + 1)
    const { bytes } = this
    bytes.write(text, at, length, 'utf8')
    bytes[at + length] = 0
    return at
  }

  textAt(at: number): string {
    const { bytes } = this
    return bytes.toString('utf8', at, bytes.indexOf(0, at))
  }

  image(): MemoryImage {
    const { bytes } = this
    const { length } = bytes
    const empty = Buffer.alloc(RUN_BYTES)
    const runs: { at: number; bytes: Uint8Array }[] = []
    let start = -1
    for (let at = 0; at <= length; at += RUN_BYTES) {
      const zero = at === length || bytes.compare(empty, 0, RUN_BYTES, at, at + RUN_BYTES) === 0
      if (!zero && start < 0) start = at
      if (zero && start >= 0) {
        runs.push({ at: start, bytes: Uint8Array.prototype.slice.call(bytes, start, at) })
        start = -1
      }
    }
    const last = runs.at(-1)
    return { runs, end: last === undefined ? 0 : last.at + last.bytes.length }
  }

  /** Into a memory with nothing in it. */
  load(image: MemoryImage): void {
    const { memory } = this.machine
    const missing = image.end - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES))
    const { bytes } = this
    for (const run of image.runs) bytes.set(run.bytes, run.at)
  }
}
