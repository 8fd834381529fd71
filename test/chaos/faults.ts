// Runs a schedule of faults on targets, and mends what it broke.
//
// Invariants: F1 of each role one member stays up, and of the brokers all but one: a fault that
// would break that waits until it does not. F2 after `run` everything is up again. F3 what a target
// could not do is kept as a problem, and the others go on.

import { systemClock } from '../../src/std/clock.ts'
import type { Fault, FaultKind, Role } from './schedule.ts'

/** What faults happen to. */
export type Target = {
  readonly name: string
  readonly role: Role
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<void>
  freeze(): void
  thaw(): void
  /** Its disk is lost. Only while it is gone. */
  clear(): Promise<void>
  /** Started again; resolves when it serves. */
  start(): Promise<void>
  /** Of a frozen one: whether others have what it had. */
  moved(): Promise<boolean>
}

export type FaultEvent = { readonly atMs: number; readonly target: string; readonly what: string }

export type FaultOptions = {
  readonly targets: readonly Target[]
  readonly say: (event: FaultEvent) => void
  /** After a broker is back, until the next one may go: its replicas catch up meanwhile. */
  readonly brokerPauseMs?: number
  /** How long a frozen one is given until its partitions have moved. */
  readonly movedMsMax?: number
}

const LOOK_AGAIN_MS = 50

export class Faults {
  readonly #o: FaultOptions
  readonly #away = new Set<Target>()
  #brokersRestUntil = 0
  #began = 0
  readonly events: FaultEvent[] = []
  readonly problems: string[] = []

  constructor(options: FaultOptions) {
    this.#o = options
  }

  async run(schedule: readonly Fault[]): Promise<void> {
    this.#began = performance.now()
    const under: Promise<void>[] = []
    for (const fault of schedule) {
      const target = this.#o.targets.find(({ name }) => name === fault.target)
      if (target === undefined) throw new Error(`no target ${fault.target}`)
      await systemClock.sleep(Math.max(0, fault.atMs - this.#elapsed()))
      while (!this.#mayGo(target)) await systemClock.sleep(LOOK_AGAIN_MS)
      this.#away.add(target)
      under.push(this.#inflict(target, fault))
    }
    await Promise.all(under)
  }

  #elapsed(): number {
    return performance.now() - this.#began
  }

  #mayGo(target: Target): boolean {
    if (this.#away.has(target)) return false
    const away = [...this.#away].filter(({ role }) => role === target.role).length
    const all = this.#o.targets.filter(({ role }) => role === target.role).length
    if (target.role !== 'broker') return away + 1 < all
    return away === 0 && performance.now() >= this.#brokersRestUntil
  }

  async #inflict(target: Target, { kind, awayMs }: Fault): Promise<void> {
    try {
      if (kind === 'freeze') await this.#freeze(target, awayMs)
      else await this.#end(target, kind, awayMs)
    } catch (error) {
      const problem = `${kind} ${target.name}: ${String(error)}`
      this.problems.push(problem)
      this.#say(target, `problem: ${String(error)}`)
    } finally {
      const { brokerPauseMs = 3_000 } = this.#o
      if (target.role === 'broker') this.#brokersRestUntil = performance.now() + brokerPauseMs
      this.#away.delete(target)
    }
  }

  async #end(target: Target, kind: FaultKind, awayMs: number): Promise<void> {
    this.#say(target, kind)
    await (kind === 'stop' ? target.stop() : target.kill())
    if (kind === 'lose') await target.clear()
    this.#say(target, 'gone')
    await systemClock.sleep(awayMs)
    await target.start()
    this.#say(target, 'back')
  }

  async #freeze(target: Target, awayMs: number): Promise<void> {
    const { movedMsMax = 30_000 } = this.#o
    this.#say(target, 'freeze')
    const began = performance.now()
    target.freeze()
    try {
      while (!(await target.moved().catch(() => false))) {
        const waited = performance.now() - began
        if (waited > movedMsMax) throw new Error(`nothing moved in ${Math.round(waited)} ms`)
        await systemClock.sleep(LOOK_AGAIN_MS)
      }
      this.#say(target, 'moved')
      await systemClock.sleep(awayMs)
    } finally {
      target.thaw()
      this.#say(target, 'thaw')
    }
  }

  #say({ name }: Target, what: string): void {
    const event = { atMs: Math.round(this.#elapsed()), target: name, what }
    this.events.push(event)
    this.#o.say(event)
  }
}
