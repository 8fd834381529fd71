// `npm run test:warp`: the corpus on warp-contracts and in our sandbox; after every interaction
// state and verdict must be equal. `--seed N` (default: the recorded one), `--count N`,
// `--contract NAME`, `--record` writes recorded.json, with which differential.test.ts compares
// where Warp is not installed.
//
// Invariants: D1 the last line on stdout is "N passed, N failed". D2 what is recorded, the files of
// history/ too, is Warp's side alone.

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createSmartweaveRuntime } from '../../src/runtime/smartweave/runtime.ts'
import { countsOf, digestOf, firstDifference } from './compare.ts'
import { corpus, runOf } from './corpus.ts'
import { definitionText, ourOutcomes } from './our-side.ts'
import { HISTORIES, historyFile } from './recorded.ts'
import { readRecorded, RECORDED, RECORDED_SEED, type RecordedRun } from './recorded.ts'
import { isWarpInstalled, warpOutcomes } from './warp-side.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(RECORDED_SEED) },
    count: { type: 'string', default: '1000' },
    contract: { type: 'string' },
    record: { type: 'boolean', default: false },
  },
})

async function main(): Promise<number> {
  const [seed, count] = [Number(values.seed), Number(values.count)]
  const runtime = createSmartweaveRuntime()
  const recorded: Record<string, RecordedRun> = {}
  let failed = 0
  let passed = 0
  console.log(`seed ${seed}, ${count} interactions each`)
  for (const contract of corpus()) {
    if (values.contract !== undefined && values.contract !== contract.name) continue
    const run = runOf(contract, count, seed)
    const began = performance.now()
    const warps = await warpOutcomes(contract, run)
    const between = performance.now()
    const ours = ourOutcomes(runtime, contract, run)
    const took = [between - began, performance.now() - between].map((ms) => `${ms.toFixed(0)} ms`)
    const difference = firstDifference(ours, warps)
    const { ok, error, exception, skipped } = countsOf(warps)
    const counts = `${ok} ok, ${error} error, ${exception} exception, ${skipped} passed over`
    const verdict = difference === undefined ? 'equal' : 'DIFFERENT'
    console.log(`${contract.name.padEnd(14)} ${verdict}: ${counts}; Warp ${took.join(', ours ')}`)
    console.log(`  ${contract.about}`)
    if (difference === undefined) passed += 1
    else failed += 1
    if (difference !== undefined) console.log(difference)
    recorded[contract.name] = { count, digest: digestOf(warps), counts: countsOf(warps) }
  }
  runtime.close()
  if (values.record) await record(recorded, seed)
  else if (seed === RECORDED_SEED && count === 1_000) failed += stale(recorded)
  console.log(`${passed} passed, ${failed} failed`)
  return failed > 0 || passed === 0 ? 1 : 0
}

async function record(recorded: object, seed: number): Promise<void> {
  writeFileSync(RECORDED, `${JSON.stringify(recorded, null, 2)}\n`)
  for (const contract of corpus()) {
    const count = HISTORIES[contract.name]
    if (count === undefined) continue
    const run = runOf(contract, count, seed)
    const outcomes = await warpOutcomes(contract, run)
    const judged = run.map(({ id }, at) => [id, outcomes[at]?.verdict] as const)
    const valid = judged.filter(([, verdict]) => verdict !== 'skipped')
    const expected = {
      status: 'evaluated',
      contractTxId: contract.id,
      sortKey: run.at(-1)?.sortKey,
      state: JSON.parse(outcomes.at(-1)?.state ?? 'null'),
      validity: Object.fromEntries(valid.map(([id, verdict]) => [id, verdict === 'ok'])),
    }
    const interactions = { interactions: run, paging: { limit: 5_000, items: run.length } }
    writeFileSync(historyFile(contract.name, 'definition'), `${definitionText(contract)}\n`)
    writeFileSync(historyFile(contract.name, 'interactions'), `${JSON.stringify(interactions)}\n`)
    writeFileSync(historyFile(contract.name, 'expected'), `${JSON.stringify(expected)}\n`)
  }
}

/** What is recorded of Warp must be what Warp says. */
function stale(now: Readonly<Record<string, RecordedRun>>): number {
  const before = readRecorded()
  const changed = Object.keys(now).filter((name) => before[name]?.digest !== now[name]?.digest)
  for (const name of changed) console.log(`recorded.json says otherwise of ${name}: --record`)
  return changed.length
}

if (!isWarpInstalled()) {
  console.log('warp-contracts is not installed: npm run test:warp installs it, and runs this')
  console.log('0 passed, 1 failed')
  process.exit(1)
}
// Warp leaves timers behind that would keep this program running.
process.exit(await main())
