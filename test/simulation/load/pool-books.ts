// A lending pool's books at the end of a run: what it holds is what it owes, its debts are what was
// lent and not repaid, and no position is unhealthy at its last price, if that was one to act on.

import type { Violation } from '../../chaos/checker/index.ts'
import { tagValue } from '../../../src/protocol/message.ts'
import type { Ending } from './workload.ts'

type Amounts = Readonly<Record<string, string>>
/** Process ids. */
export type PoolNames = {
  readonly pool: string
  readonly collateral: string
  readonly loan: string
}
type Pool = {
  readonly positions: Readonly<Record<string, { collateral: string; shares: string }>>
  readonly custody: { readonly owed: Amounts; readonly payments: { readonly open: number } }
  readonly liquidationBps: number
} & Readonly<
  Record<'cash' | 'seized' | 'index' | 'price' | 'lent' | 'repaid' | 'covered' | 'badDebt', string>
>

/** An index, a price and shares have 18 decimal places. */
const ONE = 10n ** 18n
const BPS = 10_000n
/** Interest on a debt that was looked at last while a run was busy is less than a part of so many. */
const GROWN = 1_000_000n

/** `hasCounted`: of the last price (pool-prices.ts). */
export function poolBooks(
  ending: Pick<Ending, 'partitions' | 'states'>,
  names: PoolNames,
  hasCounted: boolean,
): Violation[] {
  const told: Violation[] = []
  const state = <T>(id: string): T => JSON.parse(ending.states.get(id) ?? '{}') as T
  const pool = state<Pool>(names.pool)
  const tell = (invariant: string, text: string): void => {
    told.push({ invariant, id: names.pool, text })
  }
  const positions = Object.values(pool.positions)
  const deposited = sum(positions.map(({ collateral }) => collateral))
  const { owed, payments } = pool.custody
  const owes = { collateral: deposited + BigInt(pool.seized), loan: BigInt(pool.cash) }
  for (const which of ['collateral', 'loan'] as const) {
    const token = names[which]
    const { balances } = state<{ balances: Amounts }>(token)
    const has = BigInt(balances[names.pool] ?? '0')
    const unpaid = Object.entries(owed).filter(([key]) => key.endsWith(`/${token}`))
    const all = owes[which] + sum(unpaid.map(([, amount]) => amount))
    if (has !== all) tell('funds-conserved', `the pool holds ${has} of ${which}, and owes ${all}`)
  }
  if (payments.open !== 0) tell('payments-end', `${payments.open} payments have no end`)
  const gone = sum([pool.repaid, pool.covered, pool.badDebt])
  const debts = sum(positions.map((each) => each.shares)) * BigInt(pool.index)
  const [owing, lent] = [(debts + ONE * ONE - 1n) / (ONE * ONE), BigInt(pool.lent) - gone]
  const rounded = movesOf(ending, names.pool)
  if (owing < lent - rounded || owing > lent + rounded) {
    tell('debts-accounted', `debts are ${owing}, of ${lent} lent and not gone (± ${rounded})`)
  }
  for (const [who, { collateral, shares }] of Object.entries(pool.positions)) {
    if (shares === '0' || !hasCounted) continue
    const debt = BigInt(shares) * BigInt(pool.index) * BPS * ONE
    const worth = BigInt(collateral) * scaled(pool.price) * BigInt(pool.liquidationBps)
    if (debt - debt / GROWN <= worth * ONE * ONE) continue
    tell('positions-healthy', `${who} owes ${shares} shares on ${collateral} at ${pool.price}`)
  }
  return told
}

function sum(amounts: readonly string[]): bigint {
  return amounts.reduce((total, amount) => total + BigInt(amount), 0n)
}

function scaled(price: string): bigint {
  const [whole = '', places = ''] = price.split('.')
  return BigInt(whole + places.padEnd(18, '0'))
}

/** What may be rounded up by less than a unit: a repayment, a liquidation, interest on all. */
function movesOf({ partitions }: Pick<Ending, 'partitions'>, pool: string): bigint {
  let moves = 1n
  for (const { entries, results } of partitions) {
    for (const { message } of entries) {
      if (message.process !== pool || message.kind !== 'notice') continue
      if (tagValue(message.tags, 'X-Action') === 'Repay') moves += 1n
    }
    for (const { process, messages } of results) {
      if (process !== pool) continue
      for (const { tags } of messages) {
        if (tagValue(tags, 'Action') === 'Liquidation') moves += 1n
      }
    }
  }
  return moves
}
