// An oracle as a model: its owner's prices, and who is told them.

import type { Call, MakeModel, Sent } from './model.ts'
import { modelOf, notice, refuse } from './model.ts'

type State = {
  readonly owner: string
  readonly subscribers: readonly string[]
  price: string
  at: number
  sequence: number
}

/** What the workload sends: no more than this is a price here. */
const PRICE = /^[1-9][0-9]{0,8}(\.[0-9]{0,5}[1-9])?$|^0\.[0-9]{0,5}[1-9]$/

export const oracleModel: MakeModel = ({ owner, subscribers }) =>
  modelOf<State>(
    {
      owner: owner as string,
      subscribers: subscribers as readonly string[],
      price: '',
      at: 0,
      sequence: 0,
    },
    {
      handle,
      expected: ({ price, at, sequence }) => ({ price, at, sequence }),
      seen: ({ price, at, sequence }) => ({ price, at, sequence }),
    },
  )

function handle(state: State, call: Call): Sent[] {
  if (call.kind !== 'message') return []
  const { caller, timestamp } = call
  switch (call.tag('Action')) {
    case 'Set-Price': {
      const price = call.tag('Price') ?? ''
      if (!PRICE.test(price)) refuse('price-malformed')
      if (caller !== state.owner) refuse('owner-only')
      Object.assign(state, { price, at: timestamp, sequence: state.sequence + 1 })
      return state.subscribers.map((each) => notice(each, 'Price-Notice', told(state)))
    }
    case 'Price':
      return [notice(caller, 'Price-Reply', told(state))]
    default:
      return refuse('action-unknown')
  }
}

function told({ price, at, sequence }: State): Sent['tags'] {
  if (price === '') return { Price: undefined }
  return { Price: price, At: String(at), Sequence: String(sequence) }
}
