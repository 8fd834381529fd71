// One OS process of a campaign: runs the seeds that it is sent, one at a time, and sends back what
// each came to. A run that throws is the fault of the simulation, and told as a violation too.

import type { PlanChanges } from '../plan.ts'
import { simulate } from '../run.ts'
import type { SeedOutcome } from './outcome.ts'
import { harnessFailure } from './outcome.ts'

export type SeedOrder = { readonly seed: number; readonly changes: PlanChanges }

process.on('message', ({ seed, changes }: SeedOrder) => {
  simulate(seed, { changes }).then(
    ({ traceHash, steps, violations, situations, seconds }) => {
      send({ seed, traceHash, steps, violations, situations, seconds })
    },
    (error: unknown) => send(harnessFailure(seed, error)),
  )
})

function send(outcome: SeedOutcome): void {
  process.send?.(outcome)
}
