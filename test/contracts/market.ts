// A market in memory, for tests: HyperCoin, U, ASSET, the HB contract and the UCM, and the sums
// that must hold.

import { handle as asset } from '../../contracts/asset/contract.ts'
import { handle as hyperCoin } from '../../contracts/hyper-coin/contract.ts'
import { handle as token } from '../../contracts/token/contract.ts'
import type { TokenState } from '../../contracts/token/core.ts'
import { handle as ucm } from '../../contracts/ucm/contract.ts'
import { givenToken } from '../../contracts/ucm/matching.ts'
import type { Incoming } from '../../contracts/ucm/matching.ts'
import type { UcmState } from '../../contracts/ucm/state.ts'
import type { Balances } from '../../src/lib/index.ts'
import { handle as hbContract } from '../../src/system/hb-contract.ts'
import type { HbState, Unbonding } from '../../src/system/hb-contract.ts'
import { Network, idOf } from './network.ts'
import type { Result } from './network.ts'

export type Genesis = {
  hyperCoin: Balances
  u: Balances
  asset: Balances
  ucm?: Partial<UcmState>
  unbondingMs?: number
}

export class Market {
  readonly network = new Network()
  readonly hyperCoin: string
  readonly u: string
  readonly asset: string
  readonly hb: string
  readonly ucm: string

  constructor(genesis: Genesis) {
    const { network } = this
    const coin = (ticker: string, denomination: number, balances: Balances) => ({
      name: ticker,
      ticker,
      denomination,
      balances,
    })
    this.hyperCoin = network.spawn('hyper-coin', hyperCoin, coin('HYPE', 12, genesis.hyperCoin))
    this.u = network.spawn('u', token, coin('U', 6, genesis.u))
    this.asset = network.spawn('asset', asset, coin('ASSET', 0, genesis.asset))
    const unbondingMs = genesis.unbondingMs ?? 1_000
    this.hb = network.spawn('hb', hbContract, { hyperCoin: this.hyperCoin, unbondingMs })
    this.ucm = network.spawn('ucm', ucm, { hbContract: this.hb, ...genesis.ucm })
  }

  transfer(
    wallet: string,
    of: string,
    recipient: string,
    quantity: string,
    tags: Record<string, string> = {},
  ): Result {
    const all = { Action: 'Transfer', Recipient: recipient, Quantity: quantity, ...tags }
    return this.network.send(wallet, of, all)
  }

  stake(wallet: string, quantity: string, tags: Record<string, string> = {}): Result {
    const all = { 'X-Action': 'Stake', ...tags }
    return this.transfer(wallet, this.hyperCoin, this.hb, quantity, all)
  }

  order(wallet: string, tags: Record<string, string>): Result {
    const all = { Action: 'Create-Order', Base: this.asset, Quote: this.u, ...tags }
    return this.network.send(wallet, this.ucm, all)
  }

  balances(of: string): Balances {
    return this.network.state<TokenState>(of).balances
  }

  get hbState(): HbState {
    return this.network.state<HbState>(this.hb)
  }

  get ucmState(): UcmState {
    return this.network.state<UcmState>(this.ucm)
  }

  /** What the UCM owes in a token by its own state: deposits, resting and parked orders. */
  owed(of: string): bigint {
    const state = this.ucmState
    let sum = 0n
    for (const [key, amount] of Object.entries(state.deposits)) {
      if (key.endsWith(`/${of}`)) sum += BigInt(amount)
    }
    for (const order of Object.values(state.orders)) {
      if (givenToken(order) === of) sum += BigInt(order.left)
    }
    for (const task of Object.values(state.requests.tasks)) {
      const order = task.context as Incoming
      if (givenToken(order) === of) sum += BigInt(order.quantity)
    }
    return sum
  }

  /** What the HB contract owes: stakes, unbonding, and payments whose end it has not heard of. */
  stakedInAll(): bigint {
    const state = this.hbState
    let sum = 0n
    for (const role of Object.values(state.stakes)) sum += total(role)
    for (const parts of Object.values(state.unbonding)) {
      for (const part of parts) sum += BigInt(part.amount)
    }
    for (const task of Object.values(state.pendingWithdrawals.tasks)) {
      for (const part of (task.context as { parts: Unbonding[] }).parts) sum += BigInt(part.amount)
    }
    return sum
  }

  /**
   * What balance minus `owed` must be: credits to come, and transfers not yet made or that failed.
   */
  onTheWay(of: string): bigint {
    let sum = 0n
    for (const { kind, from, target, tags } of this.network.moving) {
      const toMarket = from === of && target === this.ucm
      if (toMarket && tags['Action'] === 'Credit-Notice') sum += BigInt(tags['Quantity'] ?? '0')
      if (toMarket && kind === 'bounce') sum += BigInt(tags['X-Deposit-Quantity'] ?? '0')
      if (from === this.ucm && target === of) sum += BigInt(tags['Quantity'] ?? '0')
    }
    return sum
  }

  /**
   * What the HB contract's balance minus `stakedInAll` must be: credits to come, less debits it has
   * not heard of.
   */
  stakesOnTheWay(): bigint {
    let sum = 0n
    for (const { from, target, tags } of this.network.moving) {
      if (from !== this.hyperCoin || target !== this.hb) continue
      const quantity = BigInt(tags['Quantity'] ?? '0')
      if (tags['Action'] === 'Credit-Notice') sum += quantity
      if (tags['Action'] === 'Debit-Notice') sum -= quantity
    }
    return sum
  }
}

export function total(balances: Balances): bigint {
  return Object.values(balances).reduce((sum, amount) => sum + BigInt(amount), 0n)
}

export const DMAC = idOf('DMac')
export const SAM = idOf('Sam')
