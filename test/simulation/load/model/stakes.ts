// The HB contract as a model: stakes by role, what is on its way out of them, and payments that
// wait for HyperCoin's word.

import type { Call, MakeModel, Sent } from './model.ts'
import { add, amounts, amountsOf, isAddress, message, modelOf, notice } from './model.ts'
import { positive, refuse } from './model.ts'

const ROLES = ['user', 'dre', 'sequencer', 'relayer', 'fisher']

type Part = { amount: bigint; readonly role: string; readonly at: number }
type State = {
  readonly hyperCoin: string
  readonly unbondingMs: number
  readonly stakes: Record<string, Map<string, bigint>>
  readonly unbonding: Map<string, Part[]>
  readonly paying: Map<string, { readonly address: string; readonly parts: Part[] }>
  paid: number
}

export const stakesModel: MakeModel = (spawned) => {
  const stakes = (spawned['stakes'] ?? {}) as Record<string, unknown>
  const state: State = {
    hyperCoin: spawned['hyperCoin'] as string,
    unbondingMs: spawned['unbondingMs'] as number,
    stakes: Object.fromEntries(ROLES.map((role) => [role, amountsOf(stakes[role])])),
    unbonding: new Map(),
    paying: new Map(),
    paid: 0,
  }
  return modelOf(state, {
    handle,
    expected: (now) => ({
      stakes: Object.fromEntries(
        Object.entries(now.stakes).map(([role, staked]) => [role, amounts(staked)]),
      ),
      unbonding: Object.fromEntries([...now.unbonding].map(([who, parts]) => [who, shown(parts)])),
      paying: [...now.paying.keys()].sort(),
    }),
    seen: ({ stakes: staked, unbonding, pendingWithdrawals }) => ({
      stakes: staked,
      unbonding,
      paying: Object.keys((pendingWithdrawals as { tasks: object }).tasks).sort(),
    }),
  })
}

function shown(parts: readonly Part[]): unknown {
  return parts.map(({ amount, role, at }) => ({ amount: String(amount), role, at }))
}

function handle(state: State, call: Call): Sent[] {
  const { kind, caller } = call
  if (kind === 'spawn') return []
  const reference = call.tag('Reference')
  if (kind !== 'message') {
    const payment = reference === undefined ? undefined : state.paying.get(reference)
    const isWord = kind === 'bounce' || call.tag('Action') === 'Debit-Notice'
    const isAnswer = isWord && caller === state.hyperCoin
    if (reference !== undefined && payment !== undefined && isAnswer) {
      state.paying.delete(reference)
      if (kind === 'bounce') restore(state, payment.address, payment.parts)
      return []
    }
    return kind === 'notice' && call.tag('Action') === 'Credit-Notice' ? credited(state, call) : []
  }
  switch (call.tag('Action')) {
    case 'Unstake': {
      const amount = positive(call.tag('Quantity')) ?? refuse('amount-malformed')
      const [role, staked] = roleOf(state, call)
      if ((staked.get(caller) ?? 0n) < amount) refuse('balance-insufficient')
      const parts = state.unbonding.get(caller) ?? []
      if (parts.length >= 64) refuse('unbonding-full')
      add(staked, caller, -amount)
      const at = call.timestamp + state.unbondingMs
      state.unbonding.set(caller, [...parts, { amount, role, at }])
      return [notice(caller, 'Unstake-Reply', { Role: role, Quantity: String(amount) })]
    }
    case 'Withdraw': {
      const parts = state.unbonding.get(caller) ?? []
      const due = parts.filter(({ at }) => at <= call.timestamp)
      if (due.length === 0) refuse('nothing-due')
      const later = parts.filter(({ at }) => at > call.timestamp)
      if (later.length === 0) state.unbonding.delete(caller)
      else state.unbonding.set(caller, later)
      return [pay(state, caller, due)]
    }
    case 'Stake-Of': {
      const address = call.tag('Address') ?? caller
      if (!isAddress(address)) return refuse('address-malformed')
      const [role, staked] = roleOf(state, call)
      const Quantity = String(staked.get(address) ?? 0n)
      return [notice(caller, 'Stake-Of-Reply', { Address: address, Role: role, Quantity })]
    }
    case 'Info':
      return [notice(caller, 'Info-Reply')]
    default:
      return refuse('action-unknown')
  }
}

function credited(state: State, call: Call): Sent[] {
  const sender = call.tag('Sender')
  const amount = positive(call.tag('Quantity'))
  if (call.caller !== state.hyperCoin || !isAddress(sender) || amount === undefined) return []
  const staked = state.stakes[call.tag('X-Role') ?? 'user']
  if (call.tag('X-Action') === 'Stake' && staked !== undefined) {
    add(staked, sender, amount)
    return []
  }
  const parts = [{ amount, role: 'user', at: call.timestamp }]
  const mayPay = call.hops >= 2 && call.count >= 3
  if (state.paying.size < 512 && mayPay) return [pay(state, sender, parts)]
  restore(state, sender, parts)
  return []
}

function pay(state: State, address: string, parts: Part[]): Sent {
  const Reference = String(state.paid++)
  state.paying.set(Reference, { address, parts })
  const Quantity = String(parts.reduce((sum, { amount }) => sum + amount, 0n))
  return message(state.hyperCoin, { Action: 'Transfer', Recipient: address, Quantity, Reference })
}

function restore({ unbonding }: State, address: string, parts: readonly Part[]): void {
  const kept = unbonding.get(address) ?? []
  for (const part of parts) {
    const same = kept.find(({ role, at }) => role === part.role && at <= part.at)
    if (same === undefined) kept.push({ ...part })
    else same.amount += part.amount
  }
  unbonding.set(address, kept)
}

function roleOf(state: State, call: Call): [string, Map<string, bigint>] {
  const role = call.tag('Role') ?? 'user'
  return [role, state.stakes[role] ?? refuse('role-unknown')]
}
