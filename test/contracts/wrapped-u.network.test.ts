// Wrapped U on a whole network in memory: bundled, in the sandbox, across partitions.

import { expect, test } from '@jest/globals'

import type { TokenState } from '../../contracts/token/core.ts'
import type { WrappedState } from '../../contracts/wrapped-u/contract.ts'
import { startNetwork } from '../../src/testing/index.ts'

const contract = (name: string): URL => new URL(`../../contracts/${name}/contract.ts`, import.meta.url)

test('wrap, pass on, burn, and a log that fails meanwhile', async () => {
  await using network = await startNetwork({
    strict: true,
    wallets: ['alice', 'bob'],
    contracts: {
      u: {
        file: contract('token'),
        partition: 0,
        state: (address) => ({ ticker: 'U', balances: { [address('alice')]: '100' } }),
      },
      wrapped: {
        file: contract('wrapped-u'),
        partition: 1,
        state: (address) => ({ u: address('u'), ticker: 'wU' }),
      },
    },
  })
  const u = network.contract<TokenState>('u')
  const wrapped = network.contract<WrappedState>('wrapped')
  const [alice, bob] = [network.address('alice'), network.address('bob')]
  const wrap = { Recipient: wrapped.id, Quantity: '60' }
  network.faults.next(['unacknowledged', 'lost'])
  expect((await u.send('alice', 'Transfer', { tags: wrap }).settled()).errors).toEqual([])
  expect(await wrapped.state()).toMatchObject({ balances: { [alice]: '60' }, supply: '60' })

  await wrapped.send('alice', 'Transfer', { tags: { Recipient: bob, Quantity: '25' } }).settled()
  network.faults.next('doubled', { topic: 'ingress' })
  const burn = wrapped.send('bob', 'Burn', { tags: { Quantity: '20', Recipient: alice } })
  expect((await burn.settled()).errors).toEqual([])
  const told = (await network.received('bob')).at(-1)
  expect(told?.tag).toMatchObject({ Action: 'Burn-Reply', Status: 'released', Quantity: '20' })
  expect(await wrapped.state()).toMatchObject({ supply: '40', pending: '0' })
  expect((await wrapped.state()).balances).toEqual({ [alice]: '35', [bob]: '5' })
  expect((await u.state()).balances).toEqual({ [alice]: '60', [wrapped.id]: '40' })

  const bad = { Recipient: wrapped.id, Quantity: '10', 'X-Recipient': 'nobody' }
  await u.send('alice', 'Transfer', { tags: bad }).settled()
  expect((await u.state()).balances).toEqual({ [alice]: '60', [wrapped.id]: '40' })
  expect(await network.rebuild()).toMatchObject({ identical: true, different: [] })
})
