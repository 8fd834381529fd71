// What was found stays found: each row of seeds.json runs for ever.

import { expect, test } from '@jest/globals'
import { knownSeeds } from './campaign/known-seeds.ts'
import { expectClean, RUN_MS_MAX } from './clean-run.ts'

test.each(knownSeeds())(
  'seed $seed: $found',
  ({ seed, plan }) => expectClean(seed, plan),
  RUN_MS_MAX,
)

test('no run is there twice', () => {
  const rows = knownSeeds().map(({ seed, plan }) => JSON.stringify([seed, plan]))
  expect(new Set(rows).size).toBe(rows.length)
  expect(rows.length).toBeGreaterThan(0)
})
