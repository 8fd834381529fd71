// Custody: what a contract that holds tokens for others must get right about paying out. A payment
// goes through the crank; what cannot be paid now is owed to its owner, and claimed later.
//
// Owners: whoever holds a Custody in its state; it names the step `paid` in its crank.
// Invariants: Y1 a payment stays parked until its token answers, by a Debit-Notice (it happened) or
// a bounce (it did not), and it has no deadline: the network loses no message and a token answers
// each transfer (R3, R5, T3), so silence means "not yet", and giving the units back on silence
// would pay twice. Y2 nobody but the token that was asked ends a payment, and only once (C1). Y3
// what is to be given back and cannot be is owed, so a credit never fails for want of hops or
// count. Y4 payments of foreign tokens park nothing, since a token that never answers could fill
// the queue: they carry in tags whom they are owed to, should they bounce. Y5 what foreign tokens
// are owed is bounded, and takes no room from the contract's own.

import {
  balanceOf,
  credit,
  debit,
  isAddress,
  isAmount,
  newQueue,
  payOut,
  refuse,
  request,
  returnedPayment,
  tag,
} from '../../src/lib/index.ts'
import type { Action, Amount, Balances, Outgoing, RequestQueue } from '../../src/lib/index.ts'

/** Entries of `owed` in tokens that are not the contract's own; `owed-full`. */
export const FOREIGN_OWED_MAX = 10_000
/** Open payments that leave room for giving back at once: the rest is for those who ask. */
export const RETURNS_OPEN_MAX = 512
/** A transfer, and its two notices. */
export const PAYMENT_HOPS_MIN = 2
export const PAYMENT_COUNT_MIN = 3
/** Characters of a request's Reference that waits with a payment; `reference-malformed`. */
export const REFERENCE_LENGTH_MAX = 64

export type Custody = {
  /** The tokens that the contract is for: their payments are parked. */
  own: string[]
  /** `<account>/<token>`: what Claim pays. */
  owed: Balances
  /** How many of them are of foreign tokens. */
  foreign: number
  /** Payments without an answer: context Payment. */
  payments: RequestQueue
}

/** A payment on its way. `purpose` says what it is undone to if it bounces. */
export type Payment = {
  purpose: string
  token: string
  /** Whose it is. */
  account: string
  recipient: string
  quantity: Amount
  /** Of the request that caused it, '' for none. */
  reference: string
  /** What the purpose needs to undo it. */
  undo?: string
}

export function newCustody(own: string[]): Custody {
  return { own, owed: {}, foreign: 0, payments: newQueue() }
}

/** True where a message has what a payment takes. */
export function canPay({ hops, count }: Action): boolean {
  return hops >= PAYMENT_HOPS_MIN && count >= PAYMENT_COUNT_MIN
}

/** `payment-hops`: before anything is taken, rather than to get it back by a bounce. */
export function requirePayable(message: Action, count: number = PAYMENT_COUNT_MIN): void {
  if (canPay(message) && message.count >= count) return
  const needed = `${PAYMENT_HOPS_MIN} hops and a count of ${count}`
  refuse('payment-hops', `a payment needs ${needed}; ${message.hops} and ${message.count} are left`)
}

/** The request's Reference, to be parked; `reference-malformed`. */
export function parkedReference(message: Action): string {
  const reference = tag(message, 'Reference') ?? ''
  if (reference.length <= REFERENCE_LENGTH_MAX) return reference
  return refuse('reference-malformed', `Reference is longer than ${REFERENCE_LENGTH_MAX}`)
}

/** Parks a payment of an own token, and asks the token for it; `requests-full`. */
export function pay(custody: Custody, message: Action, payment: Payment): Outgoing {
  const { token, recipient, quantity } = payment
  return request(custody.payments, message, {
    target: token,
    action: 'Transfer',
    tags: { Recipient: recipient, Quantity: quantity },
    reply: 'Debit-Notice',
    then: 'paid',
    context: payment,
  })
}

/** A credit that the contract does not keep: back to its sender, or owed where that fails. */
export function giveBack(
  custody: Custody,
  message: Action,
  { token, account, quantity }: Pick<Payment, 'token' | 'account' | 'quantity'>,
): Outgoing[] {
  const isOwn = custody.own.includes(token)
  const isFull = isOwn && custody.payments.open >= RETURNS_OPEN_MAX
  if (isFull || !canPay(message)) {
    owe(custody, account, token, quantity)
    return []
  }
  return [returning(custody, message, account, token, quantity)]
}

/** Claim {Token}: all that the caller is owed in it; `nothing-owed`. */
export function claim(custody: Custody, message: Action, token: string): Outgoing[] {
  requirePayable(message)
  const { caller } = message
  const quantity = owedTo(custody, caller, token)
  if (quantity === '0') refuse('nothing-owed', `${caller} is owed nothing of ${token}`)
  debit(custody.owed, keyOf(caller, token), quantity)
  if (!custody.own.includes(token)) custody.foreign -= 1
  return [returning(custody, message, caller, token, quantity)]
}

/** `owed-full` where a foreign token has no room left. */
export function owe(custody: Custody, account: string, token: string, quantity: Amount): void {
  const key = keyOf(account, token)
  if (!custody.own.includes(token) && balanceOf(custody.owed, key) === '0') {
    if (custody.foreign >= FOREIGN_OWED_MAX) {
      refuse('owed-full', `${FOREIGN_OWED_MAX} amounts of foreign tokens are owed already`)
    }
    custody.foreign += 1
  }
  credit(custody.owed, key, quantity)
}

export function owedTo(custody: Custody, account: string, token: string): Amount {
  return balanceOf(custody.owed, keyOf(account, token))
}

/** A bounce that resumed no task: of a foreign token's payment, which is owed again. */
export function takeForeignBounce(custody: Custody, message: Action): void {
  const returned = returnedPayment(message)
  if (returned === undefined || custody.own.includes(returned.token)) return
  const { account, token, quantity } = returned
  if (isAddress(account) && isAmount(quantity)) owe(custody, account, token, quantity)
}

/** What a credit says: whose, how much; undefined where it is not of a token's form. */
export function creditOf(message: Action): { sender: string; quantity: Amount } | undefined {
  const sender = tag(message, 'Sender')
  const quantity = tag(message, 'Quantity')
  if (message.from !== 'process' || !isAddress(sender) || !isAmount(quantity)) return undefined
  return quantity === '0' ? undefined : { sender, quantity }
}

function returning(
  custody: Custody,
  message: Action,
  account: string,
  token: string,
  quantity: Amount,
): Outgoing {
  if (!custody.own.includes(token)) return payOut(token, account, quantity)
  const reference = ''
  const payment = { purpose: 'owed', token, account, recipient: account, quantity, reference }
  return pay(custody, message, payment)
}

function keyOf(account: string, token: string): string {
  return `${account}/${token}`
}
