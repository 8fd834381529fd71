// Published contracts that try to keep something between messages, to leave the sandbox, to see the
// clock, or to use up the node: each result is a function of its message alone (R4, V1–V3).
import { expect, test } from '@jest/globals'
import { sha256 } from '../../../src/std/bytes.ts'
import { CALLER, openContracts } from './open.ts'

const contracts = openContracts()

/** The result of the same message twice in one sandbox, and in a fresh one. */
function twice(body: string, prelude = ''): unknown[] {
  const source = `${prelude}
    export async function handle(state, action) { return { result: ${body} } }`
  const contract = contracts.open(source)
  return [contract.ask({}), contract.ask({}), contracts.open(source).ask({})]
}

const KEPT: [string, string, string?][] = [
  ['the scope', '++count', 'let count = 0;'],
  ['an undeclared variable', "(leak = typeof leak === 'undefined' ? 1 : leak + 1, typeof leak)"],
  ['the global object', '(globalThis.count = (globalThis.count ?? 0) + 1, globalThis.count ?? 0)'],
  ['global', '(global.count = (global.count ?? 0) + 1, global.count ?? 0)'],
  ['this of a sloppy function', '(function () { this.n = (this.n ?? 0) + 1; return this.n ?? 0 })()'],
  ['a prototype', '(Object.prototype.n = 1, [].n ?? Array.prototype.n ?? 0)'],
  ['__proto__', '({}.__proto__.n = 1, ({}).n ?? 0)'],
  ['the prototype of functions', '((async () => 1).__proto__.n = 1, (async () => 1).n ?? 0)'],
  ['SmartWeave', '(SmartWeave.n = (SmartWeave.n ?? 0) + 1, SmartWeave.n ?? 0)'],
  ['its parts', '(SmartWeave.kv.get.n = 1, SmartWeave.transaction.n = 1, SmartWeave.kv.get.n ?? 0)'],
  ['what SmartWeave says', '(SmartWeave.transaction.tags.push(1), SmartWeave.transaction.tags.length)'],
  ['ContractError', '(ContractError.n = 1, ContractError.prototype.n = 1, ContractError.n ?? 0)'],
  ['ContractAssert', '(ContractAssert.n = 1, ContractAssert.n ?? 0)'],
  ['BigNumber', '(BigNumber.n = (BigNumber.n ?? 0) + 1)'],
  ['clones of BigNumber', '(BigNumber.clone.n = (BigNumber.clone.n ?? 0) + 1)'],
  ['console', '(console.n = 1, console.log.n = 1, console.n ?? console.log.n ?? 0)'],
  ['the wrapping function', '(function f() { return outer(f) })()', OUTER()],
  ['the finder', '(__handleIs.n = __handleIs.prototype.n = 1, __handleIs.n ?? __handleIs.prototype.n ?? 0)'],
  ['template objects', '(tag`x`)', 'function tag(t) { try { t.n = (t.n ?? 0) + 1 } catch {} return t.n ?? 0 };'],
  ['the action', '(action.n = (action.n ?? 0) + 1, action.input.n = 1, action.n)'],
]

/** The function that the scope's code is in, by way of its arguments. */
function OUTER(): string {
  return `var callee = arguments.callee
    function outer() {
      callee.n = (callee.n ?? 0) + 1
      callee.prototype.n = (callee.prototype.n ?? 0) + 1
      return [callee.n ?? 0, callee.prototype.n ?? 0]
    }`
}

test.each(KEPT)('nothing is kept in %s', (_name, body, prelude = '') => {
  const [first, second, fresh] = twice(body, prelude)
  expect(second).toEqual(first)
  expect(fresh).toEqual(first)
})

test('a finder that is called again finds nothing else', () => {
  const source = `export function handle() { return { result: 'own' } }
    __handleIs(() => () => ({ result: 'other' }))`
  expect(contracts.open(source).ask({})).toBe('own')
})

test('the action may be written to, as the SDKs allow, and harms nobody', () => {
  const contract = contracts.open(`export function handle(state, action) {
    action.input.qty = Number(action.input.qty)
    action.caller = 'somebody'
    return { state: { ...state, seen: action.input }, result: SmartWeave.caller }
  }`)
  const caller = contract.ask({ qty: '5' })
  expect(caller).not.toBe('somebody')
  expect(contract.state()).toEqual({ seen: { qty: 5 } })
})

const ESCAPES = [
  "Function('return process')()",
  "(async () => 1).constructor('return process')()",
  "SmartWeave.kv.get.constructor('return process')()",
  'process.env',
  "require('node:fs')",
  'new Proxy({}, {})',
  "eval('1')",
  'SmartWeave.arweave.api.config',
]

test.each(ESCAPES)('%s leads nowhere', (expression) => {
  const contract = contracts.open(
    `export async function handle() { return { result: ${expression} } }`,
  )
  expect(contract.send({})).toMatchObject({ status: 'error', code: 'contract-exception' })
})

const ENDLESS: [string, string, string][] = [
  ['a loop', 'for (;;) {}', 'gas-exhausted'],
  ['a loop behind a catch', 'try { for (;;) {} } catch {} finally { for (;;) {} }', 'gas-exhausted'],
  ['promises without end', 'for (;;) await null', 'promises-too-many'],
  ['promises that make two', 'const f = () => { Promise.resolve().then(f).then(f) }; f()', 'promises-too-many'],
  ['a promise that never settles', 'await new Promise(() => {})', 'promise-unsettled'],
  ['a thenable that calls nobody', 'await { then() {} }', 'promise-unsettled'],
  ['a store of many keys', "for (let i = 0; ; i++) await SmartWeave.kv.put('k' + i, 'x')", 'promises-too-many'],
  ['a store of one huge value', "await SmartWeave.kv.put('k', 'x'.repeat(2000000))", 'state-too-large'],
  ['a huge result', "return { result: 'x'.repeat(2000000) }", 'output-too-large'],
  ['hashes without end', 'for (;;) await SmartWeave.arweave.crypto.hash(new Uint8Array(5000))', 'gas-exhausted'],
  ['numbers without end', 'for (;;) new BigNumber(3).times(7).toFixed()', 'gas-exhausted'],
  ['a view without end', 'while (action.interactionType) {}', 'gas-exhausted'],
]

test.each(ENDLESS)('%s ends: %s', (_name, body, code) => {
  const source = `export async function handle(state, action) {
    state.written = true
    if (action.input.go) { ${body} }
    return { state: { fine: true } }
  }`
  const contract = contracts.open(source, {}, { gasMax: 3_000_000 })
  expect(contract.send({ go: true })).toMatchObject({ status: 'error', code })
  expect(contract.state()).toEqual({})
  expect(contract.send({})).toMatchObject({ status: 'ok' })
  expect(contract.state()).toEqual({ fine: true })
})

test('what a message left running does not meet the next', () => {
  const contract = contracts.open(`export function handle(state, action) {
    if (action.input.late) {
      Promise.resolve().then(() => {}).then(() => { state.late = SmartWeave.transaction.id })
      return { state }
    }
    return { state }
  }`)
  contract.send({ late: true })
  const before = JSON.stringify(contract.state())
  contract.send({}, { id: 'another' })
  expect(JSON.stringify(contract.state())).toBe(before)
})

test('a contract that gives its errors strange names and texts only harms itself', () => {
  const strange = [
    "{ get name() { throw new Error('x') } }",
    "{ name: 'ContractError', get message() { throw 1 } }",
    'Object.create(null)',
    'Symbol()',
    'null',
    "{ name: { toString() { for (;;) {} } }, message: { toString() { throw 2 } } }",
  ]
  for (const thrown of strange) {
    const contract = contracts.open(`export function handle(state) { throw ${thrown} }`)
    expect(contract.send({})).toMatchObject({ status: 'error' })
  }
})

test('gas and results are those of a fresh sandbox, whatever ran before', () => {
  const source = `export async function handle(state, { input }) {
    state.list ??= []
    if (input.f === 'add') state.list.push(new BigNumber(input.n).times(3).toFixed())
    if (input.f === 'put') await SmartWeave.kv.put('k' + input.n, state.list)
    if (input.f === 'fail') throw new ContractError(SmartWeave.transaction.sortKey)
    if (input.f === 'roll') return { state, result: SmartWeave.vrf.randomInt(6) }
    if (input.f === 'whole') return { state: JSON.parse(JSON.stringify(state)) }
    return { state }
  }`
  const warm = contracts.open(source)
  const names = ['add', 'put', 'fail', 'roll', 'whole', 'add', 'fail', 'put', 'whole', 'roll', 'x']
  for (let at = 0; at < 44; at++) {
    const input = { f: names[(at * 7) % names.length], n: at }
    const fresh = contracts.open(source, warm.state())
    expect(warm.send(input, { height: at })).toEqual(fresh.send(input, { height: at }))
  }
})

test('who asked for a view gets no write, whatever the contract makes of the message', () => {
  const contract = contracts.open(`export function handle(state) {
    delete SmartWeave.message.tags['Interaction-Type']
    return { state: { written: true } }
  }`)
  const view = { tags: { 'Interaction-Type': 'view' } }
  expect(contract.send({}, view)).toMatchObject({ status: 'ok', changes: '[]' })
})

test('results are those that were recorded: another digest is a change of what logs replay to', () => {
  const contract = contracts.open(`export async function handle(state, { input, caller }) {
    if (input.f === 'pay') state.balances[caller] = new BigNumber(state.balances[caller]).minus(input.n).toFixed()
    if (input.f === 'kv') await SmartWeave.kv.put('k' + input.n, SmartWeave.transaction.sortKey)
    if (input.f === 'no') throw new ContractError('no ' + SmartWeave.block.timestamp)
    if (input.f === 'roll') return { result: SmartWeave.vrf.randomInt(1000) }
    return { state: { ...state, n: input.n } }
  }`, { balances: { [CALLER]: '1000000000000000000000' } })
  const inputs = [{ f: 'pay', n: 7 }, { f: 'kv', n: 1 }, { f: 'no' }, { f: 'roll' }, { n: 2 }, null]
  const results = inputs.map((input, height) => contract.send(input, { height }))
  const text = JSON.stringify([results, contract.state()])
  expect(sha256(Buffer.from(text)).toString('hex')).toBe('2dd9c5dada9761cad52f8d0720eb4595ce2663d16727323eb29863cea82f220e')
})
