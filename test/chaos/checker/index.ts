// The checker: what a run left behind against the invariants that issue 4 names. Pure; each
// invariant has a name and a function. test/chaos/checker.test.ts plants a bad history for each.

import * as balances from './balance-checks.ts'
import * as channels from './channel-checks.ts'
import type { Facts } from './facts.ts'
import { factsOf } from './facts.ts'
import type { History, Tell, Violation } from './history.ts'
import * as log from './log-checks.ts'
import * as messages from './message-checks.ts'
import * as results from './result-checks.ts'

export type * from './history.ts'

export type Check = (facts: Facts, tell: Tell) => void

export const INVARIANTS = {
  'offsets-contiguous': log.offsetsContiguous,
  'chain-unbroken': log.chainUnbroken,
  'chain-not-forked': log.chainNotForked,
  'placed-or-refused': messages.placedOrRefused,
  'placed-once': messages.placedOnce,
  'refused-not-placed': messages.refusedNotPlaced,
  'refusals-recorded': messages.refusalsRecorded,
  'receipts-hold': messages.receiptsHold,
  'senders-in-order': messages.sendersInOrder,
  'channels-in-order': channels.channelsInOrder,
  'channels-faithful': channels.channelsFaithful,
  'channels-complete': channels.channelsComplete,
  'publications-agree': results.publicationsAgree,
  'publications-complete': results.publicationsComplete,
  'results-final': results.resultsFinal,
  'evaluation-agrees': results.evaluationAgrees,
  'states-agree': results.statesAgree,
  'balances-conserved': balances.balancesConserved,
  'balances-modelled': balances.balancesModelled,
} as const satisfies Readonly<Record<string, Check>>

export type InvariantName = keyof typeof INVARIANTS

/** What was counted; superseded records are no violation. */
export type Figures = {
  readonly submitted: number
  readonly acknowledged: number
  /** Acknowledged messages with a place, and with a refusal. */
  readonly placed: number
  readonly refused: number
  readonly entries: number
  readonly superseded: number
  readonly claims: number
  /** Runs that repeated what the outbox held already. */
  readonly repeatedRuns: number
}

export type Report = { readonly violations: readonly Violation[]; readonly figures: Figures }

/** Violations of one invariant that are told in full; behind them only their number. */
const TOLD_MAX = 20

export function check(history: History): Report {
  const facts = factsOf(history)
  const violations: Violation[] = []
  for (const [invariant, judge] of Object.entries(INVARIANTS)) {
    let count = 0
    judge(facts, (violation) => {
      count += 1
      if (count <= TOLD_MAX) violations.push({ invariant, ...violation })
    })
    const untold = count - TOLD_MAX
    if (untold > 0) violations.push({ invariant, text: `and ${untold} more` })
  }
  return { violations, figures: figuresOf(facts) }
}

function figuresOf({ history, partitions, places, refusals }: Facts): Figures {
  const { submissions, refusals: told } = history.clients
  const acknowledged = submissions.filter((each) => each.acknowledgedAt !== undefined)
  const refused = new Set([...refusals, ...told].map(({ id }) => id))
  const sum = (of: (facts: Facts['partitions'][number]) => number): number =>
    partitions.reduce((total, each) => total + of(each), 0)
  const count = (type: string): number =>
    sum(({ log: records }) => records.filter((fact) => fact.type === type).length)
  return {
    submitted: submissions.length,
    acknowledged: acknowledged.length,
    placed: acknowledged.filter(({ id }) => places.has(id)).length,
    refused: acknowledged.filter(({ id }) => refused.has(id)).length,
    entries: count('entry'),
    superseded: count('superseded'),
    claims: count('claim'),
    repeatedRuns: sum(repeatedRuns),
  }
}

function repeatedRuns({ runs }: Facts['partitions'][number]): number {
  let next = 0
  let repeated = 0
  for (const { run } of runs) {
    if (run === undefined) continue
    if (run.from < next) repeated += 1
    next = Math.max(next, run.from + run.results.length)
  }
  return repeated
}
