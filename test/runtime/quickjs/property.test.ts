// Inside the sandbox: random programs against a deep copy in V8, and closing and reopening at any point.
import { beforeAll, describe, expect, test } from '@jest/globals'
import { changesText, diff, stateSize, type JsonObject } from '../../../src/protocol/changes.ts'
import type { Evaluation, Instance, Runtime } from '../../../src/runtime/port.ts'
import { createQuickjsRuntime } from '../../../src/runtime/quickjs/runtime.ts'
import { seededRandom } from '../../../src/std/random.ts'
import { actionText, LIMITS, moduleOf } from '../fixture.ts'
import { PROGRAM, randomOps, REFUSED, START, strictCopy } from '../programs.ts'

type Run = { log: unknown[]; err?: number; ret?: unknown }
const exec = new Function(`'use strict'; ${PROGRAM}; return exec`)() as (
  state: unknown,
  ops: unknown,
  bad: boolean,
) => Run
const parse = (text: string): JsonObject => JSON.parse(text) as JsonObject

const CONTRACT = moduleOf(`${PROGRAM}
exports.handle = (state, { input }) => {
  const run = exec(state, input.ops, input.bad)
  if (run.err) return { status: 'thrown ' + run.log.join('|') }
  return { state: run.ret, messages: [{ data: run.log.join('|') }] }
}`)

let runtime: Runtime
beforeAll(() => {
  runtime = createQuickjsRuntime()
})

describe('quickjs: random programs', () => {
  test('observations, verdict, state, changes and size are those of a deep copy', () => {
    const seen = { ok: 0, thrown: 0, refused: 0 }
    for (let seed = 0; seed < 250; seed++) {
      const instance = runtime.open(CONTRACT, START, LIMITS)
      let before = START
      for (let message = 0; message < 8; message++) {
        const ops = randomOps(100_000 + seed * 8 + message)
        const bad = seed % 3 === 0
        const label = { seed, message, ops: JSON.stringify(ops), before }
        const model = exec(parse(before), ops, bad)
        const log = model.log.join('|')
        const got = instance.evaluate(actionText({ input: { ops, bad } }))
        if (model.err !== undefined) {
          const text = `thrown ${log}`.slice(0, 512)
          expect({ ...label, got }).toMatchObject({ ...label, got: { code: 'contract-error', text } })
          seen.thrown += 1
        } else {
          const after = tryCopy(model.ret)
          if (after === undefined) {
            expect({ ...label, got }).toMatchObject({ ...label, got: { code: 'state-not-json' } })
            seen.refused += 1
          } else {
            const changes = changesText(diff(parse(before), parse(after)))
            const stateBytes = stateSize(after)
            const messages = [{ data: log }]
            expect({ ...label, got }).toMatchObject({ ...label, got: { changes, stateBytes, messages } })
            before = after
            seen.ok += 1
          }
        }
        expect({ ...label, state: instance.snapshot() }).toEqual({ ...label, state: before })
      }
      instance.close()
    }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(50)
  })
})

function tryCopy(value: unknown): string | undefined {
  try {
    return JSON.stringify(strictCopy(value))
  } catch (error) {
    if (error === REFUSED) return undefined
    throw error
  }
}

/** Iterates keys, allocates, catches, awaits, throws: whatever might remember. */
const RESTLESS = moduleOf(`
${PROGRAM}
let calls = 0
const cache = new Map()
function deep(n) { return n === 0 ? 0 : 1 + deep(n - 1) }
exports.handle = async (state, action) => {
  const { ops, turns, depth, how } = action.input
  calls++
  const log = [calls, cache.size, Math.random(), Date.now()]
  cache.set(calls, 1)
  const run = exec(state, ops, false)
  log.push(run.log.join())
  for (const key of Object.keys(state)) { log.push(key); for (const k in state[key]) log.push(k) }
  if (how === 1) await null
  if (how === 2) await Promise.all([1, 2, 3].map(async (n) => { await null; state.n = n }))
  let text = ''
  for (let i = 0; i < turns; i++) text += String.fromCharCode(97 + (i % 26))
  log.push(text.length, [...text].sort().join('').slice(0, 9), JSON.stringify(state).length)
  try { log.push(deep(depth)) } catch (e) { log.push(e.message) }
  state['k' + turns] = { at: action.timestamp, big: String(BigInt(turns) ** 7n) }
  if (how === 3) throw new Error('no ' + log.join())
  return { messages: log.map(String) }
}`)

describe('quickjs: history leaves no trace (R4)', () => {
  test.each([[100_000_000], [9_000], [4_000]])(
    'reopened at any point, with gas %d: every byte of every result is the same',
    (gasMax) => {
      const limits = { ...LIMITS, gasMax }
      const random = seededRandom(gasMax)
      const codes = new Set<string>()
      for (let round = 0; round < 12; round++) {
        let warm = runtime.open(RESTLESS, START, limits)
        let other = runtime.open(RESTLESS, START, limits)
        let base = START
        let journal: string[] = []
        for (let message = 0; message < 12; message++) {
          const input = {
            ops: randomOps(random.uint32()),
            turns: random.below(60),
            depth: random.below(4) === 0 ? 100_000 : random.below(50),
            how: random.below(4),
          }
          const action = actionText({ input, timestamp: 1_700_000_000_000 + message })
          const a = warm.evaluate(action)
          const b = other.evaluate(action)
          expect({ round, message, b }).toEqual({ round, message, b: a })
          codes.add(a.status === 'ok' ? 'ok' : a.code)
          if (a.status === 'ok') journal.push(a.changes)
          expect(other.snapshot()).toBe(warm.snapshot())
          if (random.below(3) === 0) {
            other.close()
            if (random.below(2) === 0) [base, journal] = [warm.snapshot(), []]
            other = runtime.open(RESTLESS, base, limits, journal)
          }
          if (random.below(9) === 0) [warm, other] = [other, warm]
        }
      }
      expect(codes.has(gasMax > 1e6 ? 'contract-error' : 'gas-exhausted')).toBe(true)
      expect(codes.has('ok')).toBe(true)
    },
  )

  test('gas is exact: a limit of what it took is enough, one less is not', () => {
    const action = actionText({ input: { ops: randomOps(5), turns: 30, depth: 5, how: 2 } })
    const free = runtime.open(RESTLESS, START, LIMITS).evaluate(action)
    expect(free.status).toBe('ok')
    const run = (gasMax: number): Evaluation => {
      const instance: Instance = runtime.open(RESTLESS, START, LIMITS)
      instance.close()
      return runtime.open(RESTLESS, START, { ...LIMITS, gasMax }).evaluate(action)
    }
    expect(run(free.gas + 1)).toEqual(free)
    expect(run(free.gas - 1)).toMatchObject({ status: 'error', code: 'gas-exhausted', gas: free.gas - 1 })
  })
})
