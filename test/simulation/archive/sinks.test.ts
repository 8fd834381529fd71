// A whole run with sinks: clean, and restored at its end (that it repeats itself: ambient.test.ts).

import { expect, test } from '@jest/globals'
import { RUN_MS_MAX } from '../clean-run.ts'
import type { PlanChanges } from '../plan.ts'
import { simulate } from '../run.ts'

const PLAN: PlanChanges = {
  seconds: 8,
  messagesPerSecond: 8,
  workloads: ['tokens'],
  archive: {
    sinks: 2,
    rates: { failed: 0.2, late: 0.2, unanswered: 0.2, hidden: 0.2, unreadable: 0.1, slow: 0.1 },
    heightsMax: 8,
    eventSeconds: 1,
  },
}
const SEED = 5

test('a run with sinks is clean, and restored from its archive alone', async () => {
  const report = await simulate(SEED, { changes: PLAN })
  expect(report.violations).toEqual([])
  expect(report.figures?.entries).toBeGreaterThan(50)
  const names = Object.keys(report.situations)
  expect(names.filter((name) => name.startsWith('archive: ')).length).toBeGreaterThan(2)
  expect(names.filter((name) => name.startsWith('sink: ')).length).toBeGreaterThan(0)
}, RUN_MS_MAX)
