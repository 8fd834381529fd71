// Schemas of others, to read what was written with them (Avro, "Schema Resolution"): as strict as
// ours, and refused where a datum of few bytes could cost much.
//
// Invariant: the work of reading a datum is linear in its bytes, as with our own schemas. Resolving
// skips what ours lacks, and skipping costs nothing in bytes where a type has none: so records are
// counted as if written out (WORK_MAX), and an array's items must take a byte.

import avro from 'avsc'
import type { Schema, Type } from 'avsc'
import { StrictArray, strictType } from './strict-types.ts'

type Tap = {
  readonly buf: Uint8Array
  pos: number
  readLong(): number
  skipString(): void
}
type Skips = { _skip(tap: Tap): void }

/** Characters of a schema's text. */
const TEXT_MAX = 262_144
/** Types that are read or skipped before a byte is taken. */
const WORK_MAX = 2_000

class SkippedMap extends avro.types.MapType {
  _skip(tap: Tap): void {
    const values = this.valuesType as unknown as Skips
    skipBlocks(tap, () => {
      tap.skipString()
      values._skip(tap)
    })
  }
}

class SkippedArray extends StrictArray {
  _skip(tap: Tap): void {
    const items = this.itemsType as unknown as Skips
    skipBlocks(tap, () => items._skip(tap))
  }
}

/** avsc believes a block's count, and goes backwards by a negative length. */
function skipBlocks(tap: Tap, skipItem: () => void): void {
  for (;;) {
    let count = tap.readLong()
    if (count === 0) return
    if (count < 0) {
      const length = tap.readLong()
      if (!(length >= 0 && length <= tap.buf.length - tap.pos)) throw new Error('a bad block')
      tap.pos += length
      continue
    }
    if (!(count <= tap.buf.length - tap.pos)) throw new Error('a block longer than its record')
    while (count-- > 0) skipItem()
  }
}

function writerHook(schema: Schema, options: object): Type | undefined {
  const { type } = schema as { type?: unknown }
  if (type === 'map') return new SkippedMap(schema, options)
  if (type === 'array') return new SkippedArray(schema, options)
  return strictType(schema, options)
}

/** Throws an Error that says why the schema cannot be used. */
export function writerType(text: string): Type {
  if (text.length > TEXT_MAX) throw new Error(`a schema of more than ${TEXT_MAX} characters`)
  const type = avro.Type.forSchema(JSON.parse(text) as never, {
    wrapUnions: 'auto',
    typeHook: writerHook,
  })
  checkWork(type)
  return type
}

type Weight = {
  /** Types passed before a byte must have been taken, at most. */
  readonly work: number
  /** Bytes of the shortest datum. */
  readonly bytes: number
}

function checkWork(root: Type): void {
  const known = new Map<Type, Weight | 'open'>()
  const later: Type[] = [root]
  const weigh = (type: Type): Weight => {
    const found = known.get(type)
    if (found === 'open') throw new Error('a record that holds itself')
    if (found !== undefined) return found
    known.set(type, 'open')
    const weight = weightOf(type, weigh, later)
    if (weight.work > WORK_MAX) throw new Error(`a record of more than ${WORK_MAX} fields`)
    known.set(type, weight)
    return weight
  }
  for (let type = later.pop(); type !== undefined; type = later.pop()) weigh(type)
  for (const type of known.keys()) {
    if (type.typeName !== 'array') continue
    const { itemsType } = type as unknown as { itemsType: Type }
    if (weigh(itemsType).bytes === 0) throw new Error('an array of items without bytes')
  }
}

/** What is in an array, a map or a union has taken a byte: it is weighed for itself, `later`. */
function weightOf(type: Type, weigh: (type: Type) => Weight, later: Type[]): Weight {
  const inner = type as unknown as {
    fields?: { type: Type }[]
    types?: Type[]
    itemsType?: Type
    valuesType?: Type
  }
  if (inner.fields !== undefined) {
    const weights = inner.fields.map((field) => weigh(field.type))
    const work = weights.reduce((sum, each) => sum + each.work, 1)
    return { work, bytes: weights.reduce((sum, each) => sum + each.bytes, 0) }
  }
  later.push(...(inner.types ?? []))
  if (inner.itemsType !== undefined) later.push(inner.itemsType)
  if (inner.valuesType !== undefined) later.push(inner.valuesType)
  return { work: 1, bytes: type.typeName === 'null' ? 0 : 1 }
}
