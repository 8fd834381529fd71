// The models on short logs whose outcomes are written out here by hand: what is right passes, and
// each wrong result that is planted is told.

import { expect, test } from '@jest/globals'
import type { Content } from '../../src/protocol/message.ts'
import { idOf } from '../protocol/fixtures.ts'
import { conserved } from './load/funds.ts'
import { judgeModels } from './load/model/judge.ts'
import { marketModel } from './load/model/market.ts'
import type { MakeModel } from './load/model/model.ts'
import { PlantedLog } from './load/model/planted-log.ts'
import { stakesModel } from './load/model/stakes.ts'
import { tokenModel } from './load/model/token.ts'
import { BREEDER, breederModel } from './load/breeder.ts'
import { VILLAIN, villainModel } from './load/villain.ts'

const MAKERS = new Map<string, MakeModel>([
  ['token', tokenModel],
  ['market', marketModel],
  ['stakes', stakesModel],
  [BREEDER, breederModel],
  [VILLAIN, villainModel],
])
const [ANNA, BEN, NOBODY] = [idOf('Anna'), idOf('Ben'), idOf('nobody')]

type Leaving = Pick<Content, 'kind' | 'target' | 'tags' | 'hops' | 'count'>

function leaving(
  kind: Content['kind'],
  target: string,
  tags: Record<string, string>,
  [hops, count]: readonly [number, number],
): Leaving {
  const list = Object.entries(tags).map(([name, value]) => ({ name, value }))
  return { kind, target, tags: list, hops, count }
}

function told(log: PlantedLog): string[] {
  return judgeModels(log.ending, MAKERS).map(({ invariant, text }) => `${invariant}: ${text}`)
}

/** Anna holds 10, sends 4 to Ben, and then wants to send more than she has. */
function transfers(): PlantedLog {
  const log = new PlantedLog()
  const token = log.spawn('token', 'token', { balances: { [ANNA]: '10' } })
  const debit = { Action: 'Debit-Notice', Recipient: BEN, Quantity: '4' }
  const credit = { Action: 'Credit-Notice', Sender: ANNA, Quantity: '4' }
  const sent = [
    leaving('notice', ANNA, debit, [9, 49]),
    leaving('notice', BEN, credit, [9, 49]),
  ]
  log.put(token, ANNA, { Action: 'Transfer', Recipient: BEN, Quantity: '4' }, {}, { sent })
  const refused = { code: 'contract-error', text: 'balance-insufficient: 6' }
  log.put(token, ANNA, { Action: 'Transfer', Recipient: BEN, Quantity: '7' }, {}, refused)
  log.state(token, { balances: { [ANNA]: '6', [BEN]: '4' } })
  return log
}

test('a token: what is right passes, and each thing that is wrong is told', () => {
  expect(told(transfers())).toEqual([])

  const flipped = transfers()
  Object.assign(flipped.results[2] as object, { status: 'ok', code: '', text: '' })
  expect(told(flipped)).toEqual([expect.stringContaining('outcomes-modelled: ok')])

  const mute = transfers()
  Object.assign(mute.results[1] as object, { messages: [] })
  expect(told(mute)).toEqual(['outcomes-modelled: 0 messages, not 2, by the model'])

  const generous = transfers()
  Object.assign(generous.results[1]?.messages[1] as object, { count: 50 })
  expect(told(generous)).toEqual([expect.stringContaining('messages/1 has count 50, not 49')])

  const stolen = transfers()
  stolen.state(idOf('token'), { balances: { [ANNA]: '5', [BEN]: '5' } })
  expect(told(stolen)).toEqual([expect.stringContaining('states-modelled: holds')])

  const stale = transfers()
  stale.served.get(idOf('token'))?.add(JSON.stringify({ balances: { [ANNA]: '10' } }))
  expect(told(stale)).toEqual([expect.stringContaining(`"${ANNA}":"10"`)])

  const unserved = transfers()
  unserved.served.clear()
  expect(told(unserved)).toEqual(['states-modelled: no node serves it'])
})

test('what has no process bounces, a notice does not, and a failed spawn fails for ever', () => {
  const log = new PlantedLog()
  const code = 'process-not-found'
  const tags = { Action: 'Bounce', Error: code, 'Message-Id': idOf('message 0'), Reference: '5' }
  const missing = { code, sent: [leaving('bounce', ANNA, tags, [9, 99])] }
  log.put(NOBODY, ANNA, { Reference: '5' }, { from: 'process' }, missing)
  log.put(NOBODY, ANNA, {}, { from: 'process', kind: 'notice' })
  log.put(NOBODY, ANNA, {}, {}, { code })
  const late = { from: 'wallet', kind: 'spawn', expires: 999 } as const
  log.put(BEN, ANNA, {}, late, { code: 'expired' })
  log.put(BEN, ANNA, {}, { kind: 'spawn' }, { code: 'spawn-repeated' })
  log.put(BEN, ANNA, {}, { from: 'process', kind: 'notice' }, { code: 'process-failed' })
  expect(told(log)).toEqual([])

  // a bounce that is dropped, and one that is bounced
  Object.assign(log.results[0] as object, { messages: [] })
  const again = leaving('bounce', ANNA, { Action: 'Bounce' }, [9, 99])
  const bounced = { from: 'process', kind: 'bounce' } as const
  log.put(BEN, ANNA, {}, bounced, { code: 'process-failed', sent: [again] })
  expect(told(log)).toEqual([
    'outcomes-modelled: 0 messages, not 1, by the model',
    'outcomes-modelled: 1 messages, not 0, by the model',
  ])
})

test('an error for want of hops or count leaves the state as it was', () => {
  const log = new PlantedLog()
  const token = log.spawn('token', 'token', { balances: { [ANNA]: '10' } })
  const tags = { Action: 'Transfer', Recipient: BEN, Quantity: '4' }
  log.put(token, ANNA, tags, { hops: 0 }, { code: 'hops-exhausted' })
  log.put(token, ANNA, tags, { count: 1 }, { code: 'count-exhausted' })
  log.state(token, { balances: { [ANNA]: '10' } })
  expect(told(log)).toEqual([])
  log.state(token, { balances: { [ANNA]: '6', [BEN]: '4' } })
  expect(told(log)).toHaveLength(1)
})

/** Ben sells 10 at 2; Anna buys for 9: 4 units for 8, and 1 goes back to her. */
function trades(): PlantedLog {
  const log = new PlantedLog()
  const [base, quote, hb] = [idOf('base'), idOf('quote'), idOf('hb')]
  const market = log.spawn('market', 'market', { hbContract: hb, minimumStake: '5' })
  const credit = (token: string, Sender: string, Quantity: string): void => {
    const tags = { Action: 'Credit-Notice', Sender, Quantity }
    log.put(market, token, tags, { from: 'process', kind: 'notice' })
  }
  credit(base, BEN, '10')
  credit(quote, ANNA, '9')
  const pair = { Action: 'Create-Order', Base: base, Quote: quote }
  const order = (owner: string, tags: Record<string, string>, Reference: string): string => {
    const question = { Action: 'Stake-Of', Address: owner, Reference }
    const sent = [leaving('message', hb, question, [9, 99])]
    return log.put(market, owner, { ...pair, ...tags }, {}, { sent })
  }
  const stake = (Address: string, Reference: string, sent: Leaving[]): void => {
    const tags = { Action: 'Stake-Of-Reply', Address, Role: 'user', Quantity: '5', Reference }
    log.put(market, hb, tags, { from: 'process', kind: 'notice' }, { sent })
  }
  const sell = order(BEN, { Type: 'limit', Side: 'sell', Quantity: '10', Price: '2' }, '0')
  stake(BEN, '0', [
    leaving('notice', BEN, { Order: sell, ...reply('open', 0, 0, 0) }, [9, 99]),
  ])
  const buy = order(ANNA, { Type: 'market', Side: 'buy', Quantity: '9' }, '1')
  const moves = (Recipient: string, Quantity: string) => {
    const own = { 'X-Deposit-Account': Recipient, 'X-Deposit-Quantity': Quantity }
    return { Action: 'Transfer', Recipient, Quantity, ...own }
  }
  stake(ANNA, '1', [
    leaving('message', quote, moves(BEN, '8'), [9, 32]),
    leaving('event', '', { Action: 'Trade', Maker: sell, Taker: buy }, [0, 0]),
    leaving('message', base, moves(ANNA, '4'), [9, 32]),
    leaving('notice', ANNA, { Order: buy, ...reply('closed', 8, 4, 1) }, [9, 32]),
  ])
  const foreign = { code: 'contract-error', text: 'order-foreign: ' }
  log.put(market, ANNA, { Action: 'Cancel-Order', Order: sell }, {}, foreign)
  log.state(market, {
    deposits: { [`${ANNA}/${quote}`]: '1' },
    orders: { [sell]: { left: '6', side: 'sell', base, quote } },
    requests: { tasks: {} },
  })
  return log
}

function reply(Status: string, given: number, received: number, returned: number) {
  const quantities = { Given: String(given), Received: String(received) }
  return { Action: 'Create-Order-Reply', Status, ...quantities, Returned: String(returned) }
}

test('a market: a fill, its rounding, what rests and what returns', () => {
  expect(told(trades())).toEqual([])

  const short = trades()
  const paid = short.results[6]?.messages[2]?.tags[2] as { name: string; value: string }
  expect(paid.name).toBe('Quantity')
  Object.assign(paid, { value: '5' })
  expect(told(short)).toEqual([expect.stringContaining('messages/2 says Quantity 5, not 4')])

  const kept = trades()
  const market = idOf('market')
  const state = JSON.parse(kept.states.get(market) as string) as object
  kept.state(market, { ...state, deposits: {} })
  expect(told(kept)).toEqual([expect.stringContaining('states-modelled: holds')])
})

test('funds: what the market and the HB contract hold is what they owe', () => {
  const { states } = trades()
  const [market, coin, stakes] = [idOf('market'), idOf('quote'), idOf('hb')]
  const names = { coin, stakes, market, assets: [idOf('base')] }
  states.set(idOf('base'), JSON.stringify({ balances: { [market]: '6' } }))
  states.set(coin, JSON.stringify({ balances: { [market]: '1', [stakes]: '12' } }))
  const part = { amount: '3', role: 'user', at: 5 }
  const staked = {
    stakes: { user: { [ANNA]: '5' }, dre: { [BEN]: '1' } },
    unbonding: { [ANNA]: [part] },
    pendingWithdrawals: { tasks: { 0: { context: { parts: [part] } } } },
  }
  states.set(stakes, JSON.stringify(staked))
  expect(conserved({ states }, names)).toEqual([])
  states.set(coin, JSON.stringify({ balances: { [market]: '2', [stakes]: '11' } }))
  expect(conserved({ states }, names).map(({ text }) => text)).toEqual([
    'the market holds 2, and owes 1',
    'the HB contract holds 11, and owes 12',
  ])
})

test('stakes: what unbonds is due later, and returns when its payment bounces', () => {
  const log = new PlantedLog()
  const [coin, hb] = [idOf('coin'), idOf('hb')]
  const staked = { user: { [ANNA]: '9' } }
  log.spawn('hb', 'stakes', { hyperCoin: coin, unbondingMs: 100, stakes: staked })
  const answer = { Action: 'Unstake-Reply', Role: 'user', Quantity: '4' }
  const unstaked = leaving('notice', ANNA, answer, [9, 99])
  log.put(hb, ANNA, { Action: 'Unstake', Quantity: '4' }, {}, { sent: [unstaked] })
  log.timestamp = 1_099
  const early = { code: 'contract-error', text: 'nothing-due: the next' }
  log.put(hb, ANNA, { Action: 'Withdraw' }, {}, early)
  log.timestamp = 1_100
  const paid = { Action: 'Transfer', Recipient: ANNA, Quantity: '4', Reference: '0' }
  const sent = [leaving('message', coin, paid, [9, 99])]
  log.put(hb, ANNA, { Action: 'Withdraw' }, {}, { sent })
  log.put(hb, coin, { Reference: '0' }, { from: 'process', kind: 'bounce' })
  const roles = { dre: {}, sequencer: {}, relayer: {}, fisher: {} }
  const state = {
    stakes: { user: { [ANNA]: '5' }, ...roles },
    unbonding: { [ANNA]: [{ amount: '4', role: 'user', at: 1_100 }] },
    pendingWithdrawals: { tasks: {} },
  }
  log.state(hb, state)
  expect(told(log)).toEqual([])
  log.state(hb, { ...state, unbonding: {} })
  expect(told(log)).toEqual([expect.stringContaining('states-modelled: holds')])
})

test('villains: an act that must fail must fail in its own way, and leave nothing behind', () => {
  const log = new PlantedLog()
  const names = { self: idOf('villain'), peer: BEN, nobody: NOBODY }
  const villain = log.spawn('villain', VILLAIN, { n: 0, bounces: 0, ...names })
  log.put(villain, ANNA, { Action: 'Loop' }, {}, { code: 'gas-exhausted', text: 'out of gas' })
  log.put(villain, ANNA, { Action: 'Poke' })
  const bombs = ['1', '2'].map((bomb) =>
    leaving('message', NOBODY, { Action: 'Poke', 'X-Bomb': bomb }, [9, 49]),
  )
  const bounced = { from: 'process', kind: 'bounce' } as const
  log.put(villain, NOBODY, { Action: 'Bounce', 'X-Bomb': 'yes' }, bounced, { sent: bombs })
  log.state(villain, { n: 2, bounces: 1, ...names })
  expect(told(log)).toEqual([])

  log.state(villain, { n: 2, bounces: 1, ...names, rich: true })
  expect(told(log)).toEqual([expect.stringContaining('"rest":["rich"]')])
  log.state(villain, { n: 3, bounces: 1, ...names })
  log.put(villain, ANNA, { Action: 'Deep' })
  expect(told(log)).toEqual([
    expect.stringContaining('the model says error state-not-json'),
    expect.stringContaining('states-modelled: holds'),
  ])
})

test('a breeder: three spawns, and a greeting for whoever says that it was born', () => {
  const log = new PlantedLog()
  const breeder = log.spawn('breeder', BREEDER, { born: 0, bounces: 0, last: NOBODY })
  const spawn = leaving('spawn', '', {}, [9, 32])
  log.put(breeder, ANNA, { Action: 'Breed' }, {}, { sent: [spawn, spawn, spawn] })
  const hello = leaving('message', BEN, { Action: 'Hello' }, [9, 99])
  log.put(breeder, BEN, { Action: 'Born' }, { from: 'process', kind: 'notice' }, { sent: [hello] })
  log.put(breeder, NOBODY, {}, { from: 'process', kind: 'bounce' })
  log.state(breeder, { born: 1, bounces: 1, last: BEN })
  expect(told(log)).toEqual([])
  log.state(breeder, { born: 1, bounces: 2, last: BEN })
  expect(told(log)).toHaveLength(1)
})
