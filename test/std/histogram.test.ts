import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { DURATION_BOUNDS_S, Histogram } from '../../src/std/histogram.ts'

test('each value is in the one cell that Prometheus would put it in', () => {
  const values = fc.array(
    fc.tuple(
      fc.oneof(fc.double({ min: 0, max: 1_000, noNaN: true }), fc.constantFrom(...DURATION_BOUNDS_S)),
      fc.integer({ min: 1, max: 5 }),
    ),
    { maxLength: 50 },
  )
  fc.assert(
    fc.property(values, (observed) => {
      const histogram = new Histogram()
      for (const [value, times] of observed) histogram.observe(value, times)
      const all = observed.flatMap(([value, times]) => Array.from({ length: times }, () => value))
      let below = 0
      histogram.bounds.forEach((bound, at) => {
        below += histogram.counts[at] as number
        expect(below).toBe(all.filter((value) => value <= bound).length)
      })
      expect(below + (histogram.counts.at(-1) as number)).toBe(all.length)
      expect(histogram.count).toBe(all.length)
      expect(histogram.sum).toBeCloseTo(
        all.reduce((sum, value) => sum + value, 0),
        6,
      )
    }),
  )
})

test('two clocks may differ: what is below 0 counts as 0, what is no number not at all', () => {
  const histogram = new Histogram([1, 2])
  histogram.observeMs(-5_000)
  histogram.observe(NaN)
  histogram.observeMs(1_500)
  expect([...histogram.counts]).toEqual([1, 1, 0])
  expect(histogram.sum).toBe(1.5)
})
