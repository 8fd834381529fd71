// The sweep: what is unhealthy at the price and time of a message is liquidated by it, the riskiest
// first, whoever sent it; and the clock wakes this process so that such a message comes.
//
// Invariants: S1 no position is liquidated that is not unhealthy, or at a price that is stale. S2 a
// message liquidates at most LIQUIDATIONS_MAX; while more are unhealthy the alarm is set for at
// once. S3 while there are debts and the price is fresh, an alarm is due within sweepMs; a price
// that comes sweeps by itself, so a stale one needs none. S4 the pool itself takes the collateral,
// for the lender: no bidder is needed, and no message has to arrive for a position to be healthy.

import { event, notice, tag } from '../../src/lib/index.ts'
import type { Action, Outgoing } from '../../src/lib/index.ts'
import { change, positionOf, riskiest } from './positions.ts'
import { accrue, indexAt, isFresh, isWithin, scaledPrice, takingOf } from './risk.ts'
import { ALARM_LATE_MS, ALARM_RETRY_MS, BORROW_COUNT_MIN, LIQUIDATIONS_MAX } from './state.ts'
import type { LendingState, Position } from './state.ts'

const ALARM = 'sweep'

/** Liquidates what is unhealthy. */
export function sweep(state: LendingState, message: Action): Outgoing[] {
  const now = message.timestamp
  const messages: Outgoing[] = []
  // One message is kept for the alarm.
  let notices = message.hops < 1 ? 0 : Math.max(0, message.count - 1)
  for (let left = LIQUIDATIONS_MAX; left > 0; left -= 1) {
    const borrower = unhealthy(state, now)
    if (borrower === undefined) break
    const told = liquidate(state, borrower, now)
    messages.push(event('Liquidation', { Borrower: borrower, ...told }))
    if (notices > 0) messages.push(notice(borrower, 'Liquidation-Notice', told))
    notices -= 1
  }
  return messages
}

/** The riskiest borrower, where it is unhealthy at a price that counts. */
function unhealthy(state: LendingState, now: number): string | undefined {
  const borrower = riskiest(state)
  if (borrower === undefined || !isFresh(state, now)) return undefined
  const position = positionOf(state, borrower) as Position
  const index = indexAt(state, now)
  const price = scaledPrice(state.price)
  return isWithin(position, index, price, state.liquidationBps) ? undefined : borrower
}

function liquidate(state: LendingState, borrower: string, now: number): Record<string, string> {
  const index = accrue(state, now)
  const position = positionOf(state, borrower) as Position
  const { covered, bad, seized, shares } = takingOf(
    position,
    index,
    scaledPrice(state.price),
    state,
  )
  change(state, borrower, { collateral: -seized, shares: -shares })
  state.seized = String(BigInt(state.seized) + seized)
  state.covered = String(BigInt(state.covered) + covered)
  state.badDebt = String(BigInt(state.badDebt) + bad)
  return {
    Covered: String(covered),
    'Bad-Debt': String(bad),
    Seized: String(seized),
    Price: state.price,
  }
}

/** The clock's word: the alarm, or that it took none. True where the message is one of them. */
export function takeAlarm(state: LendingState, message: Action): boolean {
  const { kind, caller, timestamp } = message
  if (caller !== state.clock) return false
  const isAlarm = kind === 'notice' && tag(message, 'Action') === 'Alarm'
  const isRefusal = kind === 'bounce' && tag(message, 'X-Alarm') === ALARM
  if (!isRefusal && !(isAlarm && tag(message, 'Name') === ALARM)) return false
  delete state.alarm
  if (isRefusal) state.quiet = timestamp + ALARM_RETRY_MS
  return true
}

/** After any message: has the clock wake this process when it should look again. */
export function keepAlarm(state: LendingState, message: Action): Outgoing[] {
  const { clock, alarm, quiet = 0, sweepMs, heap } = state
  const { timestamp: now, kind } = message
  if (clock === undefined || kind === 'spawn' || heap.length === 0 || quiet > now) return []
  if (!isFresh(state, now)) return []
  const at = unhealthy(state, now) === undefined ? now + sweepMs : now + 1
  if (alarm !== undefined && alarm <= at && alarm + ALARM_LATE_MS > now) return []
  // A message that has little left is none to burden; the clock's own has room kept (sweep).
  const least = message.caller === clock ? 1 : BORROW_COUNT_MIN
  if (message.hops < 1 || message.count < least) return []
  state.alarm = at
  const tags = { Action: 'Set-Alarm', Name: ALARM, At: String(at), 'X-Alarm': ALARM }
  return [{ target: clock, tags, count: 0 }]
}
