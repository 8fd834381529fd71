// Nothing simulated touches the machine's time, randomness, timers, files or sockets; and the same
// seed gives the same trace, in one OS process and in another.

import { expect, test } from '@jest/globals'
import { runTool } from '../guards/tool.ts'
import type { PlanChanges } from './plan.ts'
import { simulate } from './run.ts'

const HALF = { failed: 0.5, late: 0.5, unanswered: 0.5, hidden: 0.5, unreadable: 0.2, slow: 0.2 }
/** Short, and eventful. */
const PLAN: PlanChanges = {
  seconds: 8,
  eventSeconds: 2,
  archive: { sinks: 1, rates: HALF, heightsMax: 20, eventSeconds: 2 },
}
const SEED = 5
const RUN_MS_MAX = 120_000

const ALLOWED = [
  // the anchor that the client gives every message; wallets here sign with one of the seed's
  'node:crypto.randomBytes by src/client/message-fields.ts',
  // the program's own files, which an OS process loads once
  'node:fs.openSync by src/runtime/quickjs/engine.ts',
  'node:fs.readFileSync by src/runtime/overlay/overlay.ts',
  'node:fs.readFileSync by src/runtime/quickjs/engine.ts',
  'node:fs.readFileSync by src/runtime/quickjs/runtime.ts',
  'node:fs.openSync by src/runtime/smartweave/runtime.ts',
  'node:fs.readFileSync by src/runtime/smartweave/runtime.ts',
]

test('W2: a seed repeats itself, looked at or not, here and elsewhere, touching nothing', async () => {
  const lines: string[] = []
  const onTrace = (line: string): void => void lines.push(line)
  const first = await simulate(SEED, { changes: PLAN })
  expect(await simulate(SEED, { changes: PLAN, onTrace })).toEqual(first)
  expect(lines.length).toBeGreaterThan(100)
  const script = 'test/simulation/ambient-run.ts'
  const { stdout, stderr } = await runTool(script, [String(SEED), JSON.stringify(PLAN)])
  expect(stderr).toBe('')
  const elsewhere = JSON.parse(stdout) as { traceHash: string; calls: string[] }
  expect(elsewhere.traceHash).toBe(first.traceHash)
  expect(elsewhere.calls.filter((call) => !ALLOWED.includes(call))).toEqual([])
  // that it watches at all
  expect(elsewhere.calls).toContain(ALLOWED[0])
  const other = await simulate(SEED + 1, { changes: PLAN })
  expect(other.traceHash).not.toBe(first.traceHash)
}, RUN_MS_MAX)
