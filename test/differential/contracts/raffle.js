// Draws winners by hashes, announces them by events: arweave.crypto and utils, the transaction's
// tags and sort key, promises in loops.
const { utils, crypto } = SmartWeave.arweave

async function drawn(seed, tickets) {
  const bytes = await crypto.hash(utils.stringToBuffer(seed))
  let value = 0
  for (let i = 0; i < 6; i++) value = value * 256 + bytes[i]
  return value % tickets
}

function* ticketsOf(round) {
  for (const [who, count] of Object.entries(round.tickets)) {
    for (let i = 0; i < count; i++) yield who
  }
}

export async function handle(state, action) {
  const { input, caller } = action
  const round = state.rounds.at(-1)
  switch (input.function) {
    case 'enter': {
      const tag = SmartWeave.transaction.tags.find(({ name }) => name === 'Referrer')
      const count = input.count ?? 1
      if (!(count > 0 && count <= 5)) throw new ContractError('1 to 5 tickets, not ' + count)
      round.tickets[caller] = (round.tickets[caller] ?? 0) + count
      if (tag !== undefined) round.referrers[tag.value] = (round.referrers[tag.value] ?? 0) + 1
      return { state }
    }
    case 'draw': {
      const all = [...ticketsOf(round)]
      if (all.length < 3) throw new ContractError(`only ${all.length} tickets`)
      const winners = new Set()
      for (let i = 0; winners.size < Math.min(3, Object.keys(round.tickets).length); i++) {
        winners.add(all[await drawn(`${SmartWeave.transaction.id}/${i}`, all.length)])
      }
      round.winners = [...winners]
      round.sortKey = SmartWeave.transaction.sortKey
      round.block = SmartWeave.block.indep_hash
      state.rounds.push({ tickets: {}, referrers: {} })
      if (state.rounds.length > 5) state.rounds.shift()
      state.draws += 1
      return {
        state,
        result: round.winners,
        event: { draw: state.draws, winners: round.winners, at: SmartWeave.block.timestamp },
      }
    }
    case 'code': {
      const text = utils.bufferTob64Url(utils.stringToBuffer(String(input.text)))
      const hash = utils.bufferTob64Url(await crypto.hash(utils.b64UrlToBuffer(text)))
      state.codes[hash.slice(0, 8)] = { text, back: utils.bufferToString(utils.b64UrlToBuffer(text)) }
      for (const key of Object.keys(state.codes).slice(0, -8)) delete state.codes[key]
      return { state }
    }
    case 'look': {
      const { owner, target, quantity, reward } = SmartWeave.transaction
      state.seen = { owner, target, quantity, reward, contract: { ...SmartWeave.contract } }
      return { state }
    }
    case 'lose':
      delete state.rounds
      return undefined
    case 'mutate':
      action.caller = 'somebody else'
      action.input.count = 7
      state.mutated = [action.caller, action.input.count, SmartWeave.transaction.owner]
      return { state }
  }
  throw `no function ${input.function}`
}
