// What a lending pool does at a price that is stale, on short logs written out by hand.

import { expect, test } from '@jest/globals'
import { idOf } from '../protocol/fixtures.ts'
import { PlantedLog } from './load/model/planted-log.ts'
import { poolPrices } from './load/pool-prices.ts'

type Outcome = NonNullable<Parameters<PlantedLog['put']>[4]>

const [POOL, ORACLE, ANNA] = [idOf('pool'), idOf('oracle'), idOf('Anna')]
const RULE = { pool: POOL, oracle: ORACLE, stalenessMs: 1_000 }
/** When the oracle set its price, and a time at which that counts, and one at which not. */
const [SET_AT, FRESH, STALE] = [2_000, 3_000, 3_001]
const REFUSED: Outcome = { code: 'contract-error', text: 'price-stale: wait' }
const POOR: Outcome = { code: 'contract-error', text: 'funds-insufficient: 0' }

function sends(kind: 'notice' | 'event', tags: Record<string, string>): Outcome {
  const list = Object.entries(tags).map(([name, value]) => ({ name, value }))
  return { sent: [{ kind, target: ANNA, tags: list, hops: 0, count: 0 }] }
}

type Step = readonly [at: number, action: string, outcome?: Outcome]

function judged(steps: readonly Step[], priceAt = SET_AT) {
  const log = new PlantedLog()
  log.spawn('pool', 'pool', {})
  log.timestamp = SET_AT
  const price = { Action: 'Price-Notice', Price: '2', At: String(priceAt) }
  log.put(POOL, ORACLE, price, { from: 'process', kind: 'notice' })
  for (const [at, Action, outcome] of steps) {
    log.timestamp = at
    if (Action !== 'Repay') log.put(POOL, ANNA, { Action }, {}, outcome)
    else log.put(POOL, idOf('dollar'), { 'X-Action': Action, Sender: ANNA }, { kind: 'notice' })
  }
  return poolPrices(log.ending, RULE)
}

const told = (...steps: Step[]): string =>
  judged(steps)
    .violations.map(({ text }) => text)
    .join()

test('at a fresh price it lends, at a stale one it refuses, and says which it is', () => {
  expect(
    told(
      [FRESH, 'Borrow'],
      [FRESH, 'Info', sends('notice', { 'Price-Fresh': 'true' })],
      [FRESH, 'Sweep', sends('event', { Action: 'Liquidation', Borrower: ANNA })],
      [STALE, 'Borrow', REFUSED],
      [STALE, 'Withdraw', REFUSED],
      [STALE, 'Info', sends('notice', { 'Price-Fresh': 'false' })],
    ),
  ).toBe('')
})

test('collateral that secures nothing is given back at any price', () => {
  expect(told([STALE, 'Withdraw'])).toBe('')
  expect(told([FRESH, 'Borrow'], [FRESH, 'Repay'], [STALE, 'Withdraw'])).toBe('')
})

test.each<readonly [string, ...Step[]]>([
  ['lent at a stale price', [STALE, 'Borrow']],
  ['funds-insufficient: 0 at a stale price', [STALE, 'Borrow', POOR]],
  ['collateral of a debt', [FRESH, 'Borrow'], [STALE, 'Withdraw']],
  ['without a debt', [STALE, 'Withdraw', REFUSED]],
  ['liquidated', [STALE, 'Sweep', sends('event', { Action: 'Liquidation', Borrower: ANNA })]],
  ['called fresh', [STALE, 'Info', sends('notice', { 'Price-Fresh': 'true' })]],
  ['called stale', [FRESH, 'Info', sends('notice', { 'Price-Fresh': 'false' })]],
  ['health', [STALE, 'X', sends('notice', { Action: 'Position-Of-Reply', Health: '1' })]],
  ['refused as stale', [FRESH, 'Borrow', REFUSED]],
])('it is told: %s', (text, ...steps) => {
  expect(told(...steps)).toContain(text)
})

test('a price that comes late is as old as it says, and one from ahead no younger than now', () => {
  const late = judged([[SET_AT, 'Borrow', REFUSED]], SET_AT - 1_001)
  expect(late).toEqual({ violations: [], hasCounted: false })
  const ahead = judged([[STALE, 'Borrow', REFUSED]], SET_AT + 50_000)
  expect(ahead).toEqual({ violations: [], hasCounted: true })
})
