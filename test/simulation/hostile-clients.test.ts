// What hostile clients put into ingress must be refused for its own reason and never be placed:
// endings in which it was not are told.

import { expect, test } from '@jest/globals'
import { idOf } from '../protocol/fixtures.ts'
import { judgePuts } from './load/hostile-clients.ts'
import { PlantedLog } from './load/model/planted-log.ts'

const LETTER = { partition: 0, id: undefined, item: undefined }

test('each record is refused at its place for its reason, or dropped without a word', () => {
  const log = new PlantedLog()
  log.refusals.push({ ...LETTER, offset: 3, code: 'record-malformed' })
  const puts = [
    { partition: 0, offset: 3, code: 'record-malformed' },
    { partition: 0, offset: 4, code: undefined },
  ]
  expect(judgePuts(log.ending, puts)).toEqual([])
  expect(judgePuts(log.ending, [{ partition: 0, offset: 5, code: 'expired' }])).toHaveLength(1)
  expect(judgePuts(log.ending, [{ partition: 0, offset: 3, code: 'expired' }])).toHaveLength(1)
  log.refusals.push({ ...LETTER, offset: 4, code: 'record-malformed' })
  expect(judgePuts(log.ending, puts)).toHaveLength(1)
})

test('a relayed message from far ahead of its channel that has a place is told', () => {
  const log = new PlantedLog()
  log.put(idOf('token'), idOf('caller'), {}, { from: 'process' })
  const { message } = log.entries[0] as (typeof log.entries)[number]
  Object.assign(message, { origin: { partition: 0, height: 1, index: 0, seq: 1 } })
  expect(judgePuts(log.ending, [])).toEqual([])
  Object.assign(message, { origin: { partition: 0, height: 1, index: 0, seq: 1_000_007 } })
  expect(judgePuts(log.ending, [])).toHaveLength(1)
})
