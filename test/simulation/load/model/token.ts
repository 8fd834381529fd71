// A token, a hyper-coin or an asset, as a model: balances.

import type { Call, MakeModel, Sent } from './model.ts'
import { add, amounts, amountsOf, isAddress, modelOf, notice, positive, refuse } from './model.ts'

type State = { readonly balances: Map<string, bigint> }

export const tokenModel: MakeModel = ({ balances: minted }) => {
  if (Array.isArray(minted)) refuse('state-malformed')
  return modelOf<State>(
    { balances: amountsOf(minted) },
    {
      handle,
      expected: ({ balances }) => amounts(balances),
      seen: ({ balances }) => balances,
    },
  )
}

function handle({ balances }: State, call: Call): Sent[] {
  if (call.kind !== 'message') return []
  const { caller } = call
  switch (call.tag('Action')) {
    case 'Transfer': {
      const quantity = positive(call.tag('Quantity')) ?? refuse('amount-malformed')
      const recipient = call.tag('Recipient')
      if (!isAddress(recipient)) return refuse('address-malformed')
      if ((balances.get(caller) ?? 0n) < quantity) refuse('balance-insufficient')
      add(balances, caller, -quantity)
      add(balances, recipient, quantity)
      const Quantity = String(quantity)
      return [
        notice(caller, 'Debit-Notice', { Recipient: recipient, Quantity }),
        notice(recipient, 'Credit-Notice', { Sender: caller, Quantity }),
      ]
    }
    case 'Balance': {
      const account = call.tag('Target') ?? caller
      if (!isAddress(account)) refuse('address-malformed')
      const held = String(balances.get(account) ?? 0n)
      return [notice(caller, 'Balance-Reply', { Account: account, Balance: held })]
    }
    case 'Info':
      return [notice(caller, 'Info-Reply')]
    default:
      return refuse('action-unknown')
  }
}
