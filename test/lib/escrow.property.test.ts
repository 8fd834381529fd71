// Escrow and payments: whatever fails, bounces, is late, comes again or never, no unit is lost or
// made, and each hold and each payment ends once.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'

import {
  address,
  balanceOf,
  commit,
  contract,
  crank,
  credit,
  debit,
  integer,
  isAddress,
  isAmount,
  newQueue,
  on,
  payOut,
  positive,
  refund,
  refundStep,
  reserve,
  returnedPayment,
  tag,
  text,
} from '../../src/lib/index.ts'
import type { Balances, Hold, RequestQueue } from '../../src/lib/index.ts'
import { handle as token } from '../../contracts/token/contract.ts'
import type { TokenState } from '../../contracts/token/core.ts'
import { total } from '../contracts/market.ts'
import { Network, idOf } from '../contracts/network.ts'

const WALLETS = ['Ada', 'Bob', 'Cyd'].map(idOf)
const MALLORY = idOf('Mallory, a process')

type Vault = { coin: string; balances: Balances; queue: RequestQueue; ends: number; failing: boolean }

const vault = contract<Vault>({
  spawn: (state, message) => {
    state.queue = newQueue(message)
    state.balances = {}
    return undefined
  },
  actions: {
    Reserve: on({ Quantity: positive, Ms: integer(1, 1_000) }, (state, { Quantity, Ms }, message) => {
      const wanted = { account: message.caller, quantity: Quantity, deadlineMs: Ms, then: 'overdue' }
      reserve(state.queue, state.balances, message, wanted)
      return undefined
    }),
    Commit: on({ Hold: text(20), To: address }, (state, { Hold: hold, To }) => {
      commit(state.queue, state.balances, hold, To)
      state.ends += 1
      return undefined
    }),
    Refund: on({ Hold: text(20) }, (state, { Hold: hold }) => {
      refund(state.queue, state.balances, hold)
      state.ends += 1
      return undefined
    }),
    Withdraw: on({ Quantity: positive }, (state, { Quantity }, { caller }) => {
      debit(state.balances, caller, Quantity)
      return [payOut(state.coin, caller, Quantity)]
    }),
    Break: (state) => {
      state.failing = !state.failing
      return undefined
    },
  },
  notices: {
    'Credit-Notice': (state, message) => {
      const [sender, quantity] = [tag(message, 'Sender'), tag(message, 'Quantity')]
      if (message.caller !== state.coin || !isAddress(sender) || !isAmount(quantity)) return undefined
      credit(state.balances, sender, quantity)
      return undefined
    },
  },
  bounce: (state, message) => {
    const returned = returnedPayment(message)
    if (returned?.token === state.coin) credit(state.balances, returned.account, returned.quantity)
    return undefined
  },
  crank: crank({
    queue: (state) => state.queue,
    steps: {
      overdue: refundStep(
        (state) => state.balances,
        (state) => {
          if (state.failing) throw new Error('the step fails after it wrote')
          state.ends += 1
          return undefined
        },
      ),
    },
  }),
})

const by = fc.constantFrom(...WALLETS)
const Quantity = fc.integer({ min: 1, max: 60 }).map(String)
const HoldTag = fc.oneof(
  { weight: 9, arbitrary: fc.nat(5).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', '00', '-1', 'x') },
)
const command = fc.oneof(
  fc.record({ do: fc.constant('Deposit' as const), by, Quantity }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('Reserve' as const),
      by,
      Quantity,
      Ms: fc.integer({ min: 1, max: 300 }).map(String),
    }),
  },
  fc.record({ do: fc.constant('Commit' as const), by, Hold: HoldTag, To: by }),
  fc.record({ do: fc.constant('Refund' as const), by, Hold: HoldTag }),
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('Withdraw' as const), by, Quantity }),
  },
  fc.record({ do: fc.constant('Break' as const), by }),
  fc.record({ do: fc.constant('Forge' as const), by, Quantity, number: fc.nat(12).map(String) }),
  fc.record({ do: fc.constant('Again' as const), by, pick: fc.nat() }),
  fc.record({ do: fc.constant('Move' as const), by, pick: fc.nat(20), ms: fc.nat(200) }),
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

class Bank {
  readonly network = new Network()
  readonly coin: string
  readonly vault: string
  returned = 0

  constructor() {
    const balances = Object.fromEntries(WALLETS.map((wallet) => [wallet, '500']))
    this.coin = this.network.spawn('coin', token, { balances })
    this.vault = this.network.spawn('vault', vault, { coin: this.coin, ends: 0, failing: false })
  }

  get state(): Vault {
    return this.network.state<Vault>(this.vault)
  }

  run({ by: wallet, ...wanted }: Command): void {
    const { network } = this
    switch (wanted.do) {
      case 'Deposit': {
        const tags = { Action: 'Transfer', Recipient: this.vault, Quantity: wanted.Quantity }
        network.send(wallet, this.coin, tags)
        return
      }
      case 'Forge':
        return this.forge(wallet, wanted.Quantity, wanted.number)
      case 'Again': {
        const told = network.results.filter(
          ({ action: { caller, tags } }) => caller === this.vault && tags['Action'] === 'Deadline',
        )
        const { action } = told[wanted.pick % Math.max(1, told.length)] ?? {}
        if (action !== undefined) network.inject(this.vault, this.vault, { tags: action.tags })
        return
      }
      case 'Move':
        network.time += wanted.ms
        for (let step = 0; step < 5; step += 1) {
          network.step((channels) => (wanted.pick + step) % channels)
          this.check()
        }
        return
      default: {
        const { do: Action, ...tags } = wanted
        network.send(wallet, this.vault, { Action, ...tags })
      }
    }
  }

  /** What the network's own bounces would say, from those who cannot make them believed. */
  private forge(account: string, quantity: string, number: string): void {
    const tags = { 'X-Deposit-Account': account, 'X-Deposit-Quantity': quantity, 'X-Deadline': number }
    for (const kind of ['notice', 'message', 'bounce'] as const) {
      for (const Action of ['Deadline', 'Alarm', 'Credit-Notice', 'Debit-Notice']) {
        const all = { ...tags, Action, Sender: account, Quantity: quantity, Reference: number }
        this.network.inject(MALLORY, this.vault, { kind, tags: all })
      }
    }
  }

  check(): void {
    const { balances, queue } = this.state
    let owed = total(balances)
    for (const { context } of Object.values(queue.tasks)) owed += BigInt((context as Hold).quantity)
    let moving = 0n
    for (const { kind, from, target, tags } of this.network.moving) {
      const credited = from === this.coin && target === this.vault && tags['Action'] === 'Credit-Notice'
      if (credited || (from === this.vault && target === this.coin)) moving += BigInt(tags['Quantity'] ?? '0')
      if (kind === 'bounce' && from === this.coin) moving += BigInt(tags['X-Deposit-Quantity'] ?? '0')
    }
    const coins = this.network.state<TokenState>(this.coin).balances
    expect(total(coins)).toBe(1_500n)
    expect(BigInt(balanceOf(coins, this.vault))).toBe(owed + moving)
    expect(Object.keys(queue.tasks)).toHaveLength(queue.open)
  }

  /** Nobody decides any more: deadlines give every hold back, and everybody leaves. */
  close(): void {
    const { network } = this
    network.failing = () => false
    network.settle()
    if (this.state.failing) network.send(MALLORY, this.vault, { Action: 'Break' })
    for (let round = 0; this.state.queue.open > 0; round += 1) {
      if (round > 50) throw new Error('holds stay open')
      network.time += 200_000_000
      network.send(MALLORY, this.vault, { Action: 'Refund', Hold: 'none' })
      network.inject(this.coin, this.vault, { kind: 'notice', tags: {} })
      network.settle()
    }
    for (const [wallet, held] of Object.entries(this.state.balances)) {
      network.send(wallet, this.vault, { Action: 'Withdraw', Quantity: held })
    }
    network.settle()
    this.check()
    expect(this.state.balances).toEqual({})
  }
}

test('what the vault holds is what it owes, after every message', () => {
  const seen = { bounces: 0, expired: 0, decided: 0 }
  fc.assert(
    fc.property(
      fc.array(command, { minLength: 20, maxLength: 60, size: 'max' }),
      fc.constantFrom(0, 2, 3),
      (commands, failEvery) => {
        const bank = new Bank()
        const { network } = bank
        for (const wallet of WALLETS) bank.run({ do: 'Deposit', by: wallet, Quantity: '90' })
        network.settle()
        let messages = 0
        network.failing = ({ kind, fromKind }) =>
          failEvery > 0 && kind === 'message' && fromKind === 'process' && (messages += 1) % failEvery === 0
        for (const wanted of commands) {
          bank.run(wanted)
          bank.check()
        }
        const decided = network.results.filter(({ status, action: { tags } }) =>
          status === 'ok' && ['Commit', 'Refund'].includes(tags['Action'] ?? ''),
        ).length
        bank.close()
        seen.decided += decided
        seen.expired += bank.state.ends - decided
        seen.bounces += network.results.filter(({ action: { kind, caller } }) =>
          kind === 'bounce' && caller === bank.coin,
        ).length
      },
    ),
    { numRuns: 60 },
  )
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(10)
})
