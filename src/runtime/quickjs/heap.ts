// Reads plain JSON values straight out of the engine's memory: no text is made, escaped, copied and
// parsed again for what a message gives back.
//
// Owners: a reader belongs to one sandbox and only reads; what it gives is the host's own copy.
// Invariants: H1 the layout below is that of the pinned binary (engine.ts); `findLayout` refuses
// another. H2 it gives exactly what JSON.parse(JSON.stringify(value)) gives, or UNREADABLE: for
// whatever needs code, or care, to be turned into text (accessors, toJSON, proxies, class
// instances, holes, what is too deep or too large). H3 which of the two depends on what a contract
// can see of the value alone (gas does, too): not on addresses, on what was read before, or on how
// the engine keeps a text (in one piece or as a rope) or a number (5 or 5.0), because that changes
// when a state is written and loaded again.
//
// Layout (32 bits, little endian; offsets in bytes):
//   value   { payload u32, tag i32 }: 0 int · 1 bool · 2 null · 3 undefined · −1 object · −6 rope ·
//           −7 string; beyond −9 and 7 a float64 whose upper half is less by FLOAT_BASE
//   string  { refs, length 31 bits + wide 1 bit, hash, next, units from 16 }
//   rope    { refs, length, …, two values from 16 }
//   object  { refs, mark, flags at 5 (8: fast array), class u16 at 6, …, shape at 20, values at 24,
//             elements at 36, their count at 40 }
//   shape   { …, count at 32, proto at 44, properties from 48: { next 26 bits + flags 6, atom } }
//   atom    an integer where its highest bit is set, else a place in the runtime's list of strings

import { HbError } from '../../std/errors.ts'
import { unitsOf } from '../../std/json-text.ts'

/** No plain value: let the engine make its text. */
export const UNREADABLE: unique symbol = Symbol('unreadable')

export type Layout = {
  /** Where the runtime keeps the address of its atoms. */
  readonly atoms: number
  readonly objectProto: number
  readonly arrayProto: number
}

export type Views = { readonly words: Int32Array; readonly bytes: Buffer }

export const TAG = {
  int: 0,
  bool: 1,
  null: 2,
  undefined: 3,
  exception: 6,
  object: -1,
  rope: -6,
  string: -7,
} as const
const TAG_LEAST = -9
const TAG_MOST = 7
const FLOAT_BASE = 0x7ff8000a
const CLASS_OBJECT = 1
const CLASS_ARRAY = 2
const FAST_ARRAY = 8
/** Configurable, writable, enumerable, and a value. */
const ORDINARY = 7
const DEPTH_MAX = 64
const VALUES_MAX = 50_000
/** Names of properties that are remembered: modules use the same few again and again. */
const NAMES_MAX = 1_024

type Name = { readonly text: string; readonly units: number }

export class HeapReader {
  readonly #layout: Layout
  readonly #names = new Map<number, Name>()
  #words: Int32Array
  #bytes: Buffer
  #left = 0
  #units = 0
  #unitsMax = 0
  readonly #number = new Float64Array(1)
  readonly #halves = new Int32Array(this.#number.buffer)

  constructor(layout: Layout, views: Views) {
    this.#layout = layout
    this.#words = views.words
    this.#bytes = views.bytes
  }

  /** Where the memory may have grown. */
  refresh(views: Views): void {
    this.#words = views.words
    this.#bytes = views.bytes
  }

  /** UTF-16 units of the JSON text of what was read last. */
  get units(): number {
    return this.#units
  }

  /** The value at an address, or UNREADABLE; its texts may have about `unitsMax` units. */
  read(at: number, unitsMax: number): unknown {
    this.#left = VALUES_MAX
    this.#units = 0
    this.#unitsMax = unitsMax
    return this.#value(at >> 2, DEPTH_MAX)
  }

  /** Addresses of the elements of a list that our own scripts made. */
  elements(at: number): number {
    return this.#words[((this.#words[at >> 2] as number) + 36) >> 2] as number
  }

  tag(at: number): number {
    return this.#words[(at >> 2) + 1] as number
  }

  integer(at: number): number {
    return this.#words[at >> 2] as number
  }

  #value(index: number, depth: number): unknown {
    const payload = this.#words[index] as number
    this.#left -= 1
    switch (this.#words[index + 1]) {
      case TAG.string:
      case TAG.rope:
        return this.#text(index)
      case TAG.int:
        this.#units += String(payload).length
        return payload
      case TAG.bool:
        this.#units += payload === 0 ? 5 : 4
        return payload !== 0
      case TAG.null:
        this.#units += 4
        return null
      case TAG.object:
        return depth === 0 || this.#left < 0 ? UNREADABLE : this.#container(payload, depth - 1)
      default:
        return this.#float(index)
    }
  }

  #float(index: number): unknown {
    const tag = this.#words[index + 1] as number
    if (tag >= TAG_LEAST && tag <= TAG_MOST) return UNREADABLE
    this.#halves[0] = this.#words[index] as number
    this.#halves[1] = tag + FLOAT_BASE
    const value = this.#number[0] as number
    // As JSON has it.
    const read = Number.isFinite(value) ? value + 0 : null
    this.#units += String(read).length
    return read
  }

  #text(index: number): string | typeof UNREADABLE {
    const at = this.#words[index] as number
    const length = (this.#words[(at >> 2) + 1] as number) & 0x7fffffff
    if (this.#units + length > this.#unitsMax) return UNREADABLE
    const text = this.#words[index + 1] === TAG.string ? this.#string(at) : this.#rope(index)
    this.#units += unitsOf(text)
    return text
  }

  /** From left to right; a rope may be as deep as it has parts. */
  #rope(index: number): string {
    const parts: string[] = []
    const rest = [index]
    for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
      const at = this.#words[next] as number
      if (this.#words[next + 1] === TAG.string) parts.push(this.#string(at))
      else rest.push((at >> 2) + 6, (at >> 2) + 4)
    }
    return parts.join('')
  }

  #string(at: number): string {
    const head = this.#words[(at >> 2) + 1] as number
    return head < 0
      ? this.#bytes.toString('utf16le', at + 16, at + 16 + 2 * (head & 0x7fffffff))
      : this.#bytes.toString('latin1', at + 16, at + 16 + head)
  }

  #container(at: number, depth: number): unknown {
    const words = this.#words
    const kind = (words[(at >> 2) + 1] as number) >>> 16
    const shape = (words[(at >> 2) + 5] as number) >> 2
    const proto = words[shape + 11] as number
    if (kind === CLASS_ARRAY && proto === this.#layout.arrayProto) {
      return this.#array(at, shape, depth)
    }
    if (kind === CLASS_OBJECT && (proto === this.#layout.objectProto || proto === 0)) {
      return this.#object(at, shape, depth)
    }
    return UNREADABLE
  }

  #array(at: number, shape: number, depth: number): unknown {
    const words = this.#words
    const index = at >> 2
    const count = words[index + 10] as number
    const length = (words[index + 6] as number) >> 2
    const fast = (this.#bytes[at + 5] as number) & FAST_ARRAY
    // Its one property is the length.
    if (fast === 0 || words[shape + 8] !== 1 || words[length] !== count) return UNREADABLE
    if (words[length + 1] !== TAG.int || count > this.#left) return UNREADABLE
    const first = (words[index + 9] as number) >> 2
    const list: unknown[] = []
    this.#units += count === 0 ? 2 : count + 1
    for (let i = 0; i < count; i++) {
      const value = this.#value(first + 2 * i, depth)
      if (value === UNREADABLE) return UNREADABLE
      list.push(value)
    }
    return list
  }

  #object(at: number, shape: number, depth: number): unknown {
    const words = this.#words
    const count = words[shape + 8] as number
    const values = (words[(at >> 2) + 6] as number) >> 2
    if (count > this.#left) return UNREADABLE
    const object: Record<string, unknown> = {}
    let members = 0
    for (let i = 0; i < count; i++) {
      const atom = words[shape + 13 + 2 * i] as number
      // Deleted ones leave their place behind.
      if (atom === 0) continue
      if ((words[shape + 12 + 2 * i] as number) >>> 26 !== ORDINARY) return UNREADABLE
      const place = values + 2 * i
      if (words[place + 1] === TAG.undefined) continue
      const name = this.#name(atom)
      if (name === undefined) return UNREADABLE
      const value = this.#value(place, depth)
      if (value === UNREADABLE) return UNREADABLE
      object[name.text] = value
      this.#units += name.units + 1
      members += 1
    }
    this.#units += members === 0 ? 2 : members + 1
    return object
  }

  /** The name of an atom; undefined for symbols and for the one that JSON.parse alone can set. */
  #name(atom: number): Name | undefined {
    if (atom < 0) {
      const text = String(atom & 0x7fffffff)
      return { text, units: text.length + 2 }
    }
    const words = this.#words
    const at = words[((words[this.#layout.atoms >> 2] as number) >> 2) + atom] as number
    const known = this.#names.get(atom)
    if (known !== undefined && this.#says(at, known.text)) return known
    // Type 1: a string; others are symbols.
    if ((words[(at >> 2) + 2] as number) >>> 30 !== 1) return undefined
    const text = this.#string(at)
    if (text === '__proto__') return undefined
    const name = { text, units: unitsOf(text) }
    if (this.#names.size === NAMES_MAX) this.#names.clear()
    this.#names.set(atom, name)
    return name
  }

  /** An atom's number is given away again when nobody uses it, so a remembered name is compared. */
  #says(at: number, text: string): boolean {
    const bytes = this.#bytes
    const { length } = text
    if (this.#words[(at >> 2) + 1] !== length) return false
    if ((this.#words[(at >> 2) + 2] as number) >>> 30 !== 1) return false
    for (let i = 0; i < length; i++) {
      if (bytes[at + 16 + i] !== text.charCodeAt(i)) return false
    }
    return true
  }
}

const SAMPLE = JSON.stringify({
  probed: [1, -2.5, 1e300, 'a\u00e9\u20ac\ud83d\ude00', true, null, { x: -5, 7: '\\"\n' }, []],
  y: {},
})

/**
 * Finds the addresses that a reader needs in a new context whose runtime is at `runtime`, and reads
 * a sample. `evaluate` gives where a script's value is. Throws 'engine-unknown'.
 */
export function findLayout(
  runtime: number,
  evaluate: (source: string) => { at: number; views: Views },
): Layout {
  const protoOf = (source: string): number => {
    const { at, views } = evaluate(source)
    const { words } = views
    const object = words[at >> 2] as number
    return words[((words[(object >> 2) + 5] as number) >> 2) + 11] as number
  }
  const [objectProto, arrayProto] = [protoOf('({})'), protoOf('[]')]
  const { at, views } = evaluate(`(${SAMPLE})`)
  const found: Layout[] = []
  for (let atoms = runtime; atoms < runtime + 512; atoms += 4) {
    const layout = { atoms, objectProto, arrayProto }
    const reader = new HeapReader(layout, views)
    const { words } = views
    const list = (words[atoms >> 2] as number) >> 2
    if (list > 0 && list < words.length && said(reader, at) === SAMPLE) found.push(layout)
  }
  const [layout] = found
  if (found.length !== 1 || layout === undefined) {
    throw new HbError('engine-unknown', `its values cannot be read (${found.length} places)`)
  }
  return layout
}

/** The text of a value, '' where it cannot be read or its units are wrong. */
function said(reader: HeapReader, at: number): string {
  const value = reader.read(at, 1_000)
  const text = value === UNREADABLE ? '' : JSON.stringify(value)
  return text.length === reader.units ? text : ''
}
