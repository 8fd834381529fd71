// Wrapped U in memory, for tests: U, the wrapper, another token, and the sums that must hold after
// every message.

import { handle as token } from '../../contracts/token/contract.ts'
import type { TokenState } from '../../contracts/token/core.ts'
import type { Payment } from '../../contracts/token/custody.ts'
import { handle as wrappedU } from '../../contracts/wrapped-u/contract.ts'
import type { WrappedState } from '../../contracts/wrapped-u/contract.ts'
import type { Balances } from '../../src/lib/index.ts'
import { total } from './market.ts'
import { Network } from './network.ts'
import type { Result, Sent } from './network.ts'

type Tags = Record<string, string>

export class Wrapped {
  readonly network = new Network()
  readonly u: string
  readonly other: string
  readonly wrapper: string

  constructor(balances: Balances) {
    const { network } = this
    this.u = network.spawn('u', token, { ticker: 'U', balances })
    this.other = network.spawn('other', token, { ticker: 'OTHER', balances })
    this.wrapper = network.spawn('wrapped-u', wrappedU, { u: this.u, ticker: 'wU' })
  }

  transfer(by: string, of: string, to: string, quantity: string, tags: Tags = {}, left: Partial<Sent> = {}): Result {
    const all = { Action: 'Transfer', Recipient: to, Quantity: quantity, ...tags }
    return this.network.send(by, of, all, left)
  }

  wrap(by: string, quantity: string, tags: Tags = {}, left: Partial<Sent> = {}): Result {
    return this.transfer(by, this.u, this.wrapper, quantity, tags, left)
  }

  burn(by: string, quantity: string, tags: Tags = {}, left: Partial<Sent> = {}): Result {
    return this.network.send(by, this.wrapper, { Action: 'Burn', Quantity: quantity, ...tags }, left)
  }

  claim(by: string, of: string): Result {
    return this.network.send(by, this.wrapper, { Action: 'Claim', Token: of })
  }

  balances(of: string): Balances {
    return this.network.state<TokenState>(of).balances
  }

  get state(): WrappedState {
    return this.network.state<WrappedState>(this.wrapper)
  }

  owed(of: string): bigint {
    let sum = 0n
    for (const [key, amount] of Object.entries(this.state.custody.owed)) {
      if (key.endsWith(`/${of}`)) sum += BigInt(amount)
    }
    return sum
  }

  /** Quantities of the messages on their way from one to the other that `which` picks. */
  moving(from: string, to: string, which: (action: string, kind: string) => boolean): bigint {
    let sum = 0n
    for (const message of this.network.moving) {
      const { tags, kind } = message
      if (message.from !== from || message.target !== to || !which(tags['Action'] ?? '', kind)) continue
      sum += BigInt(tags['Quantity'] ?? tags['X-Deposit-Quantity'] ?? '0')
    }
    return sum
  }

  /** Throws where something is minted, lost or paid twice. */
  check(): void {
    const { state, u, wrapper } = this
    const parked = Object.values(state.custody.payments.tasks).map(({ context }) => context as Payment)
    same('supply', BigInt(state.supply), total(state.balances))
    same('pending', BigInt(state.pending), parked.reduce((sum, { quantity }) => sum + BigInt(quantity), 0n))
    const held = BigInt(this.balances(u)[wrapper] ?? '0')
    const coming = this.moving(u, wrapper, (action) => action === 'Credit-Notice')
    const told = this.moving(u, wrapper, (action) => action === 'Debit-Notice')
    const backs = BigInt(state.supply) + BigInt(state.pending) + this.owed(u)
    same('minted, pending and owed', backs, held - coming + told)
    for (const foreign of [this.other, wrapper]) {
      const has = BigInt(this.balances(foreign)[wrapper] ?? '0')
      const credits = this.moving(foreign, wrapper, (action) => action === 'Credit-Notice')
      const bounces = this.moving(foreign, wrapper, (_action, kind) => kind === 'bounce')
      const returns = this.moving(wrapper, foreign, (action) => action === 'Transfer')
      same('foreign units', has, this.owed(foreign) + credits + bounces + returns)
    }
    const entries = Object.keys(state.custody.owed).filter((key) => !key.endsWith(`/${u}`))
    same('foreign entries', state.custody.foreign, entries.length)
  }
}

function same(what: string, seen: unknown, wanted: unknown): void {
  if (seen !== wanted) throw new Error(`${what}: ${String(seen)}, not ${String(wanted)}`)
}
