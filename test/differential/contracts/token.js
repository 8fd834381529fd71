// A token as most were published: one bare function, state written in place.
export async function handle(state, action) {
  const { input, caller } = action
  const { balances, claims, allowances } = state

  if (input.function === 'transfer') {
    const { target, qty } = input
    if (!target) {
      throw new ContractError('No target specified')
    }
    if (!Number.isInteger(qty)) {
      throw new ContractError('Invalid value for "qty". Must be an integer')
    }
    if (qty <= 0 || caller === target) {
      throw new ContractError('Invalid token transfer')
    }
    if (!balances[caller] || balances[caller] < qty) {
      throw new ContractError(`Caller balance not high enough to send ${qty} token(s)!`)
    }
    balances[caller] -= qty
    if (balances[caller] === 0) delete balances[caller]
    if (target in balances) {
      balances[target] += qty
    } else {
      balances[target] = qty
    }
    return { state }
  }

  if (input.function === 'mint') {
    if (caller !== state.owner) throw new ContractError('Only the owner can mint')
    const qty = parseInt(input.qty)
    if (!(qty > 0)) throw new ContractError('Invalid token mint')
    balances[caller] ? (balances[caller] += qty) : (balances[caller] = qty)
    state.supply += qty
    return { state }
  }

  if (input.function === 'approve') {
    // written before it is checked: an error must take it back
    allowances[caller] = allowances[caller] || {}
    allowances[caller][input.spender] = input.qty
    if (typeof input.spender !== 'string') throw new ContractError('No spender')
    if (!Number.isInteger(input.qty) || input.qty < 0) throw new ContractError('Invalid allowance')
    if (input.qty === 0) delete allowances[caller][input.spender]
    return { state }
  }

  if (input.function === 'transferFrom') {
    const { from, target, qty } = input
    const allowed = allowances[from]?.[caller] ?? 0
    if (isNaN(qty)) throw new ContractError(`${qty} is no number`)
    if (allowed < qty) throw new ContractError(`Only ${allowed} allowed, asked for ${qty}`)
    allowances[from][caller] = allowed - qty
    balances[from] -= qty
    balances[target] = (balances[target] ?? 0) + qty
    if (!(balances[from] >= 0)) throw new ContractError('Balance of the owner too low')
    return { state }
  }

  if (input.function === 'claim') {
    const index = claims.findIndex((claim) => claim.to === caller && claim.of === input.of)
    if (index < 0) throw new ContractError('No such claim')
    const [claim] = claims.splice(index, 1)
    balances[caller] = (balances[caller] || 0) + claim.qty
    return { state }
  }

  if (input.function === 'offer') {
    if (!(balances[caller] >= input.qty) || !(input.qty > 0)) throw new ContractError('Not enough')
    balances[caller] -= input.qty
    claims.push({ to: input.target, of: SmartWeave.transaction.id, qty: input.qty })
    return { state }
  }

  if (input.function === 'balance') {
    const target = input.target || caller
    if (typeof target !== 'string') {
      throw new ContractError('Must specify target to get balance for')
    }
    return { result: { target, ticker: state.ticker, balance: balances[target] || 0 } }
  }

  throw new ContractError(`No function supplied or function not recognised: "${input.function}"`)
}
