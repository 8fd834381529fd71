// The committed vectors are read, and each output is computed again from its input.
//
// VECTORS MUST NOT CHANGE SILENTLY. Other implementations are held to these files: a hash, a text
// or a code that comes out differently is a fork of every network. If this suite fails, the change
// under test is wrong, unless it is a numbered change of behaviour that says so (docs/decisions).
// `npm run vectors` does not make it pass either: it writes new cases and new subjects, and refuses
// where one that is there would come out differently.

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { Case, Subject, VectorFile } from '../../scripts/vectors/index.ts'
import { changedCases, fileText, SUBJECTS, vectorFiles } from '../../scripts/vectors/index.ts'

const here = new URL('./', import.meta.url)
const committed = new Map(
  readdirSync(here)
    .filter((name) => name.endsWith('.json'))
    .map((name) => [name, readFileSync(new URL(name, here), 'utf8')]),
)
const subjects = new Map(SUBJECTS.map((each) => [each.subject, each]))

/** Less than this, and a file was emptied. */
const CASES_MIN = 600

function read(text: string): VectorFile {
  return JSON.parse(text) as VectorFile
}

function subjectOf(file: VectorFile): Subject {
  const subject = subjects.get(file.subject)
  if (subject === undefined) throw new Error(`nothing computes ${file.subject}`)
  return subject
}

/** Names of the cases whose output is not what today's code computes, key order included. */
function differing(file: VectorFile): string[] {
  const { compute } = subjectOf(file)
  const differs = ({ input, output }: Case): boolean =>
    JSON.stringify(compute(input, file.given)) !== JSON.stringify(output)
  return file.cases.filter(differs).map(({ name }) => name)
}

test('there are vectors of every subject, and no others', () => {
  const expected = [...subjects.keys()].map((name) => `${name}.json`)
  expect([...committed.keys()].sort()).toEqual(expected.sort())
  const cases = [...committed.values()].flatMap((text) => read(text).cases)
  expect(cases.length).toBeGreaterThan(CASES_MIN)
})

describe.each([...committed])('%s', (name, text) => {
  const file = read(text)

  test('says what is computed, and names each case once', () => {
    expect(`${file.subject}.json`).toBe(name)
    expect(file.about.length).toBeGreaterThan(100)
    const names = file.cases.map((each) => each.name)
    expect(new Set(names).size).toBe(names.length)
  })

  test('holds for the code of today', () => {
    expect(differing(file)).toEqual([])
  })

  test('is ASCII, and written as the generator writes', () => {
    expect(/^[\n\x20-\x7e]*$/.test(text)).toBe(true)
    expect(fileText(file)).toBe(text)
  })
})

/** Every text and number of a value, as a way to put another one in its place. */
function places(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, member]) => places(member, [...path, key]))
}

function withChanged(value: unknown, path: readonly string[]): unknown {
  const [key, ...rest] = path
  if (key !== undefined) {
    const members = value as Record<string, unknown>
    const changed = { ...members, [key]: withChanged(members[key], rest) }
    return Array.isArray(value) ? Object.values(changed) : changed
  }
  if (typeof value === 'string') return `${value.slice(0, -1)}${value.endsWith('0') ? '1' : '0'}`
  if (typeof value === 'number') return value - 1
  return value === null ? 0 : !value
}

describe('a planted change is found', () => {
  test.each([...committed])('of any one text or number of an output of %s', (_name, text) => {
    const file = read(text)
    const cases = file.cases.filter(({ output }) => places(output).length > 0)
    expect(cases.length).toBeGreaterThan(0)
    for (const one of cases) {
      for (const place of places(one.output)) {
        const planted = { ...one, output: withChanged(one.output, place) }
        expect(differing({ ...file, cases: [planted] })).toEqual([one.name])
      }
    }
  })

  test('by the generator, which then writes nothing; what is added it lets be', () => {
    const file = read(committed.get('merkle-roots.json') ?? '')
    const [first, ...others] = file.cases as [Case, ...Case[]]
    const more = { name: 'more', input: {}, output: {} }
    const after = (...cases: Case[]): VectorFile => ({ ...file, cases })
    expect(changedCases(file, after(more, ...others, first))).toEqual([])
    expect(changedCases(file, after(...others))).toEqual([first.name])
    expect(changedCases(file, after({ ...first, output: {} }, ...others))).toEqual([first.name])
    expect(changedCases(file, after({ ...first, input: {} }, ...others))).toEqual([first.name])
    expect(changedCases(file, { ...file, given: 1 })).toHaveLength(file.cases.length)
  })

  test('of what the code computes', () => {
    const file = read(committed.get('merkle-roots.json') ?? '')
    const real = subjectOf(file)
    const duplicates = (input: unknown): unknown => {
      const { leaves } = input as { leaves: string[] }
      const even = leaves.length % 2 === 0 ? leaves : [...leaves, ...leaves.slice(-1)]
      return real.compute({ leaves: even }, undefined)
    }
    const odd = file.cases.filter(({ input }) => (input as { leaves: [] }).leaves.length % 2 === 1)
    expect(odd.length).toBeGreaterThan(0)
    for (const { input, output } of odd) expect(duplicates(input)).not.toEqual(output)
  })
})

test('the generator gives exactly what is committed', () => {
  const made = vectorFiles()
  expect([...made.keys()].sort()).toEqual([...committed.keys()].sort())
  for (const [name, text] of made) {
    if (text !== committed.get(name)) throw new Error(`${name} comes out differently`)
  }
})
