// SmartWeave contracts in our sandbox against what Warp made of the same interactions: state and
// verdict after each of a thousand, by the digests that were recorded of Warp. `npm run test:warp`
// runs both side by side. And proof that the comparison sees a difference.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Runtime } from '../../src/runtime/port.ts'
import { createSmartweaveRuntime } from '../../src/runtime/smartweave/runtime.ts'
import { bigBundle } from './big-bundle.ts'
import { countsOf, digestOf, firstDifference } from './compare.ts'
import { corpus, runOf } from './corpus.ts'
import { ourOutcomes } from './our-side.ts'
import { readRecorded, RECORDED_SEED } from './recorded.ts'
import type { Outcome } from './warp-side.ts'

const LINES = 10_000
let runtime: Runtime
beforeAll(() => {
  runtime = createSmartweaveRuntime()
})
afterAll(() => runtime.close())

describe('after every interaction as Warp has it:', () => {
  const recorded = readRecorded()
  test('every contract of the corpus is recorded, with verdicts of several kinds', () => {
    expect(Object.keys(recorded)).toEqual(corpus().map(({ name }) => name))
    for (const { count, counts } of Object.values(recorded)) {
      expect(count).toBe(1_000)
      const { ok, error, exception, skipped } = counts
      expect(Math.min(ok, error + exception, skipped)).toBeGreaterThan(0)
    }
  })
  const contracts = corpus().map((contract) => [contract.name, contract] as const)
  test.each(contracts)('%s', (name, contract) => {
    const run = runOf(contract, recorded[name]?.count ?? 0, RECORDED_SEED)
    const outcomes = ourOutcomes(runtime, contract, run)
    expect(countsOf(outcomes)).toEqual(recorded[name]?.counts)
    expect(digestOf(outcomes)).toBe(recorded[name]?.digest)
  })
})

test('the bundle has ten thousand lines, the same each time', () => {
  expect(bigBundle().split('\n').length).toBeGreaterThanOrEqual(LINES)
  expect(bigBundle()).toBe(bigBundle())
})

describe('the comparison sees', () => {
  const outcome: Outcome = { verdict: 'ok', text: '', state: '{"a":1,"b":2}' }
  const different: Readonly<Record<string, Partial<Outcome>>> = {
    'another verdict': { verdict: 'error' },
    'another state': { state: '{"a":1,"b":3}' },
    'another order of keys': { state: '{"b":2,"a":1}' },
    'a result': { result: 0 },
    'an event': { event: {} },
  }
  test.each(Object.entries(different))('%s', (_, part) => {
    const other = { ...outcome, ...part }
    expect(firstDifference([outcome, outcome], [outcome, other])).toMatch(/^interaction 1/)
    expect(digestOf([other])).not.toBe(digestOf([outcome]))
  })
  test('another message of an error, and of an exception that the contract worded', () => {
    for (const verdict of ['error', 'exception'] as const) {
      const [a, b] = ['Error: a', 'Error: b'].map((text) => ({ ...outcome, verdict, text }))
      expect(firstDifference([a as Outcome], [b as Outcome])).toMatch(/^interaction 0/)
    }
  })
  test('a missing outcome, and nothing where there is nothing', () => {
    expect(firstDifference([outcome], [])).toBe('1 outcomes, not 0')
    expect(firstDifference([outcome], [{ ...outcome }])).toBeUndefined()
  })
})
