// A till: it books what a token tells it that it was paid, by the payer's own order number, and
// thanks the payer. It trusts one token, named in its first state.

import { add, contract, notice, tag } from 'hollowbeam/lib'
import type { Action, Outgoing } from 'hollowbeam/lib'

export type Till = { token: string; total: string; orders: { [order: string]: string } }

export const handle = contract<Till>({
  spawn: open,
  actions: {},
  notices: { 'Credit-Notice': paid },
})

function open(state: Till): undefined {
  state.total = '0'
  state.orders = {}
}

function paid(state: Till, action: Action): Outgoing[] {
  const names = ['Quantity', 'X-Order', 'Sender']
  const [quantity, order, payer] = names.map((name) => tag(action, name))
  if (action.caller !== state.token || quantity === undefined || payer === undefined) return []
  state.total = add(state.total, quantity)
  if (order === undefined) return [notice(payer, 'Thanks', { Quantity: quantity })]
  state.orders[order] = add(state.orders[order] ?? '0', quantity)
  return [notice(payer, 'Thanks', { Quantity: quantity, Order: order })]
}
