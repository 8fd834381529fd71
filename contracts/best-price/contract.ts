// Buys at the cheapest of several shops: asks all of them, reserves at the best that answered in
// time, tries the next best where that fails, pays, and gives back what was not spent. See
// README.md.
// Owners: this file keeps deposits and answers questions; purchase.ts has the steps of a purchase.
// Invariant P1: what the token holds for this process = deposits + the limits of the purchases
// parked here + payments on their way. P2, P3: purchase.ts.

import {
  address,
  any,
  balanceOf,
  completeState,
  contract,
  crank,
  credit,
  debit,
  isAddress,
  isAmount,
  list,
  newQueue,
  notice,
  on,
  optional,
  payOut,
  positive,
  refuse,
  reply,
  tag,
  withDefault,
} from '../../src/lib/index.ts'
import type { Action, Amount, Balances, Ended, Outgoing, Tags } from '../../src/lib/index.ts'
import {
  BUY,
  SHOPS_MAX,
  QUOTES_MS_MAX,
  buy,
  paid,
  questions,
  quoted,
  referenceOf,
  refused,
  reserved,
  unpaid,
  withReference,
} from './purchase.ts'
import type { BestPriceState } from './purchase.ts'

type Asker = { caller: string; reference: string }

/** Answers Buy, Price, Withdraw and Deposit-Of; takes Credit-Notices of its token. */
export const handle = contract<BestPriceState>({
  spawn: open,
  actions: {
    Buy: on(BUY, buy),
    Price: on({ Quantity: positive }, price),
    Withdraw: on({ Quantity: optional(positive) }, withdraw),
    'Deposit-Of': on({ Address: optional(address) }, depositOf),
  },
  notices: { 'Credit-Notice': deposit, 'Debit-Notice': paid },
  bounce: unpaid,
  crank: crank({
    queue: (state) => state.requests,
    steps: { quoted, reserved, refused, priced, unpriced },
  }),
})

function open(state: BestPriceState, message: Action): undefined {
  const deposits = withDefault<Balances>(() => ({}), () => ({}))
  completeState(state, { token: address, shops: list(address, SHOPS_MAX), deposits })
  if (state.shops.length === 0) refuse('state-malformed', 'shops must name one at least')
  if (new Set(state.shops).size < state.shops.length) {
    refuse('state-malformed', 'shops names one twice')
  }
  state.requests = newQueue(message)
}

/** A deposit of X-Buyer, by default the Sender: money that comes, or comes back from a shop. */
function deposit(state: BestPriceState, message: Action): undefined {
  const buyer = tag(message, 'X-Buyer')
  const account = isAddress(buyer) ? buyer : tag(message, 'Sender')
  const quantity = tag(message, 'Quantity')
  if (message.caller !== state.token || !isAddress(account) || !isAmount(quantity)) return
  credit(state.deposits, account, quantity)
}

/** Price {Quantity}: what the first shop that answers says, and no waiting for the others. */
function price(
  state: BestPriceState,
  { Quantity }: { Quantity: Amount },
  message: Action,
): Outgoing[] {
  const { caller } = message
  // whoever has no money here could keep the queue full, and buyers out
  if (balanceOf(state.deposits, caller) === '0') refuse('deposit-missing', 'nothing is deposited')
  const asker: Asker = { caller, reference: referenceOf(message) }
  return any(state.requests, message, questions(state, Quantity), {
    then: 'priced',
    orElse: 'unpriced',
    context: asker,
    deadlineMs: QUOTES_MS_MAX,
  })
}

function priced(_: BestPriceState, asker: Asker, { message }: Ended): Outgoing[] {
  return [priceReply(asker, { Shop: message.caller, Price: tag(message, 'Price') ?? '' })]
}

function unpriced(_: BestPriceState, asker: Asker, { outcome }: Ended): Outgoing[] {
  return [priceReply(asker, { Error: `price-${outcome}` })]
}

function priceReply({ caller, reference }: Asker, tags: Tags): Outgoing {
  return notice(caller, 'Price-Reply', withReference(tags, reference))
}

/** Withdraw {Quantity?}: all that is free where no Quantity is named. */
function withdraw(
  state: BestPriceState,
  { Quantity }: { Quantity: Amount | undefined },
  { caller }: Action,
): Outgoing[] {
  const quantity = Quantity ?? balanceOf(state.deposits, caller)
  if (quantity === '0') refuse('balance-insufficient', 'nothing is free')
  debit(state.deposits, caller, quantity)
  return [payOut(state.token, caller, quantity)]
}

/** Deposit-Of {Address?}: of the caller where none is named. */
function depositOf(
  state: BestPriceState,
  { Address }: { Address: string | undefined },
  message: Action,
): Outgoing[] {
  const account = Address ?? message.caller
  const tags = { Address: account, Quantity: balanceOf(state.deposits, account) }
  return [reply(message, 'Deposit-Of-Reply', tags)]
}
