import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { exposition } from '../../../src/node/metrics/metric.ts'
import { Histogram } from '../../../src/std/histogram.ts'
import { parseExposition } from '../metrics-rig.ts'

test('any label and any number come back as one sample on one line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.double({ noNaN: true }), (label, value) => {
      const samples = [{ labels: { label }, value }]
      const text = exposition([{ name: 'a_b', type: 'gauge', help: label, samples }])
      const { samples: read } = parseExposition(text).get('a_b') ?? { samples: new Map() }
      expect(read.size).toBe(1)
      const [[name, number]] = [...read] as [[string, number]]
      expect(number).toBe(value === 0 ? number : value)
      const [, escaped = ''] = /^a_b\{label="([^]*)"\}$/.exec(name) ?? []
      const back = escaped.replaceAll(/\\([\\"n])/g, (_, each: string) => (each === 'n' ? '\n' : each))
      expect(back).toBe(label)
    }),
  )
})

test('a histogram is shown cumulated, with its sum and count', () => {
  const histogram = new Histogram([0.5, 1])
  for (const value of [0.1, 0.5, 0.7, 9]) histogram.observe(value)
  const metric = { name: 'h', type: 'histogram', help: 'x', samples: [{ histogram }] } as const
  expect(exposition([metric]).split('\n').slice(2, -1)).toEqual([
    'h_bucket{le="0.5"} 2',
    'h_bucket{le="1"} 3',
    'h_bucket{le="+Inf"} 4',
    'h_sum 10.3',
    'h_count 4',
  ])
})

test('what has no sample is named all the same', () => {
  expect(exposition([{ name: 'n', type: 'counter', help: 'x', samples: [] }])).toBe(
    '# HELP n x\n# TYPE n counter\n',
  )
  expect(exposition([])).toBe('')
})
