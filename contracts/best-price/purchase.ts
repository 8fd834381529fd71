// A purchase, from the question for prices to the payment: each function here is a step of it.
// Owners: a purchase lives in the request queue, with the money that left its buyer's deposit.
//
// Invariants: P2 a purchase is parked once at a time: asking for prices, then for a reservation; it
// ends with one Buy-Reply. P3 money leaves only for a reservation, and once: a question may be put
// again, or to another, but a payment is no question. It is a plain message, and comes back by its
// bounce alone, never for want of an answer.

import {
  all,
  compare,
  credit,
  debit,
  isAddress,
  isAmount,
  notice,
  payOut,
  positive,
  refuse,
  request,
  returnedPayment,
  subtract,
  tag,
} from '../../src/lib/index.ts'
import type {
  Action,
  Amount,
  Balances,
  Ended,
  Outgoing,
  Parsed,
  Question,
  RequestQueue,
  Tags,
} from '../../src/lib/index.ts'

/** Spawned with {token, shops}; the rest is added. */
export type BestPriceState = {
  /** The token that is paid with. */
  token: string
  /** Whom it asks, and trusts to deliver what it paid for. */
  shops: string[]
  deposits: Balances
  requests: RequestQueue
}

/** A purchase: `limit` left the buyer's deposit, and is parked with it. */
export type Purchase = {
  id: string
  buyer: string
  quantity: Amount
  limit: Amount
  reference: string
}
type Offer = { shop: string; price: Amount }
type Reserving = { purchase: Purchase; best: Offer; others: Offer[] }

/** `input-malformed`: shops that one process asks. */
export const SHOPS_MAX = 16
/** How long shops have to name a price, in ms of the log's time. */
export const QUOTES_MS_MAX = 5_000
/** How long one has to reserve. */
export const RESERVE_MS_MAX = 5_000
/**
 * What a payment must be able to cause: the credit, the goods, their notices, or all of it back.
 * Too few and the shop could do neither with what it was paid.
 */
export const PAY_HOPS_MIN = 8
export const PAY_COUNT_MIN = 12
/** `buy-hops`, `buy-count`: below it no purchase could come to its payment. */
export const BUY_HOPS_MIN = PAY_HOPS_MIN + 4
export const BUY_COUNT_MIN = 512
/** `reference-malformed`: characters of a request's Reference, which is parked with it. */
export const REFERENCE_LENGTH_MAX = 64

export const BUY = { Quantity: positive, Limit: positive }

/** Buy {Quantity, Limit}: asks every shop at once for its price; Limit is the most to pay. */
export function buy(
  state: BestPriceState,
  { Quantity: quantity, Limit: limit }: Parsed<typeof BUY>,
  message: Action,
): Outgoing[] {
  const { id, caller: buyer, hops, count } = message
  if (hops < BUY_HOPS_MIN) refuse('buy-hops', `a purchase needs ${BUY_HOPS_MIN} hops`)
  if (count < BUY_COUNT_MIN) refuse('buy-count', `a purchase needs a count of ${BUY_COUNT_MIN}`)
  const purchase: Purchase = { id, buyer, quantity, limit, reference: referenceOf(message) }
  debit(state.deposits, buyer, limit)
  return all(state.requests, message, questions(state, quantity), {
    then: 'quoted',
    context: purchase,
    deadlineMs: QUOTES_MS_MAX,
  })
}

/** Every shop has answered or bounced, or time is up: what came is what there is to choose of. */
export function quoted(
  state: BestPriceState,
  purchase: Purchase,
  { message, answers }: Ended,
): Outgoing[] {
  const offers: Offer[] = []
  for (const answer of answers) {
    const asked = answer?.outcome === 'reply' ? answer.tags['Price'] : undefined
    if (answer === undefined || !isAmount(asked) || asked === '0') continue
    if (compare(asked, purchase.limit) <= 0) offers.push({ shop: answer.caller, price: asked })
  }
  // a stable order: of equal prices, the shop named first
  offers.sort((a, b) => compare(a.price, b.price))
  return reserve(state, purchase, offers, message)
}

/** At the first of the offers; where there is none left, the purchase ends. */
function reserve(
  state: BestPriceState,
  purchase: Purchase,
  [best, ...others]: Offer[],
  message: Action,
): Outgoing[] {
  if (best === undefined) {
    credit(state.deposits, purchase.buyer, purchase.limit)
    return tell(purchase, { Status: 'returned', Returned: purchase.limit })
  }
  const context: Reserving = { purchase, best, others }
  return [
    request(state.requests, message, {
      target: best.shop,
      action: 'Reserve',
      tags: { Quantity: purchase.quantity, Price: best.price },
      then: 'reserved',
      orElse: 'refused',
      context,
      deadlineMs: RESERVE_MS_MAX,
    }),
  ]
}

/**
 * Pays, and gives back what the limit was above the price. Where too little is left to pay with,
 * this step fails, and the purchase is parked still: its deadline goes on with the next shop.
 */
export function reserved(
  state: BestPriceState,
  { purchase, best }: Reserving,
  { message }: Ended,
): Outgoing[] {
  if (message.hops < PAY_HOPS_MIN || message.count < PAY_COUNT_MIN) {
    refuse('payment-short', `a payment needs ${PAY_HOPS_MIN} hops, a count of ${PAY_COUNT_MIN}`)
  }
  const { id, buyer, limit, reference } = purchase
  credit(state.deposits, buyer, subtract(limit, best.price))
  return [
    payOut(state.token, best.shop, best.price, {
      'X-Deposit-Account': buyer,
      'X-Reservation': tag(message, 'Reservation') ?? '',
      'X-Order': id,
      'X-Buyer': buyer,
      ...(reference === '' ? {} : { 'X-Reference': reference }),
    }),
  ]
}

/** No word costs nothing: a reservation that was made after all lapses at its shop. */
export function refused(
  state: BestPriceState,
  { purchase, others }: Reserving,
  { message }: Ended,
): Outgoing[] {
  return reserve(state, purchase, others, message)
}

/** The token's word that the shop was paid. Only our own payments have an X-Order. */
export function paid(state: BestPriceState, message: Action): Outgoing[] | undefined {
  const purchase = purchaseOf(state, message)
  if (purchase === undefined) return undefined
  const { Recipient: Shop = '', Quantity: Price = '' } = message.tags
  return tell(purchase, { Status: 'bought', Shop, Price })
}

/** A payment or a withdrawal that the token could not carry out. */
export function unpaid(state: BestPriceState, message: Action): Outgoing[] | undefined {
  const returned = returnedPayment(message)
  if (returned === undefined || returned.token !== state.token) return undefined
  const { account, quantity } = returned
  credit(state.deposits, account, quantity)
  const purchase = purchaseOf(state, message)
  return purchase && tell(purchase, { Status: 'returned', Returned: quantity })
}

export function questions({ shops }: BestPriceState, Quantity: Amount): Question[] {
  return shops.map((target) => ({ target, action: 'Quote', tags: { Quantity } }))
}

type Told = Pick<Purchase, 'id' | 'buyer' | 'reference'>

/** The one answer to a Buy. */
function tell({ id, buyer, reference }: Told, tags: Tags): Outgoing[] {
  return [notice(buyer, 'Buy-Reply', withReference({ Order: id, ...tags }, reference))]
}

/** Of a payment, from the X- tags that came back with the token's word. */
function purchaseOf({ token }: BestPriceState, message: Action): Told | undefined {
  const id = tag(message, 'X-Order')
  const buyer = tag(message, 'X-Buyer')
  if (message.caller !== token || id === undefined || !isAddress(buyer)) return undefined
  return { id, buyer, reference: tag(message, 'X-Reference') ?? '' }
}

export function withReference(tags: Tags, reference: string): Tags {
  return reference === '' ? tags : { ...tags, Reference: reference }
}

export function referenceOf(message: Action): string {
  const reference = tag(message, 'Reference') ?? ''
  if (reference.length <= REFERENCE_LENGTH_MAX) return reference
  return refuse('reference-malformed', `Reference is longer than ${REFERENCE_LENGTH_MAX}`)
}
