// A marketplace: HyperCoin, two assets, the HB contract and the market, each in a partition of its
// own as far as there are any; wallets deposit, trade, cancel, withdraw and stake, rightly and not.

import { messageFields } from '../../../src/client/index.ts'
import { parseDataItem } from '../../../src/protocol/ans104/index.ts'
import type { GenesisProcess } from '../../../src/protocol/genesis.ts'
import type { MarketNames } from './funds.ts'
import { conserved } from './funds.ts'
import type { Order } from './market-requests.ts'
import { marketRequest } from './market-requests.ts'
import { marketModel } from './model/market.ts'
import { stakesModel } from './model/stakes.ts'
import { tokenModel } from './model/token.ts'
import type { Draft, GenesisContext, Placed, Workload } from './workload.ts'

const COIN = 'contracts/hyper-coin/contract.ts'
const ASSET = 'contracts/asset/contract.ts'
const MARKET = 'contracts/ucm/contract.ts'
/** The HB contract is part of the program. */
const STAKES = 'hb-contract@1'
const ASSETS = ['asset-0', 'asset-1']
const COINS = 100_000
const UNITS = 2_000
/** Of each token, deposited when the network begins. */
const DEPOSIT = 1_000
const STAKE = 100
const MINIMUM = 50
/** So that some withdrawals come too early, and others do not. */
const UNBONDING_MS = 5_000

type Tags = Record<string, string>

export function marketplace(): Workload {
  let names: MarketNames = { coin: '', stakes: '', market: '', assets: [] }
  const orders: Order[] = []
  return {
    name: 'marketplace',
    tokenNames: ['hyper-coin', ...ASSETS],
    contracts: [COIN, ASSET, MARKET],
    processes: (context) => {
      const { place, partitions } = context
      const all = {
        stakes: place('hb-contract', 0),
        coin: place('hyper-coin', 1 % partitions),
        market: place('ucm', 2 % partitions),
        assets: ASSETS.map((name, at) => place(name, (3 + at) % partitions)),
      }
      names = {
        stakes: all.stakes.id,
        coin: all.coin.id,
        market: all.market.id,
        assets: all.assets.map(({ id }) => id),
      }
      return processesOf(context, all)
    },
    models: (source) => [
      [source(COIN), tokenModel],
      [source(ASSET), tokenModel],
      [source(MARKET), marketModel],
      [STAKES, stakesModel],
    ],
    draft: (turn): Draft => {
      const { random, network, generation, wallet } = turn
      const { target, action, tags } = marketRequest(turn, names, orders)
      const few = random.below(12) === 0 ? { hops: random.below(7), count: random.below(12) } : {}
      const place = { network: network.id, generation }
      const bytes = wallet.sign(messageFields(place, { target, action, tags, ...few }))
      if (action === 'Create-Order') {
        orders.unshift({ id: parseDataItem(bytes).id, owner: wallet.address })
        orders.length = Math.min(orders.length, 40)
      }
      return { bytes }
    },
    judge: (ending) => conserved(ending, names),
  }
}

type Places = {
  readonly coin: Placed
  readonly stakes: Placed
  readonly market: Placed
  readonly assets: readonly Placed[]
}

function processesOf(
  { addresses, source }: GenesisContext,
  { coin, stakes, market, assets }: Places,
): GenesisProcess[] {
  // the last comes without a stake
  const staked = addresses.slice(0, -1)
  const user = Object.fromEntries(staked.map((address) => [address, String(STAKE)]))
  const inMarket = { [market.id]: String(DEPOSIT * addresses.length) }
  const held = { [stakes.id]: String(STAKE * staked.length), ...inMarket }
  const process = ({ name, nonce }: Placed, path: string, state: GenesisProcess['state']) => {
    return { name, nonce, engine: 'quickjs' as const, source: source(path), state }
  }
  const hb = { hyperCoin: coin.id, unbondingMs: UNBONDING_MS, stakes: { user } }
  const fees = { feeBps: 30, feeAccount: addresses[0] }
  const tokens = [coin, ...assets]
  const deposits = Object.fromEntries(
    addresses.flatMap((who) => tokens.map(({ id }) => [`${who}/${id}`, String(DEPOSIT)])),
  )
  const depositCount = Object.keys(deposits).length
  const stake = { hbContract: stakes.id, minimumStake: String(MINIMUM) }
  const ucm = { ...stake, ...fees, deposits, depositCount }
  return [
    { name: stakes.name, nonce: stakes.nonce, engine: 'native', source: STAKES, state: hb },
    process(coin, COIN, mint('HYPE', addresses, COINS, held)),
    process(market, MARKET, ucm),
    ...assets.map((asset) => process(asset, ASSET, mint('ASSET', addresses, UNITS, inMarket))),
  ]
}

function mint(ticker: string, addresses: readonly string[], each: number, held: Tags) {
  const balances = { ...Object.fromEntries(addresses.map((who) => [who, String(each)])), ...held }
  return { name: ticker, ticker, denomination: 0, balances }
}
