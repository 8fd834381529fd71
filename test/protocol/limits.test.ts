import { describe, expect, test } from '@jest/globals'
import type { LimitRow } from '../../src/protocol/limits.ts'
import { defaultLimits, LIMIT_TABLE } from '../../src/protocol/limits.ts'
import { ENVELOPE_BYTES } from '../../src/protocol/outbox.ts'
import { ERROR_TABLE } from '../../src/std/error-table.ts'

const rows = Object.entries(LIMIT_TABLE) as [string, LimitRow][]

describe.each(rows)('%s', (name, row) => {
  test('has a code of the error table', () => {
    expect(Object.keys(ERROR_TABLE)).toContain(row.code)
  })

  test('has a default that is a whole number, at least its least', () => {
    expect(Number.isSafeInteger(row.default)).toBe(true)
    expect(Number.isSafeInteger(row.least)).toBe(true)
    expect(row.least).toBeGreaterThan(0)
    expect(row.default).toBeGreaterThanOrEqual(row.least)
  })

  test('says at its end what it is', () => {
    expect(name).toMatch(/(Max|Default)$/)
  })
})

test('defaultLimits has the default of every row', () => {
  expect(defaultLimits()).toEqual(
    Object.fromEntries(rows.map(([name, row]) => [name, row.default])),
  )
})

test('the limits fit into one another', () => {
  for (const pick of ['default', 'least'] as const) {
    const limit = (name: keyof typeof LIMIT_TABLE): number => LIMIT_TABLE[name][pick]
    // a message with its envelope must hold a spawn's source, tags, and what a bounce carries
    expect(limit('messageBytesMax')).toBeGreaterThan(ENVELOPE_BYTES + limit('tagBytesMax'))
    expect(limit('messageBytesMax')).toBeGreaterThan(limit('moduleBytesMax'))
    expect(limit('outboxBytesMax')).toBeGreaterThanOrEqual(limit('messageBytesMax'))
    expect(limit('hopsMax')).toBeGreaterThanOrEqual(limit('hopsDefault'))
    expect(limit('countMax')).toBeGreaterThanOrEqual(limit('countDefault'))
  }
})
