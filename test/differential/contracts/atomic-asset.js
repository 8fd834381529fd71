'use strict'

// An atomic asset with a listing: synchronous, gives a whole new state each time.

const isAddress = (text) => typeof text === 'string' && /^[a-z0-9_-]{43}$/i.test(text)

function requireHolder(state, who, units) {
  ContractAssert(Number.isInteger(units) && units > 0, 'units must be a positive integer')
  ContractAssert((state.balances[who] || 0) >= units, `${who} does not hold ${units}`)
}

function moved(balances, from, to, units) {
  const next = { ...balances, [from]: balances[from] - units }
  next[to] = (next[to] || 0) + units
  return Object.fromEntries(Object.entries(next).filter(([, held]) => held > 0))
}

const actions = {
  transfer: (state, { target, qty }, caller) => {
    ContractAssert(isAddress(target), 'target is no address')
    ContractAssert(target !== caller, 'cannot transfer to yourself')
    requireHolder(state, caller, qty)
    return { ...state, balances: moved(state.balances, caller, target, qty) }
  },
  list: (state, { qty, price }, caller) => {
    requireHolder(state, caller, qty)
    ContractAssert(price > 0 && Number.isSafeInteger(price), 'price must be positive')
    const listing = { id: SmartWeave.transaction.id, seller: caller, qty, price }
    listing.until = SmartWeave.block.height + state.settings.listingBlocks
    return {
      ...state,
      balances: moved(state.balances, caller, SmartWeave.contract.id, qty),
      listings: [...state.listings, listing],
    }
  },
  cancel: (state, { id }, caller) => {
    const listing = state.listings.find((each) => each.id === id)
    ContractAssert(listing, 'no such listing')
    const expired = listing.until < SmartWeave.block.height
    ContractAssert(listing.seller === caller || expired, 'only the seller may cancel')
    return {
      ...state,
      balances: moved(state.balances, SmartWeave.contract.id, listing.seller, listing.qty),
      listings: state.listings.filter((each) => each !== listing),
    }
  },
  deposit: (state, { amount }, caller) => ({
    ...state,
    deposits: { ...state.deposits, [caller]: (state.deposits[caller] || 0) + Number(amount) },
  }),
  buy: (state, { id }, caller) => {
    const listing = state.listings.find((each) => each.id === id)
    ContractAssert(listing, 'no such listing')
    ContractAssert(listing.until >= SmartWeave.block.height, 'the listing has expired')
    const held = state.deposits[caller] || 0
    if (held < listing.price) throw new ContractError(`deposit of ${held} below ${listing.price}`)
    const royalty = Math.floor((listing.price * state.settings.royalty) / 100)
    const deposits = { ...state.deposits }
    deposits[caller] -= listing.price
    deposits[listing.seller] = (deposits[listing.seller] || 0) + listing.price - royalty
    deposits[state.creator] = (deposits[state.creator] || 0) + royalty
    return {
      ...state,
      balances: moved(state.balances, SmartWeave.contract.id, caller, listing.qty),
      deposits,
      listings: state.listings.filter((each) => each.id !== id),
      sales: state.sales + 1,
    }
  },
}

export function handle(state, { input, caller }) {
  if (input.function === 'owner-of') {
    const [owner] = Object.entries(state.balances).sort(([, a], [, b]) => b - a)[0]
    return { result: owner }
  }
  // an unknown name is a TypeError of the engine's, not a ContractError
  return { state: actions[input.function](state, input, caller) }
}
