/**
 * Stakes with delegation, a cooldown by height, and rewards in BigNumber texts. ESM as a compiler
 * leaves it: helpers first, then the exported function, and a map of what is where behind it.
 */
const COOLDOWN = 40
const FEE_MAX = 90

class StakingError extends Error {
  constructor(message, code) {
    super(message)
    this.name = 'ContractError'
    this.code = code
  }
}

const big = (value) => new BigNumber(value ?? 0)

const add = (container, key, amount) => {
  const sum = big(container[key]).plus(amount)
  if (sum.isNegative()) throw new StakingError(`${key} would be ${sum.toFixed()}`, 'negative')
  if (sum.isZero()) delete container[key]
  else container[key] = sum.toFixed()
}

function validatorOf(state, id) {
  const validator = state.validators[id]
  if (validator === undefined) throw new StakingError(`no validator ${id}`, 'unknown')
  return validator
}

async function settle(state, validator) {
  const share = big(validator.pending)
  if (share.isZero()) return
  const own = share.times(validator.fee).dividedBy(100).integerValue(BigNumber.ROUND_FLOOR)
  let left = share.minus(own)
  const total = Object.values(validator.delegated).reduce((sum, part) => sum.plus(part), big(0))
  if (total.gt(0)) {
    for (const [who, part] of Object.entries(validator.delegated)) {
      const reward = share.minus(own).times(part).idiv(total)
      add(state.rewards, who, reward)
      left = left.minus(reward)
    }
  }
  add(state.rewards, validator.id, own.plus(left))
  validator.pending = '0'
}

const handlers = {
  async join(state, { fee }, caller) {
    if (state.validators[caller]) throw new StakingError('already a validator')
    if (!(fee >= 0 && fee <= FEE_MAX)) throw new StakingError(`fee ${fee} is not within 0..${FEE_MAX}`)
    state.validators[caller] = { id: caller, fee, delegated: {}, pending: '0', leaving: [] }
  },
  async delegate(state, { to, amount }, caller) {
    const wanted = big(amount)
    if (!wanted.isInteger() || wanted.lte(0)) throw new StakingError('amount must be positive')
    // taken first, checked later: what throws takes it back
    add(state.balances, caller, wanted.negated())
    add(validatorOf(state, to).delegated, caller, wanted)
    add(state, 'staked', wanted)
  },
  async undelegate(state, { from, amount }, caller) {
    const validator = validatorOf(state, from)
    if (!big(amount).gt(0)) throw new StakingError(`cannot take ${big(amount).toFixed()}`)
    await settle(state, validator)
    add(validator.delegated, caller, big(amount).negated())
    add(state, 'staked', big(amount).negated())
    validator.leaving.unshift({ who: caller, amount: big(amount).toFixed(), at: SmartWeave.block.height + COOLDOWN })
    validator.leaving.sort((a, b) => a.at - b.at || (a.who < b.who ? -1 : +(a.who > b.who)))
  },
  async withdraw(state, { from }, caller) {
    const validator = validatorOf(state, from)
    const height = SmartWeave.block.height
    const due = validator.leaving.filter(({ who, at }) => who === caller && at <= height)
    if (!due.length) throw new StakingError('nothing is due', 'early')
    validator.leaving = validator.leaving.filter((each) => !due.includes(each))
    for (const { amount } of due) add(state.balances, caller, amount)
  },
  async reward(state, { amount }, caller) {
    if (caller !== state.owner) throw new Error('only the owner rewards')
    if (!big(amount).gt(0)) throw new Error(`no reward: ${amount}`)
    const ids = Object.keys(state.validators)
    const each = big(amount).idiv(ids.length)
    for (const id of ids) {
      const validator = state.validators[id]
      validator.pending = big(validator.pending).plus(each).toFixed()
    }
  },
  async settle(state, { of }) {
    await settle(state, validatorOf(state, of))
  },
  async claim(state, _input, caller) {
    const reward = state.rewards[caller]
    if (reward === undefined) throw new StakingError('no reward')
    add(state.balances, caller, reward)
    delete state.rewards[caller]
  },
}

export async function handle(state, action) {
  const handler = Object.hasOwn(handlers, action.input.function)
    ? handlers[action.input.function]
    : undefined
  if (handler === undefined) throw new StakingError('no such function')
  await Promise.all([handler(state, action.input, action.caller), Promise.resolve()])
  state.counter = (state.counter ?? 0) + 1
  return { state }
}
