// Whole runs: the same few seeds each time, those that found something once, and some that nobody
// has tried. A fresh one that fails goes into seeds.json: docs/internals/simulation.md says how.

import { randomInt } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { knownSeeds } from './campaign/known-seeds.ts'
import type { PlanChanges } from './plan.ts'
import { simulate } from './run.ts'

const FIXED = [1, 2, 3, 4, 5, 7]
const FRESH = Array.from({ length: 4 }, () => randomInt(2 ** 32))
const RUN_MS_MAX = 120_000

async function expectClean(seed: number, changes: PlanChanges = {}): Promise<void> {
  const { violations, figures } = await simulate(seed, { changes })
  const how = `npm run sim -- --seed ${seed} --plan '${JSON.stringify(changes)}'`
  expect({ how, violations }).toEqual({ how, violations: [] })
  // a run in which nothing happens would be clean as well
  expect(figures?.entries).toBeGreaterThan(0)
}

describe('one world each', () => {
  test.each(FIXED)('seed %d is clean', (seed) => expectClean(seed), RUN_MS_MAX)
  test.each(FRESH)('fresh seed %d is clean', (seed) => expectClean(seed), RUN_MS_MAX)
})

describe('what was found stays found', () => {
  test.each(knownSeeds())(
    'seed $seed: $found',
    ({ seed, plan }) => expectClean(seed, plan),
    RUN_MS_MAX,
  )
})
