// The strict parser agrees with JSON.parse on all that it accepts, and refuses what parsers read
// differently.

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseStrictJson } from '../../src/protocol/json.ts'
import { isHbError } from '../../src/std/errors.ts'

function outcome(input: Uint8Array | string, limits = {}): string {
  try {
    return JSON.stringify(parseStrictJson(input, limits))
  } catch (error) {
    if (isHbError(error)) return `${error.code}: ${error.detail}`
    throw error
  }
}

// JSON.stringify writes doubles up to 1e21 as integers: those beyond 2^53 − 1 are refused, by
// design.
function hasPlainNumbers(value: unknown): boolean {
  if (typeof value === 'number') return !(Math.abs(value) >= 2 ** 53 && Math.abs(value) < 1e21)
  if (typeof value !== 'object' || value === null) return true
  return Object.values(value).every(hasPlainNumbers)
}
const isWellFormedDeep = (value: unknown): boolean =>
  !/\\ud[89a-f][0-9a-f]{2}/i.test(JSON.stringify(value))
const hasProto = (value: unknown): boolean => JSON.stringify(value).includes('"__proto__":')

describe('agrees with JSON.parse', () => {
  const value = fc.jsonValue({ depthSize: 'medium', stringUnit: 'grapheme' }).filter((made) => {
    return isWellFormedDeep(made) && !hasProto(made) && hasPlainNumbers(made)
  })

  test('on every value, from text and bytes, with and without white space', () => {
    fc.assert(
      fc.property(value, fc.constantFrom('', ' ', '\n\t'), (made, space) => {
        const text = JSON.stringify(made, null, space)
        const expected = JSON.stringify(JSON.parse(text))
        expect(outcome(text)).toBe(expected)
        expect(outcome(Buffer.from(text))).toBe(expected)
      }),
      { numRuns: 1000 },
    )
  })

  test('on every string, however it is escaped', () => {
    const escapes = ['\\\\', '\\"', '\\n', '\\u0022', '\\u005c']
    const unit = fc.constantFrom(...escapes, '{', '[', ':', ',', 'é')
    fc.assert(
      fc.property(fc.array(unit), fc.array(unit), (a, b) => {
        const text = `{"a${a.join('')}":["${b.join('')}","x"],"":{}}`
        expect(outcome(text)).toBe(JSON.stringify(JSON.parse(text)))
      }),
      { numRuns: 1000 },
    )
  })

  test('on what is not JSON: near misses of it are refused, never read otherwise', () => {
    const text = value.map((made) => JSON.stringify(made))
    const spoiler = fc.constantFrom('', '"', '\\', '}', ']', ',', ':', '0', '-')
    fc.assert(
      fc.property(text, fc.nat(), spoiler, (made, at, put) => {
        const place = at % (made.length + 1)
        const bent = made.slice(0, place) + put + made.slice(place + 1)
        let expected: unknown
        try {
          expected = JSON.parse(bent)
        } catch {
          expect(outcome(bent)).toMatch(/^json-malformed/)
          return
        }
        const seen = outcome(bent)
        if (!seen.startsWith('json-malformed')) expect(seen).toBe(JSON.stringify(expected))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('keys', () => {
  test('a repeated key is refused wherever it stands and however it is escaped', () => {
    const key = fc.string({ maxLength: 4 }).filter((made) => made !== '__proto__')
    const escaped = (text: string): string =>
      [...text].map((c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`).join('')
    fc.assert(
      fc.property(key, fc.nat(3), fc.boolean(), fc.jsonValue(), (name, depth, other, value) => {
        const inner = JSON.stringify(value)
        const second = other ? `"${escaped(name)}"` : JSON.stringify(name)
        let text = `{${JSON.stringify(name)}:${inner},"between here":1,${second}:{"x":2}}`
        for (let i = 0; i < depth; i++) text = i % 2 === 0 ? `[1,${text}]` : `{"k":${text}}`
        expect(outcome(text)).toMatch(/^json-malformed/)
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['{"a":1,"a":1}', 'json-malformed: an object has a key twice'],
    ['{"a":{"b":1,"c":2},"a":3}', 'json-malformed: an object has a key twice'],
    ['{"a":1,"\\u0061":2}', 'json-malformed: an object has a key twice'],
    ['[{"a":1},{"a":1}]', '[{"a":1},{"a":1}]'],
    ['{"a":{"a":{"a":1}}}', '{"a":{"a":{"a":1}}}'],
    ['{"1":1,"01":2}', '{"1":1,"01":2}'],
    ['{"__proto__":1}', 'json-malformed: the key __proto__'],
    ['{"a":[{"__pr\\u006fto__":{}}]}', 'json-malformed: the key __proto__'],
    ['{"constructor":1,"toString":2}', '{"constructor":1,"toString":2}'],
  ])('%s', (text, expected) => expect(outcome(text)).toBe(expected))
})

describe('numbers', () => {
  const big = 'json-malformed: an integer beyond ±9007199254740991 (write it as text)'
  test.each([
    ['9007199254740991', '9007199254740991'],
    ['-9007199254740991', '-9007199254740991'],
    ['9007199254740992', big],
    ['-9007199254740992', big],
    ['[1,{"a":123456789012345678901234567890}]', big],
    [`["9007199254740993",${'9'.repeat(30)}]`, big],
    ['["\\"",9007199254740993]', big],
    ['["9007199254740993 \\" 9999",1e30]', '["9007199254740993 \\" 9999",1e+30]'],
    ['1e30', '1e+30'],
    ['12345678901234567890.5', '12345678901234567000'],
    ['[1E+16,-1.5e20]', '[10000000000000000,-150000000000000000000]'],
    ['1e309', 'json-malformed: a number too large for 64-bit floating point'],
    ['[-1e999]', 'json-malformed: a number too large for 64-bit floating point'],
    ['-0', 'json-malformed: minus zero'],
    ['{"a":-0.0e5}', 'json-malformed: minus zero'],
    ['0', '0'],
    ['01', 'json-malformed: not JSON'],
    ['NaN', 'json-malformed: not JSON'],
    ['0x10', 'json-malformed: not JSON'],
  ])('%s', (text, expected) => expect(outcome(text)).toBe(expected))
})

describe('bytes and text', () => {
  const hex = (text: string): Buffer => Buffer.from(text, 'hex')
  test.each([
    ['invalid UTF-8', hex('22ff22'), 'json-malformed: not UTF-8'],
    ['overlong UTF-8', hex('22c0af22'), 'json-malformed: not UTF-8'],
    ['a surrogate in UTF-8', hex('22eda08022'), 'json-malformed: not UTF-8'],
    ['a byte order mark', hex('efbbbf31'), 'json-malformed: not JSON'],
    ['a byte order mark as text', '\ufeff1', 'json-malformed: not JSON'],
    ['a lone surrogate', '"\ud800"', 'json-malformed: a lone surrogate'],
    ['an escaped lone surrogate', '["\\ud83d"]', 'json-malformed: a lone surrogate'],
    ['an escaped lone surrogate in a key', '{"\\uDC00":1}', 'json-malformed: a lone surrogate'],
    ['surrogates the wrong way round', '"\\ude00\\ud83d"', 'json-malformed: a lone surrogate'],
    ['an escaped pair', '"\\ud83d\\ude00"', '"😀"'],
    ['a raw control character', '"\n"', 'json-malformed: not JSON'],
    ['bytes after the value', '{} x', 'json-malformed: not JSON'],
    ['two values', '1 2', 'json-malformed: not JSON'],
    ['nothing', '', 'json-malformed: not JSON'],
    ['a comment', '[1] // one', 'json-malformed: not JSON'],
    ['a comma too many', '[1,]', 'json-malformed: not JSON'],
    ['an open string', '"abc', 'json-malformed: not JSON'],
  ])('%s', (_, input, expected) => expect(outcome(input)).toBe(expected))
})

describe('limits', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

  test('depth: at the limit and one over, arrays and objects', () => {
    expect(outcome(nested(64))).toBe(nested(64))
    expect(outcome(nested(65))).toBe('json-too-deep: at most 64')
    expect(outcome('{"a":[{}]}', { depthMax: 3 })).toBe('{"a":[{}]}')
    expect(outcome('{"a":[{}]}', { depthMax: 2 })).toBe('json-too-deep: at most 2')
    expect(outcome('"[[[["', { depthMax: 0 })).toBe('"[[[["')
    expect(outcome('[[],[],[]]', { depthMax: 2 })).toBe('[[],[],[]]')
  })

  test('a million brackets are refused at once', () => {
    expect(outcome('['.repeat(1_000_000))).toBe('json-too-deep: at most 64')
  })

  test('bytes, not characters, at the limit and one over', () => {
    expect(outcome('"é"', { bytesMax: 4 })).toBe('"é"')
    expect(outcome('"é"', { bytesMax: 3 })).toBe('json-too-large: 4 bytes, at most 3')
    expect(outcome(Buffer.from('"é"'), { bytesMax: 3 })).toBe('json-too-large: 4 bytes, at most 3')
  })

  test('time grows with the bytes only, whatever they are', () => {
    const size = 1_000_000
    for (const text of [
      `"${'\\\\'.repeat(size / 2 - 1)}"`,
      `"${'\\"'.repeat(size / 2 - 1)}"`,
      `[${'"",'.repeat(size / 3 - 1)}9007199254740993]`,
      `["${'x\\"'.repeat(size / 3 - 8)}",1e300]`,
    ]) {
      const start = performance.now()
      outcome(text)
      expect(performance.now() - start).toBeLessThan(1000)
    }
  })
})
