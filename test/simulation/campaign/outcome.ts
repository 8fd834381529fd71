// What one seed came to, as one OS process tells another.

import type { Violation } from '../../chaos/checker/index.ts'
import type { SimReport } from '../run.ts'

export type SeedOutcome = Pick<
  SimReport,
  'seed' | 'traceHash' | 'steps' | 'violations' | 'situations' | 'seconds'
>

/** A run that did not come to its verdict: the simulation threw, died or hangs. */
export function harnessFailure(seed: number, error: unknown): SeedOutcome {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const violation: Violation = { invariant: 'simulation-runs', text }
  return { seed, traceHash: '', steps: 0, violations: [violation], situations: {}, seconds: 0 }
}
