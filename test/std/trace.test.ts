import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Trace } from '../../src/std/trace.ts'
import {
  carryTracing,
  RUN_STATES_BYTES_MAX,
  runTraces,
  traceBytes,
  traceHeaders,
  traceOf,
  tracesOfRun,
} from '../../src/std/trace.ts'

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((all) => all.join(''))
const traceparent = fc
  .tuple(hex(32), hex(16), hex(2))
  .filter(([trace, span]) => /[^0]/.test(trace) && /[^0]/.test(span))
  .map(([trace, span, flags]) => `00-${trace}-${span}-${flags}`)

const some = (chars: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...chars), minLength, maxLength })
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const KEY_CHARS = `${LETTERS}0123456789_-*/`
const PRINTABLE = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).join('')
const VALUE_CHARS = PRINTABLE.replace(/[,=]/g, '')
const member = fc
  .tuple(some(LETTERS, 1, 1), some(KEY_CHARS, 0, 9), fc.option(some(LETTERS, 1, 9)), some(VALUE_CHARS, 1, 20))
  .filter(([, , , value]) => !value.endsWith(' '))
  .map(([first, key, system, value]) => `${first}${key}${system === null ? '' : `@${system}`}=${value}`)
/** As it is carried: no blanks around its members. */
const tracestate = fc
  .uniqueArray(member, { minLength: 1, maxLength: 12, selector: (each) => each.split('=')[0] })
  .map((all) => all.join(','))
const trace: fc.Arbitrary<Trace> = fc.record({ parent: traceparent, state: tracestate }, { requiredKeys: ['parent'] })
const PARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
const stateOf = (state: unknown) => traceOf({ headers: { traceparent: PARENT, tracestate: state } })?.state

test('what is a traceparent is taken; anything else is as if it were not there', () => {
  fc.assert(fc.property(traceparent, (text) => expect(traceOf({ headers: { traceparent: text } })).toEqual({ parent: text })))
  fc.assert(
    fc.property(fc.anything(), (value) =>
      expect(traceOf({ headers: { traceparent: value } })).toBeUndefined(),
    ),
  )
  const good = PARENT
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
  expect([traceOf(get), tracesOfRun(get)]).toEqual([{ parent: good }, undefined])
})

test('the traces of a run come back by height, those of its heights only', () => {
  const traces = fc.dictionary(fc.integer({ min: 0, max: 40 }).map(String), trace)
  const range = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 20 }))
  fc.assert(
    fc.property(traces, range, (all, [from, count]) => {
      const map = new Map(Object.entries(all).map(([height, each]) => [Number(height), each]))
      const wanted = [...map].filter(([height]) => height >= from && height < from + count)
      const headers = runTraces(map, from, count)
      expect(Object.keys(headers).length > 0).toBe(wanted.length > 0)
      const back = tracesOfRun({ headers }) ?? new Map<number, Trace>()
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

test('a tracestate is taken beside its traceparent, and the blanks of the standard dropped', () => {
  fc.assert(fc.property(tracestate, (text) => expect(stateOf(text)).toBe(text)))
  expect(stateOf(' a=1 ,\t, b@c=x y,')).toBe('a=1,b@c=x y')
  expect(traceOf({ headers: { tracestate: 'a=1' } })).toBeUndefined()
  const get = { header: (name: string) => (name === 'traceparent' ? PARENT : 'a=1') }
  expect(traceOf(get)).toEqual({ parent: PARENT, state: 'a=1' })
})

test('of one that is none, or beyond the standard’s limits, the traceparent stays', () => {
  const members = (count: number): string => Array.from({ length: count }, (_, at) => `k${at}=v`).join(',')
  const long = (length: number): string => `a=${'x'.repeat(248)},b=${'y'.repeat(length - 253)}`
  expect([stateOf(members(32)), stateOf(members(33))]).toEqual([members(32), undefined])
  expect(stateOf(long(500))).toHaveLength(500)
  const three = `${long(500)},c=${'z'.repeat(9)}`
  expect([stateOf(three), stateOf(`${three}z`)]).toEqual([three, undefined])
  for (const bad of ['', ' ', ',', 'a', '=1', 'a=', 'A=1', '1=1', 'a=1,a=2', 'a=b=c', 'a=\u00e9', 'a=\n', ['a=1']]) {
    expect(traceOf({ headers: { traceparent: PARENT, tracestate: bad } })).toEqual({ parent: PARENT })
  }
})

test('headers hold the trace, and about what they take is known', () => {
  fc.assert(
    fc.property(trace, (each) => {
      const leg = { trace: each, end: () => undefined }
      const headers = traceHeaders(leg)
      expect(traceOf({ headers })).toEqual(each)
      const bytes = Object.entries(headers).reduce((sum, [name, text]) => sum + name.length + text.length, 0)
      expect(traceBytes(leg)).toBeGreaterThanOrEqual(bytes)
    }),
  )
})

test('the tracestates of a run are bounded; the traceparents are all there', () => {
  const state = `a=${'%'.repeat(250)}`
  const all = new Map(Array.from({ length: 500 }, (_, height) => [height, { parent: PARENT, state }]))
  const headers = runTraces(all, 0, 500)
  expect(headers['hb-tracestates']?.length).toBeLessThanOrEqual(RUN_STATES_BYTES_MAX)
  const back = tracesOfRun({ headers }) ?? new Map<number, Trace>()
  expect([back.size, back.get(0), back.get(499)]).toEqual([500, { parent: PARENT, state }, { parent: PARENT }])
  const broken = { ...runTraces(all, 0, 2), 'hb-tracestates': '0:%E0%,1:junk' }
  expect([...(tracesOfRun({ headers: broken })?.values() ?? [])]).toEqual([{ parent: PARENT }, { parent: PARENT }])
})

test('where nobody traces, what came is carried, and nothing is made up', () => {
  const { begin } = carryTracing()
  expect(begin('hb.relay', undefined, 0, 'p', 'm')).toBeUndefined()
  const came = { parent: PARENT, state: 'a=1' }
  expect(begin('hb.relay', came, 0, 'p', 'm')?.trace).toBe(came)
})

function byHeight([a]: [number, Trace], [b]: [number, Trace]): number {
  return a - b
}
