// How fast the simulation is: a network of three nodes at 50 messages a second to which nothing
// happens, for 20 virtual minutes.

import { NO_ARCHIVE } from '../archive/plan.ts'
import { NO_FAULTS } from '../broker/faults.ts'
import type { PlanChanges } from '../plan.ts'
import { simulate } from '../run.ts'

/** 20 virtual minutes in a second. */
export const GOAL = 1_200
const MINUTES = 20
const ALL = ['sequencer', 'dre', 'relayer'] as const

export function measurePlan(minutes = MINUTES): PlanChanges {
  return {
    seconds: minutes * 60,
    messagesPerSecond: 50,
    partitions: 3,
    intervalLength: 200,
    nodes: [ALL, ALL, ALL],
    standbys: 0,
    rates: NO_FAULTS,
    http: { lost: 0, slow: 0 },
    eventSeconds: 0,
    events: {},
    archive: NO_ARCHIVE,
  }
}

export type Measured = {
  readonly virtualSeconds: number
  readonly realSeconds: number
  readonly virtualPerReal: number
  readonly goal: number
  readonly steps: number
  readonly messages: number
  /** What the messages came to: wallets' and processes'. */
  readonly entries: number
  readonly violations: readonly unknown[]
}

/** The whole of a run counts, its beginning and its verdict too. */
export async function measure(seed: number, minutes?: number): Promise<Measured> {
  const began = performance.now()
  const report = await simulate(seed, { changes: measurePlan(minutes) })
  const realSeconds = (performance.now() - began) / 1_000
  return {
    virtualSeconds: report.seconds,
    realSeconds,
    virtualPerReal: report.seconds / realSeconds,
    goal: GOAL,
    steps: report.steps,
    messages: report.figures?.submitted ?? 0,
    entries: report.figures?.entries ?? 0,
    violations: report.violations,
  }
}
