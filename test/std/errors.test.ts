import { describe, expect, test } from '@jest/globals'
import { inspect } from 'node:util'
import { ERROR_TABLE } from '../../src/std/error-table.ts'
import type { ErrorCode, ErrorRow } from '../../src/std/errors.ts'
import { HbError, isHbError } from '../../src/std/errors.ts'

const rows = Object.entries(ERROR_TABLE) as [ErrorCode, ErrorRow][]
const KINDS = ['input', 'contract', 'capacity', 'operator', 'transient', 'bug']

describe('the table', () => {
  test('has codes in kebab-case and kinds that are known', () => {
    const wrong = rows.filter(
      ([code, row]) => !/^[a-z]+(-[a-z0-9]+)*$/.test(code) || !KINDS.includes(row.kind),
    )
    expect(wrong).toEqual([])
  })

  test('has messages that go on in a sentence, and advice that is one', () => {
    const wrong = rows.filter(
      ([, row]) =>
        !/^(?!the the)[a-z].*[^.\s]$/.test(row.message) || !/^[A-Z].*\.$/.test(row.advice),
    )
    expect(wrong).toEqual([])
  })

  test('says each thing once', () => {
    const messages = rows.map(([, row]) => row.message)
    expect(messages.filter((message, at) => messages.indexOf(message) !== at)).toEqual([])
  })
})

describe('HbError', () => {
  test('takes kind, message and advice from its row', () => {
    for (const [code, row] of rows) {
      const error = new HbError(code)
      expect([error.code, error.kind, error.message, error.advice]).toEqual([
        code,
        row.kind,
        row.message,
        row.advice,
      ])
    }
  })

  test('adds what was seen, and keeps data and cause', () => {
    const cause = new Error('below')
    const error = new HbError('queue-full', '10 of 10', { cause, data: { size: 10 } })
    expect(error.message).toBe('the queue is full: 10 of 10')
    expect(error.detail).toBe('10 of 10')
    expect(error.cause).toBe(cause)
    expect(error.data).toEqual({ size: 10 })
    expect(error.name).toBe('HbError')
    expect(inspect(error)).toContain('queue-full')
  })

  test('has no cause where none was given', () => {
    expect('cause' in new HbError('queue-full')).toBe(false)
  })
})

test('isHbError knows the class and, if asked, the code', () => {
  const error = new HbError('queue-full')
  expect(isHbError(error)).toBe(true)
  expect(isHbError(error, 'queue-full')).toBe(true)
  expect(isHbError(error, 'queue-closed')).toBe(false)
  for (const other of [new Error('x'), { code: 'queue-full' }, 'queue-full', null, undefined]) {
    expect(isHbError(other)).toBe(false)
  }
})
