// The network of these tests: a token of which the owner has all, and a till that takes it.

import { startNetwork } from 'hollowbeam/testing'
import type { LogChoice, TestNetwork } from 'hollowbeam/testing'

export const DAY_MS = 86_400_000

const contract = (name: string): URL => new URL(`../contracts/${name}.ts`, import.meta.url)

export function startShop(log: LogChoice = 'memory'): Promise<TestNetwork> {
  return startNetwork({
    log,
    wallets: ['owner', 'alice', 'bob'],
    contracts: {
      token: {
        file: contract('vesting'),
        partition: 0,
        state: (address) => ({ owner: address('owner'), balances: { [address('owner')]: '1000' } }),
      },
      till: {
        file: contract('till'),
        partition: 1,
        state: (address) => ({ token: address('token') }),
      },
    },
  })
}
