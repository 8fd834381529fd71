// A price feed: its owner sets the price of one thing in another, and subscribers are told, see
// README.md.
// Invariants: O1 only the owner sets a price or the list of subscribers. O2 `sequence` counts the
// prices; each subscriber is told each of them, in order (R3). O3 At is the time of the entry that
// set it: nobody can claim that a price is younger than it is.

import {
  address,
  completeState,
  contract,
  list,
  notice,
  on,
  refuse,
  reply,
  requireOwner,
  text,
  withDefault,
} from '../../src/lib/index.ts'
import type { Action, Outgoing } from '../../src/lib/index.ts'
import { parsePrice } from '../ucm/price.ts'

/** All are told by one message; `subscribers-full`. */
export const SUBSCRIBERS_MAX = 64
const NAME_LENGTH_MAX = 64

/** Spawned with {owner}, and where wanted name and subscribers; the rest is added. */
export type OracleState = {
  owner: string
  /** For people: what is priced in what. */
  name: string
  subscribers: string[]
  /** '' before the first one. */
  price: string
  /** Ms: the time of the entry that set it. */
  at: number
  sequence: number
}

/** Answers Set-Price, Subscribe, Unsubscribe and Price. */
export const handle = contract<OracleState>({
  spawn: complete,
  actions: {
    'Set-Price': on({ Price: parsePrice }, setPrice),
    Subscribe: on({ Address: address }, subscribe),
    Unsubscribe: on({ Address: address }, unsubscribe),
    Price: (state, message) => [reply(message, 'Price-Reply', priceTags(state))],
  },
})

function complete(state: OracleState): undefined {
  completeState(state, {
    owner: address,
    name: withDefault(text(NAME_LENGTH_MAX), () => ''),
    subscribers: withDefault(list(address, SUBSCRIBERS_MAX), () => []),
  })
  Object.assign(state, { price: '', at: 0, sequence: 0 })
}

/** Set-Price {Price}: a decimal text, as the market has it. */
function setPrice(state: OracleState, { Price }: { Price: string }, message: Action): Outgoing[] {
  requireOwner(state, message)
  state.price = Price
  state.at = message.timestamp
  state.sequence += 1
  return state.subscribers.map((each) => told(state, each))
}

/** Subscribe {Address}: who is there already stays once; it is told the price at once. */
function subscribe(
  state: OracleState,
  { Address }: { Address: string },
  message: Action,
): Outgoing[] {
  requireOwner(state, message)
  if (!state.subscribers.includes(Address)) {
    if (state.subscribers.length >= SUBSCRIBERS_MAX) {
      refuse('subscribers-full', `${SUBSCRIBERS_MAX} subscribe; Unsubscribe one first`)
    }
    state.subscribers.push(Address)
  }
  return state.price === '' ? [] : [told(state, Address)]
}

function unsubscribe(
  state: OracleState,
  { Address }: { Address: string },
  message: Action,
): undefined {
  requireOwner(state, message)
  state.subscribers = state.subscribers.filter((each) => each !== Address)
}

function told(state: OracleState, subscriber: string): Outgoing {
  return notice(subscriber, 'Price-Notice', priceTags(state))
}

function priceTags({ price, at, sequence }: OracleState): Record<string, string> {
  return price === '' ? {} : { Price: price, At: String(at), Sequence: String(sequence) }
}
