import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseJson } from '../../src/std/json-text.ts'

/** Text written key by key, so that no parser stands between value and text. */
function textOf(value: unknown): string {
  return JSON.stringify(value)
}

describe('parseJson', () => {
  test('reads an escaped key right, whatever was parsed before (nodejs/node 63785)', () => {
    for (const [poison, key] of [
      ['{"h":[],"\\\\":0}', '"'],
      ['{"h":[],"\\\\":0}', '\n'],
      ['{"h":[],"\\\\u000a":0}', '\n'],
    ] as const) {
      JSON.parse(poison)
      parseJson(poison)
      expect(Object.keys(parseJson(`{"h":1,${JSON.stringify(key)}:2}`) as object)).toEqual(['h', key])
    }
  })

  test('gives back what was written, over any values and in any order', () => {
    const key = fc.oneof(
      fc.constantFrom('"', '\\', '\\"', '\n', '\\n', 'a"', 'h', '__proto__', '\\u0022', '0', ''),
      fc.string({ maxLength: 3 }),
    )
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>(null, true, false, 0, -1.5, 1e21, '', '\\', '":', '{"a\\":1}'),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((members) => {
          const object: Record<string, unknown> = {}
          for (const [name, member] of members) {
            Object.defineProperty(object, name, {
              value: member,
              writable: true,
              enumerable: true,
              configurable: true,
            })
          }
          return object
        }),
      ),
    }))
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1), (written, indent) => {
        const text = JSON.stringify(written, null, indent)
        expect(textOf(parseJson(text))).toBe(textOf(written))
      }),
      { numRuns: 2_000 },
    )
  })

  test.each(['', '{', '{"a\\":1}', '{"\\"":1,}', '["\\q"]', '{"\\"" 1}', '{"\\"":1} x', '\u00a01'])(
    'refuses what JSON.parse refuses: %j',
    (text) => {
      expect(() => parseJson(text)).toThrow(SyntaxError)
    },
  )
})
