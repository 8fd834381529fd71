// changes(n) of R6: the sorted structural difference of two JSON values, key order included. Pure:
// no caches, no clock.
//
// Grammar (JSON text without spaces; the text is what is hashed):
//
//   changes := "[]"                          nothing changed
//            | object-edit                    the state is an object before and after
//   edit    := ["=", value]                   another value stands here
//            | object-edit | array-edit        the container that stood here, edited
//   object-edit := ["o", edits]
//                | ["o", edits, drops]
//                | ["o", edits, drops, appends]
//   edits   := [key, edit, key, edit, …]      keys that stay in their place, and integer-like
//                                             keys, which have no place
//   drops   := [key, …]                       keys whose old value is gone
//   appends := [key, edit | [], …]            keys that end behind all others, in this order
//   array-edit := ["a", length | null, edits] length: the new one where it differs;
//                                             edits: [index, edit, …], ascending
//
// Keys are sorted: integer-like ones (array indexes, 0 … 2^32−2) first and by number, names by
// UTF-16 code unit. A name keeps its place if it belongs to the longest prefix of the new object's
// names that follows the old order; all later names are appended. An appended name that the old
// object has is relative to its old value ([] when equal), unless another value stands there: then
// it is dropped and appended with "=". Applying: edits, then drops, then appends one by one (take
// the old value out, edit it, put it last).
//
// Invariants: applyChanges(before, diff(before, after)) equals `after` byte for byte under
// JSON.stringify; diff depends on the two values alone; composing needs neither value.

import { parseJson } from '../std/json-text.ts'

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export type JsonObject = { readonly [key: string]: Json }

export type Edit = Replacement | ObjectEdit | ArrayEdit
export type Replacement = readonly ['=', Json]
export type ObjectEdit = readonly [
  'o',
  readonly (string | Edit)[],
  (readonly string[])?,
  (readonly (string | Edit | Unchanged)[])?,
]
export type ArrayEdit = readonly ['a', number | null, readonly (number | Edit)[]]
export type Unchanged = readonly []
/** What changed in a state: an edit of an object, or nothing. */
export type Changes = ObjectEdit | Unchanged

type Mutable = Record<string, Json>

/** The difference of two states (JSON objects without `__proto__`, undefined or −0). */
export function diff(before: JsonObject, after: JsonObject): Changes {
  return diffObjects(before, after) ?? []
}

/** The canonical text. */
export function changesText(changes: Changes): string {
  return JSON.stringify(changes)
}

/** JSON text of a state, and change texts to apply in order: the state after them. */
export function stateAfter(snapshot: string, changes: readonly string[]): JsonObject {
  let state = parseJson(snapshot) as JsonObject
  for (const text of changes) state = applyChanges(state, parseJson(text) as Changes)
  return state
}

/** What `before` becomes; `before` itself is used up (edited in place). */
export function applyChanges(before: JsonObject, changes: Changes): JsonObject {
  if (changes.length > 0) applyObject(before, changes as ObjectEdit)
  return before
}

/**
 * One list of changes with the effect of all, in order. Not minimal: a value set and set back stays
 * listed.
 */
export function composeChanges(list: readonly Changes[]): Changes {
  let all: Changes = []
  for (const next of list) {
    if (next.length === 0) continue
    all = all.length === 0 ? next : composeObjects(all, next)
  }
  return all
}

/** The array index that a key names, else −1. */
export function indexOfKey(key: string): number {
  const index = Number(key) >>> 0
  return String(index) === key && index !== 4294967295 ? index : -1
}

/** The order of keys in edits and drops. */
export function compareKeys(a: string, b: string): number {
  const i = indexOfKey(a)
  const j = indexOfKey(b)
  if (i >= 0 || j >= 0) return i >= 0 && j >= 0 ? i - j : i >= 0 ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * What a container counts beside its members: its brackets, and about what it takes in memory
 * beyond its text.
 */
const CONTAINER_SIZE = 34

/**
 * The size of a state that `stateBytesMax` bounds, from its text (JSON.stringify of it): UTF-16
 * units of the texts of keys, leaves and colons, one comma per member, and 34 per container (so
 * that a state of many small containers, which weighs up to thirty times its text in memory, is
 * bounded too). A sum over the parts, kept incrementally when written.
 */
export function stateSize(text: string): number {
  // The text has one bracket pair per container and one comma less than members where there are
  // any.
  let size = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 34) i = endOfString(text, i)
    else if (code === 123 || code === 91) {
      const next = text.charCodeAt(i + 1)
      size += CONTAINER_SIZE - 2 + (next === code + 2 ? 0 : 1)
    }
  }
  return size
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  for (;;) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === 92) slashes += 1
    if (slashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
}

function isObject(value: Json | undefined): value is JsonObject | readonly Json[] {
  return typeof value === 'object' && value !== null
}

function diffValues(before: Json, after: Json): Edit | undefined {
  if (!isObject(before) || !isObject(after)) {
    return before === after ? undefined : ['=', after]
  }
  if (Array.isArray(before)) {
    return Array.isArray(after)
      ? diffArrays(before as readonly Json[], after as readonly Json[])
      : ['=', after]
  }
  if (Array.isArray(after)) return ['=', after]
  return diffObjects(before as JsonObject, after as JsonObject)
}

function diffArrays(before: readonly Json[], after: readonly Json[]): ArrayEdit | undefined {
  const edits: (number | Edit)[] = []
  after.forEach((value, index) => {
    const edit =
      index < before.length ? diffValues(before[index] as Json, value) : (['=', value] as const)
    if (edit !== undefined) edits.push(index, edit)
  })
  if (edits.length === 0 && before.length === after.length) return undefined
  return ['a', before.length === after.length ? null : after.length, edits]
}

function diffObjects(before: JsonObject, after: JsonObject): ObjectEdit | undefined {
  const old = Object.keys(before)
  const names = Object.keys(after)
  const place = new Map(old.map((key, index) => [key, index]))
  const edits: [string, Edit][] = []
  const drops = old.filter((key) => !Object.hasOwn(after, key))
  const appends: (string | Edit | Unchanged)[] = []
  let last = -1
  let inOrder = true
  for (const key of names) {
    const at = place.get(key)
    const had = at !== undefined
    const value = after[key] as Json
    const edit = had ? diffValues(before[key] as Json, value) : (['=', value] as const)
    if (indexOfKey(key) < 0) {
      inOrder &&= had && at > last
      if (inOrder) last = at as number
      else {
        if (had && edit?.[0] === '=') drops.push(key)
        appends.push(key, edit ?? [])
        continue
      }
    }
    if (edit !== undefined) edits.push([key, edit])
  }
  return objectEdit(edits, drops, appends)
}

function objectEdit(
  edits: [string, Edit][],
  drops: string[],
  appends: readonly (string | Edit | Unchanged)[],
): ObjectEdit | undefined {
  if (edits.length === 0 && drops.length === 0 && appends.length === 0) return undefined
  edits.sort((a, b) => compareKeys(a[0], b[0]))
  const sorted = edits.flatMap((pair): (string | Edit)[] => pair)
  drops.sort(compareKeys)
  if (appends.length > 0) return ['o', sorted, drops, appends]
  return drops.length > 0 ? ['o', sorted, drops] : ['o', sorted]
}

function put(object: Mutable, key: string, value: Json): void {
  if (key in Object.prototype && !Object.hasOwn(object, key)) {
    Object.defineProperty(object, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    })
  } else object[key] = value
}

function applyEdit(value: Json | undefined, edit: Edit): Json {
  if (edit[0] === '=') return edit[1]
  if (edit[0] === 'o') applyObject(value as Mutable, edit)
  else applyArray(value as Json[], edit)
  return value as Json
}

function applyObject(object: Mutable, edit: ObjectEdit): void {
  const [, edits, drops = [], appends = []] = edit
  for (let i = 0; i < edits.length; i += 2) {
    const key = edits[i] as string
    put(object, key, applyEdit(object[key], edits[i + 1] as Edit))
  }
  for (const key of drops) delete object[key]
  for (let i = 0; i < appends.length; i += 2) {
    const key = appends[i] as string
    const change = appends[i + 1] as Edit | Unchanged
    const old = Object.hasOwn(object, key) ? object[key] : undefined
    delete object[key]
    put(object, key, change.length === 0 ? (old as Json) : applyEdit(old, change))
  }
}

function applyArray(array: Json[], edit: ArrayEdit): void {
  const [, length, edits] = edit
  if (length !== null && length < array.length) array.length = length
  for (let i = 0; i < edits.length; i += 2) {
    const index = edits[i] as number
    array[index] = applyEdit(array[index], edits[i + 1] as Edit)
  }
}

function clone<T>(value: T): T {
  return parseJson(JSON.stringify(value)) as T
}

/** `first`, then `second`; [] is nothing. */
function composeEdits(first: Edit | Unchanged, second: Edit | Unchanged): Edit | Unchanged {
  if (second.length === 0) return first
  if (first.length === 0 || second[0] === '=') return second
  if (first[0] === '=') return ['=', applyEdit(clone(first[1]), second)]
  if (first[0] === 'o') return composeObjects(first, second as ObjectEdit)
  return composeArrays(first, second as ArrayEdit)
}

function pairs<K, V>(flat: readonly (K | V)[] = []): Map<K, V> {
  const map = new Map<K, V>()
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i] as K, flat[i + 1] as V)
  return map
}

function composeObjects(first: ObjectEdit, second: ObjectEdit): ObjectEdit {
  const edits = pairs<string, Edit>(first[1])
  const drops = new Set(first[2])
  const appends = pairs<string, Edit | Unchanged>(first[3])
  for (const [key, edit] of pairs<string, Edit>(second[1])) {
    const behind = appends.get(key)
    if (behind !== undefined) {
      // A moved value that is replaced: its old one is dropped.
      if (behind[0] !== '=' && edit[0] === '=') drops.add(key)
      appends.set(key, composeEdits(behind, edit))
    } else edits.set(key, composeEdits(edits.get(key) ?? [], edit) as Edit)
  }
  for (const key of second[2] ?? []) {
    const behind = appends.get(key)
    // A name appended with "=" and not dropped was new: there is nothing of it to drop.
    if (behind === undefined || behind[0] !== '=') drops.add(key)
    appends.delete(key)
    edits.delete(key)
  }
  for (const [key, edit] of pairs<string, Edit | Unchanged>(second[3])) {
    const known = appends.get(key) ?? edits.get(key) ?? []
    const whole = composeEdits(known, edit)
    if (edits.delete(key) && known[0] === '=') drops.add(key)
    appends.delete(key)
    appends.set(key, whole)
  }
  // Integer-like keys have no place: one that is set again after a drop is simply set.
  for (const key of edits.keys()) drops.delete(key)
  const behind = [...appends].flatMap((pair): (string | Edit | Unchanged)[] => pair)
  return objectEdit([...edits], [...drops], behind) ?? ['o', []]
}

function composeArrays(first: ArrayEdit, second: ArrayEdit): ArrayEdit {
  const edits = pairs<number, Edit>(first[2])
  const length = second[1] ?? first[1]
  for (const [index, edit] of pairs<number, Edit>(second[2])) {
    edits.set(index, composeEdits(edits.get(index) ?? [], edit) as Edit)
  }
  if (length !== null) for (const index of edits.keys()) if (index >= length) edits.delete(index)
  const sorted = [...edits].sort((a, b) => a[0] - b[0]).flatMap((p): (number | Edit)[] => p)
  return ['a', length, sorted]
}
