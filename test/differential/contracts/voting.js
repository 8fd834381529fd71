// Votes weighed by locked and vesting tokens: height decides what is locked, BigNumber what is
// weighed.
function isInteger(value) {
  return Number.isInteger(value)
}

function unlocked(vault, height) {
  if (height >= vault.end) return vault.balance
  if (!vault.vesting) return 0
  const passed = height - vault.start
  return Math.floor((vault.balance * passed) / (vault.end - vault.start))
}

function weightOf(state, who, height) {
  return (state.vault[who] ?? []).reduce((sum, vault) => {
    if (height >= vault.end) return sum
    const locked = new BigNumber(vault.balance).minus(vault.released ?? 0)
    return sum.plus(locked.times(vault.end - vault.start).div(100))
  }, new BigNumber(0))
}

export async function handle(state, action) {
  const { input, caller } = action
  const settings = new Map(state.settings)
  const height = +SmartWeave.block.height

  switch (input.function) {
    case 'lock': {
      const { qty, length, vesting } = input
      if (!isInteger(qty) || qty <= 0) throw new ContractError('Quantity must be positive.')
      const min = settings.get('lockMinLength')
      const max = settings.get('lockMaxLength')
      if (!isInteger(length) || length < min || length > max) {
        throw new ContractError(`lockLength is out of range. ${min} - ${max}.`)
      }
      if (!state.balances[caller] || state.balances[caller] < qty) {
        throw new ContractError('Not enough balance.')
      }
      state.balances[caller] -= qty
      const vault = { balance: qty, start: height, end: height + length }
      if (vesting) Object.assign(vault, { vesting: true, released: 0 })
      if (state.vault[caller]) state.vault[caller].push(vault)
      else state.vault[caller] = [vault]
      return { state }
    }
    case 'release': {
      const vaults = state.vault[caller]
      if (!vaults || vaults.length === 0) throw new ContractError('This account has no vault.')
      let released = 0
      let i = vaults.length
      while (i--) {
        const free = unlocked(vaults[i], height) - (vaults[i].released ?? 0)
        if (free <= 0) continue
        released += free
        if (height >= vaults[i].end) vaults.splice(i, 1)
        else vaults[i].released += free
      }
      if (vaults.length === 0) delete state.vault[caller]
      state.balances[caller] = (state.balances[caller] ?? 0) + released
      if (released === 0) throw new ContractError('Nothing is free yet.')
      return { state, result: released }
    }
    case 'propose': {
      const weight = weightOf(state, caller, height)
      if (weight.isZero()) throw new ContractError('Only who has locked tokens may propose.')
      const note = String(input.note ?? '').trim()
      if (!note.length) throw new ContractError('Note is required.')
      state.votes.push({
        status: 'active',
        type: input.key === undefined ? 'indicative' : 'set',
        ...(input.key === undefined ? {} : { key: input.key, value: input.value }),
        note,
        yays: '0',
        nays: '0',
        voted: [],
        start: height,
      })
      return { state, event: { proposed: state.votes.length - 1, weight: weight.toFixed() } }
    }
    case 'vote': {
      const vote = state.votes[input.id]
      if (!vote) throw new ContractError('This vote doesn\'t exist.')
      if (vote.voted.includes(caller)) throw new ContractError('Already voted.')
      if (height >= vote.start + settings.get('voteLength')) {
        throw new ContractError('Vote has already concluded.')
      }
      const side = input.cast === 'yay' ? 'yays' : input.cast === 'nay' ? 'nays' : undefined
      if (side === undefined) throw new ContractError('Vote cast type unrecognised.')
      const weight = weightOf(state, caller, height)
      if (!weight.gt(0)) throw new ContractError(`${caller} has no weight: ${weight.toFixed(2)}`)
      vote[side] = new BigNumber(vote[side]).plus(weight).toFixed()
      vote.voted.push(caller)
      return { state }
    }
    case 'finalize': {
      const vote = state.votes[input.id]
      if (vote.status !== 'active') throw new ContractError('Vote is not active.')
      if (height < vote.start + settings.get('voteLength')) {
        throw new ContractError('Vote has not yet concluded.')
      }
      const yays = new BigNumber(vote.yays)
      const sum = yays.plus(vote.nays)
      const quorum = sum.isGreaterThan(settings.get('quorum'))
      const passed = quorum && yays.div(sum).isGreaterThanOrEqualTo(settings.get('support'))
      vote.status = quorum ? (passed ? 'passed' : 'failed') : 'quorumFailed'
      if (passed && vote.type === 'set') {
        settings.set(vote.key, vote.value)
        state.settings = Array.from(settings)
      }
      return { state }
    }
    case 'weight':
      return { result: weightOf(state, input.target ?? caller, height).toFixed(2) }
    default:
      throw new ContractError(`Unknown function ${JSON.stringify(input.function)}`)
  }
}
