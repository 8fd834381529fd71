// What conduct.ts tells of: each rule broken once, and kept in every way that is allowed.

import { expect, test } from '@jest/globals'
import { Conduct } from './broker/conduct.ts'

function told(act: (conduct: Conduct) => void): string[] {
  const conduct = new Conduct()
  act(conduct)
  return conduct.violations.map(({ invariant }) => invariant)
}

test('who is unsure asks before it appends again', () => {
  expect(
    told((conduct) => {
      conduct.unclear('a', 0)
      conduct.appends('a', 0)
    }),
  ).toEqual(['owner-asked'])
})

test('who was confirmed, another host and another partition are not unsure', () => {
  expect(
    told((conduct) => {
      conduct.appends('a', 0)
      conduct.unclear('a', 0)
      conduct.appends('b', 0)
      conduct.appends('a', 1)
      conduct.confirmed('a', 0)
      conduct.appends('a', 0)
    }),
  ).toEqual([])
})

test('a fenced member notes nothing', () => {
  const note = (conduct: Conduct): void => conduct.notedFenced('m', 'hb.log', 0)
  expect(told(note)).toEqual(['fenced-notes-nothing'])
})

test('an outbox keeps its newest run; ingress may be empty', () => {
  expect(told((conduct) => conduct.trimmed('hb.outbox', 0, 9, 9))).toEqual(['newest-run-kept'])
  expect(told((conduct) => conduct.trimmed('hb.outbox', 0, 8, 9))).toEqual([])
  expect(told((conduct) => conduct.trimmed('hb.ingress', 0, 9, 9))).toEqual([])
})
