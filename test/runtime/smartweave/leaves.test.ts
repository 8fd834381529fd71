// Leaves written in the place of leaves take a short way (LISTED of overlay.ts): what comes of it
// must be what comes of the long one, diff of before and after.
import fc from 'fast-check'
import { expect, test } from '@jest/globals'
import { changesText, diff, stateSize, type JsonObject } from '../../../src/protocol/changes.ts'
import { createSmartweaveRuntime } from '../../../src/runtime/smartweave/runtime.ts'
import { actionText, LIMITS, moduleOf } from '../fixture.ts'

/** `special`: leaves that an action's JSON cannot say. */
const SOURCE = `export function handle(state, { input }) {
  const special = [-0, NaN, Infinity, undefined]
  for (const [where, key, value, at] of input.writes) {
    const container = where.reduce((outer, name) => outer[name], state)
    container[key] = at === null ? value : special[at]
  }
  return { state }
}`
const START = {
  n: 1,
  text: 'a',
  yes: true,
  none: null,
  inner: { n: -2.5, text: 'ü"\n', yes: false, '7': 7, deeper: { n: 1e300, text: '' } },
  list: [1, 'two', true],
}
type Write = readonly [
  where: readonly string[],
  key: string,
  value: unknown,
  at: number | null,
]

const write: fc.Arbitrary<Write> = fc.tuple(
  fc.constantFrom([], ['inner'], ['inner', 'deeper'], ['list']),
  fc.constantFrom('n', 'text', 'yes', 'none', '7', '1', 'fresh', 'constructor'),
  fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(null, '', 'longer "quoted" \u2028 text', 1, 'a'),
  ),
  fc.oneof({ weight: 12, arbitrary: fc.constant(null) }, fc.nat(3)),
)

/** The state after the writes, null where JSON does not have it. */
function after(before: string, writes: readonly Write[]): string | null {
  const state = JSON.parse(before) as Record<string, unknown>
  const left = new Map<string, boolean>()
  for (const [where, key, value, at] of writes) {
    const container = where.reduce<Record<string, unknown>>(
      (outer, name) => outer[name] as Record<string, unknown>,
      state,
    )
    if (Array.isArray(container) && key !== '1') return null
    const given = at === null ? value : [-0, NaN, Infinity, undefined][at]
    container[key] = given
    const isBad = Number.isNaN(given) || given === Infinity
    left.set([...where, key].join('/'), isBad || (given === undefined && Array.isArray(container)))
  }
  return [...left.values()].includes(true) ? null : JSON.stringify(state)
}

test('random writes of leaves: changes, size and state are those of a deep copy', () => {
  const runtime = createSmartweaveRuntime()
  const module = { ...moduleOf(SOURCE), engine: 'smartweave' as const }
  let kept = 0
  fc.assert(
    fc.property(fc.array(fc.array(write, { maxLength: 4 }), { maxLength: 4 }), (messages) => {
      let before = JSON.stringify(START)
      const instance = runtime.open(module, before, LIMITS)
      for (const writes of messages) {
        const got = instance.evaluate(actionText({ input: { writes } }))
        const next = after(before, writes)
        if (next === null) expect(got.status).toBe('error')
        else {
          const [old, state] = [before, next].map((text) => JSON.parse(text) as JsonObject)
          const changes = changesText(diff(old as JsonObject, state as JsonObject))
          expect(got).toMatchObject({ status: 'ok', changes, stateBytes: stateSize(next) })
          before = next
          kept += 1
        }
        expect(instance.snapshot()).toBe(before)
      }
      instance.close()
    }),
    { numRuns: 150 },
  )
  runtime.close()
  expect(kept).toBeGreaterThan(80)
})

test('the short way is taken: numbers cost no more gas than texts', () => {
  const runtime = createSmartweaveRuntime()
  const module = { ...moduleOf(SOURCE), engine: 'smartweave' as const }
  const instance = runtime.open(module, JSON.stringify(START), LIMITS)
  const gasOf = (value: unknown, key: string): number =>
    instance.evaluate(actionText({ input: { writes: [[['inner'], key, value, null]] } })).gas
  const texts = gasOf('b', 'text')
  expect(gasOf(5, 'n') - texts).toBeLessThan(10)
  expect(gasOf(0.1, 'n') - texts).toBeLessThan(10)
  // a new key goes the long way
  expect(gasOf(5, 'fresh') - texts).toBeGreaterThan(20)
  runtime.close()
})
