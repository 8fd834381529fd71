// One seed, one world: virtual time, an agenda of what happens when, and randomness of the seed.
//
// Invariants: W1 time advances only when nothing can run: the next event begins when every promise
// that the last one settled has been followed to its end. W2 nothing here knows the machine's time,
// its randomness or its sockets, so the same seed gives the same trace. W3 events of one instant
// happen in the order in which they were planned.

import { createHash } from 'node:crypto'
import type { Random } from '../../../src/std/random.ts'
import { seededRandom } from '../../../src/std/random.ts'
import type { Situation } from '../situations.ts'
import { Agenda } from './agenda.ts'

/** Virtual times are µs since the world began. */
export const MS = 1_000
export const SECOND = 1_000_000

/** What the machines' clocks show when the world begins: 2026-01-01, in ms. */
export const EPOCH_MS = 1_767_225_600_000

export type Planned = { readonly at: number; cancelled: boolean; readonly run: () => void }

/** Lines of the trace that are hashed in one piece. */
const TRACE_PIECE = 64

export type WorldOptions = {
  /** Gets every line of the trace. */
  readonly onTrace?: (line: string) => void
}

export class World {
  readonly seed: number
  readonly #agenda = new Agenda()
  readonly #hash = createHash('sha256')
  readonly #onTrace: ((line: string) => void) | undefined
  readonly #streams = new Map<string, Random>()
  readonly #situations = new Map<Situation, number>()
  #lines: string[] = []
  #now = 0
  #steps = 0
  #failure: Error | undefined

  constructor(seed: number, options: WorldOptions = {}) {
    this.seed = seed
    this.#onTrace = options.onTrace
  }

  /** µs since the world began. */
  get now(): number {
    return this.#now
  }

  /** Events so far. */
  get steps(): number {
    return this.#steps
  }

  /** The stream of one subsystem: what another one draws changes nothing in it. */
  random(subsystem: string): Random {
    let stream = this.#streams.get(subsystem)
    if (stream === undefined) {
      const digest = createHash('sha256').update(`${this.seed}/${subsystem}`).digest()
      stream = seededRandom(digest.readUInt32LE(0))
      this.#streams.set(subsystem, stream)
    }
    return stream
  }

  /** Plans an event; `cancelled` may be set until it happens. */
  after(delayUs: number, run: () => void): Planned {
    const planned = { at: this.#now + Math.max(0, Math.round(delayUs)), cancelled: false, run }
    this.#agenda.add(planned)
    return planned
  }

  /** Goes into the trace: what happened, in words that the same seed repeats. */
  trace(line: string): void {
    const whole = `${this.#now} ${line}`
    this.#onTrace?.(whole)
    this.#lines.push(whole)
    if (this.#lines.length >= TRACE_PIECE) this.#hashLines()
  }

  /** A named situation came about: what a run covered is told by them. */
  saw(situation: Situation): void {
    this.#situations.set(situation, (this.#situations.get(situation) ?? 0) + 1)
  }

  get situations(): ReadonlyMap<Situation, number> {
    return this.#situations
  }

  /** Ends the run: the harness itself is at fault. */
  fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error))
  }

  /** Events happen until the condition holds, or virtual time is over; false: it is over. */
  async runUntil(isSo: () => boolean, untilUs: number): Promise<boolean> {
    for (;;) {
      // every promise that can go on does so before the next turn of the event loop
      await turn()
      if (this.#failure !== undefined) throw this.#failure
      if (isSo()) return true
      const next = this.#agenda.next(untilUs)
      if (next === undefined) {
        this.#now = Math.max(this.#now, untilUs)
        return false
      }
      this.#now = next.at
      this.#steps += 1
      next.run()
    }
  }

  /** Of everything traced so far. */
  traceHash(): string {
    this.#hashLines()
    return this.#hash.copy().digest('hex')
  }

  #hashLines(): void {
    if (this.#lines.length === 0) return
    this.#hash.update(this.#lines.join('\n')).update('\n')
    this.#lines = []
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
