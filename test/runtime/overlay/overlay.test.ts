// The overlay in V8 against a deep copy: every observation, the verdict, the text of the state with its key order, the
// changes (they must be diff of before and after), and the size.
import { describe, expect, test } from '@jest/globals'
import {
  applyChanges,
  changesText,
  composeChanges,
  diff,
  stateSize,
  type Changes,
  type JsonObject,
} from '../../../src/protocol/changes.ts'
import { compileOverlay, readOverlayScript } from '../../../src/runtime/overlay/overlay.ts'
import { PROGRAM, randomOps, REFUSED, START, strictCopy } from '../programs.ts'

const makeOverlay = compileOverlay(readOverlayScript())
type Run = { log: unknown[]; err?: number; ret?: unknown }
// The programs must see this realm's intrinsics, as the overlay does.
const exec = new Function(`'use strict'; ${PROGRAM}; return exec`)() as (
  state: unknown,
  ops: unknown,
  bad: boolean,
) => Run
const parse = (text: string): JsonObject => JSON.parse(text) as JsonObject

function modelOf(before: string, ops: unknown, bad: boolean): { run: Run; after: string; refused: boolean } {
  const run = exec(parse(before), ops, bad)
  if (run.err !== undefined) return { run, after: before, refused: false }
  try {
    return { run, after: JSON.stringify(strictCopy(run.ret)), refused: false }
  } catch (error) {
    if (error !== REFUSED) throw error
    return { run, after: before, refused: true }
  }
}

function newOverlay(text: string): ReturnType<typeof makeOverlay> {
  const overlay = makeOverlay({ depth: 64, size: 1_000_000, charge: () => undefined })
  overlay.load(text, stateSize(text))
  return overlay
}

describe('overlay', () => {
  test('random programs: same observations, verdict, state, changes and size as a deep copy', () => {
    const seen = { ok: 0, thrown: 0, refused: 0, moved: 0 }
    for (let seed = 0; seed < 4_000; seed++) {
      const overlay = newOverlay(START)
      let before = START
      const all: Changes[] = []
      for (let message = 0; message < 3; message++) {
        const ops = randomOps(seed * 7 + message)
        const bad = seed % 3 === 0
        const model = modelOf(before, ops, bad)
        const run = exec(overlay.begin(), ops, bad)
        let edit: readonly unknown[] | undefined
        let refused = false
        try {
          if (run.err === undefined) edit = overlay.settle(run.ret)
        } catch (error) {
          expect(overlay.codeOf(error)).toBe('state-not-json')
          refused = true
        }
        const label = { seed, message, ops: JSON.stringify(ops), before }
        expect({ ...label, log: run.log.join('|') }).toEqual({ ...label, log: model.run.log.join('|') })
        expect({ ...label, refused }).toEqual({ ...label, refused: model.refused })
        if (run.err !== undefined || refused) {
          overlay.undo()
          if (refused) seen.refused += 1
          else seen.thrown += 1
        } else {
          overlay.install()
          seen.ok += 1
          const text = JSON.stringify(edit ?? [])
          const want = changesText(diff(parse(before), parse(model.after)))
          expect({ ...label, text }).toEqual({ ...label, text: want })
          if (text.includes(',[]]')) seen.moved += 1
          all.push(JSON.parse(text) as Changes)
        }
        expect({ ...label, state: overlay.snapshot() }).toEqual({ ...label, state: model.after })
        expect(overlay.size()).toBe(stateSize(model.after))
        before = model.after
      }
      const composed = applyChanges(parse(START), composeChanges(all))
      expect({ seed, text: JSON.stringify(composed) }).toEqual({ seed, text: before })
    }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(100)
  })

  test('what a message kept is dead after it', () => {
    const overlay = newOverlay('{"a":{"b":[1]}}')
    const state = overlay.begin() as { a: { b: number[] } }
    const { a } = state
    const { b } = a
    overlay.settle(undefined)
    expect(() => (a.b = [2])).toThrow('state-closed')
    overlay.install()
    overlay.begin()
    for (const use of [() => a.b, () => b.length, () => Object.keys(a), () => 'b' in a, () => b[0]]) {
      expect(use).toThrow('state-closed')
    }
    expect(() => (b[0] = 5)).toThrow('state-closed')
    expect(() => delete (state as { a?: unknown }).a).toThrow('state-closed')
    overlay.undo()
    expect(overlay.snapshot()).toBe('{"a":{"b":[1]}}')
  })

  test.each([
    ['accessor', (s: object) => Object.defineProperty(s, 'x', { get: () => 1 }), 'accessor'],
    ['not enumerable', (s: object) => Object.defineProperty(s, 'x', { value: 1 }), 'not writable'],
    ['freeze', (s: object) => Object.freeze(s), 'frozen'],
    ['seal', (s: object) => Object.seal(s), 'frozen'],
    ['prototype', (s: object) => Object.setPrototypeOf(s, null), 'prototype'],
    ['__proto__', (s: Record<string, unknown>) => (s['__proto__'] = { a: 1 }), '__proto__'],
    ['symbol', (s: Record<symbol, unknown>) => (s[Symbol.iterator] = 1), 'Symbol'],
  ])('refused at once: %s', (_name, act, why) => {
    const overlay = newOverlay('{"a":1}')
    const state = overlay.begin()
    let caught: unknown
    try {
      act(state as never)
    } catch (error) {
      caught = error
    }
    expect(overlay.codeOf(caught)).toBe('state-not-json')
    expect((caught as Error).message).toContain(why)
    overlay.undo()
  })

  test.each([
    ['a cycle', (s: Record<string, unknown>) => (s['c'] = { s }), 'cycle at /c/s'],
    ['a function', (s: Record<string, unknown>) => (s['f'] = [1, () => 1]), 'function at /f/1'],
    ['a hole', (s: Record<string, unknown>) => ((s['l'] as unknown[])[5] = 1), 'hole at /l/3'],
    ['Infinity', (s: Record<string, unknown>) => (s['n'] = Infinity), 'Infinity at /n'],
    ['undefined in a list', (s: Record<string, unknown>) => (s['n'] = [undefined]), 'undefined at /n/0'],
    ['a hidden key', (s: Record<string, unknown>) => (s['n'] = { [Symbol('x')]: 1 }), 'symbol key at /n'],
  ])('refused at the end, with the path: %s', (_name, act, why) => {
    const overlay = newOverlay('{"a":{"b":1},"l":[1,2,3]}')
    act(overlay.begin())
    expect(() => overlay.settle(undefined)).toThrow(why)
    overlay.undo()
    expect(overlay.snapshot()).toBe('{"a":{"b":1},"l":[1,2,3]}')
  })

  test('depth and size have limits, exactly', () => {
    const nest = (depth: number): string => '{"a":'.repeat(depth - 1) + '{}' + '}'.repeat(depth - 1)
    const overlay = makeOverlay({ depth: 5, size: 300, charge: () => undefined })
    overlay.load('{}', stateSize('{}'))
    overlay.begin()
    expect(overlay.settle(parse(nest(5)))).toBeDefined()
    overlay.undo()
    overlay.begin()
    expect(() => overlay.settle(parse(nest(6)))).toThrow('too deep')
    overlay.undo()
    const room = 300 - stateSize('{"t":""}')
    for (const [length, fits] of [
      [room, true],
      [room + 1, false],
    ] as const) {
      overlay.begin()['t'] = 'x'.repeat(length)
      if (fits) expect(overlay.settle(undefined)).toBeDefined()
      else expect(() => overlay.settle(undefined)).toThrow('larger than 300')
      overlay.undo()
    }
  })

  test('a wide object costs what was touched', () => {
    const wide = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, '1']))
    let charged = 0
    const overlay = makeOverlay({ depth: 64, size: 1e9, charge: (cost) => (charged += cost) })
    const text = JSON.stringify({ wide })
    overlay.load(text, stateSize(text))
    const state = overlay.begin() as { wide: Record<string, string> }
    state.wide['k7'] = '2'
    delete state.wide['k9']
    state.wide['new'] = '3'
    expect(overlay.settle(undefined)).toEqual([
      'o',
      ['wide', ['o', ['k7', ['=', '2']], ['k9'], ['new', ['=', '3']]]],
    ])
    overlay.install()
    expect(charged).toBe(0)
  })
})
