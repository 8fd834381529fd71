// A marketplace: HyperCoin, two assets, the HB contract and the market, each in a partition of its
// own as far as there are any; wallets deposit, trade, cancel, withdraw and stake, rightly and not.

import { messageFields } from '../../../src/client/index.ts'
import { parseDataItem } from '../../../src/protocol/ans104/index.ts'
import type { GenesisProcess } from '../../../src/protocol/genesis.ts'
import type { Violation } from '../../chaos/checker/index.ts'
import { marketModel } from './model/market.ts'
import { stakesModel } from './model/stakes.ts'
import { tokenModel } from './model/token.ts'
import type { Draft, Ending, Turn, Workload } from './workload.ts'
import { oneOf } from './workload.ts'

const COIN = 'contracts/hyper-coin/contract.ts'
const ASSET = 'contracts/asset/contract.ts'
const MARKET = 'contracts/ucm/contract.ts'
/** The HB contract is part of the program. */
const STAKES = 'hb-contract@1'
const ASSETS = ['asset-0', 'asset-1']
const COINS = 100_000
const UNITS = 2_000
const STAKE = 100
const MINIMUM = 50
/** So that some withdrawals come too early, and others do not. */
const UNBONDING_MS = 5_000
const PRICES = ['1', '2', '2.5', '3', '0.75', '1.333333333333333333']

type Order = { readonly id: string; readonly owner: string }
type Tags = Record<string, string>

export function marketplace(): Workload {
  let coin = ''
  let stakes = ''
  let market = ''
  const assets: string[] = []
  /** The newest that were asked for. */
  const orders: Order[] = []

  const trade = ({ random }: Turn): Tags => {
    const dice = random.below(20)
    const limit = { Type: 'limit', Price: oneOf(random, PRICES) }
    const type = dice < 15 ? limit : dice < 19 ? { Type: 'market' } : { ...limit, Type: 'market' }
    const Side = random.below(40) === 0 ? 'hold' : oneOf(random, ['sell', 'buy'])
    const Quantity = String(random.below(30) === 0 ? 0 : 1 + random.below(60))
    const Base = oneOf(random, assets)
    const Quote = random.below(30) === 0 ? Base : coin
    return { ...type, Side, Base, Quote, Quantity }
  }

  const request = (turn: Turn): { target: string; action: string; tags: Tags } => {
    const { random, wallet, wallets } = turn
    const token = oneOf(random, [coin, ...assets])
    const dice = random.below(100)
    const Quantity = String(random.below(25) === 0 ? 9_999_999 : 1 + random.below(300))
    if (dice < 25) return transfer(token, market, Quantity)
    if (dice < 34) return transfer(token, oneOf(random, wallets).address, Quantity)
    if (dice < 40) return transfer(coin, stakes, String(1 + random.below(80)), { 'X-Action': 'Stake' })
    if (dice < 42) return transfer(coin, stakes, Quantity, { 'X-Role': 'nobody' })
    if (dice < 45) return { target: stakes, action: 'Unstake', tags: { Quantity: '30' } }
    if (dice < 48) return { target: stakes, action: 'Withdraw', tags: {} }
    if (dice < 76) return { target: market, action: 'Create-Order', tags: trade(turn) }
    if (dice < 86) {
      const own = orders.filter(({ owner }) => owner === wallet.address)
      const isForeign = own.length === 0 || random.below(5) === 0
      const Order = oneOf(random, isForeign ? orders : own)?.id ?? wallet.address
      return { target: market, action: 'Cancel-Order', tags: { Order } }
    }
    if (dice < 95) {
      const tags: Tags = random.below(3) === 0 ? { Token: token } : { Token: token, Quantity }
      return { target: market, action: 'Withdraw-Deposit', tags }
    }
    if (dice < 97) return { target: market, action: 'Deposit-Of', tags: { Token: token } }
    if (dice < 98) return { target: market, action: 'Credit-Notice', tags: { Quantity } }
    return { target: oneOf(random, [stakes, market]), action: 'Info', tags: {} }
  }

  return {
    name: 'marketplace',
    tokenNames: ['hyper-coin', ...ASSETS],
    contracts: [COIN, ASSET, MARKET],
    processes: ({ partitions, addresses, place, source }) => {
      const { id: stakesId, ...hb } = place('hb-contract', 0)
      const { id: coinId, ...hyper } = place('hyper-coin', 1 % partitions)
      const { id: marketId, ...ucm } = place('ucm', 2 % partitions)
      ;[coin, stakes, market] = [coinId, stakesId, marketId]
      // the last comes without a stake
      const staked = addresses.slice(0, -1)
      const user = Object.fromEntries(staked.map((address) => [address, String(STAKE)]))
      const held = { [stakesId]: String(STAKE * staked.length) }
      const quickjs = (path: string): { engine: 'quickjs'; source: string } => {
        return { engine: 'quickjs', source: source(path) }
      }
      const all: GenesisProcess[] = [
        {
          ...hb,
          engine: 'native',
          source: STAKES,
          state: { hyperCoin: coinId, unbondingMs: UNBONDING_MS, stakes: { user } },
        },
        { ...hyper, ...quickjs(COIN), state: mint('HYPE', addresses, COINS, held) },
        {
          ...ucm,
          ...quickjs(MARKET),
          state: {
            hbContract: stakesId,
            minimumStake: String(MINIMUM),
            feeBps: 30,
            feeAccount: addresses[0],
          },
        },
      ]
      for (const name of ASSETS) {
        const { id, ...asset } = place(name, (3 + assets.length) % partitions)
        all.push({ ...asset, ...quickjs(ASSET), state: mint('ASSET', addresses, UNITS, {}) })
        assets.push(id)
      }
      return all
    },
    models: (source) => [
      [source(COIN), tokenModel],
      [source(ASSET), tokenModel],
      [source(MARKET), marketModel],
      [STAKES, stakesModel],
    ],
    draft: (turn): Draft => {
      const { random, network, generation, wallet } = turn
      const { target, action, tags } = request(turn)
      const few = random.below(12) === 0 ? { hops: random.below(7), count: random.below(12) } : {}
      const place = { network: network.id, generation }
      const bytes = wallet.sign(messageFields(place, { target, action, tags, ...few }))
      if (action === 'Create-Order') {
        orders.unshift({ id: parseDataItem(bytes).id, owner: wallet.address })
        orders.length = Math.min(orders.length, 40)
      }
      return { bytes }
    },
    judge: (ending) => conserved(ending, { coin, stakes, market, assets }),
  }
}

function transfer(
  target: string,
  Recipient: string,
  Quantity: string,
  more: Tags = {},
): { target: string; action: string; tags: Tags } {
  return { target, action: 'Transfer', tags: { Recipient, Quantity, ...more } }
}

function mint(ticker: string, addresses: readonly string[], each: number, held: Tags) {
  const balances = { ...Object.fromEntries(addresses.map((who) => [who, String(each)])), ...held }
  return { name: ticker, ticker, denomination: 0, balances }
}

type Names = {
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
export function conserved({ states }: Pick<Ending, 'states'>, names: Names): Violation[] {
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
