// What brokers' quotas make a node wait: a line a minute at most, and seconds that add up.

import { expect, test } from '@jest/globals'
import { REPORT_EVERY_MS, Throttling } from '../../src/node/throttling.ts'
import type { Report } from '../../src/std/reporter.ts'
import { Reporter } from '../../src/std/reporter.ts'

test('every wait is counted, and said once a minute with all since the last time', () => {
  const reports: Report[] = []
  let now = 0
  const clock = { now: () => now, sleep: () => Promise.resolve() }
  const throttling = new Throttling(clock, new Reporter('warn', (each) => reports.push(each)))
  expect(throttling.samples()).toEqual([])
  const heard = (ms: number, request = 'Produce', clientId = 'hb.door'): void =>
    throttling.heard({ clientId, request, ms })
  heard(1_500)
  heard(2_000)
  heard(250, 'Metadata')
  heard(100, 'Fetch', 'hb.dre')
  now = REPORT_EVERY_MS - 1
  heard(1_000)
  expect(reports.map(({ fields }) => fields)).toEqual([
    { client: 'hb.door', request: 'Produce', seconds: 1.5 },
    { client: 'hb.dre', request: 'Fetch', seconds: 0.1 },
  ])
  now = REPORT_EVERY_MS
  heard(500)
  expect(reports.length).toBe(3)
  expect(reports[2]).toMatchObject({
    level: 'warn',
    event: 'quota-throttled',
    text: 'hb.door has used up a quota of the brokers (Produce): waits 3.75 s',
    fields: { seconds: 3.75 },
  })
  expect(throttling.samples()).toEqual([
    { labels: { client_id: 'hb.door', request: 'Produce' }, value: 5 },
    { labels: { client_id: 'hb.door', request: 'Metadata' }, value: 0.25 },
    { labels: { client_id: 'hb.dre', request: 'Fetch' }, value: 0.1 },
  ])
})
