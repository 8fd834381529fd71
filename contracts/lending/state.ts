// The state of a lending pool, and the bounds that it keeps.
// Invariants: L1 collateral: all positions + seized + owed + payments open = what the pool holds of
// it. L2 loan token: cash + owed + payments open = what the pool holds of it; both as far as the
// token's messages to the pool say. Every function here and beside moves, and never makes or loses.

import {
  address,
  completeState,
  integer,
  optional,
  positive,
  refuse,
  systemId,
  withDefault,
} from '../../src/lib/index.ts'
import type { Action, Amount, Fields } from '../../src/lib/index.ts'
import { newCustody } from '../token/custody.ts'
import type { Custody } from '../token/custody.ts'

export type Position = {
  collateral: Amount
  /** Of the debts: debt = shares × index, see risk.ts; '0' for none. */
  shares: string
  /** Its index in `heap`; -1 while it has no debt. */
  place: number
}

/** Spawned with {collateral, loan, oracle, lender}, and where wanted the numbers and clock. */
export type LendingState = {
  /** The token that is deposited. */
  collateral: string
  /** The token that is lent. */
  loan: string
  /** The process whose Price-Notices count: loan units for one collateral unit. */
  oracle: string
  /** Who funds the pool, has its profit, the seized collateral and the bad debts. */
  lender: string
  /** Who wakes this process; of genesis where the spawn tells it, else where this names it. */
  clock?: string
  /** Ms: a price older than this one counts for nothing. */
  stalenessMs: number
  /** Ms: how often debts are looked at while nothing else happens. */
  sweepMs: number
  /** Hundredths of a percent of the collateral's value that may be borrowed. */
  borrowBps: number
  /** Of the collateral's value: a debt above it is liquidated. */
  liquidationBps: number
  /** On top of the debt, seized from the borrower. */
  bonusBps: number
  /** Interest a year. */
  rateBps: number
  /** What a first deposit must be: positions are bounded, and a unit each would fill them. */
  minimumDeposit: Amount
  /** '' before the first one. */
  price: string
  /** Ms: when the oracle set it. */
  priceAt: number
  /** What one share is worth, times INDEX_ONE, at `accruedAt`. */
  index: string
  accruedAt: number
  positions: Fields<Position>
  positionCount: number
  /** Borrowers, a binary heap: the one whose debt is the most for its collateral is on top. */
  heap: string[]
  /** The sum of all positions' shares. */
  shares: string
  /** Loan units that may be lent or withdrawn. */
  cash: Amount
  /** Collateral that liquidations took. */
  seized: Amount
  /** Sums since the spawn: paid out to borrowers, paid back, covered by collateral, written off. */
  lent: Amount
  repaid: Amount
  covered: Amount
  badDebt: Amount
  /** Ms: the alarm that the clock was asked for. */
  alarm?: number
  /** Ms: until then the clock is left alone, having refused. */
  quiet?: number
  custody: Custody
}

/** Addresses with collateral; a deposit beyond goes back. */
export const POSITIONS_MAX = 50_000
/** Positions that one message liquidates; what is left is for the alarm, at once. */
export const LIQUIDATIONS_MAX = 16
/** `state-malformed` outside of these, at the spawn. */
export const STALENESS_MS_MAX = 86_400_000
export const SWEEP_MS_MIN = 1_000
export const SWEEP_MS_MAX = 86_400_000
export const RATE_BPS_MAX = 100_000
/** What a Borrow must be able to cause: the payment, and an alarm at the clock; `payment-hops`. */
export const BORROW_COUNT_MIN = 64
/** An alarm this late is taken for lost. */
export const ALARM_LATE_MS = 60_000
/** How long the clock is left alone that refused an alarm. */
export const ALARM_RETRY_MS = 60_000

const BPS = 10_000

/** Checks and completes the state that the spawn gave. */
export function complete(state: LendingState, spawn: Action): undefined {
  const known = ['collateral', 'loan', 'oracle', 'lender', 'clock', 'stalenessMs', 'sweepMs']
  known.push('borrowBps', 'liquidationBps', 'bonusBps', 'rateBps', 'minimumDeposit')
  for (const given of Object.keys(state)) {
    if (known.includes(given)) continue
    refuse('state-malformed', `${given} may not be given; ${known.join(', ')} may`)
  }
  completeState(state, {
    collateral: address,
    loan: address,
    oracle: address,
    lender: address,
    clock: optional(address),
    stalenessMs: withDefault(integer(1, STALENESS_MS_MAX), () => 600_000),
    sweepMs: withDefault(integer(SWEEP_MS_MIN, SWEEP_MS_MAX), () => 60_000),
    borrowBps: withDefault(integer(1, BPS), () => 7_500),
    liquidationBps: withDefault(integer(1, BPS), () => 8_000),
    bonusBps: withDefault(integer(0, BPS), () => 500),
    rateBps: withDefault(integer(0, RATE_BPS_MAX), () => 500),
    minimumDeposit: withDefault(positive, () => '1'),
  })
  const { collateral, loan, borrowBps, liquidationBps, bonusBps } = state
  if (collateral === loan) refuse('state-malformed', 'collateral and loan are the same token')
  if (borrowBps >= liquidationBps) {
    refuse('state-malformed', 'borrowBps must be less than liquidationBps')
  }
  if (liquidationBps * (BPS + bonusBps) >= BPS * BPS) {
    refuse('state-malformed', 'a debt at liquidationBps with its bonus must be less than its value')
  }
  const clock = state.clock ?? systemId(spawn, 'clock')
  if (clock !== undefined) state.clock = clock
  Object.assign(state, { price: '', priceAt: 0, index: '1000000000000000000' })
  Object.assign(state, { accruedAt: spawn.timestamp, positions: {}, positionCount: 0, heap: [] })
  Object.assign(state, { shares: '0', cash: '0', seized: '0' })
  Object.assign(state, { lent: '0', repaid: '0', covered: '0', badDebt: '0' })
  state.custody = newCustody([collateral, loan])
}
