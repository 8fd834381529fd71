// How fast the sandbox evaluates: token transfers through one inline instance, with few and with
// many accounts. Floor, in the same run, in turns: the same contract text in the engine as it is
// shipped (quickjs-emscripten-core), on a plain state object, action and messages as JSON text; no
// gas, no overlay, no changes, no sizes, no frozen realm.
//
// Run: node bench/sandbox.ts [--quick]. Each row is the median of ROUNDS rounds.

import { fileURLToPath } from 'node:url'
import variant from '@jitl/quickjs-wasmfile-release-sync'
import { newQuickJSWASMModuleFromVariant, type QuickJSSyncVariant } from 'quickjs-emscripten-core'
import { defaultLimits } from '../src/protocol/limits.ts'
import type { Instance, ModuleSource, Runtime } from '../src/runtime/port.ts'
import { createQuickjsRuntime } from '../src/runtime/quickjs/runtime.ts'
import type { BenchReport } from './rows.ts'
import { median, row, ROUNDS, spread } from './rows.ts'

/** A small token, as a bundler leaves it. */
const TOKEN = `
function amount(text) {
  if (typeof text !== "string" || !/^(0|[1-9][0-9]{0,77})$/.test(text)) throw new Error("no amount");
  return BigInt(text);
}
function held(balances, account) {
  return Object.hasOwn(balances, account) ? BigInt(balances[account]) : 0n;
}
function handle(state, action) {
  const { tags, caller } = action;
  if (tags.Action !== "Transfer") return { status: "unknown action" };
  const quantity = amount(tags.Quantity), to = tags.Recipient, { balances } = state;
  const from = held(balances, caller);
  if (quantity === 0n || from < quantity) return { status: "insufficient balance" };
  const left = from - quantity;
  if (left === 0n) delete balances[caller]; else balances[caller] = String(left);
  balances[to] = String(held(balances, to) + quantity);
  return { messages: [
    { target: caller, kind: "notice", tags: { Action: "Debit-Notice", Recipient: to, Quantity: tags.Quantity } },
    { target: to, kind: "notice", tags: { Action: "Credit-Notice", Sender: caller, Quantity: tags.Quantity } },
  ] };
}
exports.handle = handle;
`
const MODULE: ModuleSource = { engine: 'quickjs', hash: 'token', source: TOKEN }
const ROUND_MESSAGES = 20_000

function account(index: number): string {
  return `account${index}`.padEnd(42, '_') + 'A'
}

function stateOf(accounts: number): string {
  const list = Array.from({ length: accounts }, (_, i) => `"${account(i)}":"1000000000"`)
  return `{"name":"Token","ticker":"T","balances":{${list.join(',')}}}`
}

function actionsOf(accounts: number): string[] {
  return Array.from({ length: 1_000 }, (_, i) =>
    JSON.stringify({
      kind: 'message',
      caller: account((i * 7_919) % accounts),
      from: 'wallet',
      input: null,
      id: account(i),
      height: i,
      slot: i,
      timestamp: 1_700_000_000_000 + i,
      tags: { Action: 'Transfer', Recipient: account((i * 104_729 + 1) % accounts), Quantity: '1' },
      data: '',
      dataEncoding: 'utf8',
      hops: 64,
      budget: '0',
    }),
  )
}

/** Evaluations per second of one round. */
function rateOf(evaluate: (action: string) => unknown, actions: readonly string[]): number {
  const start = performance.now()
  for (let i = 0; i < ROUND_MESSAGES; i++) evaluate(actions[i % actions.length] as string)
  return (ROUND_MESSAGES / (performance.now() - start)) * 1_000
}

async function bareEngine(state: string): Promise<(action: string) => string> {
  const context = (
    await newQuickJSWASMModuleFromVariant(variant as unknown as QuickJSSyncVariant)
  ).newContext()
  const text = context.newString(state)
  const made = context.unwrapResult(
    context.evalCode(`((text) => {
      const exports = {}, state = JSON.parse(text);
      ((exports) => { "use strict"; ${TOKEN} })(exports);
      return (action) => JSON.stringify(exports.handle(state, JSON.parse(action)).messages);
    })`),
  )
  const run = context.unwrapResult(context.callFunction(made, context.undefined, text))
  return (action) => {
    const argument = context.newString(action)
    const result = context.unwrapResult(context.callFunction(run, context.undefined, argument))
    const messages = context.getString(result)
    argument.dispose()
    result.dispose()
    return messages
  }
}

type Transfers = {
  rates: number[]
  floors: number[]
  instance: Instance
  openMs: number
  text: string
}

async function transfers(runtime: Runtime, accounts: number): Promise<Transfers> {
  const text = stateOf(accounts)
  const actions = actionsOf(accounts)
  const start = performance.now()
  const instance = runtime.open(MODULE, text, defaultLimits())
  const openMs = performance.now() - start
  const bare = await bareEngine(text)
  const evaluate = (action: string): void => {
    const { status } = instance.evaluate(action)
    if (status !== 'ok') throw new Error('a transfer failed')
  }
  const rates: number[] = []
  const floors: number[] = []
  rateOf(evaluate, actions)
  rateOf(bare, actions)
  for (let round = 0; round < ROUNDS; round++) {
    rates.push(rateOf(evaluate, actions))
    floors.push(rateOf(bare, actions))
  }
  return { rates, floors, instance, openMs, text }
}

function opensMs(runtime: Runtime): number[] {
  const text = stateOf(10)
  return Array.from({ length: 50 }, () => {
    const start = performance.now()
    runtime.open(MODULE, text, defaultLimits()).close()
    return performance.now() - start
  })
}

/** Rows `sandbox.transfer.10`, `sandbox.transfer.1000000`, `sandbox.open`. */
export async function benchSandbox(accountsMany = 1_000_000): Promise<BenchReport> {
  const runtime = createQuickjsRuntime()
  const few = await transfers(runtime, 10)
  const opens = opensMs(runtime)
  const many = await transfers(runtime, accountsMany)
  const start = performance.now()
  many.instance.snapshot()
  const snapshotMs = performance.now() - start
  const megabytes = (instance: Instance): string => (instance.memoryBytes() / 1e6).toFixed(0)
  return {
    rows: [
      row('sandbox.transfer.10', 'evaluations/s', median(few.rates), median(few.floors)),
      row(
        `sandbox.transfer.${accountsMany}`,
        'evaluations/s',
        median(many.rates),
        median(many.floors),
      ),
      row('sandbox.open', 'ms', median(opens), null),
    ],
    doesNotMeasure: 'worker threads and their messages, the outbox check, signatures, any log',
    observed: [
      `10 accounts: ${spread(few.rates)}/s, bare engine ${spread(few.floors)}/s`,
      `${accountsMany} accounts: ${spread(many.rates)}/s, bare engine ${spread(many.floors)}/s; ` +
        `${(median(many.rates) / median(few.rates)).toFixed(2)} of the rate with 10`,
      `open with 10 accounts ${spread(opens, 2)} ms; with ${accountsMany}: ` +
        `${many.openMs.toFixed(0)} ms, snapshot ${snapshotMs.toFixed(0)} ms, ` +
        `${megabytes(many.instance)} MB (10 accounts: ${megabytes(few.instance)} MB)`,
    ],
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = await benchSandbox(process.argv.includes('--quick') ? 10_000 : 1_000_000)
  for (const { name, value, unit, floor, ratio } of report.rows) {
    const beside = floor === null ? '' : `  floor ${floor.toFixed(0)}  ratio ${ratio?.toFixed(2)}`
    console.log(
      `${name.padEnd(28)} ${value.toFixed(unit === 'ms' ? 2 : 0).padStart(10)} ${unit}${beside}`,
    )
  }
  for (const line of report.observed) console.log(line)
  console.log(`not measured: ${report.doesNotMeasure}`)
}
