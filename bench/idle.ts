// What processes cost in memory that nobody talks to: a node in an OS process of its own, 10,000
// spawns, and its resident memory before the first and after the last went idle.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { BenchReport } from './rows.ts'
import { median, row, ROUNDS, spread } from './rows.ts'

/** What the child tells: resident memory in MB at moments, and what it knows of it. */
export type IdleReport = {
  readonly before: number
  readonly peak: number
  readonly after: number
  /** Growth without the pages of mapped files. */
  readonly anonymous: number
  readonly heapAfter: number
  readonly open: number
  readonly instanceMb: number
  readonly spawnMs: number
}

export const PROCESSES = 10_000

/** Row `idle.processes.rss`. */
export async function benchIdleProcesses(): Promise<BenchReport> {
  const reports: IdleReport[] = []
  for (let round = 0; round < ROUNDS; round++) reports.push(await idleNode())
  const growth = reports.map(({ before, after }) => after - before)
  const of = (pick: (report: IdleReport) => number, digits = 0): string =>
    spread(reports.map(pick), digits)
  return {
    rows: [row('idle.processes.rss', 'MB', median(growth), null)],
    doesNotMeasure: 'big states; what the page cache holds of the log and the stores',
    observed: [
      `${PROCESSES} spawns of one small contract in ${of(({ spawnMs }) => spawnMs)} ms; ` +
        `growth ${spread(growth)} MB, of it ${of((each) => each.anonymous)} MB not pages of files`,
      `before ${of(({ before }) => before)} MB, at most ${of(({ peak }) => peak)} MB, idle ` +
        `${of(({ after }) => after)} MB; of it ${of(({ open }) => open)} open instances of ` +
        `${of(({ instanceMb }) => instanceMb)} MB, main heap ${of((each) => each.heapAfter)} MB`,
    ],
  }
}

async function idleNode(): Promise<IdleReport> {
  const child = fork(fileURLToPath(new URL('./idle-node.ts', import.meta.url)), [], {
    execArgv: ['--expose-gc'],
  })
  const [report] = (await once(child, 'message')) as [IdleReport]
  if (child.exitCode === null) await once(child, 'exit')
  return report
}
