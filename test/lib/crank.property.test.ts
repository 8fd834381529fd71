// The crank under answers that are late, doubled, forged, bounced or silent, and steps that throw.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'

import { all, later, request } from '../../src/lib/index.ts'
import type { Action, Outgoing, RequestQueue } from '../../src/lib/index.ts'
import { Asker, BANK, CLOCK, MALLORY, SELF, dueTimes, sentAs } from './asking.ts'

const number = fc.nat(25).map(String)
const move = fc.oneof(
  fc.record({ do: fc.constant('ask' as const), deadlineMs: fc.integer({ min: 1, max: 300 }), kind: fc.nat(3) }),
  fc.record({ do: fc.constant('answer' as const), number, kind: fc.constantFrom('notice' as const, 'bounce' as const) }),
  fc.record({ do: fc.constant('forge' as const), number, caller: fc.constantFrom(MALLORY, CLOCK) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 400 }), alarm: fc.boolean() }),
  fc.record({ do: fc.constant('move' as const), pick: fc.nat(), again: fc.boolean() }),
  fc.record({ do: fc.constant('break' as const), step: fc.constantFrom('done', 'failed') }),
)
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never

class Run {
  readonly asker: Asker
  asked = 0
  /** What the process sent itself: on its way, and arrived. */
  private moving: Outgoing[] = []
  private readonly arrived: Outgoing[] = []

  constructor(withClock: boolean) {
    this.asker = new Asker(withClock ? { clock: CLOCK } : {})
  }

  do(wanted: Move): void {
    const { asker } = this
    asker.now += 1
    switch (wanted.do) {
      case 'ask':
        return this.keep(asker.during((queue, message) => this.ask(queue, message, wanted)))
      case 'answer':
        return this.attempt({
          kind: wanted.kind,
          caller: BANK,
          tags: { Action: 'Look-Reply', Reference: wanted.number },
        })
      case 'forge':
        return this.forge(wanted.number, wanted.caller)
      case 'wait':
        asker.now += wanted.ms
        return wanted.alarm ? this.alarm() : this.keep(asker.during(() => []))
      case 'move':
        return this.move(wanted.pick, wanted.again)
      case 'break':
        if (!asker.failing.delete(wanted.step)) asker.failing.add(wanted.step)
    }
  }

  /** All answers stay away: deadlines alone must end what is open. */
  finish(): void {
    this.asker.failing.clear()
    for (let round = 0; this.asker.state.queue.open > 0; round += 1) {
      if (round > 200) throw new Error('tasks stay parked')
      this.asker.now += 200_000_000
      this.keep(this.asker.during(() => []))
      while (this.moving.length > 0) this.move(0, false)
    }
  }

  private ask(queue: RequestQueue, message: Action, wanted: { deadlineMs: number; kind: number }): Outgoing[] {
    const go = { then: 'done', orElse: 'failed', context: this.asked, deadlineMs: wanted.deadlineMs }
    this.asked += 1
    const look = { target: BANK, action: 'Look' }
    if (wanted.kind === 1) return all(queue, message, [look, look], go)
    if (wanted.kind > 1) return [request(queue, message, { ...look, ...go })]
    later(queue, message, go)
    return []
  }

  private forge(Reference: string, caller: string): void {
    const tags = { Action: 'Look-Reply', Reference, 'X-Deadline': Reference, Name: 'x' }
    for (const kind of ['notice', 'bounce'] as const) this.attempt({ kind, caller, tags })
    this.attempt({ kind: 'message', caller, tags: { ...tags, Action: 'Deadline' } })
    this.attempt({ kind: 'message', caller, tags: { ...tags, Action: 'Look-Reply' } })
    this.attempt({ kind: 'notice', caller: SELF, tags: { ...tags, Action: 'Deadline' } })
  }

  private alarm(): void {
    const tags = { Action: 'Alarm', Name: 'hb-deadline' }
    this.attempt({ kind: 'notice', caller: CLOCK, tags, hops: 32, count: 256 })
  }

  private move(pick: number, again: boolean): void {
    const from = again ? this.arrived : this.moving
    if (from.length === 0) return
    const told = from[pick % from.length] as Outgoing
    if (!again) {
      this.moving.splice(pick % from.length, 1)
      this.arrived.push(told)
    }
    this.attempt({ kind: 'message', caller: SELF, tags: told.tags ?? {} })
  }

  private keep(sent: Outgoing[]): void {
    this.moving.push(...sentAs(sent, 'Deadline'))
  }

  /** A message of the process to itself that fails comes back, as R5 has it. */
  private attempt(changes: Partial<Action>): void {
    try {
      this.keep(this.asker.deliver(changes))
    } catch (error) {
      expect((error as Error).message).toMatch(/ fails$|^action-unknown/)
      if (changes.kind !== 'message' || changes.caller !== SELF) return
      this.keep(this.asker.deliver({ ...changes, kind: 'bounce' }))
    }
  }
}

test('each task ends exactly once, and ends at last', () => {
  let ends = 0
  const outcomes = new Set<string>()
  fc.assert(
    fc.property(fc.array(move, { maxLength: 80, size: 'max' }), fc.boolean(), (moves, withClock) => {
      const run = new Run(withClock)
      for (const wanted of moves) {
        run.do(wanted)
        const { queue } = run.asker.state
        dueTimes(queue)
        expect(queue.open).toBe(Object.keys(queue.tasks).length)
      }
      run.finish()
      const { ended } = run.asker.state
      const seen = ended.map(({ context }) => context as number).sort((a, b) => a - b)
      expect(seen).toEqual(Array.from({ length: run.asked }, (_, at) => at))
      ends += seen.length
      for (const { outcome } of ended) outcomes.add(outcome)
    }),
    { numRuns: 150 },
  )
  expect(ends).toBeGreaterThan(500)
  expect([...outcomes].sort()).toEqual(['bounce', 'expired', 'reply'])
})
