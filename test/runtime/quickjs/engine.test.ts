// What a version of the sandbox fixes for ever: gas, randomness, texts. If a test here fails, results of old logs change:
// that needs a new SANDBOX version and both behaviours kept, not another number here.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Runtime } from '../../../src/runtime/port.ts'
import { SANDBOX } from '../../../src/runtime/sandbox-version.ts'
import { createQuickjsRuntime } from '../../../src/runtime/quickjs/runtime.ts'
import { transformEngine } from '../../../src/runtime/quickjs/transform.ts'
import { actionText, LIMITS, moduleOf } from '../fixture.ts'

const SOURCE = `
exports.handle = (state, action) => {
  const { balances } = state
  const from = BigInt(balances.a) - 5n
  balances.a = String(from)
  balances.b = String(BigInt(balances.b ?? '0') + 5n)
  return { messages: [{ target: 'b', kind: 'notice', random: Math.random(), at: Date.now() }] }
}`

let runtime: Runtime
beforeAll(() => {
  runtime = createQuickjsRuntime()
})

describe('the version of the sandbox', () => {
  test('one message: gas, changes, randomness, size', () => {
    expect(SANDBOX.version).toBe('0.32.0+hb.1')
    const instance = runtime.open(moduleOf(SOURCE), '{"balances":{"a":"100"}}', LIMITS)
    expect(instance.evaluate(actionText())).toMatchInlineSnapshot(`
{
  "changes": "["o",["balances",["o",["a",["=","95"]],[],["b",["=","5"]]]]]",
  "gas": 614,
  "messages": [
    {
      "at": 1700000000123,
      "kind": "notice",
      "random": 0.5779215261575051,
      "target": "b",
    },
  ],
  "stateBytes": 97,
  "status": "ok",
}
`)
  })

  test('the texts of the engine', () => {
    const source = `exports.handle = () => {
      const out = []
      for (const f of [() => null.x, () => undefinedName, () => BigInt('x'), () => [].at.call(null),
        () => JSON.parse('{'), () => 'x'.repeat(-1), () => { 'use strict'; Object.freeze([]).push(1) }]) {
        try { f() } catch (e) { out.push(e.name + ': ' + e.message) }
      }
      return { messages: out }
    }`
    const result = runtime.open(moduleOf(source), '{}', LIMITS).evaluate(actionText())
    expect(result).toMatchInlineSnapshot(`
{
  "changes": "[]",
  "gas": 141,
  "messages": [
    "TypeError: cannot read property 'x' of null",
    "ReferenceError: 'undefinedName' is not defined",
    "SyntaxError: invalid bigint literal",
    "TypeError: cannot convert to object",
    "SyntaxError: expecting property name",
    "RangeError: invalid repeat count",
    "TypeError: object is not extensible",
  ],
  "stateBytes": 34,
  "status": "ok",
}
`)
  })
})

describe('the rewriting of the binary', () => {
  const require = createRequire(import.meta.url)
  const binary = readFileSync(require.resolve('@jitl/quickjs-wasmfile-release-sync/wasm'))

  test('adds one global and its export, and moves nothing', () => {
    const before = new WebAssembly.Module(binary)
    const after = new WebAssembly.Module(transformEngine(binary, 348))
    expect(WebAssembly.Module.imports(after)).toEqual(WebAssembly.Module.imports(before))
    expect(WebAssembly.Module.exports(after)).toEqual([
      ...WebAssembly.Module.exports(before),
      { name: 'fuel', kind: 'global' },
    ])
  })

  test('refuses what it does not know', () => {
    const odd = Uint8Array.from(binary)
    const type = odd.indexOf(0x60, 8)
    odd[type] = 0x61
    expect(() => transformEngine(odd, 348)).toThrow('a type is no function')
  })
})
