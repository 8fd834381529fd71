// Runs seeds one after another in this OS process, and stops at the first that shows a violation:
// what is started on each mutated copy of the sources. One line of JSON per seed on stdout.
// node seeds.ts FROM TO [changes of the plan, as JSON]

import type { PlanChanges } from '../plan.ts'
import { simulate } from '../run.ts'
import type { SeedLine } from './mutation.ts'

const [from, to] = process.argv.slice(2, 4).map(Number) as [number, number]
const changes = JSON.parse(process.argv[4] ?? '{}') as PlanChanges
for (let seed = from; seed <= to; seed++) {
  const began = performance.now()
  const { violations } = await simulate(seed, { changes }).catch((error: unknown) => {
    // a run that cannot even go on is no clean one
    return { violations: [{ invariant: 'run-ends', text: String(error) }] }
  })
  const [first] = violations
  const line: SeedLine = {
    seed,
    ms: Math.round(performance.now() - began),
    ...(first && { violation: { invariant: first.invariant, text: first.text } }),
    invariants: [...new Set(violations.map(({ invariant }) => invariant))],
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
  if (first !== undefined) break
}
