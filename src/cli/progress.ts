// How far a long command is: on a terminal one line that is written over, elsewhere a plain line
// now and then. Always on stderr: stdout carries what was asked for.
//
// Invariants: P1 nothing is shown in the first two seconds. P2 on a terminal the line is gone when
// the command prints its answer. P3 being told costs next to nothing: times are looked at, and
// nothing is written, oftener than lines are shown.

import type { Clock } from '../std/clock.ts'
import { systemClock } from '../std/clock.ts'
import type { Terminal } from './terminal.ts'

export type Progress = {
  /** `done` of `total` so far; a total may grow. */
  at(done: number, total: number): void
  /** What follows is another piece of work: counted, timed and named anew. */
  begin(what: string): void
  end(): void
}

const QUIET_MS = 2_000
const LIVE_MS = 200
const PLAIN_MS = 10_000

/** `what` in words, as "replaying partition 3"; `unit` in the plural. */
export function showProgress(
  terminal: Pick<Terminal, 'err' | 'status'>,
  what: string,
  unit: string,
  clock: Clock = systemClock,
): Progress {
  return new ShownProgress(terminal, what, unit, clock)
}

class ShownProgress implements Progress {
  readonly #terminal: Pick<Terminal, 'err' | 'status'>
  readonly #unit: string
  readonly #clock: Clock
  readonly #quietTo: number
  #what: string
  #begunAt: number
  #shownAt = -Infinity
  #isShown = false

  constructor(
    terminal: Pick<Terminal, 'err' | 'status'>,
    what: string,
    unit: string,
    clock: Clock,
  ) {
    this.#terminal = terminal
    this.#what = what
    this.#unit = unit
    this.#clock = clock
    this.#begunAt = clock.now()
    this.#quietTo = this.#begunAt + QUIET_MS
  }

  begin(what: string): void {
    this.#what = what
    this.#begunAt = this.#clock.now()
  }

  at(done: number, total: number): void {
    const now = this.#clock.now()
    const { status, err } = this.#terminal
    const everyMs = status === undefined ? PLAIN_MS : LIVE_MS
    if (now < this.#quietTo || now - this.#shownAt < everyMs) return
    this.#shownAt = now
    const text = `${this.#what}: ${measure(done, total, now - this.#begunAt, this.#unit)}`
    // a plain line that says it is done would stand beside the answer
    if (status === undefined) return done < total ? err(text) : undefined
    this.#isShown = true
    status(text)
  }

  end(): void {
    if (this.#isShown) this.#terminal.status?.('')
    this.#isShown = false
  }
}

/** "1,234 of 5,000 records (24%), 617/s, 6 s left". */
export function measure(done: number, total: number, ms: number, unit: string): string {
  const share = total > 0 ? Math.floor((Math.min(done, total) / total) * 100) : 100
  const of = `${grouped(done)} of ${grouped(total)} ${unit} (${share}%)`
  const perSecond = ms > 0 ? (done * 1_000) / ms : 0
  if (perSecond === 0) return of
  const rate = perSecond < 10 ? perSecond.toFixed(1) : grouped(Math.round(perSecond))
  return `${of}, ${rate}/s, ${span((total - done) / perSecond)} left`
}

function span(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min ${whole % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

function grouped(count: number): string {
  return String(Math.floor(count)).replace(/\B(?=(\d{3})+$)/g, ',')
}
