// Who waits for which message to reach which stage. Bounded; told by the roles of what is settled
// and published.

import type { Clock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'

export type Stage = 'sequenced' | 'result'

/** Waits at one time; beyond: `queue-full`. Refusals and pending ids that are remembered. */
export type WaitLimits = { readonly waitsMax: number; readonly rememberedMax: number }

export const WAIT_LIMITS: WaitLimits = { waitsMax: 10_000, rememberedMax: 100_000 }

type Wait = { readonly stage: Stage; readonly wake: () => void }

export class Waits {
  readonly #clock: Clock
  readonly #limits: WaitLimits
  readonly #waits = new Map<string, Wait[]>()
  #count = 0
  #closed = false
  /** Submitted here, not settled yet, with its partition: the oldest is forgotten first. */
  readonly #pending = new Map<string, number>()
  readonly #refused = new Map<string, HbError>()

  constructor(clock: Clock, limits: Partial<WaitLimits> = {}) {
    this.#clock = clock
    this.#limits = { ...WAIT_LIMITS, ...limits }
  }

  get closed(): boolean {
    return this.#closed
  }

  submitted(id: string, partition: number): void {
    if (this.#pending.size >= this.#limits.rememberedMax) forgetOldest(this.#pending)
    this.#pending.set(id, partition)
  }

  /** It did not get into ingress after all. */
  withdrawn(id: string): void {
    this.#pending.delete(id)
  }

  /** Of a message that was submitted here and is not settled yet. */
  pendingIn(id: string): number | undefined {
    return this.#pending.get(id)
  }

  refusal(id: string): HbError | undefined {
    return this.#refused.get(id)
  }

  reached(id: string, stage: Stage): void {
    this.#pending.delete(id)
    if (this.#waits.size > 0) this.#wake(id, (wait) => stage === 'result' || wait.stage === stage)
  }

  refused(id: string, error: HbError): void {
    this.#pending.delete(id)
    if (this.#refused.size >= this.#limits.rememberedMax) forgetOldest(this.#refused)
    this.#refused.set(id, error)
    this.#wake(id, () => true)
  }

  /** Takes a place for as long as the action runs. Throws `queue-full` when none is left. */
  async counted<T>(action: () => Promise<T>): Promise<T> {
    if (this.#count >= this.#limits.waitsMax) {
      throw new HbError('queue-full', `${this.#count} requests wait for results`)
    }
    this.#count += 1
    try {
      return await action()
    } finally {
      this.#count -= 1
    }
  }

  /** Resolves when the stage may be reached, at the timeout, by the signal, or at `close`. */
  async until(id: string, stage: Stage, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#closed || signal?.aborted === true) return
    const stop = new AbortController()
    const wait: Wait = { stage, wake: () => stop.abort() }
    signal?.addEventListener('abort', wait.wake, { once: true })
    const list = this.#waits.get(id)
    if (list === undefined) this.#waits.set(id, [wait])
    else list.push(wait)
    await this.#clock.sleep(timeoutMs, stop.signal)
    signal?.removeEventListener('abort', wait.wake)
    this.#remove(id, wait)
  }

  close(): void {
    this.#closed = true
    for (const list of this.#waits.values()) for (const { wake } of list) wake()
  }

  #wake(id: string, which: (wait: Wait) => boolean): void {
    const list = this.#waits.get(id)
    if (list === undefined) return
    for (const wait of list.filter(which)) wait.wake()
  }

  #remove(id: string, wait: Wait): void {
    const list = this.#waits.get(id)?.filter((each) => each !== wait) ?? []
    if (list.length === 0) this.#waits.delete(id)
    else this.#waits.set(id, list)
  }
}

function forgetOldest(collection: Map<string, unknown>): void {
  const oldest = collection.keys().next()
  if (oldest.done !== true) collection.delete(oldest.value)
}
