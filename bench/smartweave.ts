// How fast published SmartWeave contracts are evaluated with 10,000 entries in the state: token
// transfers through one inline instance, against warp-contracts doing the same in the same run, in
// turns. Warp at its best: one readState over all interactions of a round, caches in memory, no
// loading over a network. Two ways to write a contract: state written in place, and a whole new
// state each time.
//
// Run: node bench/smartweave.ts [--quick]. Each row is the median of ROUNDS rounds.

import { fileURLToPath } from 'node:url'
import { installWarp } from '../scripts/install-warp.mjs'
import { defaultLimits } from '../src/protocol/limits.ts'
import { createSmartweaveRuntime } from '../src/runtime/smartweave/runtime.ts'
import type { Instance, Runtime } from '../src/runtime/port.ts'
import { sha256, toBase64Url } from '../src/std/bytes.ts'
import type { CorpusContract } from '../test/differential/corpus.ts'
import { interactions, named, OWNER } from '../test/differential/interaction.ts'
import { isWarpInstalled, openWarp } from '../test/differential/warp-side.ts'
import type { BenchReport, BenchRow } from './rows.ts'
import { median, row, ROUNDS, spread } from './rows.ts'

const ENTRIES = 10_000
const GIVEN = 1_000_000_000

const CHECKS = `
  const { input, caller } = action
  const { target, qty } = input
  if (input.function !== 'transfer') throw new ContractError('unknown function')
  if (!Number.isInteger(qty) || qty <= 0) throw new ContractError('bad quantity')
  const held = state.balances['${account(0)}']
  if (held < qty) throw new ContractError('balance too low')
`
/** The sender is fixed, so that every transfer is a good one whoever calls. */
const IN_PLACE = `export async function handle(state, action) {${CHECKS}
  state.balances['${account(0)}'] -= qty
  state.balances[target] = (state.balances[target] || 0) + qty
  return { state }
}`
const WHOLE = `export function handle(state, action) {${CHECKS}
  const balances = { ...state.balances, ['${account(0)}']: held - qty }
  balances[target] = (balances[target] || 0) + qty
  return { state: { ...state, balances } }
}`

function account(index: number): string {
  return `account${index}`.padEnd(42, '_') + 'A'
}

function contractOf(name: string, source: string): CorpusContract {
  const balances = Object.fromEntries(
    Array.from({ length: ENTRIES }, (_, index) => [account(index), GIVEN]),
  )
  return {
    name,
    about: '',
    id: named(name),
    owner: OWNER,
    sourceId: named(`source ${name}`),
    sources: { [named(`source ${name}`)]: source },
    state: { ticker: 'T', balances },
    usesKv: false,
    input: ({ below }) => ({
      function: 'transfer',
      target: account(1 + below(ENTRIES - 1)),
      qty: 1,
    }),
  }
}

/** As the log would give them. */
function actionsOf(contract: CorpusContract, count: number): string[] {
  const run = interactions({ contract: contract.id, count, seed: 1, input: contract.input })
  return run.map(({ id, owner, tags, block }, slot) =>
    JSON.stringify({
      kind: 'message',
      caller: owner.address,
      from: 'wallet',
      id,
      height: slot,
      slot,
      timestamp: block.timestamp * 1_000,
      tags: Object.fromEntries(tags.map(({ name, value }) => [name, value])),
      data: '',
      dataEncoding: 'utf8',
      hops: 64,
      count: 64,
      budget: '0',
      input: null,
    }),
  )
}

function ourRate(instance: Instance, actions: readonly string[], count: number): number {
  const start = performance.now()
  for (let i = 0; i < count; i++) {
    const { status } = instance.evaluate(actions[i % actions.length] as string)
    if (status !== 'ok') throw new Error('a transfer failed')
  }
  return (count / (performance.now() - start)) * 1_000
}

/** A contract opened afresh: its first read evaluates everything. */
async function warpRate(contract: CorpusContract, count: number): Promise<number> {
  const run = interactions({ contract: contract.id, count, seed: 1, input: contract.input })
  const read = openWarp(contract, run)
  const start = performance.now()
  const { cachedValue } = (await read()) as { cachedValue: { validity: Record<string, boolean> } }
  const took = performance.now() - start
  if (Object.values(cachedValue.validity).filter(Boolean).length !== count) {
    throw new Error('a transfer failed in Warp')
  }
  return (count / took) * 1_000
}

type Rates = {
  readonly ours: number[]
  readonly warps: number[]
  /** Processor time an interaction, in µs, over all rounds. */
  readonly ourCpu: number
  readonly warpCpu: number
}
type Counts = { readonly ours: number; readonly warp: number }

async function ratesOf(runtime: Runtime, contract: CorpusContract, counts: Counts): Promise<Rates> {
  const source = contract.sources[contract.sourceId] as string
  const hash = toBase64Url(sha256(Buffer.from(source)))
  const module = { engine: 'smartweave' as const, hash, source }
  const instance = runtime.open(module, JSON.stringify(contract.state), defaultLimits())
  const actions = actionsOf(contract, 1_000)
  const ours: number[] = []
  const warps: number[] = []
  // long enough for the engine to be compiled for speed
  ourRate(instance, actions, counts.ours)
  await warpRate(contract, Math.ceil(counts.warp / 2))
  let [ourCpu, warpCpu] = [0, 0]
  for (let round = 0; round < ROUNDS; round++) {
    const begun = cpuMicros()
    ours.push(ourRate(instance, actions, counts.ours))
    const between = cpuMicros()
    warps.push(await warpRate(contract, counts.warp))
    ourCpu += (between - begun) / counts.ours / ROUNDS
    warpCpu += (cpuMicros() - between) / counts.warp / ROUNDS
  }
  instance.close()
  return { ours, warps, ourCpu, warpCpu }
}

/** Of this OS process: both sides run in it, one after the other. */
function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

function rowOf(name: string, { ours, warps }: Rates): BenchRow {
  return row(name, 'interactions/s', median(ours), median(warps))
}

/** Rows `smartweave.10000`, `smartweave.10000.whole-state`; the floor is Warp. */
export async function benchSmartweave(quick = false): Promise<BenchReport> {
  if (!isWarpInstalled() && !installWarp()) throw new Error('warp-contracts was not installed')
  const runtime = createSmartweaveRuntime()
  const part = quick ? 0.1 : 1
  const inPlace = await ratesOf(runtime, contractOf('in place', IN_PLACE), {
    ours: 10_000 * part,
    warp: 400 * part,
  })
  const whole = await ratesOf(runtime, contractOf('whole state', WHOLE), {
    ours: 50 * part,
    warp: 400 * part,
  })
  runtime.close()
  const said = ({ ours, warps, ourCpu, warpCpu }: Rates): string =>
    `${spread(ours)}/s, Warp ${spread(warps)}/s; processor time an interaction ` +
    `${ourCpu.toFixed(0)} µs, Warp ${warpCpu.toFixed(0)} µs`
  return {
    rows: [rowOf('smartweave.10000', inPlace), rowOf('smartweave.10000.whole-state', whole)],
    doesNotMeasure:
      'loading over a network and caches on disk (Warp); the log, signatures, workers (ours)',
    observed: [
      `state written in place: ${said(inPlace)}`,
      `a whole new state each time: ${said(whole)}`,
    ],
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = await benchSmartweave(process.argv.includes('--quick'))
  for (const { name, value, floor, ratio } of report.rows) {
    const warp = `Warp ${floor?.toFixed(0)}/s  ${ratio?.toFixed(1)} ×`
    console.log(`${name}  ${value.toFixed(0)}/s  ${warp}`)
  }
  for (const line of report.observed) console.log(line)
  console.log(`not measured: ${report.doesNotMeasure}`)
  // Warp leaves timers behind
  process.exit()
}
