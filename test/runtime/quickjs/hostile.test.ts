// Contracts that try to get out, to remember, to stop the clock, or to fill the machine.
import { beforeAll, describe, expect, test } from '@jest/globals'
import { HbError } from '../../../src/std/errors.ts'
import { SandboxSpent } from '../../../src/runtime/port.ts'
import type { Evaluation, Instance, Runtime } from '../../../src/runtime/port.ts'
import { createWorkerEvaluator } from '../../../src/runtime/evaluator/workers.ts'
import { createQuickjsRuntime } from '../../../src/runtime/quickjs/runtime.ts'
import { actionText, LIMITS, moduleOf } from '../fixture.ts'

let runtime: Runtime
beforeAll(() => {
  runtime = createQuickjsRuntime()
})

function open(body: string, snapshot = '{}', limits = LIMITS): Instance {
  return runtime.open(moduleOf(body), snapshot, limits)
}
/** Runs one message per input on one instance. */
function run(body: string, inputs: unknown[] = [null], snapshot = '{}', limits = LIMITS): Evaluation[] {
  const instance = open(body, snapshot, limits)
  return inputs.map((input) => instance.evaluate(actionText({ input })))
}
/** What an expression gives, as a message. */
function value(expression: string): unknown {
  const [result] = run(`exports.handle = () => ({ messages: [String(${expression})] })`)
  return result?.status === 'ok' ? result.messages[0] : result
}

describe('modules', () => {
  test.each([
    ['a syntax error', 'exports.handle = () => {'],
    ['no handle', 'exports.other = () => 1'],
    ['a handle that is no function', 'exports.handle = {}'],
    ['a scope that throws', 'throw new Error("x")'],
    ['a scope without end', 'for (;;);'],
    ['closing the wrapper', '}); let n = 0; (function () { exports.handle = () => n++'],
    ['a comma', '}, n = 0, function () { exports.handle = () => 1'],
    ['an assignment to a member', '}[globalThis.k] = function () { exports.handle = () => 1'],
    ['closing a method', '}, m2() { exports.handle = () => 1'],
    ['closing a class member', '} static m2() { exports.handle = () => 1'],
    ['a class closed and another opened', '} }; class B { static m() { exports.handle = () => 1'],
    ['with, which strict code has not', 'with ({}) { exports.handle = () => 1 }'],
    ['import', 'import x from "y"; exports.handle = () => 1'],
    ['a NUL', 'exports.handle = () => "\0"'],
    ['a comment left open', 'exports.handle = () => 1 /*'],
  ])('%s is refused', (_name, source) => {
    let caught: unknown
    try {
      open(source)
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(HbError)
    expect((caught as HbError).code).toBe('module-invalid')
  })

  test('return at the end of the body and a line comment are fine', () => {
    expect(run('exports.handle = () => undefined; return // done')[0]?.status).toBe('ok')
    expect(run('module.exports = { handle() {} }')[0]?.status).toBe('ok')
  })
})

describe('nothing is remembered', () => {
  test.each([
    ['a module variable', 'let n = 0; exports.handle = () => ({ messages: [++n] })', 1],
    [
      'a global',
      'exports.handle = () => { try { globalThis.n = 1 } catch {} return { messages: [typeof n] } }',
      'undefined',
    ],
    [
      'a prototype',
      `exports.handle = () => {
        const was = [].stash ?? 'none'
        for (const p of [Array.prototype, Object.prototype, Function.prototype, Promise, Map.prototype,
          Object.getPrototypeOf(function* () {}), Object.getPrototypeOf([].values()), Symbol, JSON, Math]) {
          try { p.stash = 'kept' } catch {}
          try { Object.defineProperty(p, 'stash', { value: 'kept' }) } catch {}
        }
        return { messages: [was] }
      }`,
      'none',
    ],
    [
      'a method replaced',
      `exports.handle = () => {
        const was = [3].map((x) => x)[0]
        try { Array.prototype.map = () => ['replaced'] } catch {}
        try { JSON.stringify = () => 'replaced' } catch {}
        return { messages: [was] }
      }`,
      3,
    ],
    [
      'a property on a hardened function',
      `exports.handle = () => {
        const seen = typeof parseInt.memo
        for (const f of [parseInt, Object.keys, Math.random, [].push, RegExp, Date, Error, BigInt]) {
          try { f.memo = 1 } catch {}
        }
        return { messages: [seen] }
      }`,
      'undefined',
    ],
    [
      'a symbol of the registry',
      `exports.handle = () => {
        const s = Symbol.for('x')
        try { s.kept = 1 } catch {}
        return { messages: [typeof s.kept] }
      }`,
      'undefined',
    ],
    [
      'a template object',
      'const t = (x) => x; exports.handle = () => { const o = t`a`; try { o.n = 1 } catch {} return { messages: [typeof o.n] } }',
      'undefined',
    ],
    ['a regular expression', 'const r = /a/g; exports.handle = () => { r.test("aa"); return { messages: [r.lastIndex] } }', 1],
    [
      'a job left in the queue',
      `exports.handle = (state) => {
        state.n = (state.n || 0) + 1
        const later = (k) => Promise.resolve().then(() => { state.late = k; return k < 20 ? later(k + 1) : 0 })
        later(0)
        return { messages: [state.late ?? 20] }
      }`,
      20,
    ],
  ])('%s', (_name, source, want) => {
    for (const result of run(source, [1, 2, 3])) {
      expect(result).toMatchObject({ status: 'ok', messages: [want] })
    }
  })

  test('an object stored in the state and changed later', () => {
    const source = `exports.handle = (state, { input }) => {
      const mine = { n: 1 }
      state.a = mine
      state.b = mine
      mine.n = 2
      return { messages: [state.a === state.b] }
    }`
    const instance = open(source)
    instance.evaluate(actionText())
    expect(instance.snapshot()).toBe('{"a":{"n":2},"b":{"n":2}}')
    instance.evaluate(actionText())
    expect(instance.snapshot()).toBe('{"a":{"n":2},"b":{"n":2}}')
  })

  test('after gas ran out in the middle of anything, the next message is as on a new instance', () => {
    const source = `exports.handle = async (state, { input }) => {
      state.list.push({ at: input })
      state.list.sort((a, b) => a.at - b.at)
      for (let i = 0; i < input; i++) { await null; Promise.resolve(i).then(() => { state.x = i }) }
      return { messages: [state.list.length, Object.keys(state).join()] }
    }`
    const start = '{"list":[{"at":5},{"at":1}]}'
    const fresh = open(source, start).evaluate(actionText({ input: 3 }))
    expect(fresh.status).toBe('ok')
    const { gas } = fresh
    for (let gasMax = 50; gasMax < gas; gasMax += Math.ceil(gas / 60)) {
      const instance = open(source, start, { ...LIMITS, gasMax })
      expect(instance.evaluate(actionText({ input: 3 }))).toMatchObject({ code: 'gas-exhausted' })
      expect(instance.snapshot()).toBe(start)
      const again = instance.evaluate(actionText({ input: 3 }))
      expect(again).toMatchObject({ code: 'gas-exhausted', gas: gasMax })
      instance.close()
    }
    const instance = open(source, start, { ...LIMITS, gasMax: gas + 1 })
    expect(instance.evaluate(actionText({ input: 30 }))).toMatchObject({ code: 'gas-exhausted' })
    expect(instance.evaluate(actionText({ input: 3 }))).toEqual(fresh)
  })
})

describe('nothing of the machine shows', () => {
  test.each([
    ['typeof eval', 'undefined'],
    ['typeof Proxy', 'undefined'],
    ['typeof WeakRef', 'undefined'],
    ['typeof FinalizationRegistry', 'undefined'],
    ['typeof SharedArrayBuffer', 'undefined'],
    ['typeof Atomics', 'undefined'],
    ['typeof require', 'undefined'],
    ['typeof process', 'undefined'],
    ['typeof Intl', 'undefined'],
    ['typeof setTimeout', 'undefined'],
    ['typeof performance', 'undefined'],
    ['Date.now()', '1700000000123'],
    ['new Date().toISOString()', '2023-11-14T22:13:20.123Z'],
    ['new Date(2020, 6, 1).toISOString()', '2020-07-01T00:00:00.000Z'],
    ['new Date(0).getTimezoneOffset()', '0'],
    ['new Date(0).toString()', 'Thu Jan 01 1970 00:00:00 GMT+0000'],
    ['new Date(0).toLocaleString()', '01/01/1970, 12:00:00 AM'],
    ['(1234.5).toLocaleString()', '1234.5'],
    ['new Error("x").stack', 'undefined'],
    ['Object.getOwnPropertyNames(new Error("x"))', 'message'],
    ['(() => { try { null.x } catch (e) { return e.stack } })()', 'undefined'],
    ['(function () { return this })()', 'undefined'],
  ])('%s is %s', (expression, want) => {
    expect(value(expression)).toBe(want)
  })

  test.each([
    'Function("return 1")()',
    '(() => {}).constructor("return 1")()',
    '(async () => {}).constructor("return 1")()',
    '(function* () {}).constructor("return 1")()',
    'Object.getPrototypeOf(async function* () {}).constructor("return 1")()',
    'Reflect.construct(Function, ["return 1"])()',
  ])('no code from text: %s', (expression) => {
    expect(run(`exports.handle = () => ({ messages: [${expression}] })`)[0]).toMatchObject({
      code: 'contract-error',
      text: 'code cannot be made from text',
    })
  })

  test('import() finds nothing', () => {
    const [result] = run('exports.handle = async () => { await import("os") }')
    expect(result).toMatchObject({ status: 'error', code: 'contract-error' })
  })

  test('randomness is the entry\'s', () => {
    const source = 'exports.handle = () => ({ messages: [Math.random(), Math.random()] })'
    const [a, b] = run(source, [1, 2])
    expect(a).toMatchObject({ status: 'ok' })
    expect((b as { messages: unknown }).messages).toEqual((a as { messages: unknown }).messages)
    const other = open(source).evaluate(actionText({ height: 13 }))
    expect((other as { messages: unknown }).messages).not.toEqual((a as { messages: unknown }).messages)
  })
})

describe('what is thrown or returned', () => {
  test.each([
    ['null', 'throw null', 'null'],
    ['undefined', 'throw undefined', 'undefined'],
    ['a symbol', 'throw Symbol("s")', 'Symbol(s)'],
    ['a text', 'throw "plain"', 'plain'],
    ['an error', 'throw new RangeError("far")', 'far'],
    ['an object without text', 'throw Object.create(null)', 'a value that has no text was thrown'],
    ['a getter that throws', 'throw { get message() { throw 1 } }', 'a value that has no text was thrown'],
    ['a bigint', 'throw 10n', '10'],
    ['the text is cut', 'throw "x".repeat(5000)', 'x'.repeat(512)],
    ['a rejection', 'return Promise.reject(null)', 'null'],
    ['a status', 'return { status: "no such order" }', 'no such order'],
    ['a NUL in the text', 'throw "a\\u0000b\\ud800"', 'a\u0000b\ud800'],
  ])('%s', (_name, statement, text) => {
    const instance = open(`exports.handle = (state) => { state.x = 1; ${statement} }`, '{"a":1}')
    expect(instance.evaluate(actionText())).toMatchObject({ code: 'contract-error', text })
    expect(instance.snapshot()).toBe('{"a":1}')
  })

  test.each([
    ['a number', 'return 5'],
    ['a list', 'return []'],
    ['null', 'return null'],
    ['messages that are no list', 'return { messages: {} }'],
    ['a status that is no text', 'return { status: 5 }'],
    ['messages with a bigint', 'return { messages: [{ data: 1n }] }'],
    ['messages with a cycle', 'const m = {}; m.m = m; return { messages: [m] }'],
  ])('malformed: %s', (_name, statement) => {
    expect(run(`exports.handle = () => { ${statement} }`)[0]).toMatchObject({
      code: 'result-malformed',
    })
  })

  test.each([
    ['a list as state', 'return { state: [] }'],
    ['getters that throw', 'return { state: { get x() { throw new Error("no") } } }'],
    ['a class instance', 'return { state: { d: new Date() } }'],
    ['a typed array', 'state.x = new Uint8Array(3)'],
    ['null as state', 'return { state: null }'],
  ])('no state: %s', (_name, statement) => {
    const instance = open(`exports.handle = (state) => { ${statement} }`, '{"a":1}')
    expect(instance.evaluate(actionText()).status).toBe('error')
    expect(instance.snapshot()).toBe('{"a":1}')
  })

  test('a thenable that never calls back, and a promise that never settles', () => {
    for (const body of ['return { then() {} }', 'return new Promise(() => {})', 'return (async () => { await { then() {} } })()']) {
      expect(run(`exports.handle = () => { ${body} }`)[0]).toMatchObject({ code: 'promise-unsettled' })
    }
  })

  test('a getter of the result cannot write to the state any more', () => {
    const source = `exports.handle = (state) => ({
      state: { get a() { state.a = 2; return 5 } },
    })`
    expect(run(source, [1], '{"a":1}')[0]).toMatchObject({ status: 'error' })
    const messages = `exports.handle = (state) => ({
      messages: [{ toJSON() { try { state.a = 2 } catch (e) { return e.message.slice(0, 12) } } }],
    })`
    expect(run(messages, [1, 2], '{"a":1}')).toMatchObject([
      { status: 'ok', changes: '[]', messages: ['state-closed'] },
      { status: 'ok', changes: '[]', messages: ['state-closed'] },
    ])
  })
})

describe('bounds', () => {
  const exhausted = { status: 'error', code: 'gas-exhausted', gas: LIMITS.gasMax }
  test.each([
    ['a loop', 'for (;;);'],
    ['a loop that catches', 'for (;;) { try { for (;;); } catch {} finally { continue } }'],
    ['a generator', 'function* g() { try { for (;;) yield 1 } finally { for (;;); } } for (const x of g());'],
    ['calls', 'const f = (n) => (n ? f(n - 1) : 0); for (;;) f(50)'],
    ['promise jobs without end', 'const again = () => Promise.resolve().then(again); again()', 'promises-too-many'],
    ['async without end', 'return (async () => { for (;;) await null })()', 'promises-too-many'],
    [
      'async without end, and more memory all the time',
      `return (async () => {
        for (const all = []; ; await null) for (let i = 0; i < 100; i++) all.push({ i })
      })()`,
      'promises-too-many',
    ],
    ['async loops', 'return (async () => { await null; for (;;); })()'],
    ['a regular expression', 'return /^(a+)+$/.test("a".repeat(40) + "b")'],
    ['a text that doubles', 'let s = "x"; for (;;) { s += s; if (s.length > 1e6) s = "x"; s.indexOf("y") }'],
    ['repeat', 'for (;;) "x".repeat(100000)'],
    ['padStart', 'for (;;) "x".padStart(100000)'],
    ['join', 'const a = new Array(100000); for (;;) a.join("xxxxxxxxxx")'],
    ['sort', 'const a = Array.from({ length: 10000 }, (_, i) => -i); for (;;) a.slice().sort()'],
    ['stringify', 'const a = Array.from({ length: 10000 }, (_, i) => i); for (;;) JSON.stringify(a)'],
    ['keys of a wide state', 'for (;;) Object.keys(state.w)'],
    ['spread of a wide state', 'for (;;) ({ ...state.w })'],
    ['typed arrays', 'for (;;) new Uint8Array(1000000)'],
    ['buffers', 'const a = []; for (;;) a.push(new ArrayBuffer(1000000))'],
    ['numbers', 'let n = 3n; for (;;) n = (n * n) % (1n << 1000n)'],
  ])('out of gas: %s', (_name, body, code = 'gas-exhausted') => {
    const wide = JSON.stringify({ w: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, i])) })
    const limits = { ...LIMITS, gasMax: 3_000_000 }
    const instance = open(`exports.handle = (state) => { ${body} }`, wide, limits)
    const got = instance.evaluate(actionText())
    expect(got).toMatchObject(code === 'gas-exhausted' ? { ...exhausted, gas: 3_000_000 } : { code })
    expect(Number.isInteger(got.gas)).toBe(true)
    expect(instance.snapshot()).toBe(wide)
  })

  test('deep recursion is an error that a contract may catch, at the same depth every time', () => {
    const source = `exports.handle = (state, { input }) => {
      let depth = 0
      const down = () => { depth++; down() }
      if (input) down()
      try { down() } catch (e) { return { messages: [depth, e.message] } }
    }`
    const results = run(source, [0, 1, 0])
    expect(results[1]).toMatchObject({ code: 'stack-overflow' })
    expect(results[0]).toMatchObject({ status: 'ok', messages: [expect.any(Number), 'stack overflow'] })
    expect(results[2]).toEqual(results[0])
    const [depth] = (results[0] as { messages: unknown[] } | undefined)?.messages ?? []
    expect(depth).toBeGreaterThan(200)
  })

  // Natives that call themselves need more of V8's stack than a main thread has: workers are given it.
  test('deep recursion through natives and JSON', async () => {
    const source = `exports.handle = (state) => {
      const nested = () => { let a = []; for (let i = 0; i < 50000; i++) a = [a]; return a }
      const f = () => [1].map(f)
      const g = () => [3, 1].sort(g)
      const h = () => 'a'.replace('a', h)
      const v = { valueOf() { return v + 1 } }
      const k = { toString() { return state[k] } }
      const tries = [f, g, h, () => v + 1, () => state[k], () => JSON.stringify(nested()),
        () => nested().flat(Infinity), () => String(nested()),
        () => JSON.parse('['.repeat(50000) + ']'.repeat(50000))]
      const out = []
      for (const t of tries) { try { t(); out.push('ok') } catch (e) { out.push(e.message) } }
      return { messages: out }
    }`
    const hostUrl = new URL('../evaluator/host.ts', import.meta.url).href
    const options = { limits: LIMITS, workers: 1, hostUrl, levels: [1] }
    const evaluator = await createWorkerEvaluator(options)
    const action = actionText()
    const replies = await evaluator.run([
      { kind: 'open', process: 'p', level: 1, module: moduleOf(source), snapshot: '{}' },
      { kind: 'evaluate', process: 'p', action },
      { kind: 'evaluate', process: 'p', action },
    ])
    await evaluator.close()
    expect(replies[1]).toMatchObject({
      kind: 'evaluated',
      evaluation: { status: 'ok', messages: Array.from({ length: 9 }, () => 'stack overflow') },
    })
    expect(replies[2]).toEqual(replies[1])
  })

  test.each([
    ['numbers that grow', 'let n = 1n << 400000n; for (;;) n * n % 7n', 'gas-exhausted'],
    ['a text compared', 'let s = "x".repeat(3000000); const t = s + "a", u = s + "b"; for (;;) t < u', 'gas-exhausted'],
    ['straight code', `let y = 1; for (;;) { ${'y = y + 1 & 7; '.repeat(5_000)} }`, 'gas-exhausted'],
    ['a text flattened', 'for (;;) { let s = "x"; for (let i = 0; i < 26; i++) s += s; s.charCodeAt(0) }', undefined],
    ['literals kept', `const a = []; for (;;) a.push([${'0,'.repeat(9_000)}])`, 'memory-exhausted'],
  ])('what gas does not see ends all the same, alike for everyone: %s', (_name, body, code) => {
    const small = createQuickjsRuntime({ memoryBytesMax: 64 << 20 })
    const module = moduleOf(`exports.handle = (state, { input }) => { if (input) { ${body} } }`)
    const limits = { ...LIMITS, gasMax: 1_000_000 }
    const first = actionText({ input: 1 })
    const warm = small.open(module, '{"x":1}', limits)
    for (let i = 0; i < 5; i++) expect(warm.evaluate(actionText()).status).toBe('ok')
    expect(() => warm.evaluate(first)).toThrow(SandboxSpent)
    expect(() => warm.evaluate(first)).toThrow(SandboxSpent)
    expect(() => warm.snapshot()).toThrow(SandboxSpent)
    const results = [1, 2].map(() => small.open(module, '{"x":1}', limits).evaluate(first))
    expect(results[0]).toMatchObject({ status: 'error', gas: 1_000_000 })
    if (code !== undefined) expect(results[0]).toMatchObject({ code })
    expect(results[1]).toEqual(results[0])
  })

  test('limits of size, depth, output', () => {
    const limits = { ...LIMITS, stateBytesMax: 2_000, stateDepthMax: 10, outputBytesMax: 3_000 }
    const source = `exports.handle = (state, { input }) => {
      if (input === 'state') state.x = 'y'.repeat(2500)
      if (input === 'many') for (let i = 0; i < 60; i++) state['k' + i] = []
      if (input === 'dag') { let d = {}; for (let i = 0; i < 8; i++) d = { d, e: d }; state.d = d }
      if (input === 'deep') { let d = {}; for (let i = 0; i < 12; i++) d = { d }; state.d = d }
      if (input === 'output') return { messages: ['z'.repeat(4000)] }
    }`
    const codes = run(source, ['state', 'many', 'dag', 'deep', 'output', 'none'], '{}', limits).map(
      (result) => (result.status === 'ok' ? 'ok' : result.code),
    )
    expect(codes).toEqual([
      'state-too-large',
      'state-too-large',
      'state-too-large',
      'state-not-json',
      'output-too-large',
      'ok',
    ])
  })
})
