// Money at the end of a run: what the market and the HB contract hold is what they owe.

import type { Violation } from '../../chaos/checker/index.ts'
import type { Ending } from './workload.ts'

type Tags = Record<string, string>
/** Process ids. */
export type MarketNames = {
  readonly coin: string
  readonly stakes: string
  readonly market: string
  readonly assets: readonly string[]
}
type OpenOrder = { side: string; base: string; quote: string; left?: string; quantity?: string }
type MarketState = {
  deposits: Record<string, string>
  orders: Record<string, OpenOrder>
  requests: { tasks: Record<string, { context: OpenOrder }> }
}
type StakesState = {
  stakes: Record<string, Record<string, string>>
  unbonding: Record<string, { amount: string }[]>
  pendingWithdrawals: { tasks: Record<string, { context: { parts: { amount: string }[] } }> }
}

/** When nothing is on its way, what the market and the HB contract hold is what they owe. */
export function conserved({ states }: Pick<Ending, 'states'>, names: MarketNames): Violation[] {
  const { coin, stakes, market, assets } = names
  const told: Violation[] = []
  const state = <T>(id: string): T => JSON.parse(states.get(id) ?? '{}') as T
  const held = (token: string, by: string): bigint =>
    BigInt(state<{ balances: Tags }>(token).balances[by] ?? '0')
  const compare = (what: string, id: string, has: bigint, owes: bigint): void => {
    if (has === owes) return
    told.push({ invariant: 'funds-conserved', id, text: `${what} holds ${has}, and owes ${owes}` })
  }
  const { deposits, orders, requests } = state<MarketState>(market)
  const parked = Object.values(requests.tasks).map(({ context }) => context)
  for (const token of [coin, ...assets]) {
    let owed = 0n
    for (const [key, amount] of Object.entries(deposits)) {
      if (key.endsWith(`/${token}`)) owed += BigInt(amount)
    }
    for (const { side, base, quote, left, quantity } of [...Object.values(orders), ...parked]) {
      if ((side === 'sell' ? base : quote) === token) owed += BigInt(left ?? quantity ?? '0')
    }
    compare('the market', token, held(token, market), owed)
  }
  const { stakes: staked, unbonding, pendingWithdrawals } = state<StakesState>(stakes)
  const parts = [
    ...Object.values(unbonding).flat(),
    ...Object.values(pendingWithdrawals.tasks).flatMap(({ context }) => context.parts),
  ]
  const all = [
    ...Object.values(staked).flatMap((each) => Object.values(each)),
    ...parts.map(({ amount }) => amount),
  ]
  const owed = all.reduce((sum, amount) => sum + BigInt(amount), 0n)
  compare('the HB contract', coin, held(coin, stakes), owed)
  return told
}
