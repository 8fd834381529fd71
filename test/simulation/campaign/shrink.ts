// A failing run made smaller: parts of its plan are taken away one by one, and whatever still fails
// with the same invariant is kept, until nothing more can be taken away.
//
// A smaller plan is another run (its events fall elsewhere), so there is no telling which part
// matters but to try; a part that could not go at first is tried again when others went.

import { FAULT_KINDS } from '../broker/faults.ts'
import { EVENTS } from '../plan.ts'
import type { PlanChanges, SimPlan } from '../plan.ts'

const SECONDS_MIN = 2

/** What a plan makes a run of the seed come to: the names of the invariants it violates. */
export type TryPlan = (changes: PlanChanges) => Promise<ReadonlySet<string>>

export type ShrinkOptions = {
  readonly plan: SimPlan
  readonly invariant: string
  readonly tryPlan: TryPlan
  readonly say: (line: string) => void
}

/** What is to be changed in the seed's own plan for the smallest run found. */
export async function shrink(options: ShrinkOptions): Promise<PlanChanges> {
  const { plan, invariant, tryPlan, say } = options
  let changes: PlanChanges = {}
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false
    for (const part of PARTS) {
      // a number is halved for as long as that goes well
      for (;;) {
        const less = part({ ...plan, ...changes })
        if (less === undefined) break
        const tried = { ...changes, ...less }
        const fails = (await tryPlan(tried)).has(invariant)
        say(`${fails ? 'still fails' : 'does not fail'} with ${JSON.stringify(less)}`)
        if (!fails) break
        changes = tried
        isSmaller = true
      }
    }
  }
  return changes
}

/** The plan with less of one thing, as changes; undefined: there is nothing to take away. */
type Part = (plan: SimPlan) => PlanChanges | undefined

const PARTS: readonly Part[] = [
  halved('seconds', SECONDS_MIN),
  ({ eventSeconds }) => (eventSeconds > 0 ? { eventSeconds: 0 } : undefined),
  ...EVENTS.map((kind): Part => ({ events }) => {
    if (events[kind] === undefined) return undefined
    const { [kind]: _gone, ...left } = events
    return { events: left }
  }),
  ...FAULT_KINDS.map((kind): Part => ({ rates }) => {
    return rates[kind] > 0 ? { rates: { ...rates, [kind]: 0 } } : undefined
  }),
  ({ http }) => (http.lost > 0 ? { http: { ...http, lost: 0 } } : undefined),
  ({ http }) => (http.slow > 0 ? { http: { ...http, slow: 0 } } : undefined),
  ({ standbys }) => (standbys > 0 ? { standbys: 0 } : undefined),
  ...[4, 3, 2, 1, 0].map((at): Part => (plan) => withoutNode(plan, at)),
  lowered('partitions', 1),
  halved('wallets', 1),
  halved('messagesPerSecond', 1),
]

function halved(name: 'seconds' | 'wallets' | 'messagesPerSecond', least: number): Part {
  return (plan) => {
    const half = Math.max(least, Math.floor(plan[name] / 2))
    return half < plan[name] ? { [name]: half } : undefined
  }
}

function lowered(name: 'partitions', least: number): Part {
  return (plan) => (plan[name] > least ? { [name]: plan[name] - 1 } : undefined)
}

/** Of what is left, somebody must still have each role. */
function withoutNode({ nodes }: SimPlan, at: number): PlanChanges | undefined {
  if (nodes[at] === undefined) return undefined
  const left = nodes.filter((_, index) => index !== at)
  const roles = new Set(left.flat())
  return nodes.flat().every((role) => roles.has(role)) ? { nodes: left } : undefined
}
