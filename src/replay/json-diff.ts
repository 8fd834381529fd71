// What changed between two states, as a list in the form of JSON Patch (RFC 6902): add, remove and
// replace by JSON Pointer, with what stood there before.
//
// Invariant: applied in order to the first value, the list gives the second one (but for the order
// of keys, which JSON Patch does not know).

import type { Json, JsonObject } from '../protocol/changes.ts'

export type PatchStep =
  | { readonly op: 'add'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string; readonly was: Json }
  | { readonly op: 'replace'; readonly path: string; readonly value: Json; readonly was: Json }

export function jsonDiff(before: Json, after: Json): PatchStep[] {
  const steps: PatchStep[] = []
  compare(before, after, '', steps)
  return steps
}

function compare(before: Json, after: Json, path: string, steps: PatchStep[]): void {
  if (before === after) return
  if (Array.isArray(before) && Array.isArray(after)) {
    return compareArrays(before as readonly Json[], after as readonly Json[], path, steps)
  }
  if (isObject(before) && isObject(after)) return compareObjects(before, after, path, steps)
  steps.push({ op: 'replace', path, value: after, was: before })
}

function compareObjects(
  before: JsonObject,
  after: JsonObject,
  path: string,
  steps: PatchStep[],
): void {
  for (const [key, was] of Object.entries(before)) {
    if (!Object.hasOwn(after, key)) steps.push({ op: 'remove', path: below(path, key), was })
  }
  for (const [key, value] of Object.entries(after)) {
    if (!Object.hasOwn(before, key)) steps.push({ op: 'add', path: below(path, key), value })
    else compare(before[key] as Json, value, below(path, key), steps)
  }
}

function compareArrays(
  before: readonly Json[],
  after: readonly Json[],
  path: string,
  steps: PatchStep[],
): void {
  const both = Math.min(before.length, after.length)
  for (let at = 0; at < both; at++) {
    compare(before[at] as Json, after[at] as Json, below(path, String(at)), steps)
  }
  // from the end, so that the places of those before stay what they are
  for (let at = before.length - 1; at >= both; at--) {
    steps.push({ op: 'remove', path: below(path, String(at)), was: before[at] as Json })
  }
  for (let at = both; at < after.length; at++) {
    steps.push({ op: 'add', path: below(path, String(at)), value: after[at] as Json })
  }
}

function below(path: string, key: string): string {
  return `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
