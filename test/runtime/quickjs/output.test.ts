// What comes out of the sandbox is what JSON says of it, whichever way it came: read from the engine's memory, or as text.
import { beforeAll, describe, expect, test } from '@jest/globals'
import { changesText, diff, stateSize, type JsonObject } from '../../../src/protocol/changes.ts'
import type { Evaluation, Runtime } from '../../../src/runtime/port.ts'
import { createQuickjsRuntime } from '../../../src/runtime/quickjs/runtime.ts'
import { seededRandom } from '../../../src/std/random.ts'
import { actionText, LIMITS, moduleOf } from '../fixture.ts'

let runtime: Runtime
beforeAll(() => {
  runtime = createQuickjsRuntime()
})

const parse = (text: string): JsonObject => JSON.parse(text) as JsonObject

function evaluate(body: string, input: unknown = null, state = '{}', limits = LIMITS): Evaluation {
  const source = `exports.handle = (state, { input }) => { ${body} }`
  return runtime.open(moduleOf(source), state, limits).evaluate(actionText({ input }))
}

describe('messages', () => {
  test.each([
    '[]',
    '[1, -1, 2147483647, -2147483648, 0]',
    '[-0, 1.5, NaN, Infinity, 1e21, 5e-324, 0.1 + 0.2, 2147483648]',
    '[true, false, null, undefined, () => 1, Symbol("s")]',
    '["", "a", "\\u00e9\\u00ff", "\\u20ac", "\\ud83d\\ude00", "\\ud800", "\\udc00x", "\\u0000\\u001f\\"\\\\\\n\\u007f"]',
    '[{ b: 1, a: 2, 7: 3, 5: 4, "01": 5, "4294967295": 6, "4294967294": 7, "": 8 }]',
    '[{ a: undefined, b: () => 1, c: [undefined], d: { e: undefined } }]',
    '[{ [Symbol("s")]: 1, a: 1 }]',
    '[JSON.parse(\'{"__proto__":{"x":1},"a":1}\')]',
    '[{ "\\u20ac\\u00e9": 1, "\\"": 2 }]',
    '[{ toJSON() { return { made: 1 } } }, { toJSON: { plain: 1 } }]',
    '[Object.create({ toJSON() { return "inherited" } })]',
    '[Object.assign(Object.create(null), { a: 1 }), Object.create({ inherited: 1 })]',
    '[new Date(5), new Map([[1, 2]]), new Set([1]), /x/, new Error("e"), new Number(3), new String("s"), new Boolean(false)]',
    '[new Uint8Array(3), new ArrayBuffer(2), Object("x"), new (class A { constructor() { this.a = 1 } })()]',
    '[Object.freeze({ a: 1 }), Object.freeze([1]), Object.seal({ b: [2] })]',
    '[Object.defineProperty({ a: 1 }, "hidden", { value: 2 }), { get got() { return 4 } }]',
    '[new Array(3), [1, , 3], Object.assign([1, 2], { extra: 1 }), Object.assign([1], { toJSON() { return "own" } })]',
    '[(() => { const o = { a: 1, b: 2, c: 3 }; delete o.b; o.d = 4; o.b = 5; return o })()]',
    '[(() => { const l = [1, 2, 3]; l.length = 1; l[1] = "x"; return l })(), [1, 2, 3].slice(1), [3, 1].sort()]',
    '["x".repeat(3000) + "y".repeat(3000), { ["k".repeat(600) + "l".repeat(600)]: 1 }]',
    '["\\u20ac".repeat(2000) + "a", "abc".slice(1), "abcdef".substring(2, 5)]',
    '[[[[[[[[{ deep: [[[]]] }]]]]]]]]',
    '[(() => { let v = 1; for (let i = 0; i < 100; i++) v = [v]; return v })()]',
    '[(() => { const a = { n: 1 }; return [a, a, { a }] })()]',
    '(() => { const l = []; for (let i = 0; i < 300; i++) l.push({ i, ["k" + i]: [i, String(i)] }); return l })()',
    '(function () { return [].slice.call(arguments) })(1, "a")',
    'Object.setPrototypeOf([1], null) && [1]',
  ])('%s', (expression) => {
    const got = evaluate(`return { messages: ${expression} }`)
    const here: unknown = new Function(`return ${expression}`)()
    expect(got.status).toBe('ok')
    const messages = got.status === 'ok' ? got.messages : []
    expect(JSON.stringify(messages)).toBe(JSON.stringify(JSON.parse(JSON.stringify(here))))
    expect(messages).toEqual(JSON.parse(JSON.stringify(here)))
  })

  test('state, and what was put into it, among the messages', () => {
    const body = 'state.l.push({ x: "new" }); return { messages: [state.o, state.l, state] }'
    const got = evaluate(body, null, '{"o":{"a":"1"},"l":[1]}')
    const state = { o: { a: '1' }, l: [1, { x: 'new' }] }
    expect(got).toMatchObject({ status: 'ok', messages: [state.o, state.l, state] })
  })

  test('the outbox limit is exact on both ways', () => {
    for (const more of ['', ', f: 1.5']) {
      const body = `return { messages: [{ a: "\\u0001x", b: [1, true]${more} }] }`
      const units = JSON.stringify([{ a: '\u0001x', b: [1, true], ...(more === '' ? {} : { f: 1.5 }) }]).length + 2
      expect(evaluate(body, null, '{}', { ...LIMITS, outputBytesMax: units }).status).toBe('ok')
      expect(evaluate(body, null, '{}', { ...LIMITS, outputBytesMax: units - 1 })).toMatchObject({
        code: 'output-too-large',
        text: `${units} units, at most ${units - 1}`,
      })
    }
  })

  test.each([
    ['lists shared', 'let v = [1]; for (let i = 0; i < 40; i++) v = [v, v]; return { messages: v }'],
    ['texts shared', 'const s = "x".repeat(900000); return { messages: new Array(4000).fill(s) }'],
  ])('what would be far too large ends as an error, not in the host: %s', (_name, body) => {
    const start = performance.now()
    const got = evaluate(body, null, '{}', { ...LIMITS, gasMax: 1_000_000 })
    expect(got.status).toBe('error')
    expect(performance.now() - start).toBeLessThan(30_000)
  })

  test('toJSON runs once, in the order it would, and pays', () => {
    const body = `let n = 0
      return { messages: [{ a: 1 }, { toJSON() { for (let i = 0; i < 1000; i++); return ++n } }] }`
    const got = evaluate(body)
    expect(got).toMatchObject({ status: 'ok', messages: [{ a: 1 }, 1] })
    expect(got.gas).toBeGreaterThan(2_000)
  })
})

describe('how the engine keeps a value does not show (R4)', () => {
  // What is long and was put together is a rope, what was computed from fractions a float, until the state is loaded again.
  const source = `exports.handle = (state, { input }) => {
    if (input === 'grow') { state.t = state.t + 'a'.repeat(700); state.u = state.t + 'b'.repeat(700) }
    if (input === 'count') state.n = state.n * 2.5 * 2
    if (input === 'show text') return { messages: [state.t] }
    if (input === 'show number') return { messages: [state.n] }
    if (input === 'shrink') { state.t = 'short'; state.u = state.u.slice(0, 3) }
  }`
  test.each([
    ['a text put together is shown', ['grow', 'show text']],
    ['a number is shown', ['count', 'show number']],
    ['a text put together gives way', ['grow', 'shrink']],
    ['all', ['grow', 'count', 'grow', 'show text', 'show number', 'shrink', 'grow', 'show text']],
  ])('%s: the same as after loading the state again, gas too', (_name, inputs) => {
    const state = JSON.stringify({ t: '', n: 1, u: '' })
    const warm = runtime.open(moduleOf(source), state, LIMITS)
    for (const input of inputs) {
      const other = runtime.open(moduleOf(source), warm.snapshot(), LIMITS)
      const got = warm.evaluate(actionText({ input }))
      expect(got.status).toBe('ok')
      expect(other.evaluate(actionText({ input }))).toEqual(got)
      expect(other.snapshot()).toBe(warm.snapshot())
      other.close()
    }
  })
})

const TEXTS = ['', '0', '10', 'é', '€uro', '\ud83d\ude00', '\ud800', '"quoted"\\', 'a\nb\u0000', 'x'.repeat(70)]
const KEYS = ['a', 'b', '10', '9', '01', '', 'é', '€', '"k"', 'constructor', 'toString', 'z'.repeat(50)]

describe('changes', () => {
  test('random texts written: those of a deep copy, on the short way and next to it', () => {
    const source = `exports.handle = (state, { input }) => {
      for (const [path, key, value] of input) {
        let at = state
        for (const step of path) at = at[step]
        at[key] = value
      }
    }`
    const random = seededRandom(77)
    const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T
    const object = (): Record<string, unknown> =>
      Object.fromEntries(KEYS.filter(() => random.below(2) === 0).map((key) => [key, pick(TEXTS)]))
    const paths = [[], ['p'], ['p', 'q'], ['p', '7'], ['l', '0'], ['w']]
    for (let round = 0; round < 150; round++) {
      let before = JSON.stringify({
        ...object(),
        p: { ...object(), q: object(), 7: object() },
        l: [object()],
        w: object(),
      })
      const instance = runtime.open(moduleOf(source), before, LIMITS)
      for (let message = 0; message < 6; message++) {
        const state = parse(before)
        const input = Array.from({ length: random.below(6) }, () => {
          const path = pick(paths.slice(0, random.below(4) === 0 ? 6 : 4))
          const at = path.reduce<Record<string, unknown>>(
            (value, step) => value[step] as Record<string, unknown>,
            state as Record<string, unknown>,
          )
          const known = Object.keys(at).filter((key) => typeof at[key] === 'string')
          const key = known.length > 0 && random.below(12) > 0 ? pick(known) : pick(KEYS)
          const value = random.below(30) === 0 ? 5 : pick(TEXTS)
          at[key] = value
          return [path, key, value]
        })
        const after = JSON.stringify(state)
        const got = instance.evaluate(actionText({ input }))
        const changes = changesText(diff(parse(before), parse(after)))
        expect({ round, got }).toMatchObject({ round, got: { changes, stateBytes: stateSize(after) } })
        expect(instance.snapshot()).toBe(after)
        before = after
      }
      instance.close()
    }
  })

  test('the size limit is exact where texts take the place of texts', () => {
    const room = 200 - stateSize('{"t":"old"}') + 3
    for (const [length, status] of [
      [room, 'ok'],
      [room + 1, 'error'],
    ] as const) {
      const limits = { ...LIMITS, stateBytesMax: 200 }
      const body = `state.t = "y".repeat(${length})`
      expect(evaluate(body, null, '{"t":"old"}', limits).status).toBe(status)
    }
  })
})
