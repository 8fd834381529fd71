// Nothing simulated touches the machine's time, randomness, timers, files or sockets; and the same
// seed gives the same trace, in one OS process and in another.

import { expect, test } from '@jest/globals'
import { runTool } from '../guards/tool.ts'
import type { PlanChanges } from './plan.ts'
import { simulate } from './run.ts'

/** Short; seeds whose plans have many kinds of faults and events. */
const PLAN: PlanChanges = { seconds: 12, eventSeconds: 2 }
const SEEDS = [2, 5]

const ALLOWED = [
  // the anchor that the client gives every message; wallets here sign with one of the seed's
  'node:crypto.randomBytes by src/client/message-fields.ts',
  // the program's own files, which an OS process loads once
  'node:fs.openSync by src/runtime/quickjs/engine.ts',
  'node:fs.readFileSync by src/runtime/overlay/overlay.ts',
  'node:fs.readFileSync by src/runtime/quickjs/engine.ts',
  'node:fs.readFileSync by src/runtime/quickjs/runtime.ts',
]

test.each(SEEDS)('W2: seed %d repeats itself here and elsewhere, touching nothing', async (seed) => {
  const first = await simulate(seed, { changes: PLAN })
  const again = await simulate(seed, { changes: PLAN })
  expect(again).toEqual(first)
  const script = 'test/simulation/ambient-run.ts'
  const { stdout, stderr } = await runTool(script, [String(seed), JSON.stringify(PLAN)])
  expect(stderr).toBe('')
  const elsewhere = JSON.parse(stdout) as { traceHash: string; calls: string[] }
  expect(elsewhere.traceHash).toBe(first.traceHash)
  expect(elsewhere.calls.filter((call) => !ALLOWED.includes(call))).toEqual([])
  // that it watches at all
  expect(elsewhere.calls).toContain(ALLOWED[0])
})

test('other seeds give other traces, and so does a trace that is looked at not', async () => {
  const lines: string[] = []
  const onTrace = (line: string): void => void lines.push(line)
  const [looked, other] = [
    await simulate(3, { changes: PLAN, onTrace }),
    await simulate(4, { changes: PLAN }),
  ]
  const unseen = await simulate(3, { changes: PLAN })
  expect(lines.length).toBeGreaterThan(100)
  expect(looked.traceHash).toBe(unseen.traceHash)
  expect(other.traceHash).not.toBe(unseen.traceHash)
})
