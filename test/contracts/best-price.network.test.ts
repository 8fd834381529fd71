// Best-price as the network runs it: bundled, in sandboxes, the deadline told by the clock.

import { fileURLToPath } from 'node:url'

import { expect, test } from '@jest/globals'

import type { BestPriceState } from '../../contracts/best-price/purchase.ts'
import { startNetwork } from '../../src/testing/index.ts'
import { eventually } from '../support/waiting.ts'

const contract = (name: string) => ({
  file: fileURLToPath(new URL(`../../contracts/${name}.ts`, import.meta.url)),
})

test('a shop that says nothing holds nobody up: the clock tells the deadline', async () => {
  await using network = await startNetwork({
    clock: true,
    strict: true,
    wallets: ['ada', 'owner'],
    contracts: {
      u: { ...contract('token/contract'), state: (of) => ({ balances: { [of('ada')]: '100' } }) },
      goods: { ...contract('token/contract'), state: (of) => ({ balances: { [of('owner')]: '50' } }) },
      cheap: {
        ...contract('best-price/shop'),
        state: (of) => ({ token: of('u'), goods: of('goods'), price: '3' }),
      },
      silent: { source: 'exports.handle = () => ({})' },
      best: {
        ...contract('best-price/contract'),
        state: (of) => ({ token: of('u'), shops: [of('silent'), of('cheap')] }),
      },
    },
  })
  const transfer = (by: string, token: string, to: string, Quantity: string) => {
    const tags = { Recipient: network.address(to), Quantity }
    return network.send(by, token, { action: 'Transfer', tags }).settled()
  }
  await transfer('owner', 'goods', 'cheap', '50')
  await transfer('ada', 'u', 'best', '100')
  const best = network.contract<BestPriceState>('best')
  await best.send('ada', 'Buy', { tags: { Quantity: '10', Limit: '40' } }).settled()
  expect((await best.state()).requests.open).toBe(2)
  network.advance(10_000)
  await eventually(async () => {
    const [answer] = (await network.received('ada')).filter(({ tag }) => tag['Order'] !== undefined)
    expect(answer?.tag).toMatchObject({ Action: 'Buy-Reply', Status: 'bought', Price: '30' })
  })
  const { deposits, requests } = await best.state()
  expect([Object.values(deposits), requests.open]).toEqual([['70'], 0])
  expect((await network.rebuild()).identical).toBe(true)
})
