// A lending pool in memory, for tests: gold as collateral, dollars as loans, an oracle and the
// clock, and what must hold after every message.

import { handle as lending } from '../../contracts/lending/contract.ts'
import type { LendingState } from '../../contracts/lending/state.ts'
import { handle as oracle } from '../../contracts/oracle/contract.ts'
import { handle as token } from '../../contracts/token/contract.ts'
import type { TokenState } from '../../contracts/token/core.ts'
import type { Payment } from '../../contracts/token/custody.ts'
import type { Action, Balances, Handled } from '../../src/lib/index.ts'
import { clockProcess } from '../../src/system/index.ts'
import { handle as clock } from '../../src/system/clock.ts'
import { Network, idOf } from './network.ts'
import type { AnyHandle, Result, Sent } from './network.ts'

type Tags = Record<string, string>
type Left = Partial<Sent>

export const LENDER = idOf('Lender')
export const OWNER = idOf('Owner of the oracle')
const ONE = 10n ** 18n

/** A debt that a message took, and what it was before. */
type Liquidated = {
  borrower: string
  before: LendingState
  at: number
  price: string
  /** The Action of the message that did it. */
  by: string
}

export class Pool {
  readonly network = new Network()
  readonly gold: string
  readonly dollar: string
  readonly oracle: string
  readonly clock: string
  readonly pool: string
  readonly liquidated: Liquidated[] = []

  constructor(balances: Balances, options: Partial<LendingState> = {}) {
    const { network } = this
    this.clock = network.spawn('clock', clock, clockProcess().state)
    this.gold = network.spawn('gold', token, { balances })
    this.dollar = network.spawn('dollar', token, { balances: { ...balances, [LENDER]: '1000000' } })
    this.oracle = network.spawn('oracle', oracle, { owner: OWNER, subscribers: [idOf('pool')] })
    this.pool = network.spawn('pool', this.watched(lending as unknown as AnyHandle), {
      collateral: this.gold,
      loan: this.dollar,
      oracle: this.oracle,
      lender: LENDER,
      clock: this.clock,
      ...options,
    })
  }

  get state(): LendingState {
    return this.network.state<LendingState>(this.pool)
  }

  balances(of: string): Balances {
    return this.network.state<TokenState>(of).balances
  }

  transfer(by: string, of: string, quantity: string, tags: Tags = {}, left: Left = {}): Result {
    const all = { Action: 'Transfer', Recipient: this.pool, Quantity: quantity, ...tags }
    return this.network.send(by, of, all, left)
  }

  fund(quantity: string): Result {
    return this.transfer(LENDER, this.dollar, quantity, { 'X-Action': 'Fund' })
  }

  deposit(by: string, quantity: string): Result {
    return this.transfer(by, this.gold, quantity, { 'X-Action': 'Deposit' })
  }

  repay(by: string, quantity: string, tags: Tags = {}): Result {
    return this.transfer(by, this.dollar, quantity, { 'X-Action': 'Repay', ...tags })
  }

  ask(by: string, action: string, tags: Tags = {}, left: Left = {}): Result {
    return this.network.send(by, this.pool, { Action: action, ...tags }, left)
  }

  setPrice(price: string, left: Left = {}): Result {
    return this.network.send(OWNER, this.oracle, { Action: 'Set-Price', Price: price }, left)
  }

  /** Time passes as on a node with the ticker: whoever pokes the clock, nothing else comes. */
  tick(ms: number): void {
    this.network.time += ms
    this.network.send(idOf('ticker'), this.clock, { Action: 'Poke' })
    this.network.settle()
  }

  positionOf(account: string): Tags {
    const { sent } = this.ask(account, 'Position-Of')
    return sent[0]?.tags ?? {}
  }

  /** Limit × value less debt, times what makes it whole: below 0 is unhealthy. By its own sums. */
  static margin(state: LendingState, borrower: string, at: number, price = state.price): bigint {
    const { collateral, shares } = state.positions[borrower] ?? { collateral: '0', shares: '0' }
    const yearly = 10_000n * 31_536_000_000n
    const index = BigInt(state.index)
    const grown = index * BigInt(state.rateBps) * BigInt(Math.max(0, at - state.accruedAt))
    const now = index + grown / yearly + (grown % yearly === 0n ? 0n : 1n)
    const [whole, places = ''] = price.split('.') as [string, string?]
    const scaled = BigInt(whole + places.padEnd(18, '0'))
    const limit = BigInt(collateral) * scaled * BigInt(state.liquidationBps) * ONE
    return limit - BigInt(shares) * now * 10_000n
  }

  /** Who is unhealthy now, at a price that counts. */
  unhealthy(): string[] {
    const { state } = this
    const now = this.network.time
    if (state.price === '' || now - state.priceAt > state.stalenessMs) return []
    return Object.keys(state.positions).filter((each) => Pool.margin(state, each, now) < 0n)
  }

  /** Throws where something is made or lost, or a structure does not hold. */
  check(): void {
    const { state, gold, dollar } = this
    const positions = Object.values(state.positions)
    let collateral = BigInt(state.seized)
    let shares = 0n
    for (const position of positions) {
      if (position.collateral === '0') throw new Error('a debt without collateral, or an empty position')
      collateral += BigInt(position.collateral)
      shares += BigInt(position.shares)
    }
    this.checkHeld('collateral', gold, collateral)
    this.checkHeld('loan', dollar, BigInt(state.cash))
    same('shares', BigInt(state.shares), shares)
    same('positions', state.positionCount, positions.length)
    this.checkHeap(state)
    this.checkDebts(state)
    for (const name of ['cash', 'seized', 'covered', 'badDebt', 'repaid', 'lent'] as const) {
      if (BigInt(state[name]) < 0n) throw new Error(`${name} is below 0`)
    }
  }

  private checkHeld(what: string, of: string, kept: bigint): void {
    const { custody } = this.state
    let owed = kept
    for (const [key, amount] of Object.entries(custody.owed)) {
      if (key.endsWith(`/${of}`)) owed += BigInt(amount)
    }
    for (const { context } of Object.values(custody.payments.tasks)) {
      const { token: paidIn, quantity } = context as Payment
      if (paidIn === of) owed += BigInt(quantity)
    }
    for (const { from, target, tags } of this.network.moving) {
      if (from !== of || target !== this.pool) continue
      if (tags['Action'] === 'Credit-Notice') owed += BigInt(tags['Quantity'] ?? '0')
      if (tags['Action'] === 'Debit-Notice') owed -= BigInt(tags['Quantity'] ?? '0')
    }
    same(`${what} held`, BigInt(this.balances(of)[this.pool] ?? '0'), owed)
  }

  private checkHeap({ heap, positions }: LendingState): void {
    const borrowers = Object.keys(positions).filter((each) => positions[each]?.shares !== '0')
    same('the heap', [...heap].sort().join(), borrowers.sort().join())
    for (const [at, borrower] of heap.entries()) {
      const below = positions[borrower]
      const above = positions[heap[(at - 1) >> 1] ?? borrower]
      if (below === undefined || above === undefined) throw new Error('the heap lists a stranger')
      same('place', below.place, at)
      const isRiskier =
        BigInt(below.shares) * BigInt(above.collateral) > BigInt(above.shares) * BigInt(below.collateral)
      if (isRiskier) throw new Error(`${borrower} is riskier than the one above it`)
    }
  }

  /** Debts are what was lent and is not paid back, covered or written off, with interest at most. */
  private checkDebts({ lent, repaid, covered, badDebt, rateBps, index, positions }: LendingState): void {
    let debts = 0n
    let count = 0n
    for (const { shares } of Object.values(positions)) {
      debts += (BigInt(shares) * BigInt(index) + ONE * ONE - 1n) / (ONE * ONE)
      count += 1n
    }
    const principal = BigInt(lent) - BigInt(repaid) - BigInt(covered) - BigInt(badDebt)
    if (rateBps === 0) same('debts without interest', debts, principal)
    if (debts < principal) throw new Error(`debts of ${debts} are less than ${principal}, which was lent`)
    const most = (BigInt(lent) * BigInt(index)) / ONE + count
    if (debts > most) throw new Error(`debts of ${debts} are more than all that was lent, ${most}`)
  }

  /** The contract, and a note of every liquidation by what the state was before. */
  private watched(handle: AnyHandle): AnyHandle {
    return (state, action: Action) => {
      const before = JSON.parse(JSON.stringify(state)) as LendingState
      const handled: Handled<never> = handle(state, action)
      for (const { kind, tags = {} } of handled.messages ?? []) {
        if (kind !== 'event' || tags['Action'] !== 'Liquidation') continue
        const { Borrower: borrower = '', Price: price = '' } = tags
        this.liquidated.push({ borrower, before, at: action.timestamp, price, by: action.tags['Action'] ?? '' })
      }
      return handled
    }
  }
}

export function same(what: string, seen: unknown, wanted: unknown): void {
  if (seen !== wanted) throw new Error(`${what}: ${String(seen)}, not ${String(wanted)}`)
}
