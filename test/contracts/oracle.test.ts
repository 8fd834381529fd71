// The price feed: who may set and subscribe, who is told what.

import { expect, test } from '@jest/globals'

import { SUBSCRIBERS_MAX, handle } from '../../contracts/oracle/contract.ts'
import type { OracleState } from '../../contracts/oracle/contract.ts'
import { DMAC, SAM } from './market.ts'
import { Network, idOf } from './network.ts'

function open(state = {}): { network: Network; oracle: string } {
  const network = new Network()
  return { network, oracle: network.spawn('oracle', handle, { owner: DMAC, ...state }) }
}

test('subscribers are told every price, with the time of its entry', () => {
  const { network, oracle } = open({ subscribers: [SAM], name: 'gold in dollars' })
  const late = idOf('late')
  for (const Price of ['10', '9.5']) network.send(DMAC, oracle, { Action: 'Set-Price', Price })
  const set = network.results.at(-1)?.action.timestamp
  network.send(DMAC, oracle, { Action: 'Subscribe', Address: late })
  network.send(DMAC, oracle, { Action: 'Subscribe', Address: late })
  network.send(DMAC, oracle, { Action: 'Unsubscribe', Address: SAM })
  network.send(DMAC, oracle, { Action: 'Set-Price', Price: '9' })
  network.settle()
  const told = (to: string) =>
    network.notices.filter(({ target }) => target === to).map(({ tags }) => `${tags['Sequence']} ${tags['Price']}`)
  expect(told(SAM)).toEqual(['1 10', '2 9.5'])
  expect(told(late)).toEqual(['2 9.5', '2 9.5', '3 9'])
  expect(network.notices.find(({ target }) => target === late)?.tags['At']).toBe(String(set))
})

test('the price is answered, none before the first', () => {
  const { network, oracle } = open()
  const asked = () => network.send(SAM, oracle, { Action: 'Price', Reference: '5' }).sent[0]?.tags
  expect(asked()).toEqual({ Action: 'Price-Reply', Reference: '5' })
  network.send(DMAC, oracle, { Action: 'Set-Price', Price: '10' })
  expect(asked()).toMatchObject({ Price: '10', Sequence: '1' })
})

test.each([
  [SAM, { Action: 'Set-Price', Price: '10' }, /^owner-only: /],
  [SAM, { Action: 'Subscribe', Address: SAM }, /^owner-only: /],
  [SAM, { Action: 'Unsubscribe', Address: SAM }, /^owner-only: /],
  [DMAC, { Action: 'Set-Price', Price: '0' }, /^price-malformed: /],
  [DMAC, { Action: 'Set-Price' }, /^price-malformed: /],
  [DMAC, { Action: 'Subscribe', Address: 'Sam' }, /^address-malformed: /],
  [DMAC, { Action: 'Subscribe', Address: SAM }, /^subscribers-full: /],
])('%s %j is refused', (by, tags, why) => {
  const subscribers = Array.from({ length: SUBSCRIBERS_MAX }, (_, at) => idOf(`subscriber ${at}`))
  const { network, oracle } = open({ subscribers })
  expect(network.send(by, oracle, tags).text).toMatch(why)
  expect(network.state<OracleState>(oracle)).toMatchObject({ price: '', subscribers })
})

test('a spawn without an owner, or with too many subscribers, fails', () => {
  expect(() => open({ owner: 'me' })).toThrow(/address-malformed/)
  const subscribers = Array.from({ length: SUBSCRIBERS_MAX + 1 }, (_, at) => idOf(`subscriber ${at}`))
  expect(() => open({ subscribers })).toThrow(/input-malformed: .*subscribers/)
})
