// Money that waits: what an account holds here, set aside until something is decided, and what is
// paid out by a token that may refuse.
//
// A hold is a task in the request queue that has no target: so it ends exactly once, by commit,
// refund or its deadline, and the state shows it. A payment needs no task: the network brings every
// message to its token once, and a bounce comes back with the X- tags that say whose it was.
//
// Invariants: E1 the balances and what is held are together what they were before: each function
// here moves, none makes or loses. E2 a hold ends once; the second to try is refused
// (`hold-unknown`). E3 a payment is returned by its bounce alone, never for silence: it may still
// arrive, and would be paid twice. E4 what pays out must not forward somebody's X- tags with its
// requests: in their bounce they would be believed (with notices it may: those do not bounce).

import type { Amount } from './amounts.ts'
import { credit, debit } from './balances.ts'
import type { Balances } from './balances.ts'
import type { Step } from './crank.ts'
import { tag, transfer } from './messages.ts'
import type { Tags } from './messages.ts'
import type { RequestQueue } from './queue.ts'
import { refuse } from './refusal.ts'
import { cancel, later } from './requests.ts'
import type { Action, Outgoing } from './types.ts'

/** The context of a hold's task. */
export type Hold = { account: string; quantity: Amount; note: unknown }

/** For whom, how much, for how long; `note` is JSON that commit and refund give back. */
export type Reservation = {
  account: string
  quantity: Amount
  deadlineMs: number
  /** The step that the deadline resumes, a `refundStep`. */
  then: string
  note?: unknown
}

/** Takes from a balance and holds it; gives the hold's number. `balance-insufficient`. */
export function reserve(
  queue: RequestQueue,
  balances: Balances,
  message: Action,
  { account, quantity, deadlineMs, then, note = null }: Reservation,
): string {
  debit(balances, account, quantity)
  const context: Hold = { account, quantity, note }
  return later(queue, message, { then, context, deadlineMs })
}

/** What is held goes to another account. */
export function commit(
  queue: RequestQueue,
  balances: Balances,
  hold: string,
  recipient: string,
): Hold {
  const ended = endHold(queue, hold)
  credit(balances, recipient, ended.quantity)
  return ended
}

/** What is held goes back. */
export function refund(queue: RequestQueue, balances: Balances, hold: string): Hold {
  const ended = endHold(queue, hold)
  credit(balances, ended.account, ended.quantity)
  return ended
}

/** The step of a hold's deadline: what is held goes back, and `told` says to whom that is told. */
export function refundStep<S>(
  balancesOf: (state: S) => Balances,
  told: (state: S, hold: Hold) => Outgoing[] | undefined = () => undefined,
): Step<S, Hold> {
  return (state, hold) => {
    credit(balancesOf(state), hold.account, hold.quantity)
    return told(state, hold)
  }
}

/** A transfer of what this process holds at a token, which says whose it is, should it bounce. */
export function payOut(
  token: string,
  account: string,
  quantity: Amount,
  tags: Tags = {},
): Outgoing {
  const returning = { 'X-Deposit-Account': account, 'X-Deposit-Quantity': quantity }
  return transfer(token, account, quantity, { ...returning, ...tags })
}

export type ReturnedPayment = { token: string; account: string; quantity: Amount }

/** Of a bounce of `payOut`: whose it was, and what; undefined of any other message. */
export function returnedPayment(message: Action): ReturnedPayment | undefined {
  const account = tag(message, 'X-Deposit-Account')
  const quantity = tag(message, 'X-Deposit-Quantity')
  if (message.kind !== 'bounce' || account === undefined || quantity === undefined) return undefined
  return isPositive(quantity) ? { token: message.caller, account, quantity } : undefined
}

function endHold(queue: RequestQueue, number: string): Hold {
  const ended = cancel(queue, number)?.context as Partial<Hold> | null | undefined
  const { account, quantity } = ended ?? {}
  if (account === undefined || quantity === undefined) {
    const shown = number.slice(0, 20)
    return refuse('hold-unknown', `no hold ${shown} is open: it has ended, or never was`)
  }
  return { account, quantity, note: ended?.note }
}

/** Any length: a token may have lied about its amounts, and a deposit of them may be above all. */
function isPositive(text: string): boolean {
  return /^[1-9][0-9]*$/.test(text)
}
