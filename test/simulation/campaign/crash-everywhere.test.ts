// A crash at every so many-th call of a port, before and after the request is out; all of them:
// npm run sim -- --crash-everywhere.

import { expect, test } from '@jest/globals'
import { crashEverywhere } from './crash-everywhere.ts'

const EVERY = 149

test('whatever call it dies at, the end is the same', async () => {
  const said: string[] = []
  const say = (line: string): void => void said.push(line)
  const { calls, runs, violations } = await crashEverywhere({ seed: 2, every: EVERY, say })
  expect(violations).toEqual([])
  expect(calls).toBeGreaterThan(200)
  expect(runs).toBe(2 * Math.ceil(calls / EVERY))
}, 120_000)
