// The request queue: each task ends once, whatever comes, and forged answers end none.

import { beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { REQUESTS_MAX, expire, newQueue, request, resume } from '../../src/lib/index.ts'
import type { Action, Outgoing, RequestQueue, Steps } from '../../src/lib/index.ts'
import { idOf } from '../contracts/network.ts'

const BANK = idOf('bank')
type State = { queue: RequestQueue; log: [unknown, string][] }

const STEPS: Steps<State> = {
  done: (state, context, _answer, outcome) => {
    state.log.push([context, outcome])
    return undefined
  },
}

let state: State
beforeEach(() => {
  state = { queue: newQueue(), log: [] }
})

function ask(context: unknown, now = 0): Outgoing {
  return request(state.queue, { target: BANK, action: 'Look', then: 'done', context, now })
}

function answer(reference: string, changes: Partial<Action> = {}): Action {
  return {
    kind: 'notice',
    caller: BANK,
    from: 'process',
    input: null,
    id: idOf('answer'),
    height: 0,
    slot: 1,
    timestamp: 0,
    tags: { Action: 'Look-Reply', Reference: reference },
    data: '',
    dataEncoding: 'utf8',
    hops: 9,
    count: 99,
    budget: '0',
    ...changes,
  }
}

function deliver(action: Action): boolean {
  return resume(state.queue, state, action, STEPS) !== undefined
}

describe('the request queue', () => {
  test('sends the request with a Reference, and resumes with its context once', () => {
    const sent = request(state.queue, {
      target: BANK,
      action: 'Look',
      tags: { At: 'x' },
      then: 'done',
      context: { n: 1 },
      now: 0,
    })
    expect(sent).toEqual({ target: BANK, tags: { Action: 'Look', At: 'x', Reference: '0' } })
    expect(deliver(answer('0'))).toBe(true)
    expect(deliver(answer('0'))).toBe(false)
    expect(state.log).toEqual([[{ n: 1 }, 'reply']])
    expect(state.queue).toEqual({ head: 1, tail: 1, open: 0, tasks: {} })
  })

  test('a bounce resumes too, whatever its Action', () => {
    ask('a')
    const tags = { Action: 'Bounce', Error: 'x', Reference: '0' }
    expect(deliver(answer('0', { kind: 'bounce', tags }))).toBe(true)
    expect(state.log).toEqual([['a', 'bounce']])
  })

  test.each([
    ['another caller', { caller: idOf('mallory') }],
    ['another caller, a bounce', { caller: idOf('mallory'), kind: 'bounce' as const }],
    ['a message', { kind: 'message' as const }],
    ['another Action', { tags: { Action: 'Other-Reply', Reference: '0' } }],
    ['another Reference', { tags: { Action: 'Look-Reply', Reference: '1' } }],
    ['an inherited Reference', { tags: { Action: 'Look-Reply', Reference: '__proto__' } }],
    ['another spelling of the Reference', { tags: { Action: 'Look-Reply', Reference: '00' } }],
    ['no Reference', { tags: { Action: 'Look-Reply' } }],
  ])('%s resumes nothing', (_what, changes) => {
    ask('a')
    const before = JSON.stringify(state)
    expect(deliver(answer('0', changes))).toBe(false)
    expect(JSON.stringify(state)).toBe(before)
  })

  test('a step that is not there is an error, not a silence', () => {
    ask('a')
    ;(state.queue.tasks['0'] as { then: string }).then = 'toString'
    expect(() => deliver(answer('0'))).toThrow(/^step-unknown/)
  })

  test('is bounded', () => {
    for (let n = 0; n < REQUESTS_MAX; n += 1) ask(n)
    expect(() => ask('more')).toThrow(/^requests-full/)
    expect(deliver(answer('500'))).toBe(true)
    expect(ask('more').tags?.['Reference']).toBe(String(REQUESTS_MAX))
  })

  test('only the oldest that are past the deadline expire, a few at a time', () => {
    for (let n = 0; n < 5; n += 1) ask(n, n * 10)
    deliver(answer('1'))
    expire(state.queue, state, answer(''), STEPS, 30, 2)
    expect(state.log).toEqual([[1, 'reply'], [0, 'expired'], [2, 'expired']])
    expire(state.queue, state, answer(''), STEPS, 30, 2)
    expect([state.log.length, state.queue.head, state.queue.open]).toEqual([3, 3, 2])
    expect(deliver(answer('0'))).toBe(false)
  })

  test('in any order of asking, answering and expiring, each task ends exactly once', () => {
    const move = fc.oneof(fc.constant(-1), fc.constant(-2), fc.nat(20))
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        state = { queue: newQueue(), log: [] }
        let asked = 0
        let now = 0
        for (const wanted of moves) {
          now += 1
          if (wanted === -1) ask((asked += 1), now)
          else if (wanted === -2) expire(state.queue, state, answer(''), STEPS, now - 10, 3)
          else deliver(answer(String(wanted)))
          const open = Object.keys(state.queue.tasks).map(Number)
          expect(state.queue.open).toBe(open.length)
          expect(state.queue.head).toBe(open.length === 0 ? state.queue.tail : Math.min(...open))
        }
        expire(state.queue, state, answer(''), STEPS, Infinity, 100)
        const ended = state.log.map(([context]) => context as number).sort((a, b) => a - b)
        expect(ended).toEqual(Array.from({ length: asked }, (_, at) => at + 1))
      }),
      { numRuns: 200 },
    )
  })
})
