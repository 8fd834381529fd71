import { expect, test } from '@jest/globals'
import { liveTable, pairLines, shortId, tableLines } from '../../src/cli/table.ts'
import { jsonForTerminal, paint, printable } from '../../src/cli/terminal.ts'

const PLAIN = paint(false)

test('columns are as wide as what they hold, numbers to the right', () => {
  const lines = tableLines(
    [{ title: 'name' }, { title: 'n', align: 'right' }],
    [
      ['a', 1],
      ['é😀b', 1000],
    ],
    PLAIN,
  )
  expect(lines).toEqual(['name     n', '────  ────', 'a        1', 'é😀b   1000'])
})

test('a width cuts, and no cell breaks its line', () => {
  const lines = tableLines([{ title: 'text', width: 6 }], [['abcdefgh'], ['a\nb'], ['']], PLAIN)
  expect(lines.slice(2)).toEqual(['abcde…', 'a\\nb', ''])
})

test('colours do not move columns, and only painted cells have them', () => {
  const rows = [[{ text: 'ok', style: 'green' as const }, 'x\u001b[31m']]
  const columns = [{ title: 'status' }, { title: 'data' }]
  const [, , line = ''] = tableLines(columns, rows, paint(true))
  expect(line).toBe('\u001b[32mok    \u001b[39m  x\\u001b[31m')
})

test('a live table prints its head at once and each row as it comes', () => {
  const out: string[] = []
  const table = liveTable(
    [
      { title: 'step', width: 6 },
      { title: 'ms', align: 'right' },
    ],
    (line) => out.push(line),
    PLAIN,
  )
  expect(out).toEqual(['step    ms', '──────  ──'])
  table.row(['stake', 7])
  expect(out[2]).toBe('stake    7')
})

test('pairs, ids, printable text', () => {
  expect(
    pairLines(
      [
        ['a', 'x'],
        ['long', 2],
      ],
      PLAIN,
    ),
  ).toEqual(['a     x', 'long  2'])
  expect(shortId('A'.repeat(43))).toBe('AAAAAAAAAAA…')
  expect(printable('\u0000\u009b\u202ea\tb')).toBe('\\u0000\\u009b\\u202ea\\tb')
  const value = { a: 'x\u009b\ny\u2028', b: [1] }
  const text = jsonForTerminal(value, 2)
  expect(text).not.toMatch(/[\u007f-\u009f\u2028]/)
  expect(JSON.parse(text)).toEqual(value)
})
