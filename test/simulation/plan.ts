// What a seed turns on: how the network is made up, what load it gets and what goes wrong. A plan is
// data: a run can be repeated with parts of it changed, which is how failing runs are shortened.
//
// Each seed turns on some faults and not others (a run with everything at once finds less: most of
// it would never get far).

import type { Role } from '../../src/node/index.ts'
import type { Random } from '../../src/std/random.ts'
import type { ArchivePlan } from './archive/plan.ts'
import { archivePlanOf } from './archive/plan.ts'
import type { FaultRates } from './broker/faults.ts'
import { NO_FAULTS } from './broker/faults.ts'
import type { WorkloadName } from './load/all.ts'
import { WORKLOADS } from './load/all.ts'

/** What befalls a node or the brokers; chances are relative to each other. */
export const EVENTS = [
  'kill',
  'stop',
  'freeze',
  'power',
  'lose-disk',
  'clock',
  'election',
  'rebalance',
  'expire-offsets',
  'reset-offsets',
  'crash-at-call',
  'cut',
  'rot',
  'compact',
  'lose-relayed',
  'blackout',
] as const
export type EventKind = (typeof EVENTS)[number]

export type SimPlan = {
  readonly seed: number
  /** Virtual seconds of load and faults. */
  readonly seconds: number
  readonly messagesPerSecond: number
  /** What the wallets do, and how often each relative to the others (1 where it is not named). */
  readonly workloads: readonly WorkloadName[]
  readonly weights: Readonly<Partial<Record<WorkloadName, number>>>
  readonly wallets: number
  readonly partitions: number
  readonly intervalLength: number
  readonly nodes: readonly (readonly Role[])[]
  readonly standbys: number
  readonly rates: FaultRates
  readonly http: { readonly lost: number; readonly slow: number }
  /** Mean virtual seconds between two events; 0: none. */
  readonly eventSeconds: number
  readonly events: Readonly<Partial<Record<EventKind, number>>>
  /** Virtual seconds that the network is given to come to rest. */
  readonly restSeconds: number
  readonly archive: ArchivePlan
}

export type PlanChanges = Partial<Omit<SimPlan, 'seed'>>

/** Workloads that came later: drawn last, in turn, so that old seeds keep the rest of their plans. */
const LATER: readonly (readonly WorkloadName[])[] = [
  ['alarms', 'children', 'fan-out', 'lending'],
  ['upgrades'],
]
const LATER_ONE_IN = 3
const ALL: readonly Role[] = ['sequencer', 'dre', 'relayer']

export function planOf(seed: number, random: Random, changes: PlanChanges = {}): SimPlan {
  const often = (n: number): boolean => random.below(n) !== 0
  const rate = (most: number): number => (random.below(2) === 0 ? 0 : random.float() * most)
  const isQuiet = random.below(10) === 0
  const rates: FaultRates = isQuiet
    ? NO_FAULTS
    : {
        refused: rate(0.05),
        lost: rate(0.05),
        unacknowledged: rate(0.05),
        late: rate(0.04),
        twice: rate(0.03),
        noOffset: rate(0.02),
        staleEnd: rate(0.3),
        slow: rate(0.01),
        commitLost: rate(0.3),
      }
  const events: Partial<Record<EventKind, number>> = {}
  for (const kind of EVENTS) if (often(3)) events[kind] = 1 + random.below(4)
  const nodes = random.below(3) === 0 ? splitNodes(random) : [ALL, ALL, ALL]
  const partitions = 2 + random.below(3)
  const names = Object.keys(WORKLOADS) as WorkloadName[]
  const isLater = (name: WorkloadName): boolean => LATER.flat().includes(name)
  const chosen = names.filter(
    (name) => !isLater(name) && (name === 'tokens' || random.below(2) === 0),
  )
  const weigh = (all: readonly WorkloadName[]) => all.map((name) => [name, 1 + random.below(3)])
  const weights = weigh(chosen)
  const plan = {
    seed,
    seconds: 40,
    messagesPerSecond: 20,
    wallets: 6,
    partitions,
    intervalLength: [16, 64, 200][random.below(3)] as number,
    nodes,
    standbys: random.below(2),
    rates,
    http: { lost: rate(0.05), slow: rate(0.05) },
    eventSeconds: isQuiet ? 0 : 2 + random.below(8),
    events,
    restSeconds: 180,
  }
  for (const some of LATER) {
    const later = some.filter(() => random.below(LATER_ONE_IN) === 0)
    chosen.push(...later)
    weights.push(...weigh(later))
  }
  const weightOf = Object.fromEntries(weights) as SimPlan['weights']
  const drawn = { ...plan, workloads: chosen, weights: weightOf, archive: archivePlanOf(random) }
  const changed = { ...drawn, ...changes }
  for (const name of ['partitions', 'wallets'] as const) {
    // without one, a wallet would look for a process's place without end
    const given = changed[name]
    if (!(given >= 1)) throw new Error(`a plan needs ${name}: at least 1, not ${given}`)
  }
  return changed
}

/** At least one of each role, and never all on one. */
function splitNodes(random: Random): Role[][] {
  const nodes: Role[][] = [['sequencer'], ['dre'], ['relayer'], ['sequencer', 'dre']]
  const more = ALL[random.below(3)] as Role
  return [...nodes, [more]]
}
