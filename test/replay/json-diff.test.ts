import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Json } from '../../src/protocol/changes.ts'
import { jsonDiff, type PatchStep } from '../../src/replay/index.ts'

/** A plain reading of RFC 6902, for the three operations. */
function patched(before: Json, steps: readonly PatchStep[]): Json {
  const root = { value: structuredClone(before) as unknown }
  for (const step of steps) {
    const names = step.path.split('/').slice(1)
    const keys = names.map((each) => each.replaceAll('~1', '/').replaceAll('~0', '~'))
    let holder = root as Record<string, unknown>
    let last = 'value'
    for (const key of keys) {
      holder = holder[last] as Record<string, unknown>
      last = key
    }
    if (step.op !== 'add') expect(holder[last]).toEqual(step.was)
    if (step.op !== 'remove') holder[last] = step.value
    else if (Array.isArray(holder)) holder.splice(Number(last), 1)
    else delete holder[last]
  }
  return root.value as Json
}

const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as Json)

test('applied, it gives the second value', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      if (JSON.stringify([before, after]).includes('__proto__')) return
      expect(patched(before, jsonDiff(before, after))).toEqual(after)
    }),
    { numRuns: 500 },
  )
})

test('names what changed, and nothing else', () => {
  const before = { a: { 'x/y': 1, z: [1, 2, 3] }, b: 'same', c: null }
  const after = { a: { 'x/y': 2, z: [1, 9] }, b: 'same', d: {} }
  expect(jsonDiff(before, after)).toEqual([
    { op: 'remove', path: '/c', was: null },
    { op: 'replace', path: '/a/x~1y', value: 2, was: 1 },
    { op: 'replace', path: '/a/z/1', value: 9, was: 2 },
    { op: 'remove', path: '/a/z/2', was: 3 },
    { op: 'add', path: '/d', value: {} },
  ])
  expect(jsonDiff(before, before)).toEqual([])
})
