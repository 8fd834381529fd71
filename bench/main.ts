// `npm run bench [-- name…]`: runs the benchmarks whose rows begin with a name, prints a table for
// people, and writes bench/results/latest.json: rows {name, unit, value, floor, ratio}, those of
// earlier runs kept where this one did not measure them again.
//
// Exit code 0 whatever the figures are: a goal that is missed is shown, not hidden in a code.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { benchCrankLatency, benchCrankThroughput } from './crank.ts'
import { benchHttpIngress } from './http.ts'
import { benchIdleProcesses } from './idle.ts'
import { benchSignedIngress } from './ingress.ts'
import { benchRebuild } from './rebuild.ts'
import type { BenchReport, BenchRow } from './rows.ts'
import { benchSandbox } from './sandbox.ts'

type Goal = {
  readonly text: string
  readonly isMet: (row: BenchRow, rows: ReadonlyMap<string, BenchRow>) => boolean
}
type Bench = {
  readonly goals: Readonly<Record<string, Goal | null>>
  readonly run: () => Promise<BenchReport>
}

const atLeast = (least: number): Goal => ({
  text: `≥ ${least.toLocaleString('en')}`,
  isMet: ({ value }) => value >= least,
})
const atMost = (most: number): Goal => ({
  text: `≤ ${most.toLocaleString('en')}`,
  isMet: ({ value }) => value <= most,
})
const ofFloor = (least: number): Goal => ({
  text: `≥ ${least} of floor`,
  isMet: ({ ratio }) => ratio !== null && ratio >= least,
})
const ofRow = (name: string, least: number): Goal => ({
  text: `≥ ${least} of ${name}`,
  isMet: ({ value }, rows) => value >= least * (rows.get(name)?.value ?? Infinity),
})

const BENCHES: readonly Bench[] = [
  {
    goals: {
      'sandbox.transfer.10': atLeast(40_000),
      'sandbox.transfer.1000000': ofRow('sandbox.transfer.10', 0.8),
    },
    run: () => benchSandbox(),
  },
  { goals: { 'embedded.crank.throughput': atLeast(10_000) }, run: benchCrankThroughput },
  { goals: { 'embedded.crank.p50': atMost(2) }, run: benchCrankLatency },
  { goals: { 'embedded.ingress.signed.rsa': ofFloor(0.8) }, run: benchSignedIngress('rsa') },
  {
    goals: { 'embedded.ingress.signed.ed25519': ofFloor(0.8) },
    run: benchSignedIngress('ed25519'),
  },
  { goals: { 'embedded.ingress.http': null }, run: benchHttpIngress },
  { goals: { 'embedded.rebuild': atLeast(30_000) }, run: benchRebuild },
  { goals: { 'idle.processes.rss': atMost(50) }, run: benchIdleProcesses },
]

const RESULTS = new URL('./results/latest.json', import.meta.url)

async function main(names: readonly string[]): Promise<void> {
  const isWanted = ({ goals }: Bench): boolean =>
    names.length === 0 ||
    Object.keys(goals).some((row) => names.some((name) => row.startsWith(name)))
  const wanted = BENCHES.filter(isWanted)
  if (wanted.length === 0) throw new Error(`no row begins with ${names.join(', ')}`)
  const model = cpus()[0]?.model ?? 'unknown'
  console.log(`Node ${process.version}, ${availableParallelism()} cores, ${model}`)
  console.log(
    `load average before: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}\n`,
  )
  const measured = new Map<string, BenchRow>()
  for (const { goals, run } of wanted) {
    console.log(Object.keys(goals).join(', '))
    const report = await run()
    for (const line of report.observed) console.log(`  ${line}`)
    console.log(`  not measured: ${report.doesNotMeasure}\n`)
    for (const row of report.rows) if (row.name in goals) measured.set(row.name, row)
  }
  printTable([...measured.values()], measured)
  save(measured)
}

function printTable(rows: readonly BenchRow[], all: ReadonlyMap<string, BenchRow>): void {
  const goals = Object.assign({}, ...BENCHES.map((bench) => bench.goals)) as Bench['goals']
  const lines = rows.map((row) => {
    const goal = goals[row.name] ?? null
    const met = goal === null ? '' : goal.isMet(row, all) ? 'yes' : 'NO'
    const { name, unit, value, floor, ratio } = row
    return [name, unit, shown(value), shown(floor), ratio?.toFixed(3) ?? '', goal?.text ?? '', met]
  })
  const table = [['name', 'unit', 'value', 'floor', 'ratio', 'goal', 'met'], ...lines]
  const widths = table[0]?.map((_, at) => Math.max(...table.map((line) => line[at]?.length ?? 0)))
  for (const line of table) {
    const cells = line.map((cell, at) => {
      const width = widths?.[at] ?? 0
      return at >= 2 && at <= 4 ? cell.padStart(width) : cell.padEnd(width)
    })
    console.log(cells.join('  ').trimEnd())
  }
}

function shown(value: number | null): string {
  if (value === null) return ''
  return value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 })
}

function save(measured: ReadonlyMap<string, BenchRow>): void {
  const rows = new Map<string, BenchRow>()
  for (const row of earlierRows()) rows.set(row.name, row)
  for (const [name, row] of measured) rows.set(name, row)
  const order = BENCHES.flatMap(({ goals }) => Object.keys(goals))
  const sorted = order.flatMap((name) => rows.get(name) ?? [])
  mkdirSync(new URL('.', RESULTS), { recursive: true })
  writeFileSync(RESULTS, `${JSON.stringify(sorted, null, 2)}\n`)
}

function earlierRows(): readonly BenchRow[] {
  try {
    return JSON.parse(readFileSync(RESULTS, 'utf8')) as BenchRow[]
  } catch {
    return []
  }
}

await main(process.argv.slice(2))
