// Whole runs: the same few seeds each time, and some that nobody has tried. A fresh one that fails
// goes into seeds.json: docs/internals/simulation.md says how.

import { randomInt } from 'node:crypto'
import { test } from '@jest/globals'
import { expectClean, RUN_MS_MAX } from './clean-run.ts'

const FIXED = [1, 2, 3, 4, 5, 7]
const FRESH = Array.from({ length: 4 }, () => randomInt(2 ** 32))

test.each(FIXED)('seed %d is clean', (seed) => expectClean(seed), RUN_MS_MAX)
test.each(FRESH)('fresh seed %d is clean', (seed) => expectClean(seed), RUN_MS_MAX)
