// When a lending pool may act on its price, followed through its entries: what it does at a stale
// one, and what it refuses at a fresh one, is told.
//
// What a borrower owes is followed only as far as it is sure: from a loan until anything that may
// end it.

import type { Entry } from '../../../src/protocol/entry.ts'
import type { Message } from '../../../src/protocol/message.ts'
import { tagValue } from '../../../src/protocol/message.ts'
import type { Result } from '../../../src/protocol/result.ts'
import type { Violation } from '../../chaos/checker/index.ts'
import type { Ending } from './workload.ts'

/** Process ids, and for how long a price counts. */
export type PriceRule = {
  readonly pool: string
  readonly oracle: string
  readonly stalenessMs: number
}
export type PoolPrices = {
  readonly violations: readonly Violation[]
  /** Whether the last price was fresh when it came: what it made unhealthy was liquidated then. */
  readonly hasCounted: boolean
}

const STALE = 'price-stale'
/** What a Borrow is refused with behind the look at the price. */
const BEHIND = ['funds-insufficient', 'collateral-insufficient']

export function poolPrices({ partitions }: Pick<Ending, 'partitions'>, rule: PriceRule): PoolPrices {
  const violations: Violation[] = []
  const follower = new Follower(rule)
  partitions.forEach(({ entries, results }, partition) => {
    for (const entry of entries) {
      const { height, message } = entry
      const result = results[height]
      if (message.process !== rule.pool || result === undefined) continue
      const text = follower.next(entry, result)
      const { id } = message
      if (text === '') continue
      violations.push({ invariant: 'stale-prices-refused', partition, height, id, text })
    }
  })
  return { violations, hasCounted: follower.hasCounted }
}

class Follower {
  readonly #rule: PriceRule
  readonly #owes = new Set<string>()
  readonly #mayOwe = new Set<string>()
  /** Ms; none before the first price. */
  #at = -Infinity
  hasCounted = true

  constructor(rule: PriceRule) {
    this.#rule = rule
  }

  /** What is wrong with the result; '' for nothing. */
  next({ message, timestamp }: Entry, result: Result): string {
    const { oracle, stalenessMs } = this.#rule
    const isOk = result.status === 'ok'
    const at = Number(tagValue(message.tags, 'At'))
    const isPrice = message.caller === oracle && actionOf(message) === 'Price-Notice'
    const isNewer = isPrice && isOk && at >= this.#at
    if (isNewer) this.#at = Math.min(at, timestamp)
    const isFresh = timestamp - this.#at <= stalenessMs
    if (isNewer) this.hasCounted = isFresh
    const wrong = isFresh ? whyWrongFresh(result) : this.#whyWrongStale(message, result)
    const isUnowing = actionOf(message) === 'Withdraw' && !this.#mayOwe.has(message.caller)
    if (isOk) this.#learn(message, result)
    if (wrong === '' && isUnowing && result.text.startsWith(STALE)) {
      return 'a withdrawal without a debt was refused for a stale price'
    }
    return wrong
  }

  #whyWrongStale({ kind, caller, tags }: Message, result: Result): string {
    const { status, text, messages } = result
    for (const sent of messages) {
      const action = tagValue(sent.tags, 'Action')
      if (action === 'Liquidation') return 'liquidated at a stale price'
      if (tagValue(sent.tags, 'Price-Fresh') === 'true') return 'a stale price is called fresh'
      const hasHealth = tagValue(sent.tags, 'Health') !== undefined
      if (action === 'Position-Of-Reply' && hasHealth) return 'health at a stale price'
    }
    const action = kind === 'message' ? tagValue(tags, 'Action') : undefined
    if (action === 'Borrow') {
      if (status === 'ok') return 'lent at a stale price'
      if (BEHIND.some((code) => text.startsWith(code))) return `${text} at a stale price`
    }
    const hasGiven = action === 'Withdraw' && status === 'ok' && this.#owes.has(caller)
    return hasGiven ? 'collateral of a debt was given back at a stale price' : ''
  }

  #learn(message: Message, { messages }: Result): void {
    const { kind, caller, tags } = message
    if (kind === 'message' && actionOf(message) === 'Borrow') {
      this.#owes.add(caller)
      this.#mayOwe.add(caller)
    }
    // a payment that bounced undoes its debt
    if (kind === 'bounce') this.#owes.clear()
    if (tagValue(tags, 'X-Action') === 'Repay') {
      this.#owes.delete(tagValue(tags, 'X-Borrower') ?? tagValue(tags, 'Sender') ?? '')
    }
    for (const sent of messages) this.#owes.delete(tagValue(sent.tags, 'Borrower') ?? '')
  }
}

function whyWrongFresh({ text, messages }: Result): string {
  if (text.startsWith(STALE)) return 'a fresh price was refused as stale'
  const isDenied = messages.some(({ tags }) => tagValue(tags, 'Price-Fresh') === 'false')
  return isDenied ? 'a fresh price is called stale' : ''
}

function actionOf({ tags }: Message): string | undefined {
  return tagValue(tags, 'Action')
}
