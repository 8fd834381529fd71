// A lending pool: collateral in one token, loans in another, a price from an oracle, and
// liquidations that need no bot, see README.md.
//
// Owners: this file turns messages into moves; risk.ts says what debts are worth, positions.ts
// keeps them, sweep.ts liquidates, custody pays.
// Invariants: L1, L2 (state.ts). L3 nobody borrows or withdraws past the borrowing limit, or at a
// price that is stale; to deposit and to repay is always possible. L4 a payment that bounces is
// undone: its units, and the debt that it made, go where they were. L5 a credit never fails: what
// the pool does not keep goes back, or is owed.

import {
  address,
  compare,
  contract,
  crank,
  isAddress,
  notice,
  on,
  optional,
  positive,
  refuse,
  reply,
  tag,
} from '../../src/lib/index.ts'
import type { Action, Amount, Ended, Outgoing } from '../../src/lib/index.ts'
import {
  claim,
  creditOf,
  giveBack,
  owe,
  owedTo,
  parkedReference,
  pay,
  requirePayable,
  takeForeignBounce,
} from '../token/custody.ts'
import type { Payment } from '../token/custody.ts'
import { parsePrice } from '../ucm/price.ts'
import { change, positionOf } from './positions.ts'
import {
  accrue,
  debtOf,
  healthBps,
  indexAt,
  isFresh,
  isWithin,
  scaledPrice,
  sharesFor,
} from './risk.ts'
import { BORROW_COUNT_MIN, POSITIONS_MAX, complete } from './state.ts'
import type { LendingState, Position } from './state.ts'
import { keepAlarm, sweep, takeAlarm } from './sweep.ts'

const payments = crank<LendingState>({
  queue: (state) => state.custody.payments,
  steps: { paid },
})

/**
 * Answers Borrow, Withdraw, Withdraw-Funds, Claim, Sweep, Position-Of and Info; takes
 * Credit-Notices, Price-Notices of the oracle and Alarms of the clock.
 */
export const handle = contract<LendingState>({
  spawn: complete,
  actions: {
    Borrow: on({ Quantity: positive }, borrow),
    Withdraw: on({ Quantity: optional(positive) }, withdraw),
    'Withdraw-Funds': on({ Token: address, Quantity: optional(positive) }, withdrawFunds),
    Claim: on({ Token: address }, (state, { Token }, message) =>
      claim(state.custody, message, Token),
    ),
    Sweep: sweep,
    'Position-Of': on({ Address: optional(address) }, positionReply),
    Info: info,
  },
  notices: {
    'Credit-Notice': credited,
    'Price-Notice': priced,
    Alarm: (state, message) => (takeAlarm(state, message) ? sweep(state, message) : []),
  },
  bounce: (state, message) => {
    if (!takeAlarm(state, message)) takeForeignBounce(state.custody, message)
    return []
  },
  crank: (state, message, inner) => [
    ...payments(state, message, inner),
    ...keepAlarm(state, message),
  ],
})

/** By its X-Action: Deposit, Repay or Fund; anything else goes back to its sender. */
function credited(state: LendingState, message: Action): Outgoing[] {
  const taken = creditOf(message)
  if (taken === undefined) return []
  const { sender, quantity } = taken
  const { caller: token } = message
  const wanted = tag(message, 'X-Action')
  if (token === state.loan && wanted === 'Fund' && sender === state.lender) {
    state.cash = String(BigInt(state.cash) + BigInt(quantity))
    return []
  }
  if (token === state.loan && wanted === 'Repay') return repay(state, message, sender, quantity)
  if (token === state.collateral && wanted === 'Deposit' && mayDeposit(state, sender, quantity)) {
    change(state, sender, { collateral: BigInt(quantity) })
    return []
  }
  return giveBack(state.custody, message, { token, account: sender, quantity })
}

/** Who has a position may always add to it. */
function mayDeposit(state: LendingState, sender: string, quantity: Amount): boolean {
  if (positionOf(state, sender) !== undefined) return true
  return state.positionCount < POSITIONS_MAX && compare(quantity, state.minimumDeposit) >= 0
}

/** Of the debt of X-Borrower, else of the sender; what is more than it goes back to the sender. */
function repay(
  state: LendingState,
  message: Action,
  sender: string,
  quantity: Amount,
): Outgoing[] {
  const borrower = tag(message, 'X-Borrower') ?? sender
  const position = isAddress(borrower) ? positionOf(state, borrower) : undefined
  const given = BigInt(quantity)
  const index = accrue(state, message.timestamp)
  const debt = position === undefined ? 0n : debtOf(BigInt(position.shares), index)
  const applied = given < debt ? given : debt
  if (position !== undefined && applied > 0n) {
    const shares = applied === debt ? BigInt(position.shares) : sharesFor(applied, index)
    change(state, borrower, { shares: -shares })
    state.cash = String(BigInt(state.cash) + applied)
    state.repaid = String(BigInt(state.repaid) + applied)
  }
  if (applied === given) return []
  const rest = { token: state.loan, account: sender, quantity: String(given - applied) }
  return giveBack(state.custody, message, rest)
}

/** A newer price of the oracle: kept, and what it makes unhealthy is liquidated at once. */
function priced(state: LendingState, message: Action): Outgoing[] {
  const { caller, timestamp } = message
  const at = Number(tag(message, 'At'))
  if (caller !== state.oracle || !Number.isSafeInteger(at) || at < state.priceAt) return []
  state.price = parsePrice(tag(message, 'Price'))
  // By another partition's clock: never younger than now.
  state.priceAt = Math.min(at, timestamp)
  return sweep(state, message)
}

/** Borrow {Quantity}: up to borrowBps of what the caller's collateral is worth. */
function borrow(
  state: LendingState,
  { Quantity }: { Quantity: Amount },
  message: Action,
): Outgoing[] {
  const { caller, timestamp } = message
  requirePayable(message, BORROW_COUNT_MIN)
  const position = positionOf(state, caller)
  if (position === undefined) return refuse('position-unknown', `${caller} has no collateral here`)
  requireFresh(state, timestamp)
  const units = BigInt(Quantity)
  if (units > BigInt(state.cash)) {
    refuse('funds-insufficient', `the pool has ${state.cash} to lend, less than ${Quantity}`)
  }
  const index = accrue(state, timestamp)
  const shares = sharesFor(units, index)
  requireWithin(state, index, position.collateral, BigInt(position.shares) + shares)
  change(state, caller, { shares })
  state.cash = String(BigInt(state.cash) - units)
  state.lent = String(BigInt(state.lent) + units)
  return [payOut(state, message, 'borrow', state.loan, Quantity, String(shares))]
}

/** Withdraw {Quantity?}: collateral, all of it where no Quantity is named. */
function withdraw(
  state: LendingState,
  { Quantity }: { Quantity: Amount | undefined },
  message: Action,
): Outgoing[] {
  const { caller, timestamp } = message
  requirePayable(message)
  const position = positionOf(state, caller)
  if (position === undefined) return refuse('position-unknown', `${caller} has no collateral here`)
  const quantity = Quantity ?? position.collateral
  const left = BigInt(position.collateral) - BigInt(quantity)
  if (left < 0n || quantity === '0') {
    refuse('collateral-insufficient', `${caller} has ${position.collateral}, not ${quantity}`)
  }
  if (position.shares !== '0') {
    requireFresh(state, timestamp)
    const index = accrue(state, timestamp)
    requireWithin(state, index, String(left), BigInt(position.shares))
  }
  change(state, caller, { collateral: -BigInt(quantity) })
  return [payOut(state, message, 'withdraw', state.collateral, quantity)]
}

/** Withdraw-Funds {Token, Quantity?}: by the lender, of what is not lent, or of what was seized. */
function withdrawFunds(
  state: LendingState,
  { Token, Quantity }: { Token: string; Quantity: Amount | undefined },
  message: Action,
): Outgoing[] {
  if (message.caller !== state.lender) refuse('lender-only', `only ${state.lender} may do this`)
  requirePayable(message)
  const kept = keptOf(state, Token)
  if (kept === undefined) return refuse('token-unknown', 'Token is neither loan nor collateral')
  const quantity = Quantity ?? state[kept]
  const left = BigInt(state[kept]) - BigInt(quantity)
  if (left < 0n || quantity === '0') {
    refuse('funds-insufficient', `${state[kept]} is there, not ${quantity}`)
  }
  state[kept] = String(left)
  return [payOut(state, message, 'withdraw-funds', Token, quantity)]
}

/** The token's word on a payment; where it did not happen, all of it is undone. */
function paid(
  state: LendingState,
  payment: Payment,
  { outcome, message: answer }: Ended,
): Outgoing[] {
  const { purpose, account, quantity, reference } = payment
  const isPaid = outcome === 'reply'
  if (!isPaid) undo(state, payment, answer)
  const name = REPLIES[purpose]
  if (name === undefined || answer.hops < 1 || answer.count < 1) return []
  return [
    notice(account, name, {
      Status: isPaid ? 'paid' : 'returned',
      Quantity: quantity,
      ...(reference === '' ? {} : { Reference: reference }),
    }),
  ]
}

const REPLIES: Readonly<Record<string, string>> = {
  borrow: 'Borrow-Reply',
  withdraw: 'Withdraw-Reply',
  'withdraw-funds': 'Withdraw-Funds-Reply',
}

function undo(state: LendingState, payment: Payment, answer: Action): void {
  const { purpose, account, token, quantity } = payment
  const units = BigInt(quantity)
  if (purpose === 'withdraw') change(state, account, { collateral: units })
  else if (purpose === 'borrow') undoLoan(state, payment, answer.timestamp)
  else if (purpose === 'withdraw-funds') {
    const kept = keptOf(state, token) ?? 'cash'
    state[kept] = String(BigInt(state[kept]) + units)
  } else owe(state.custody, account, token, quantity)
}

/**
 * The debt that a loan made goes with it, interest and all. What was repaid or liquidated of it
 * meanwhile paid for units that never came: as many are the borrower's.
 */
function undoLoan(state: LendingState, payment: Payment, now: number): void {
  const { account, quantity, undo: added } = payment
  accrue(state, now)
  const units = BigInt(quantity)
  const made = BigInt(added ?? '0')
  const held = BigInt(positionOf(state, account)?.shares ?? '0')
  const gone = made < held ? made : held
  if (gone > 0n) change(state, account, { shares: -gone })
  const owed = made === 0n ? 0n : (units * (made - gone)) / made
  if (owed > 0n) owe(state.custody, account, state.loan, String(owed))
  state.cash = String(BigInt(state.cash) + units - owed)
  state.lent = String(BigInt(state.lent) - units + owed)
}

function payOut(
  state: LendingState,
  message: Action,
  purpose: string,
  token: string,
  quantity: Amount,
  undoing?: string,
): Outgoing {
  const { caller } = message
  const reference = parkedReference(message)
  const payment = { purpose, token, account: caller, recipient: caller, quantity, reference }
  const whole = undoing === undefined ? payment : { ...payment, undo: undoing }
  return pay(state.custody, message, whole)
}

function keptOf({ loan, collateral }: LendingState, token: string): 'cash' | 'seized' | undefined {
  if (token === loan) return 'cash'
  return token === collateral ? 'seized' : undefined
}

function requireFresh(state: LendingState, now: number): void {
  if (isFresh(state, now)) return
  const { price, priceAt, stalenessMs } = state
  const why = price === '' ? 'there is no price yet' : `the price is of ${priceAt}`
  refuse('price-stale', `${why}; one counts for ${stalenessMs} ms: wait for the oracle`)
}

function requireWithin(
  { price, borrowBps }: LendingState,
  index: bigint,
  collateral: Amount,
  shares: bigint,
): void {
  if (isWithin({ collateral, shares: String(shares) }, index, scaledPrice(price), borrowBps)) return
  refuse('collateral-insufficient', `a debt may be at most ${borrowBps} bps of its collateral`)
}

/** Position-Of {Address?}: Health below 10,000 is unhealthy; absent without debt or fresh price. */
function positionReply(
  state: LendingState,
  { Address }: { Address: string | undefined },
  message: Action,
): Outgoing[] {
  const { timestamp: now } = message
  const account = Address ?? message.caller
  const empty: Position = { collateral: '0', shares: '0', place: -1 }
  const position = positionOf(state, account) ?? empty
  const index = indexAt(state, now)
  const hasHealth = position.shares !== '0' && isFresh(state, now)
  const health = (): bigint =>
    healthBps(position, index, scaledPrice(state.price), state.liquidationBps)
  return [
    reply(message, 'Position-Of-Reply', {
      Address: account,
      Collateral: position.collateral,
      Debt: String(debtOf(BigInt(position.shares), index)),
      'Owed-Collateral': owedTo(state.custody, account, state.collateral),
      'Owed-Loan': owedTo(state.custody, account, state.loan),
      ...(hasHealth ? { Health: String(health()) } : {}),
    }),
  ]
}

function info(state: LendingState, message: Action): Outgoing[] {
  const { timestamp: now } = message
  return [
    reply(message, 'Info-Reply', {
      Collateral: state.collateral,
      Loan: state.loan,
      Oracle: state.oracle,
      Lender: state.lender,
      'Borrow-Bps': String(state.borrowBps),
      'Liquidation-Bps': String(state.liquidationBps),
      'Bonus-Bps': String(state.bonusBps),
      'Rate-Bps': String(state.rateBps),
      'Staleness-Ms': String(state.stalenessMs),
      'Sweep-Ms': String(state.sweepMs),
      Price: state.price,
      'Price-At': String(state.priceAt),
      'Price-Fresh': String(isFresh(state, now)),
      Cash: state.cash,
      Seized: state.seized,
      Debts: String(debtOf(BigInt(state.shares), indexAt(state, now))),
      Lent: state.lent,
      Repaid: state.repaid,
      Covered: state.covered,
      'Bad-Debt': state.badDebt,
      Borrowers: String(state.heap.length),
    }),
  ]
}
