// A token whose owner can grant amounts that become due at a time.
//
// State: balances by address; grants in the order in which they were made. The owner's own balance
// pays for a grant when it is made, so that what was granted is there when it is due.

import {
  address,
  balanceOf,
  contract,
  credit,
  debit,
  event,
  forwardedTags,
  integer,
  notice,
  on,
  parseAddress,
  positive,
  refuse,
  reply,
} from 'hollowbeam/lib'
import type { Action, Balances, Outgoing } from 'hollowbeam/lib'

export type Grant = { to: string; quantity: string; due: number }

export type Vesting = { owner: string; balances: Balances; grants: Grant[] }

export const handle = contract<Vesting>({
  spawn: open,
  actions: {
    Transfer: on({ Recipient: address, Quantity: positive }, transfer),
    Grant: on({ Recipient: address, Quantity: positive, After: integer(0) }, grant),
    Claim: claim,
    Balance: balance,
  },
})

type Payment = { Recipient: string; Quantity: string }

function open(state: Vesting): undefined {
  state.balances ??= {}
  state.grants = []
  parseAddress(state.owner, 'owner')
}

function transfer(state: Vesting, { Recipient, Quantity }: Payment, action: Action): Outgoing[] {
  debit(state.balances, action.caller, Quantity)
  credit(state.balances, Recipient, Quantity)
  const tags = { Quantity, ...forwardedTags(action) }
  return [
    reply(action, 'Debit-Notice', { Recipient, ...tags }),
    notice(Recipient, 'Credit-Notice', { Sender: action.caller, ...tags }),
  ]
}

/** Grant {Recipient, Quantity, After}: due so many ms after this entry. */
function grant(
  state: Vesting,
  { Recipient: to, Quantity: quantity, After }: Payment & { After: number },
  action: Action,
): Outgoing[] {
  if (action.caller !== state.owner) refuse('not-owner', 'only the owner grants')
  debit(state.balances, state.owner, quantity)
  state.grants.push({ to, quantity, due: action.timestamp + After })
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
