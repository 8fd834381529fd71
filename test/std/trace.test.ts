import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { carryTracing, runTraces, traceOf, tracesOfRun } from '../../src/std/trace.ts'

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((all) => all.join(''))
const traceparent = fc
  .tuple(hex(32), hex(16), hex(2))
  .filter(([trace, span]) => /[^0]/.test(trace) && /[^0]/.test(span))
  .map(([trace, span, flags]) => `00-${trace}-${span}-${flags}`)

test('what is a traceparent is taken; anything else is as if it were not there', () => {
  fc.assert(fc.property(traceparent, (text) => expect(traceOf({ headers: { traceparent: text } })).toBe(text)))
  fc.assert(
    fc.property(fc.anything(), (value) =>
      expect(traceOf({ headers: { traceparent: value } })).toBeUndefined(),
    ),
  )
  const good = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  for (const bad of [
    good.toUpperCase(),
    `${good}-more`,
    `ff${good.slice(2)}`,
    `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
    `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`,
    [good],
  ]) {
    expect(traceOf({ headers: { traceparent: bad } })).toBeUndefined()
  }
  expect([traceOf({}), traceOf({ headers: {} })]).toEqual([undefined, undefined])
  // where one header can be had alone, the others are left as they are
  const get = {
    get headers(): never {
      throw new Error('decoded')
    },
    header: (name: string) => (name === 'traceparent' ? good : undefined),
  }
  expect([traceOf(get), tracesOfRun(get)]).toEqual([good, undefined])
})

test('the traces of a run come back by height, those of its heights only', () => {
  const traces = fc.dictionary(fc.integer({ min: 0, max: 40 }).map(String), traceparent)
  const range = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 20 }))
  fc.assert(
    fc.property(traces, range, (all, [from, count]) => {
      const map = new Map(Object.entries(all).map(([height, text]) => [Number(height), text]))
      const wanted = [...map].filter(([height]) => height >= from && height < from + count)
      const text = runTraces(map, from, count)
      expect(text === undefined).toBe(wanted.length === 0)
      const back = tracesOfRun({ headers: text === undefined ? {} : { 'hb-traceparents': text } }) ?? new Map()
      expect([...back].sort(byHeight)).toEqual(wanted.sort(byHeight))
    }),
  )
})

test('a header that says anything else names no trace', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect([...(tracesOfRun({ headers: { 'hb-traceparents': text } }) ?? [])]).toEqual([])
    }),
  )
  expect(tracesOfRun({ headers: { 'hb-kind': 'run' } })).toBeUndefined()
})

test('where nobody traces, what came is carried, and nothing is made up', () => {
  const { begin } = carryTracing()
  expect(begin('hb.relay', undefined, 0, 'p', 'm')).toBeUndefined()
  expect(begin('hb.relay', 'x', 0, 'p', 'm')?.traceparent).toBe('x')
})

function byHeight([a]: [number, string], [b]: [number, string]): number {
  return a - b
}
