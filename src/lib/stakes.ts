// Stakes: what an account has staked, asked of the HB contract, and how long the answer holds.
//
// What was staked at the time of an answer can be unstaked right after it, but stays where it can
// be slashed for `unbondingMs` more: that is what makes a kept answer safe. What is unbonding
// already is not counted at all. Half of that time is for using the answer, the other half stays
// for those who file evidence of what was done with it.
//
// Invariants: K1 an answer counts only from the HB contract, to a question of ours, about this
// account and role. K2 no answer is used after half of unbondingMs from when it was asked for. K3
// what is kept is bounded (STAKES_MAX): the oldest goes first. K4 only an answer that sufficed is
// kept; who has too little is asked about again.

import { compare, isAmount } from './amounts.ts'
import type { Amount } from './amounts.ts'
import type { Ended } from './crank.ts'
import type { RequestQueue } from './queue.ts'
import { all, request } from './requests.ts'
import type { Resumption } from './requests.ts'
import type { Action, Fields, Outgoing } from './types.ts'

/** Answers that a process keeps. */
export const STAKES_MAX = 1_024

/** In the contract's state: answers by `<role>/<account>`; `order` has the keys, oldest first. */
export type Stakes = {
  /** Of the HB contract; 0 until it told. */
  unbondingMs: number
  head: number
  tail: number
  order: Fields<string>
  known: Fields<{ amount: Amount; until: number }>
}

export type StakeQuestion = {
  hbContract: string
  account: string
  /** 'user', 'dre', … */
  role: string
  /** What is wanted at least. */
  amount: Amount
}

export function newStakes(): Stakes {
  return { unbondingMs: 0, head: 0, tail: 0, order: {}, known: {} }
}

/**
 * Undefined where a kept answer shows that the stake suffices: go on at once. Else what to send;
 * the step that it resumes asks `stakeRefusal` whether to go on. Without `stakes` nothing is kept.
 */
export function requireStake(
  queue: RequestQueue,
  message: Action,
  question: StakeQuestion,
  wanted: Resumption,
  stakes?: Stakes,
): Outgoing[] | undefined {
  const { hbContract: target, account, role } = question
  const now = message.timestamp
  if (stakes !== undefined) {
    const key = `${role}/${account}`
    const kept = Object.hasOwn(stakes.known, key) ? stakes.known[key] : undefined
    if (kept !== undefined && kept.until >= now && compare(kept.amount, question.amount) >= 0) {
      return undefined
    }
  }
  const asked = { target, action: 'Stake-Of', tags: { Address: account, Role: role } }
  if (stakes?.unbondingMs !== 0) return [request(queue, message, { ...asked, ...wanted })]
  return all(queue, message, [asked, { target, action: 'Info' }], wanted)
}

/**
 * '' where the stake suffices, and then it is kept in `stakes`. Else `stake-insufficient`,
 * `stake-check-bounce`, `stake-check-expired` or `stake-check-malformed`.
 */
export function stakeRefusal(
  { account, role, amount }: Omit<StakeQuestion, 'hbContract'>,
  { message, outcome, answers, askedAt }: Ended,
  stakes?: Stakes,
): string {
  if (outcome !== 'reply') return `stake-check-${outcome}`
  const [joined, info] = answers
  const tags = joined?.tags ?? message.tags
  const quantity = own(tags, 'Quantity')
  const about = own(tags, 'Address') === account && own(tags, 'Role') === role
  if (!about || !isAmount(quantity)) return 'stake-check-malformed'
  if (compare(quantity, amount) < 0) return 'stake-insufficient'
  if (stakes === undefined) return ''
  if (info !== undefined) stakes.unbondingMs = wholeMs(own(info.tags, 'Unbonding-Ms'))
  keep(stakes, `${role}/${account}`, quantity, askedAt + Math.floor(stakes.unbondingMs / 2))
  return ''
}

/** Puts an answer in place of an older one, or in that of the oldest where there are too many. */
function keep(stakes: Stakes, key: string, amount: Amount, until: number): void {
  const { known, order } = stakes
  if (Object.hasOwn(known, key)) {
    const before = known[key] as { until: number }
    if (until >= before.until) known[key] = { amount, until }
    return
  }
  if (stakes.tail - stakes.head >= STAKES_MAX) {
    const oldest = String(stakes.head)
    delete known[order[oldest] as string]
    delete order[oldest]
    stakes.head += 1
  }
  known[key] = { amount, until }
  order[String(stakes.tail)] = key
  stakes.tail += 1
}

function own(tags: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(tags, name) ? tags[name] : undefined
}

/** 0, which keeps nothing, where it is none. */
function wholeMs(value: string | undefined): number {
  return value !== undefined && /^[0-9]{1,15}$/.test(value) ? Number(value) : 0
}
