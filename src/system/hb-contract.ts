// The HB contract: who has staked how much in which role. Native and trusted; the same `handle` as
// any contract.
//
// Invariants: S1 stakes + unbonding + what the request queue is paying out = this process's
// HyperCoin, once every message on its way has arrived. S2 only a Credit-Notice from HyperCoin
// makes a stake; only its owner moves it. S3 a Credit-Notice never fails for want of hops or count:
// what cannot be sent back at once is due to its sender (Withdraw). S4 the log's time alone says
// when unbonding ends.

import {
  balanceOf,
  contract,
  crank,
  credit,
  debit,
  isAddress,
  isAmount,
  newQueue,
  parseAddress,
  parsePositive,
  refuse,
  reply,
  request,
  tag,
} from '../lib/index.ts'
import type {
  Action,
  Amount,
  Balances,
  Ended,
  Fields,
  Outgoing,
  RequestQueue,
} from '../lib/index.ts'

export const ROLES = ['user', 'dre', 'sequencer', 'relayer', 'fisher'] as const
export type Role = (typeof ROLES)[number]

/** How many parts of an account's stakes may be unbonding at a time. */
export const UNBONDINGS_MAX = 64
/**
 * How many open transfers leave room for a return at once: the rest of the queue is for Withdraw.
 */
export const RETURNS_OPEN_MAX = 512
/** A return is a transfer, and the transfer's two notices. */
const RETURN_HOPS = 2
const RETURN_COUNT = 3

/** `at`: ms, when it is due. */
export type Unbonding = { amount: Amount; role: Role; at: number }

/** Spawned with {hyperCoin, unbondingMs}; the rest is added where it is missing. */
export type HbState = {
  hyperCoin: string
  unbondingMs: number
  stakes: Record<Role, Balances>
  unbonding: Fields<Unbonding[]>
  /** Transfers to HyperCoin on their way: context {address, parts}. */
  pendingWithdrawals: RequestQueue
}

type Payment = { address: string; parts: Unbonding[] }

/** Answers Unstake, Withdraw, Stake-Of and Info; takes Credit-Notices of HyperCoin. */
export const handle = contract<HbState>({
  spawn: complete,
  actions: { Unstake: unstake, Withdraw: withdraw, 'Stake-Of': stakeOf, Info: info },
  notices: { 'Credit-Notice': credited },
  // A payment has no deadline: HyperCoin answers each transfer, and what it has not answered is
  // neither paid nor to be paid again.
  crank: crank({ queue: (state) => state.pendingWithdrawals, steps: { paid } }),
})

function complete(state: HbState): undefined {
  const { unbondingMs } = state
  parseAddress(state.hyperCoin, 'hyperCoin')
  if (!Number.isSafeInteger(unbondingMs) || unbondingMs < 0) {
    refuse('state-malformed', 'unbondingMs must be a whole number of ms')
  }
  const shape = state as Partial<HbState>
  if (shape.stakes === undefined) state.stakes = {} as HbState['stakes']
  for (const role of ROLES) if (!Object.hasOwn(state.stakes, role)) state.stakes[role] = {}
  if (shape.unbonding === undefined) state.unbonding = {}
  if (shape.pendingWithdrawals === undefined) state.pendingWithdrawals = newQueue()
}

/**
 * A stake where it says X-Action: Stake and a known X-Role; otherwise it goes back to its sender.
 */
function credited(state: HbState, action: Action): Outgoing[] | undefined {
  if (action.caller !== state.hyperCoin) return undefined
  const sender = tag(action, 'Sender')
  const quantity = tag(action, 'Quantity')
  if (!isAddress(sender) || !isAmount(quantity) || quantity === '0') return undefined
  const role = roleNamed(tag(action, 'X-Role'))
  if (tag(action, 'X-Action') === 'Stake' && role !== undefined) {
    credit(state.stakes[role], sender, quantity)
    return undefined
  }
  const parts: Unbonding[] = [{ amount: quantity, role: 'user', at: action.timestamp }]
  const full = state.pendingWithdrawals.open >= RETURNS_OPEN_MAX
  if (full || action.hops < RETURN_HOPS || action.count < RETURN_COUNT) {
    restore(state, sender, parts)
    return undefined
  }
  return [pay(state, action, { address: sender, parts })]
}

/** Unstake {Quantity, Role?}: due unbondingMs after this message's time. */
function unstake(state: HbState, action: Action): Outgoing[] {
  const quantity = parsePositive(tag(action, 'Quantity'))
  const role = roleOf(action)
  debit(state.stakes[role], action.caller, quantity)
  const parts = partsOf(state, action.caller)
  if (parts.length >= UNBONDINGS_MAX) {
    refuse('unbonding-full', `${UNBONDINGS_MAX} parts are unbonding; withdraw first`)
  }
  const at = action.timestamp + state.unbondingMs
  state.unbonding[action.caller] = [...parts, { amount: quantity, role, at }]
  return [reply(action, 'Unstake-Reply', { Role: role, Quantity: quantity, At: String(at) })]
}

/** Withdraw: everything that is due, by one transfer. */
function withdraw(state: HbState, action: Action): Outgoing[] {
  const due: Unbonding[] = []
  const later: Unbonding[] = []
  for (const part of partsOf(state, action.caller)) {
    ;(part.at <= action.timestamp ? due : later).push(part)
  }
  if (due.length === 0) {
    const next = Math.min(...later.map((part) => part.at))
    const why = later.length === 0 ? 'nothing is unbonding' : `the next is due at ${next}`
    refuse('nothing-due', why)
  }
  if (later.length === 0) delete state.unbonding[action.caller]
  else state.unbonding[action.caller] = later
  return [pay(state, action, { address: action.caller, parts: due })]
}

/**
 * Stake-Of {Address?, Role?}: Quantity is what is staked, Unbonding what is on its way out of that
 * role.
 */
function stakeOf(state: HbState, action: Action): Outgoing[] {
  const address = parseAddress(tag(action, 'Address') ?? action.caller, 'Address')
  const role = roleOf(action)
  let unbonding = 0n
  for (const part of partsOf(state, address)) {
    if (part.role === role) unbonding += BigInt(part.amount)
  }
  return [
    reply(action, 'Stake-Of-Reply', {
      Address: address,
      Role: role,
      Quantity: balanceOf(state.stakes[role], address),
      Unbonding: String(unbonding),
    }),
  ]
}

function info(state: HbState, action: Action): Outgoing[] {
  return [
    reply(action, 'Info-Reply', {
      'Hyper-Coin': state.hyperCoin,
      'Unbonding-Ms': String(state.unbondingMs),
      Roles: ROLES.join(','),
    }),
  ]
}

function pay(state: HbState, action: Action, payment: Payment): Outgoing {
  let sum = 0n
  for (const part of payment.parts) sum += BigInt(part.amount)
  return request(state.pendingWithdrawals, action, {
    target: state.hyperCoin,
    action: 'Transfer',
    tags: { Recipient: payment.address, Quantity: String(sum) },
    reply: 'Debit-Notice',
    then: 'paid',
    context: payment,
  })
}

/** The transfer's end: a bounce makes all of it due again. */
function paid(state: HbState, payment: Payment, { outcome }: Ended): undefined {
  if (outcome === 'reply') return
  const { address, parts } = payment
  restore(state, address, parts)
}

/**
 * Beyond UNBONDINGS_MAX too: what came back must be kept; but it is kept as one part, all of it
 * being due.
 */
function restore(state: HbState, address: string, parts: readonly Unbonding[]): void {
  const kept = partsOf(state, address)
  for (const part of parts) {
    const same = kept.find((other) => other.role === part.role && other.at <= part.at)
    if (same === undefined) kept.push({ ...part })
    else same.amount = String(BigInt(same.amount) + BigInt(part.amount))
  }
  state.unbonding[address] = kept
}

/** A copy: what is put back must not be half state, half new. */
function partsOf(state: HbState, address: string): Unbonding[] {
  const parts = Object.hasOwn(state.unbonding, address) ? state.unbonding[address] : undefined
  return (parts ?? []).map(({ amount, role, at }) => ({ amount, role, at }))
}

function roleOf(action: Action): Role {
  const name = tag(action, 'Role')
  return roleNamed(name) ?? refuse('role-unknown', `Role must be one of ${ROLES.join(', ')}`)
}

function roleNamed(name: string | undefined): Role | undefined {
  return name === undefined ? 'user' : ROLES.find((role) => role === name)
}
