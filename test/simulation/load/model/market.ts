// The universal content market as a model: deposits, orders in the order in which they came to
// rest, and orders that wait for the word of the HB contract. The best maker is searched for each
// time; prices are whole numbers of 10^-18.

import type { Call, MakeModel, Sent } from './model.ts'
import { add, amounts, amountsOf, isAddress, message, modelOf } from './model.ts'
import { notice, positive, refuse } from './model.ts'

const UNIT = 10n ** 18n
const FILLS_MAX = 40

type Order = {
  readonly id: string
  readonly owner: string
  readonly side: 'sell' | 'buy'
  readonly base: string
  readonly quote: string
  /** 0 for a market order. */
  readonly price: bigint
  left: bigint
}
type State = {
  readonly hbContract: string
  readonly minimum: bigint
  readonly feeBps: bigint
  readonly feeAccount: string
  readonly deposits: Map<string, bigint>
  orders: Order[]
  readonly parked: Map<string, Order>
  asked: number
}

export const marketModel: MakeModel = (spawned) => {
  const state: State = {
    hbContract: spawned['hbContract'] as string,
    minimum: BigInt((spawned['minimumStake'] ?? '10') as string),
    feeBps: BigInt((spawned['feeBps'] ?? 0) as number),
    feeAccount: (spawned['feeAccount'] ?? '') as string,
    deposits: amountsOf(spawned['deposits']),
    orders: [],
    parked: new Map(),
    asked: 0,
  }
  return modelOf(state, {
    handle,
    expected: (now) => ({
      deposits: amounts(now.deposits),
      orders: Object.fromEntries(now.orders.map(({ id, left }) => [id, String(left)])),
      parked: Object.fromEntries([...now.parked].map(([reference, { id }]) => [reference, id])),
    }),
    seen: ({ deposits, orders, requests }) => {
      const { tasks } = requests as { tasks: Record<string, { context: { id: string } }> }
      const resting = Object.entries(orders as Record<string, { left: string }>)
      return {
        deposits,
        orders: Object.fromEntries(resting.map(([id, { left }]) => [id, left])),
        parked: Object.fromEntries(
          Object.entries(tasks).map(([at, { context }]) => [at, context.id]),
        ),
      }
    },
  })
}

function handle(state: State, call: Call): Sent[] {
  const { kind, caller } = call
  if (kind === 'spawn') return []
  if (kind !== 'message') return answered(state, call)
  switch (call.tag('Action')) {
    case 'Create-Order':
      return createOrder(state, call)
    case 'Cancel-Order': {
      const id = call.tag('Order')
      if (!isAddress(id)) return refuse('address-malformed')
      const order = state.orders.find((each) => each.id === id) ?? refuse('order-unknown')
      if (order.owner !== caller) refuse('order-foreign')
      state.orders = state.orders.filter((each) => each !== order)
      deposit(state, caller, given(order), order.left)
      const Returned = String(order.left)
      return [notice(caller, 'Cancel-Order-Reply', { Order: id, Token: given(order), Returned })]
    }
    case 'Withdraw-Deposit': {
      const token = call.tag('Token')
      if (!isAddress(token)) return refuse('address-malformed')
      const asked = call.tag('Quantity')
      const free = state.deposits.get(`${caller}/${token}`) ?? 0n
      const quantity =
        asked === undefined ? free : (positive(asked) ?? refuse('amount-malformed'))
      if (quantity === 0n || quantity > free) refuse('deposit-insufficient')
      deposit(state, caller, token, -quantity)
      return [pay(token, caller, quantity)]
    }
    case 'Deposit-Of': {
      const token = call.tag('Token')
      const account = call.tag('Address') ?? caller
      if (!isAddress(token) || !isAddress(account)) return refuse('address-malformed')
      const Quantity = String(state.deposits.get(`${account}/${token}`) ?? 0n)
      return [notice(caller, 'Deposit-Of-Reply', { Token: token, Quantity })]
    }
    case 'Info':
      return [notice(caller, 'Info-Reply', { Orders: String(state.orders.length) })]
    default:
      return refuse('action-unknown')
  }
}

function createOrder(state: State, call: Call): Sent[] {
  const { id, caller: owner } = call
  const type = call.tag('Type')
  const side = call.tag('Side')
  if (type !== 'limit' && type !== 'market') return refuse('order-malformed')
  if (side !== 'sell' && side !== 'buy') return refuse('order-malformed')
  const [base, quote] = [call.tag('Base'), call.tag('Quote')]
  if (!isAddress(base) || !isAddress(quote)) return refuse('address-malformed')
  const left = positive(call.tag('Quantity')) ?? refuse('amount-malformed')
  if (base === quote) refuse('order-malformed')
  const price = type === 'limit' ? priceOf(call.tag('Price')) : 0n
  if (type === 'market' && call.tag('Price') !== undefined) refuse('order-malformed')
  if (type === 'limit' && isDust(side, price, left)) refuse('order-too-small')
  if (call.hops < 4) refuse('order-hops')
  if (call.count < FILLS_MAX + 4) refuse('order-count')
  const order = { id, owner, side, base, quote, price, left } as const
  if ((state.deposits.get(`${owner}/${given(order)}`) ?? 0n) < left) refuse('deposit-insufficient')
  deposit(state, owner, given(order), -left)
  const Reference = String(state.asked++)
  state.parked.set(Reference, { ...order })
  return [message(state.hbContract, { Action: 'Stake-Of', Address: owner, Reference })]
}

/** Notices and bounces: a stake's answer, a deposit, or a transfer of ours that failed. */
function answered(state: State, call: Call): Sent[] {
  const { kind, caller } = call
  const reference = call.tag('Reference') ?? ''
  const order = state.parked.get(reference)
  const isAnswer = kind === 'bounce' || call.tag('Action') === 'Stake-Of-Reply'
  if (order !== undefined && caller === state.hbContract && isAnswer) {
    state.parked.delete(reference)
    const isEnough = BigInt(call.tag('Quantity') ?? '0') >= state.minimum
    const mayPlace = call.count >= FILLS_MAX + 2
    if (kind !== 'bounce' && isEnough && mayPlace) return place(state, order)
    const short = isEnough ? 'order-count' : 'stake-insufficient'
    const told = refused(state, order, kind === 'bounce' ? 'stake-check-bounce' : short)
    return call.hops > 0 && call.count > 0 ? told : []
  }
  if (kind === 'bounce') {
    const [account, quantity] = [call.tag('X-Deposit-Account'), call.tag('X-Deposit-Quantity')]
    if (isAddress(account) && quantity !== undefined) {
      deposit(state, account, caller, positive(quantity) ?? 0n)
    }
    return []
  }
  const [sender, quantity] = [call.tag('Sender'), positive(call.tag('Quantity'))]
  if (call.tag('Action') !== 'Credit-Notice' || call.from !== 'process') return []
  if (isAddress(sender) && quantity !== undefined) deposit(state, sender, caller, quantity)
  return []
}

function place(state: State, order: Order): Sent[] {
  const whole = order.left
  const sent: Sent[] = []
  let got = 0n
  let fills = 0
  let isFull = false
  for (; order.left > 0n; fills += 1) {
    const maker = bestFor(state, order)
    if (maker === undefined) break
    if (fills === FILLS_MAX) {
      isFull = true
      break
    }
    const { base, quote } = fillOf(order, maker)
    if (base === 0n || quote === 0n) break
    const [gives, gets] = order.side === 'sell' ? [base, quote] : [quote, base]
    order.left -= gives
    const net = (gets * (10_000n - state.feeBps)) / 10_000n
    if (state.feeBps > 0n) deposit(state, state.feeAccount, given(maker), gets - net)
    got += net
    maker.left -= gets
    sent.push(pay(given(order), maker.owner, gives))
    const trade = { Action: 'Trade', Maker: maker.id, Taker: order.id }
    sent.push({ kind: 'event', target: '', tags: trade })
    if (isDust(maker.side, maker.price, maker.left)) {
      deposit(state, maker.owner, given(maker), maker.left)
      state.orders = state.orders.filter((each) => each !== maker)
    }
  }
  if (got > 0n) sent.push(pay(wanted(order), order.owner, got))
  const rests = order.price > 0n && !isFull && !isDust(order.side, order.price, order.left)
  if (order.price === 0n && order.left === whole) return refused(state, order, 'nothing-to-match')
  if (rests) state.orders.push(order)
  else deposit(state, order.owner, given(order), order.left)
  const Status = rests ? 'open' : order.left === 0n ? 'filled' : 'closed'
  const [Given, Received] = [String(whole - order.left), String(got)]
  const Returned = String(rests ? 0n : order.left)
  const tags = { Order: order.id, Status, Given, Received, Returned }
  return [...sent, notice(order.owner, 'Create-Order-Reply', tags)]
}

function bestFor({ orders }: State, { side, base, quote, price }: Order): Order | undefined {
  let best: Order | undefined
  for (const maker of orders) {
    if (maker.side === side || maker.base !== base || maker.quote !== quote) continue
    const isFar = side === 'buy' ? maker.price > price : maker.price < price
    if (price > 0n && isFar) continue
    const gain = maker.price - (best?.price ?? 0n)
    if (best === undefined || (side === 'buy' ? gain < 0n : gain > 0n)) best = maker
  }
  return best
}

function fillOf(taker: Order, { price, left }: Order): { base: bigint; quote: bigint } {
  if (taker.side === 'buy') {
    const affordable = (taker.left * UNIT) / price
    const base = affordable < left ? affordable : left
    return { base, quote: (base * price + UNIT - 1n) / UNIT }
  }
  const affordable = (left * UNIT) / price
  const offered = affordable < taker.left ? affordable : taker.left
  const quote = (offered * price) / UNIT
  return { base: (quote * UNIT + price - 1n) / price, quote }
}

/** What is left buys or sells nothing any more. */
function isDust(side: string, price: bigint, left: bigint): boolean {
  if (left === 0n || side === 'sell') return left === 0n
  return (((left * UNIT) / price) * price) / UNIT === 0n
}

function refused(state: State, order: Order, Error: string): Sent[] {
  deposit(state, order.owner, given(order), order.left)
  return [notice(order.owner, 'Order-Refused', { Order: order.id, Error })]
}

function pay(token: string, account: string, quantity: bigint): Sent {
  const Quantity = String(quantity)
  const own = { 'X-Deposit-Account': account, 'X-Deposit-Quantity': Quantity }
  return message(token, { Action: 'Transfer', Recipient: account, Quantity, ...own })
}

function priceOf(text: string | undefined): bigint {
  const [, whole = '', places = ''] =
    /^(0|[1-9][0-9]{0,77})(?:\.([0-9]{0,17}[1-9]))?$/.exec(text ?? '') ?? refuse('price-malformed')
  const price = BigInt(whole) * UNIT + BigInt(places.padEnd(18, '0'))
  return price === 0n ? refuse('price-malformed') : price
}

function deposit({ deposits }: State, account: string, token: string, amount: bigint): void {
  add(deposits, `${account}/${token}`, amount)
}

function given({ side, base, quote }: Pick<Order, 'side' | 'base' | 'quote'>): string {
  return side === 'sell' ? base : quote
}

function wanted({ side, base, quote }: Order): string {
  return side === 'sell' ? quote : base
}
