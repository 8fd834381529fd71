// changes(n): before + changes is after, byte for byte; minimal; composable; one text per pair of values.
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseJson } from '../../src/std/json-text.ts'
import {
  applyChanges,
  changesText,
  compareKeys,
  composeChanges,
  diff,
  stateSize,
  type Json,
  type JsonObject,
} from '../../src/protocol/changes.ts'

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'd', '0', '1', '10', '4294967294', '4294967295', '01', '-1', 'toString', ''),
  fc.string({ maxLength: 3 }).filter((text) => text !== '__proto__'),
)
const { state } = fc.letrec<{ value: Json; state: JsonObject }>((tie) => ({
  state: fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Json>(null, true, false, '', 'x', 'é😀"', 0, 1, -1.5, 1e21),
    fc.array(tie('value'), { maxLength: 5 }),
    tie('state'),
  ),
}))
const clone = <T>(value: T): T => parseJson(JSON.stringify(value)) as T
const text = (value: unknown): string => JSON.stringify(value)

/** The same keys in another order, some gone, some values replaced: near to `before`. */
const near = (before: JsonObject): fc.Arbitrary<JsonObject> =>
  fc
    .tuple(fc.shuffledSubarray(Object.keys(before)), state)
    .map(([keys, other]) => {
      const after: Record<string, Json> = {}
      for (const name of keys) {
        after[name] = (Object.hasOwn(other, name) ? other[name] : before[name]) as Json
      }
      return { ...after, ...other }
    })
const pair = state.chain((before) => fc.tuple(fc.constant(before), fc.oneof(state, near(before))))

/** Size by its definition, member by member. */
function sizeByHand(value: Json): number {
  if (typeof value !== 'object' || value === null) return text(value).length
  const members = Object.entries(value) as [string, Json][]
  const names = Array.isArray(value) ? 0 : 1
  return members.reduce(
    (sum, [name, inner]) => sum + 1 + names * (text(name).length + 1) + sizeByHand(inner),
    34,
  )
}

describe('changes', () => {
  test('before and the difference give after, byte for byte', () => {
    fc.assert(
      fc.property(pair, ([before, after]) => {
        const changes = diff(before, after)
        const copy = clone(before)
        const parsed = parseJson(changesText(changes)) as typeof changes
        expect(text(applyChanges(copy, parsed))).toBe(text(after))
      }),
      { numRuns: 3_000 },
    )
  })

  test('nothing changed is [], and only that', () => {
    fc.assert(
      fc.property(pair, ([before, after]) => {
        expect(changesText(diff(before, clone(before)))).toBe('[]')
        expect(changesText(diff(before, after)) === '[]').toBe(text(before) === text(after))
      }),
    )
  })

  test('minimal: leaving any one edit, drop or append out gives another value', () => {
    fc.assert(
      fc.property(pair, ([before, after]) => {
        const changes = diff(before, after)
        if (changes.length === 0) return
        for (const less of withoutOne(changes)) {
          const other = applyChanges(clone(before), clone(less) as typeof changes)
          expect(text(other)).not.toBe(text(after))
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('composed lists have the effect of all', () => {
    const chain = fc.array(fc.nat(), { minLength: 2, maxLength: 5 }).chain((picks) =>
      picks.reduce<fc.Arbitrary<JsonObject[]>>(
        (list) => list.chain((done) => near(done.at(-1) as JsonObject).map((next) => [...done, next])),
        state.map((first) => [first]),
      ),
    )
    fc.assert(
      fc.property(chain, (states) => {
        const steps = states.slice(1).map((next, index) => diff(states[index] as JsonObject, next))
        const frozen = text(steps)
        const whole = composeChanges(steps)
        const result = applyChanges(clone(states[0] as JsonObject), clone(whole))
        expect(text(result)).toBe(text(states.at(-1)))
        expect(text(steps)).toBe(frozen)
        const [first, ...rest] = steps
        expect(text(composeChanges([first as never, composeChanges(rest)]))).toBe(
          text(composeChanges([composeChanges([first as never]), ...rest])),
        )
      }),
      { numRuns: 1_000 },
    )
  })

  test('the size is a sum over the parts', () => {
    fc.assert(
      fc.property(state, (value) => {
        expect(stateSize(text(value))).toBe(sizeByHand(value))
      }),
      { numRuns: 1_000 },
    )
  })

  test('keys: integer-like first and by number, names by UTF-16 unit', () => {
    const keys = ['b', '10', 'a', '9', '4294967295', '4294967294', '-1', '', 'é', '01']
    expect(keys.sort(compareKeys)).toEqual(
      ['9', '10', '4294967294', '', '-1', '01', '4294967295', 'a', 'b', 'é'],
    )
  })

  // The texts below are hashed: they may never change.
  test.each([
    ['{"a":1}', '{"a":1}', '[]'],
    ['{"a":1}', '{"a":2}', '["o",["a",["=",2]]]'],
    ['{"a":1,"b":2}', '{"b":2}', '["o",[],["a"]]'],
    ['{"a":1,"b":2}', '{"b":2,"a":1}', '["o",[],[],["a",[]]]'],
    ['{"a":1,"b":2}', '{"b":2,"a":3}', '["o",[],["a"],["a",["=",3]]]'],
    ['{"a":{"x":1},"b":2}', '{"b":2,"a":{"x":2}}', '["o",[],[],["a",["o",["x",["=",2]]]]]'],
    ['{"b":1}', '{"b":1,"a":1,"7":0}', '["o",["7",["=",0]],[],["a",["=",1]]]'],
    ['{"l":[1,2,3]}', '{"l":[1,5]}', '["o",["l",["a",2,[1,["=",5]]]]]'],
    ['{"l":[1,{"x":1}]}', '{"l":[1,{"x":2}]}', '["o",["l",["a",null,[1,["o",["x",["=",2]]]]]]]'],
    ['{"l":[1]}', '{"l":{"0":1}}', '["o",["l",["=",{"0":1}]]]'],
    ['{"b":1,"a":1,"10":1,"9":1}', '{}', '["o",[],["9","10","a","b"]]'],
  ])('%s → %s', (before, after, changes) => {
    const parse = (json: string): JsonObject => parseJson(json) as JsonObject
    expect(changesText(diff(parse(before), parse(after)))).toBe(changes)
  })
})

/** Every list of changes that lacks one pair or one drop somewhere. */
function* withoutOne(edit: unknown): Generator<unknown> {
  const [kind, first, second, third] = edit as [string, unknown[], unknown[]?, unknown[]?]
  if (kind === 'o') {
    for (let i = 0; i < first.length; i += 2) {
      yield ['o', first.toSpliced(i, 2), second ?? [], third ?? []]
      for (const less of withoutOne(first[i + 1])) {
        yield ['o', first.toSpliced(i + 1, 1, less), second ?? [], third ?? []]
      }
    }
    for (let i = 0; i < (second ?? []).length; i++) {
      // A name that is dropped and appended again needs no drop to be replaced; the drop says that it was there.
      const name = (second as string[])[i]
      if ((third ?? []).includes(name)) continue
      yield ['o', first, (second as unknown[]).toSpliced(i, 1), third ?? []]
    }
    for (let i = 0; i < (third ?? []).length; i += 2) {
      yield ['o', first, second ?? [], (third as unknown[]).toSpliced(i, 2)]
    }
  }
  if (kind === 'a') {
    const edits = second as unknown[]
    for (let i = 0; i < edits.length; i += 2) {
      for (const less of withoutOne(edits[i + 1])) {
        yield ['a', first, edits.toSpliced(i + 1, 1, less)]
      }
    }
  }
}
