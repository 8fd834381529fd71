// The lending pool on a whole network in memory, with the real clock and its ticker: a price that
// falls liquidates, and where none comes the alarm does, with no message of anybody but the ticker.

import { afterEach, expect, test } from '@jest/globals'

import type { LendingState } from '../../contracts/lending/state.ts'
import type { TokenState } from '../../contracts/token/core.ts'
import { startNetwork } from '../../src/testing/index.ts'
import type { TestNetwork } from '../../src/testing/index.ts'

const HOUR = 3_600_000
const contract = (name: string): URL => new URL(`../../contracts/${name}/contract.ts`, import.meta.url)

let network: TestNetwork | undefined
afterEach(() => network?.close())

/** Alice has 100 gold at 10 dollars, and owes 750. */
async function open(options: Partial<LendingState> = {}): Promise<TestNetwork> {
  const opened = await startNetwork({
    strict: true,
    clock: true,
    wallets: ['alice', 'lender', 'feeder'],
    contracts: {
      gold: {
        file: contract('token'),
        partition: 0,
        state: (address) => ({ balances: { [address('alice')]: '100' } }),
      },
      dollar: {
        file: contract('token'),
        partition: 1,
        state: (address) => ({ balances: { [address('lender')]: '10000' } }),
      },
      oracle: {
        file: contract('oracle'),
        partition: 1,
        state: (address) => ({ owner: address('feeder'), subscribers: [address('pool')] }),
      },
      pool: {
        file: contract('lending'),
        partition: 1,
        state: (address) => ({
          collateral: address('gold'),
          loan: address('dollar'),
          oracle: address('oracle'),
          lender: address('lender'),
          clock: address('clock'),
          ...options,
        }),
      },
    },
  })
  network = opened
  const recipient = opened.address('pool')
  const pay = (by: string, token: string, Quantity: string, action: string) =>
    opened.contract(token).send(by, 'Transfer', {
      tags: { Recipient: recipient, Quantity, 'X-Action': action },
    })
  await pay('lender', 'dollar', '10000', 'Fund').settled()
  await pay('alice', 'gold', '100', 'Deposit').settled()
  await setPrice(opened, '10')
  const borrow = opened.contract('pool').send('alice', 'Borrow', { tags: { Quantity: '750' } })
  expect((await borrow.settled()).errors).toEqual([])
  return opened
}

async function setPrice(opened: TestNetwork, Price: string): Promise<void> {
  const { errors } = await opened.contract('oracle').send('feeder', 'Set-Price', { tags: { Price } }).settled()
  expect(errors).toEqual([])
}

/** The pool's state once it has seized something. */
async function liquidated(opened: TestNetwork): Promise<LendingState> {
  const pool = opened.contract<LendingState>('pool')
  for (let left = 2_000; left > 0; left -= 1) {
    const state = await pool.state()
    if (state.seized !== '0') return state
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error('nothing was liquidated')
}

/** What must be there of both tokens. */
async function expectHeld(opened: TestNetwork): Promise<void> {
  const { seized, cash, positions } = await opened.contract<LendingState>('pool').state()
  const [gold, dollar] = [opened.contract<TokenState>('gold'), opened.contract<TokenState>('dollar')]
  const collateral = positions[opened.address('alice')]?.collateral ?? '0'
  const pool = opened.address('pool')
  expect((await gold.state()).balances[pool]).toBe(String(Number(seized) + Number(collateral)))
  expect((await dollar.state()).balances[pool]).toBe(cash)
  expect(await opened.rebuild()).toMatchObject({ identical: true, different: [] })
}

test('a price that falls liquidates by itself, and the borrower is told', async () => {
  const opened = await open({ rateBps: 0 })
  await setPrice(opened, '9.3')
  const { seized, covered, heap } = await liquidated(opened)
  // x = (750 - 697.5) ÷ 0.2125 = 247.06, seized 248 × 1.05 ÷ 9.3 = 28
  expect([covered, seized, heap.length]).toEqual(['248', '28', 1])
  const told = (await opened.received('alice')).at(-1)
  expect(told?.tag).toMatchObject({ Action: 'Liquidation-Notice', Covered: '248', Seized: '28' })
  await expectHeld(opened)
})

test('interest alone: the ticker’s poke, the alarm, the liquidation, and no other message', async () => {
  const opened = await open({ rateBps: 100_000, stalenessMs: 24 * HOUR, sweepMs: HOUR })
  const pool = opened.contract<LendingState>('pool')
  const before = (await opened.received('pool')).length
  // at ten times a year, 80 % of the value after 58 hours; the price is told again twice
  for (let hour = 1; hour <= 50; hour += 1) {
    opened.advance(HOUR)
    if (hour % 20 === 0) await setPrice(opened, '10')
  }
  await setPrice(opened, '10')
  expect((await pool.state()).seized).toBe('0')
  const quiet = (await opened.received('pool')).length
  expect(quiet).toBeGreaterThan(before)
  opened.advance(10 * HOUR)
  expect(Number((await liquidated(opened)).seized)).toBeGreaterThan(0)
  const since = (await opened.received('pool')).slice(quiet)
  expect(since.map(({ tag }) => tag['Action'])).toEqual(since.map(() => 'Alarm'))
  await expectHeld(opened)
})
