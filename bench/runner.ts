// What the commands of the benchmarks share: runs those whose rows begin with a name, prints a table
// for people, and merges the rows into bench/results/latest.json: {name, unit, value, floor, ratio}.
//
// Invariants: J1 rows that a run did not measure stay in the file, whichever command wrote them. J2
// what was measured with shortened rounds is printed as such and never written to the file.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import type { BenchReport, BenchRow } from './rows.ts'

export type Goal = {
  readonly text: string
  readonly isMet: (row: BenchRow, rows: ReadonlyMap<string, BenchRow>) => boolean
}
export type Bench = {
  readonly goals: Readonly<Record<string, Goal | null>>
  readonly run: () => Promise<BenchReport>
}

export function atLeast(least: number): Goal {
  return { text: `≥ ${least.toLocaleString('en')}`, isMet: ({ value }) => value >= least }
}

export function atMost(most: number): Goal {
  return { text: `≤ ${most.toLocaleString('en')}`, isMet: ({ value }) => value <= most }
}

/** value / floor. */
export function ratioAtLeast(least: number): Goal {
  return {
    text: `≥ ${least} of floor`,
    isMet: ({ ratio }) => ratio !== null && ratio >= least,
  }
}

export function ratioAtMost(most: number): Goal {
  return { text: `≤ ${most} × floor`, isMet: ({ ratio }) => ratio !== null && ratio <= most }
}

export function ofRow(name: string, least: number): Goal {
  return {
    text: `≥ ${least} of ${name}`,
    isMet: ({ value }, rows) => value >= least * (rows.get(name)?.value ?? Infinity),
  }
}

const RESULTS = new URL('./results/latest.json', import.meta.url)

export type RunOptions = {
  readonly benches: readonly Bench[]
  /** What rows may begin with; none: all of them. */
  readonly names: readonly string[]
  /** Rounds are shortened, for a check that all of it runs. */
  readonly quick?: boolean
}

/** Throws where no row begins with a name. */
export function wantedBenches({ benches, names }: RunOptions): readonly Bench[] {
  const wanted = benches.filter(
    ({ goals }) =>
      names.length === 0 ||
      Object.keys(goals).some((row) => names.some((name) => row.startsWith(name))),
  )
  if (wanted.length === 0) throw new Error(`no row begins with ${names.join(', ')}`)
  return wanted
}

export async function runBenches(options: RunOptions): Promise<void> {
  const wanted = wantedBenches(options)
  printMachine()
  if (options.quick === true) console.log('QUICK: rounds are shortened, no figure below counts\n')
  const measured = new Map<string, BenchRow>()
  for (const { goals, run } of wanted) {
    console.log(Object.keys(goals).join(', '))
    const report = await run()
    for (const line of report.observed) console.log(`  ${line}`)
    console.log(`  not measured: ${report.doesNotMeasure}\n`)
    for (const row of report.rows) if (row.name in goals) measured.set(row.name, row)
  }
  printTable(options.benches, measured)
  if (options.quick !== true) save(measured)
}

function printMachine(): void {
  const model = cpus()[0]?.model ?? 'unknown'
  console.log(`Node ${process.version}, ${availableParallelism()} cores, ${model}`)
  const loads = loadavg().map((load) => load.toFixed(1))
  console.log(`load average before: ${loads.join(' ')}\n`)
}

function printTable(benches: readonly Bench[], measured: ReadonlyMap<string, BenchRow>): void {
  const goals = Object.assign({}, ...benches.map((bench) => bench.goals)) as Bench['goals']
  const lines = [...measured.values()].map((row) => {
    const goal = goals[row.name] ?? null
    const met = goal === null ? '' : goal.isMet(row, measured) ? 'yes' : 'NO'
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
  const rows = new Map(earlierRows().map((row) => [row.name, row]))
  for (const [name, row] of measured) rows.set(name, row)
  mkdirSync(new URL('.', RESULTS), { recursive: true })
  writeFileSync(RESULTS, `${JSON.stringify([...rows.values()], null, 2)}\n`)
}

function earlierRows(): readonly BenchRow[] {
  try {
    return JSON.parse(readFileSync(RESULTS, 'utf8')) as BenchRow[]
  } catch {
    return []
  }
}
