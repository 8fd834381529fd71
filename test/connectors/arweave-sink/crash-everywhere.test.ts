// The sink dies at each call of its log, archive and store, before and after it has its effect.

import { expect, test } from '@jest/globals'
import { dieAt } from './sink-rig.ts'

test.each([false, true])('no gap and no double, wherever it dies (after the call: %s)', async (isAfter) => {
  let at = 1
  while ((await dieAt(at, isAfter)).isDead) at += 1
  expect(at).toBeGreaterThan(12)
})
