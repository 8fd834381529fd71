// A whole run as a test: nothing is violated, and something happened.

import { expect } from '@jest/globals'
import type { PlanChanges } from './plan.ts'
import { simulate } from './run.ts'

/** Some seconds of a core; many times that where others use it too. */
export const RUN_MS_MAX = 120_000

export async function expectClean(seed: number, changes: PlanChanges = {}): Promise<void> {
  const { violations, figures } = await simulate(seed, { changes })
  const how = `npm run sim -- --seed ${seed} --plan '${JSON.stringify(changes)}'`
  expect({ how, violations }).toEqual({ how, violations: [] })
  // a run in which nothing happens would be clean as well
  expect(figures?.entries).toBeGreaterThan(0)
}
