// The market's state, and the bounds that it keeps.
// Invariant U1: for each token, deposits + what open orders give + what parked orders give = what
// the market holds there, once every message on its way has arrived. Every function here and beside
// moves, and never makes or loses.

import { newQueue, parseAddress, parseAmount, refuse } from '../../src/lib/index.ts'
import type { Action, Amount, Balances, Fields, RequestQueue } from '../../src/lib/index.ts'

export type Side = 'sell' | 'buy'

/** A resting limit order. `left` is of the token it gives: base for a sell, quote for a buy. */
export type Order = {
  owner: string
  side: Side
  base: string
  quote: string
  /** Quote units for one base unit: a canonical decimal text, see price.ts. */
  price: string
  left: Amount
  /** Ids of its neighbours at this price, in order of time; '' at either end. */
  before: string
  after: string
}

/**
 * One side of a book: `prices` is a binary heap, the best on top; a level lists its orders in order
 * of time.
 */
export type Half = { prices: string[]; levels: Fields<{ first: string; last: string }> }
export type Book = { sell: Half; buy: Half }

/** Spawned with {hbContract}, and any of minimumStake, feeBps, feeAccount; the rest is added. */
export type UcmState = {
  hbContract: string
  /** What the owner of an order must have staked as a user. */
  minimumStake: Amount
  /** Hundredths of a percent of what a taker gets, credited to feeAccount. */
  feeBps: number
  feeAccount?: string
  /**
   * `<account>/<token>` → free amount: what Withdraw-Deposit gives. Flat, since nothing here may
   * list keys.
   */
  deposits: Balances
  depositCount: number
  orders: Fields<Order>
  orderCount: number
  /** owner → how many of its orders rest. */
  ordersOf: Fields<number>
  /** `<base>/<quote>` → book; one without orders is not listed. */
  books: Fields<Book>
  /** Orders that wait for the word of the HB contract. */
  requests: RequestQueue
}

/** Pairs of account and token; a credit beyond is sent back. */
export const DEPOSITS_MAX = 100_000
export const ORDERS_MAX = 50_000
export const ORDERS_PER_OWNER_MAX = 256
/** Prices on one side of one book. */
export const LEVELS_MAX = 1_024
/** Fills of one order; what is left of it then goes back to its owner's deposit. */
export const FILLS_MAX = 40
/** Stake-Of, its reply, the transfers and their credit notices. */
export const ORDER_HOPS_MIN = 4
/** A transfer per fill, one to the order's owner, and the answer. */
export const PLACING_MESSAGES_MAX = FILLS_MAX + 2
/** These, Stake-Of and its reply. */
export const ORDER_COUNT_MIN = PLACING_MESSAGES_MAX + 2
/** A transfer and its two notices: what it takes to send a credit back. */
export const RETURN_HOPS = 2
export const RETURN_COUNT = 3
export const REFERENCE_LENGTH_MAX = 64
/** An order that waits longer for its stake check is refused. */
export const STAKE_CHECK_MS_MAX = 600_000

/** Checks and completes the state that the spawn gave. */
export function complete(state: UcmState, spawn: Action): undefined {
  parseAddress(state.hbContract, 'hbContract')
  const shape = state as Partial<UcmState>
  if (shape.minimumStake === undefined) state.minimumStake = '10'
  if (shape.feeBps === undefined) state.feeBps = 0
  parseAmount(state.minimumStake, 'minimumStake')
  if (!Number.isSafeInteger(state.feeBps) || state.feeBps < 0 || state.feeBps > 10_000) {
    refuse('state-malformed', 'feeBps must be a whole number from 0 to 10000')
  }
  if (state.feeBps > 0) parseAddress(state.feeAccount, 'feeAccount')
  if (shape.deposits === undefined) state.deposits = {}
  if (shape.depositCount === undefined) state.depositCount = 0
  if (shape.orders === undefined) state.orders = {}
  if (shape.orderCount === undefined) state.orderCount = 0
  if (shape.ordersOf === undefined) state.ordersOf = {}
  if (shape.books === undefined) state.books = {}
  if (shape.requests === undefined) state.requests = newQueue(spawn)
}
