// All workloads at once in a short run without faults: what the models say is what the network
// does, and each workload comes to what it is for.

import { expect, test } from '@jest/globals'
import { NO_FAULTS } from './broker/faults.ts'
import type { WorkloadName } from './load/all.ts'
import { WORKLOADS } from './load/all.ts'
import { simulate } from './run.ts'

const RUN_MS = 120_000

test(
  'the network does what the models say, under all workloads',
  async () => {
    const workloads = Object.keys(WORKLOADS) as WorkloadName[]
    const quiet = { rates: NO_FAULTS, http: { lost: 0, slow: 0 }, eventSeconds: 0 }
    const changes = { ...quiet, workloads, weights: {}, seconds: 10, messagesPerSecond: 40 }
    const { violations, situations, figures } = await simulate(5, { changes })
    expect(violations).toEqual([])
    expect(figures?.acknowledged).toBeGreaterThan(200)
    const seen = Object.keys(situations).filter((each) => each.startsWith('result: '))
    expect(seen).toEqual(
      expect.arrayContaining([
        'result: contract-error',
        'result: count-exhausted',
        'result: process-failed',
        'result: process-not-found',
        'result: state-not-json',
      ]),
    )
    expect(Object.keys(situations).some((each) => each.startsWith('refused at the door'))).toBe(true)
    const ofTheLog = [
      'a child was spawned by its salt',
      'a question ended: reply',
      'an alarm fired',
      'an upgrade held: by source',
      'an upgrade came from another process',
    ]
    expect(Object.keys(situations)).toEqual(expect.arrayContaining(ofTheLog))
    expect(situations['a bounce']).toBeGreaterThan(10)
  },
  RUN_MS,
)
