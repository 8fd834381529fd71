import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseProperties } from '../../src/std/java-properties.ts'

function fail(line: number, why: string): never {
  throw new Error(`line ${line}: ${why}`)
}

function read(text: string): [string, string][] {
  return parseProperties(text, fail).map(({ key, value }) => [key, value])
}

describe('the syntax of properties', () => {
  // the examples of java.util.Properties.load, and what it says beside them
  test.each<[string, [string, string][]]>([
    ['Truth = Beauty', [['Truth', 'Beauty']]],
    [' Truth:Beauty', [['Truth', 'Beauty']]],
    ['Truth\t\t\t:Beauty', [['Truth', 'Beauty']]],
    ['fruits  apple, banana, pear, \\\n   cantaloupe, \\\n  mango', [['fruits', 'apple, banana, pear, cantaloupe, mango']]],
    ['cheeses', [['cheeses', '']]],
    ['', []],
    ['\n \t\n\f', []],
    ['# a=b\n  ! c=d\\\ne=f', [['e', 'f']]],
    ['a=b\r\nc=d\re=f\n', [['a', 'b'], ['c', 'd'], ['e', 'f']]],
    ['a==b', [['a', '=b']]],
    ['a = : b', [['a', ': b']]],
    ['a\\=\\:\\ b=c', [['a=: b', 'c']]],
    ['a=\\ttab\\nline\\r\\f\\q\\\\', [['a', '\ttab\nline\r\fq\\']]],
    ['a=\\u0041\\u00e9\\u20AC', [['a', 'Aé€']]],
    ['a=b \t', [['a', 'b \t']]],
    ['a=b\\\n', [['a', 'b']]],
    ['a=b\\', [['a', 'b']]],
    ['a=b\\\\\nc=d', [['a', 'b\\'], ['c', 'd']]],
    ['a=b\\\n\nc=d', [['a', 'b'], ['c', 'd']]],
    ['a=b\\\n#c', [['a', 'b#c']]],
    ['=b', [['', 'b']]],
    ['a=1\na=2', [['a', '1'], ['a', '2']]],
    ['\\#a=b', [['#a', 'b']]],
  ])('%j', (text, expected) => {
    expect(read(text)).toEqual(expected)
  })

  test('lines are counted where an entry begins', () => {
    const text = '# one\n\na=b\\\n  c\nd=e'
    expect(parseProperties(text, fail).map(({ key, line }) => [key, line])).toEqual([
      ['a', 3],
      ['d', 5],
    ])
  })

  test.each(['a=\\u12', 'a=\\uXYZW', '\n\na\\u=b', 'a=\\u 123'])('%j is refused', (text) => {
    expect(() => read(text)).toThrow(/^line [13]: \\u is not followed/)
  })

  test('whatever is written as it may be is read as it was meant', () => {
    const chars = fc.constantFrom(...'ab=: \t\f\n\r\\#!"é€\u{1F600}u0'.split(''), 'A')
    const text = fc.string({ unit: chars, maxLength: 12 })
    const name = fc.string({ unit: chars, minLength: 1, maxLength: 12 })
    const style = fc.record({
      separator: fc.constantFrom('=', ':', ' ', ' = ', '\t:\f', '= '),
      indent: fc.constantFrom('', ' ', '\t\f '),
      end: fc.constantFrom('\n', '\r\n', '\r', '\n\n', '\n# remark\\\n', '\n  ! remark\n'),
      cuts: fc.array(fc.nat(20), { maxLength: 3 }),
      unicode: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(fc.tuple(name, text, style), { maxLength: 6 }), (entries) => {
        const written = entries.map(([key, value, how]) => write(key, value, how)).join('')
        expect(read(written)).toEqual(entries.map(([key, value]) => [key, value]))
      }),
      { numRuns: 2_000 },
    )
  })
})

type How = { separator: string; indent: string; end: string; cuts: number[]; unicode: boolean }

/** One entry, escaped where it must be, broken over lines at some places. */
function write(key: string, value: string, how: How): string {
  const units = [
    ...key.split('').map((char) => escaped(char, true, how.unicode)),
    how.separator,
    ...value.split('').map((char) => escaped(char, false, how.unicode)),
  ]
  // a line cut off before white space would lose it
  const at = how.cuts.map((cut) => cut % (units.length + 1))
  const broken = units.map((unit, index) => {
    const cut = at.includes(index) && !/^[ \t\f]/.test(unit)
    return cut ? `\\\n${how.indent}${unit}` : unit
  })
  return `${how.indent}${broken.join('')}${how.end}`
}

const NAMES: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\f': '\\f' }

function escaped(char: string, isKey: boolean, unicode: boolean): string {
  if (unicode && char >= '\u0080') {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  }
  if (NAMES[char] !== undefined) return NAMES[char]
  // in a value only what would be taken for the separator, or vanish at the beginning
  return '\\ =:#!'.includes(char) && (isKey || char !== '!') ? `\\${char}` : char
}
