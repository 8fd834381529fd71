// First of two sources: the state names the other, and the next interaction runs on it.
export function handle(state, { input, caller }) {
  if (input.function === 'add') {
    if (typeof input.n !== 'number') throw new ContractError('n is no number')
    state.count += input.n
    state.by[caller] = (state.by[caller] ?? 0) + 1
    return { state }
  }
  if (input.function === 'evolve') {
    if (caller !== state.owner) throw new ContractError('Only the owner can evolve a contract.')
    if (!state.canEvolve) throw new ContractError('This contract cannot evolve.')
    state.evolve = input.value
    return { state }
  }
  if (input.function === 'freeze') {
    if (caller !== state.owner) throw new ContractError('Only the owner can freeze.')
    return { state: { ...state, canEvolve: false } }
  }
  throw new ContractError(`version 1 does not know ${input.function}`)
}
