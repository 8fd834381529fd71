// Lending: a pool, its two tokens and its oracle, each in a partition of its own as far as there
// are any; one wallet funds the pool, one sets the price and now and then stops for a while, the
// others deposit, borrow, repay and withdraw, rightly and not, and are liquidated when the price
// falls.

import { messageFields } from '../../../src/client/index.ts'
import type { GenesisProcess } from '../../../src/protocol/genesis.ts'
import { oracleModel } from './model/oracle.ts'
import { tokenModel } from './model/token.ts'
import { poolBooks } from './pool-books.ts'
import type { PoolNames } from './pool-books.ts'
import { poolPrices } from './pool-prices.ts'
import type { Draft, GenesisContext, Placed, Turn, Workload } from './workload.ts'
import { oneOf } from './workload.ts'

const TOKEN = 'contracts/token/contract.ts'
const ORACLE = 'contracts/oracle/contract.ts'
const POOL = 'contracts/lending/contract.ts'
const MINT = '100000'
const PRICES = ['0.75', '1', '1.5', '2', '3', '4.5', '6']
/** Longer than a run is busy, and than the pause by which it is told to be at rest. */
const SWEEP_MS = 20_000
/** How long a price counts, ms; and of each so many ms, how many none is set in at the end. */
const STALENESS_MS = 3_000
const [FEED_MS, SILENT_MS] = [20_000, 6_000]
/** So much that the pool may spend some of it on its alarm. */
const CARRIES = { hops: 24, count: 300 }

type Tags = Record<string, string>
type Names = PoolNames & { readonly oracle: string }
type Request = { readonly target: string; readonly action: string; readonly tags: Tags }

export function lending(): Workload {
  let names: Names = { pool: '', collateral: '', loan: '', oracle: '' }
  return {
    name: 'lending',
    needsClock: true,
    tokenNames: ['gold', 'dollar'],
    contracts: [TOKEN, ORACLE, POOL],
    processes: (context) => {
      const { place, partitions } = context
      const placed = {
        pool: place('pool', 0),
        collateral: place('gold', 1 % partitions),
        loan: place('dollar', 2 % partitions),
        oracle: place('oracle', 3 % partitions),
      }
      const { pool, collateral, loan, oracle } = placed
      names = { pool: pool.id, collateral: collateral.id, loan: loan.id, oracle: oracle.id }
      return processesOf(context, placed, names)
    },
    models: (source) => [
      [source(TOKEN), tokenModel],
      [source(ORACLE), oracleModel],
    ],
    draft: (turn): Draft => {
      const { random, network, generation } = turn
      const place = { network: network.id, generation }
      const few = { hops: random.below(6), count: random.below(10) }
      const carries = random.below(14) === 0 ? few : CARRIES
      return { fields: messageFields(place, { ...requestOf(turn, names), ...carries }) }
    },
    judge: (ending) => {
      const rule = { ...names, stalenessMs: STALENESS_MS }
      const { violations, hasCounted } = poolPrices(ending, rule)
      return [...violations, ...poolBooks(ending, names, hasCounted)]
    },
  }
}

function processesOf(
  { addresses, source }: GenesisContext,
  { pool, collateral, loan, oracle }: Record<keyof Names, Placed>,
  names: Names,
): GenesisProcess[] {
  const [lender, feeder] = roles(addresses)
  const balances = Object.fromEntries(addresses.map((address) => [address, MINT]))
  const process = ({ name, nonce }: Placed, path: string, state: GenesisProcess['state']) => {
    return { name, nonce, engine: 'quickjs' as const, source: source(path), state }
  }
  const { collateral: gold, loan: dollar } = names
  const tokens = { collateral: gold, loan: dollar, oracle: names.oracle, lender }
  const token = (ticker: string) => ({ name: ticker, ticker, denomination: 0, balances })
  return [
    process(collateral, TOKEN, token('GOLD')),
    process(loan, TOKEN, token('USD')),
    process(oracle, ORACLE, { owner: feeder, subscribers: [names.pool] }),
    process(pool, POOL, { ...tokens, sweepMs: SWEEP_MS, stalenessMs: STALENESS_MS }),
  ]
}

/** Who funds the pool, and who sets the price. */
function roles(addresses: readonly string[]): readonly [lender: string, feeder: string] {
  const [lender = '', feeder = lender] = addresses
  return [lender, feeder]
}

function requestOf(turn: Turn, { pool, collateral, loan, oracle }: Names): Request {
  const { random, wallet, wallets, nowMs } = turn
  const [lender, feeder] = roles(wallets.map(({ address }) => address))
  const some = (most: number): string => String(1 + random.below(most))
  const toPool = (token: string, Quantity: string, tags: Tags): Request => {
    return { target: token, action: 'Transfer', tags: { Recipient: pool, Quantity, ...tags } }
  }
  const dice = random.below(100)
  if (wallet.address === lender && dice < 50) {
    if (dice < 35) return toPool(loan, some(4_000), { 'X-Action': 'Fund' })
    const tags = { Token: oneOf(random, [loan, collateral]), Quantity: some(600) }
    return { target: pool, action: 'Withdraw-Funds', tags }
  }
  const isSilent = nowMs % FEED_MS >= FEED_MS - SILENT_MS
  const priced = wallet.address !== feeder ? 4 : isSilent ? 0 : 75
  if (dice < priced) {
    const Price = random.below(12) === 0 ? '-1' : oneOf(random, PRICES)
    return { target: oracle, action: 'Set-Price', tags: { Price } }
  }
  if (dice < 30) return toPool(collateral, some(200), { 'X-Action': 'Deposit' })
  if (dice < 58) return { target: pool, action: 'Borrow', tags: { Quantity: some(500) } }
  if (dice < 70) {
    const other = { 'X-Borrower': oneOf(random, wallets).address }
    const tags = random.below(4) === 0 ? other : {}
    return toPool(loan, some(400), { 'X-Action': 'Repay', ...tags })
  }
  if (dice < 84) {
    const tags: Tags = random.below(4) === 0 ? {} : { Quantity: some(400) }
    return { target: pool, action: 'Withdraw', tags }
  }
  // what the pool knows nothing to do with goes back to its sender
  if (dice < 90) return toPool(oneOf(random, [loan, collateral]), some(50), { 'X-Action': 'Gift' })
  const action = oneOf(random, ['Claim', 'Sweep', 'Position-Of', 'Info'])
  return { target: pool, action, tags: { Token: oneOf(random, [loan, collateral]) } }
}
