// A campaign's figures: what was seen, how often, and what never was.

import { expect, test } from '@jest/globals'
import { SITUATIONS } from '../situations.ts'
import { harnessFailure } from './outcome.ts'
import { Progress } from './progress.ts'

const CLEAN = { traceHash: 'x', steps: 10, violations: [], seconds: 60 }

test('it counts seeds, situations and violations, and tells them in a line', () => {
  const progress = new Progress()
  progress.add({ ...CLEAN, seed: 1, situations: { 'a zombie appended': 2 } })
  progress.add({ ...CLEAN, seed: 2, situations: { 'a zombie appended': 1, 'append: late': 1 } })
  const violations = [
    { invariant: 'placed-once', text: 'twice' },
    { invariant: 'chain-unbroken', text: 'broken' },
  ]
  progress.add({ ...CLEAN, seed: 3, situations: {}, violations })
  expect(progress.line(30)).toBe(
    '3 seeds, 6.0 a minute, 6.0 virtual s a second, 2 violations of 1 seeds, ' +
      `2 of ${SITUATIONS.length} situations`,
  )
  const report = progress.report(30)
  expect(report).toMatchObject({ seeds: 3, minutes: 0.5 })
  expect(report.violations).toEqual(violations.map((each) => ({ seed: 3, ...each })))
  expect(report.situations['a zombie appended']).toBe(3)
  expect(Object.keys(report.situations).sort()).toEqual([...SITUATIONS].sort())
  expect(progress.neverSeen()).not.toContain('append: late')
  expect(progress.neverSeen().length).toBe(SITUATIONS.length - 2)
})

test('a run that never came to its verdict is a violation', () => {
  const { violations } = harnessFailure(7, new Error('broken'))
  expect(violations).toMatchObject([
    { invariant: 'simulation-runs', text: expect.stringContaining('broken') },
  ])
})
