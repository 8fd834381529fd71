// What counter-1 evolves to: counts in twos, brings the old state along, and may go back.
'use strict'
const migrate = (state) => {
  if (state.version === 2) return state
  const { by, ...rest } = state
  return { ...rest, version: 2, callers: Object.keys(by).sort(), history: [] }
}

export async function handle(before, { input, caller }) {
  const state = migrate(before)
  if (input.function === 'add') {
    ContractAssert(Number.isInteger(input.n), 'n is no integer')
    state.count += 2 * input.n
    if (!state.callers.includes(caller)) state.callers.push(caller)
    state.history.push([SmartWeave.block.height, input.n])
    if (state.history.length > 20) state.history.shift()
    return { state }
  }
  if (input.function === 'evolve') {
    ContractAssert(caller === state.owner, 'Only the owner can evolve a contract.')
    const { version, callers, history, ...rest } = state
    const by = Object.fromEntries(callers.map((each) => [each, history.length]))
    return { state: { ...rest, by, evolve: input.value } }
  }
  throw new ContractError(`version 2 does not know ${input.function}`)
}
