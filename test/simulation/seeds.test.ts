// Whole runs: the same few seeds each time, and fresh ones for some seconds. A seed that fails goes
// into seeds.json: docs/internals/simulation.md says how.

import { randomInt } from 'node:crypto'
import { test } from '@jest/globals'
import { expectClean, RUN_MS_MAX } from './clean-run.ts'

const FIXED = [1, 2, 4, 5]
const FRESH_MS = 12_000
const SEEDS = 2 ** 32

test.each(FIXED)('seed %d is clean', (seed) => expectClean(seed), RUN_MS_MAX)

test('fresh seeds are clean: what fails names its seed', async () => {
  const ends = performance.now() + FRESH_MS
  for (let seed = randomInt(SEEDS); performance.now() < ends; seed = (seed + 1) % SEEDS) {
    await expectClean(seed)
  }
}, FRESH_MS + RUN_MS_MAX)
