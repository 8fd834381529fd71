// `npm run sim` as its users run it: the first line, the last line, the exit code, OS processes of
// its own, and runs that never come to a verdict.

import { expect, test } from '@jest/globals'
import { runTool } from '../guards/tool.ts'

const SHORT = JSON.stringify({ seconds: 2, messagesPerSecond: 4, eventSeconds: 0 })
const RUN_MS_MAX = 120_000

async function sim(...args: readonly string[]) {
  const { code, stdout, stderr } = await runTool('scripts/sim.ts', args)
  const lines = stdout.trim().split('\n')
  const last = lines.at(-1) as string
  // a mistake in the arguments has no report
  const report = last.startsWith('{') ? (JSON.parse(last) as Record<string, unknown>) : {}
  return { code, first: lines[0], lines, report, stderr }
}

test('one seed: its number first, its report last, and the trace between', async () => {
  const { code, first, lines, report } = await sim('--seed', '9', '--plan', SHORT, '--trace')
  expect([code, first]).toEqual([0, 'seed 9'])
  expect(report).toMatchObject({ seed: 9, violations: [], traceHash: expect.any(String) })
  expect(report['steps']).toBeGreaterThan(100)
  expect(lines.some((line) => line.endsWith(' node-0.1 starts'))).toBe(true)
}, RUN_MS_MAX)

test('a range of seeds: each runs once, and what was never seen is told', async () => {
  const range = ['--from', '7', '--count', '3', '--jobs', '2', '--plan', SHORT]
  const { code, first, lines, report } = await sim(...range)
  expect([code, first]).toEqual([0, 'base seed 7'])
  expect(report).toMatchObject({ seeds: 3, violations: [] })
  expect(lines.at(-2)).toMatch(/^never seen: .*mischief: kill/)
  expect(report['situations']).toMatchObject({ 'mischief: kill': 0 })
}, RUN_MS_MAX)

test('a run that throws is a violation, and others go on', async () => {
  const plan = JSON.stringify({ nodes: null })
  const { code, report } = await sim('--from', '1', '--count', '2', '--jobs', '1', '--plan', plan)
  expect(code).toBe(1)
  expect(report).toMatchObject({
    seeds: 2,
    violations: [
      { seed: 1, invariant: 'simulation-runs' },
      { seed: 2, invariant: 'simulation-runs' },
    ],
  })
}, RUN_MS_MAX)

test('a violation is an exit code of 1', async () => {
  // nobody relays, so a network never comes to rest
  const nodes = [['sequencer', 'dre']]
  const plan = JSON.stringify({ ...JSON.parse(SHORT), nodes, restSeconds: 12 })
  const { code, report } = await sim('--seed', '9', '--plan', plan)
  expect(code).toBe(1)
  expect(report['violations']).toMatchObject([{ invariant: 'comes-to-rest' }])
}, RUN_MS_MAX)

test('what is no number is refused', async () => {
  const { code, stderr } = await sim('--seed', 'seven')
  expect(code).toBe(1)
  expect(stderr).toContain('--seed seven: a whole number')
})

test('a plan that no network can be made of is refused, and does not run for ever', async () => {
  const { code, stderr } = await sim('--seed', '9', '--plan', '{"partitions":0}')
  expect(code).toBe(1)
  expect(stderr).toContain('a plan needs partitions: at least 1, not 0')
}, RUN_MS_MAX)
