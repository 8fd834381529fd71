// A token whose owner can grant amounts that become due at a time.
//
// State: balances by address; grants in the order in which they were made. The owner's own balance
// pays for a grant when it is made, so that what was granted is there when it is due.

import {
  balanceOf,
  credit,
  debit,
  event,
  forwardedTags,
  notice,
  parseAddress,
  parsePositive,
  refuse,
  reply,
  route,
  tag,
} from 'hollowbeam/lib'
import type { Action, Balances, Handled, Outgoing } from 'hollowbeam/lib'

export type Grant = { to: string; quantity: string; due: number }

export type Vesting = { owner: string; balances: Balances; grants: Grant[] }

export function handle(state: Vesting, action: Action): Handled<Vesting> {
  return route(state, action, {
    spawn: open,
    requests: { Transfer: transfer, Grant: grant, Claim: claim, Balance: balance },
  })
}

function open(state: Vesting): undefined {
  state.balances ??= {}
  state.grants = []
  parseAddress(state.owner, 'owner')
}

function transfer(state: Vesting, action: Action): Outgoing[] {
  const quantity = parsePositive(tag(action, 'Quantity'))
  const recipient = parseAddress(tag(action, 'Recipient'), 'Recipient')
  debit(state.balances, action.caller, quantity)
  credit(state.balances, recipient, quantity)
  const tags = { Quantity: quantity, ...forwardedTags(action) }
  return [
    reply(action, 'Debit-Notice', { Recipient: recipient, ...tags }),
    notice(recipient, 'Credit-Notice', { Sender: action.caller, ...tags }),
  ]
}

/** Grant {Recipient, Quantity, After}: due so many ms after this entry. */
function grant(state: Vesting, action: Action): Outgoing[] {
  if (action.caller !== state.owner) refuse('not-owner', 'only the owner grants')
  const to = parseAddress(tag(action, 'Recipient'), 'Recipient')
  const quantity = parsePositive(tag(action, 'Quantity'))
  const afterMs = Number(tag(action, 'After'))
  if (!Number.isSafeInteger(afterMs) || afterMs < 0) refuse('time-malformed', 'After is in ms')
  debit(state.balances, state.owner, quantity)
  state.grants.push({ to, quantity, due: action.timestamp + afterMs })
  return [event('Granted', { Recipient: to, Quantity: quantity })]
}

/** Claim: everything of the caller's that is due. */
function claim(state: Vesting, action: Action): Outgoing[] {
  const isDue = ({ to, due }: Grant): boolean => to === action.caller && due <= action.timestamp
  const due = state.grants.filter(isDue)
  if (due.length === 0) refuse('nothing-due', 'no grant of yours is due yet')
  state.grants = state.grants.filter((each) => !isDue(each))
  for (const { quantity } of due) credit(state.balances, action.caller, quantity)
  return [reply(action, 'Claim-Reply', { Balance: balanceOf(state.balances, action.caller) })]
}

function balance(state: Vesting, action: Action): Outgoing[] {
  return [reply(action, 'Balance-Reply', { Balance: balanceOf(state.balances, action.caller) })]
}
