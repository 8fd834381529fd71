// What is known of a stake, and for how long.

import { beforeEach, describe, expect, test } from '@jest/globals'

import { STAKES_MAX, contract, crank, newQueue, newStakes, requireStake, stakeRefusal } from '../../src/lib/index.ts'
import type { Ended, Fields, Outgoing, RequestQueue, Stakes } from '../../src/lib/index.ts'
import { handle as hbContract } from '../../src/system/hb-contract.ts'
import { handle as token } from '../../contracts/token/contract.ts'
import { Network, idOf } from '../contracts/network.ts'

const UNBONDING_MS = 10_000
const SAM = idOf('Sam')
const DMAC = idOf('DMac')

type Club = { hb: string; queue: RequestQueue; stakes?: Stakes; told: string[] }

const stakeOf = (state: Club, account: string) => ({ hbContract: state.hb, account, role: 'user', amount: '50' })

const club = contract<Club>({
  spawn: (state, message) => {
    state.queue = newQueue(message)
    return undefined
  },
  actions: {
    Enter: (state, message): Outgoing[] => {
      const { caller } = message
      const next = { then: 'answered', context: caller }
      const asked = requireStake(state.queue, message, stakeOf(state, caller), next, state.stakes)
      if (asked === undefined) state.told.push('known')
      return asked ?? []
    },
  },
  crank: crank({
    queue: (state) => state.queue,
    steps: {
      answered: (state, account: string, ended: Ended) => {
        state.told.push(stakeRefusal(stakeOf(state, account), ended, state.stakes))
        return undefined
      },
    },
  }),
})

let network: Network
let coin: string
let hb: string
beforeEach(() => {
  network = new Network()
  coin = network.spawn('coin', token, { balances: { [SAM]: '1000', [DMAC]: '1000' } })
  hb = network.spawn('hb', hbContract, { hyperCoin: coin, unbondingMs: UNBONDING_MS })
})

function spawnClub(state: object = { stakes: newStakes() }): string {
  return network.spawn('club', club, { hb, told: [], ...state })
}

function stake(wallet: string, quantity: string): void {
  network.send(wallet, coin, { Action: 'Transfer', Recipient: hb, Quantity: quantity, 'X-Action': 'Stake' })
  network.settle()
}

function enter(process: string, wallet: string): string[] {
  const { text, sent } = network.send(wallet, process, { Action: 'Enter' })
  expect(text).toBe('')
  const asked = sent.map(({ tags }) => tags['Action'] as string)
  network.settle()
  return asked
}

const told = (process: string): string[] => network.state<Club>(process).told

describe('a stake', () => {
  test('is asked of the HB contract, with its unbonding time the first time, and kept for half of that', () => {
    const process = spawnClub()
    stake(SAM, '60')
    expect(enter(process, SAM)).toEqual(['Stake-Of', 'Info'])
    expect(network.state<Club>(process).stakes?.unbondingMs).toBe(UNBONDING_MS)
    expect(enter(process, SAM)).toEqual([])
    network.send(SAM, hb, { Action: 'Unstake', Quantity: '60' })
    network.time += UNBONDING_MS / 2 - 100
    expect(enter(process, SAM)).toEqual([])
    network.time += 100
    expect(enter(process, SAM)).toEqual(['Stake-Of'])
    expect(told(process)).toEqual(['', 'known', 'known', 'stake-insufficient'])
  })

  test('that does not suffice is asked about again', () => {
    const process = spawnClub()
    stake(SAM, '49')
    enter(process, SAM)
    stake(SAM, '1')
    enter(process, SAM)
    expect(told(process)).toEqual(['stake-insufficient', ''])
  })

  test('is never kept where no list is given, nor by who has another account', () => {
    const process = spawnClub({})
    for (const wallet of [SAM, SAM, DMAC]) {
      stake(wallet, '60')
      expect(enter(process, wallet)).toEqual(['Stake-Of'])
    }
    expect(told(process)).toEqual(['', '', ''])
  })

  test('of an HB contract that fails is none', () => {
    const process = spawnClub()
    network.failing = ({ target }) => target === hb
    enter(process, SAM)
    expect(told(process)).toEqual(['stake-check-bounce'])
  })
})

describe('answers', () => {
  const question = { account: SAM, role: 'user', amount: '50' }
  const good = { Address: SAM, Role: 'user', Quantity: '50' }
  const ended = (tags: Fields<string>, more: Partial<Ended> = {}): Ended =>
    ({ outcome: 'reply', answers: [], askedAt: 5, message: { tags } as unknown as Ended['message'], ...more })

  test.each<[Fields<string>, Partial<Ended>, string]>([
    [good, {}, ''],
    [{ ...good, Quantity: '49' }, {}, 'stake-insufficient'],
    [{ ...good, Address: DMAC }, {}, 'stake-check-malformed'],
    [{ ...good, Role: 'dre' }, {}, 'stake-check-malformed'],
    [{ ...good, Quantity: '-1' }, {}, 'stake-check-malformed'],
    [{}, {}, 'stake-check-malformed'],
    [good, { outcome: 'expired' }, 'stake-check-expired'],
  ])('%j %j', (tags, more, wanted) => {
    expect(stakeRefusal(question, ended(tags, more))).toBe(wanted)
  })

  test('are kept up to a bound, the oldest going first; an older answer replaces no newer one', () => {
    const stakes: Stakes = { ...newStakes(), unbondingMs: 100 }
    for (let n = 0; n < STAKES_MAX + 2; n += 1) {
      const account = idOf(`account ${n}`)
      stakeRefusal({ ...question, account }, ended({ ...good, Address: account }), stakes)
    }
    expect(Object.keys(stakes.known)).toHaveLength(STAKES_MAX)
    expect(Object.keys(stakes.order)).toHaveLength(STAKES_MAX)
    expect(stakes.known).not.toHaveProperty(`user/${idOf('account 1')}`)
    stakeRefusal(question, ended({ ...good, Quantity: '70' }, { askedAt: 9 }), stakes)
    stakeRefusal(question, ended(good, { askedAt: 8 }), stakes)
    expect(stakes.known[`user/${SAM}`]).toEqual({ amount: '70', until: 59 })
  })

  test('of an HB contract that does not tell its unbonding time are kept for no time', () => {
    const stakes = newStakes()
    const reply = { outcome: 'reply' as const, caller: hb, data: '' }
    for (const tags of [{}, { 'Unbonding-Ms': 'x' }] as Fields<string>[]) {
      const answers = [{ ...reply, tags: good }, { ...reply, tags }]
      expect(stakeRefusal(question, ended({}, { answers }), stakes)).toBe('')
    }
    expect([stakes.unbondingMs, stakes.known[`user/${SAM}`]?.until]).toEqual([0, 5])
  })
})
