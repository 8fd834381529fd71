// A host's calls of the brokers: each goes out to them and comes back, each way takes its time, and
// what waits there ends where the host wants it no more.
//
// Owners: sim-log.ts has those of one log; appends.ts makes some of them. Invariants: S1 a call of
// a dead host has no answer. S2 what was sent takes effect even where the host that sent it is dead
// by then. S3 `close` ends what waits, and nothing goes out after it.

import { HbError } from '../../../src/std/errors.ts'
import type { Host } from '../world/host.ts'
import { MS } from '../world/world.ts'
import type { World } from '../world/world.ts'
import type { Cluster, Partition } from './cluster.ts'
import type { Faults } from './faults.ts'

const TRIED_AGAIN_US = 500_000

export type Answer<T> = { value(value: T): void; error(error: unknown): void }

export class Calls {
  readonly #world: World
  readonly #cluster: Cluster
  readonly #host: Host
  readonly #faults: Faults
  readonly #closing = new AbortController()

  constructor(cluster: Cluster, host: Host, faults: Faults) {
    this.#world = cluster.world
    this.#cluster = cluster
    this.#host = host
    this.#faults = faults
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  checkOpen(): void {
    if (this.isClosed) throw new HbError('log-closed')
  }

  close(): void {
    this.#closing.abort()
  }

  /**
   * A call: `serve` runs at the brokers when it has arrived there; the promise settles when the
   * answer is back. Where the host is cut off, `whenCut` is the error in the end; without it the
   * call is made, or its answer awaited, again and again, until the way is free.
   */
  call<T>(serve: (answer: Answer<T>) => void, whenCut?: () => Error): Promise<T> {
    return this.#host.gauges.during('calls', this.#exchange(serve, whenCut))
  }

  /**
   * A call that waits at the brokers, as `waitFor` does, while `isOver` does not hold: it ends
   * early with `instead` at the signal, and with `log-closed` when the log closes.
   */
  waiting<T>(
    signal: AbortSignal | undefined,
    instead: T,
    serve: (answer: Answer<T>, isOver: () => boolean) => void,
  ): Promise<T> {
    const waited = this.#until(signal, instead, (isOver) =>
      this.#exchange<T>((answer) => serve(answer, isOver)),
    )
    return this.#host.gauges.during('calls', waited)
  }

  /**
   * At the brokers: `attempt` is made now and whenever the partition has more, until it gives what
   * is to be answered, or its time is over.
   */
  waitFor(
    partition: Partition,
    deadline: number,
    isOver: () => boolean,
    attempt: () => (() => void) | undefined,
    failed: (error: unknown) => void,
  ): void {
    const { waiters } = partition
    const look = (): void => {
      if (isOver()) return end()
      if (this.#cluster.isDown(partition)) return
      try {
        const respond = attempt()
        if (respond === undefined) return
        end()
        respond()
      } catch (error) {
        end()
        failed(error)
      }
    }
    const end = (): void => {
      waiters.delete(look)
      late.cancelled = true
    }
    waiters.add(look)
    const late = this.#world.after(Math.max(deadline, partition.downUntil) - this.#world.now, look)
    look()
  }

  #exchange<T>(serve: (answer: Answer<T>) => void, whenCut?: () => Error): Promise<T> {
    if (this.isClosed) return Promise.reject(new HbError('log-closed'))
    const host = this.#host
    return new Promise((resolve, reject) => {
      const giveUp = (why: () => Error): void => {
        this.#world.after(this.#faults.unclearAfter(), () => host.resume(() => reject(why())))
      }
      const back = (run: () => void): void => {
        const delay = this.#wayUs() + this.#faults.slowness()
        this.#world.after(delay, () => {
          if (!host.isCut) return host.resume(run)
          if (whenCut !== undefined) return giveUp(whenCut)
          this.#world.after(this.#untilTriedAgain(), () => back(run))
        })
      }
      const answer: Answer<T> = {
        value: (value) => back(() => resolve(value)),
        error: (error) => back(() => reject(error)),
      }
      const arrive = (): void => {
        if (host.isCut) {
          if (whenCut !== undefined) return giveUp(whenCut)
          this.#world.after(this.#untilTriedAgain() + this.#wayUs(), arrive)
          return
        }
        try {
          serve(answer)
        } catch (error) {
          answer.error(error)
        }
      }
      host.calling(() => this.#world.after(this.#wayUs(), arrive))
    })
  }

  async #until<T>(
    signal: AbortSignal | undefined,
    instead: T,
    run: (isOver: () => boolean) => Promise<T>,
  ): Promise<T> {
    let isOver = false
    const ended = new Promise<T>((resolve, reject) => {
      const abort = (): void => {
        isOver = true
        this.#host.resume(() => resolve(instead))
      }
      const close = (): void => {
        isOver = true
        this.#host.resume(() => reject(new HbError('log-closed')))
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#closing.signal.addEventListener('abort', close, { once: true })
      const forget = (): void => {
        signal?.removeEventListener('abort', abort)
        this.#closing.signal.removeEventListener('abort', close)
      }
      run(() => isOver).then(
        (value) => (forget(), resolve(value)),
        (error: unknown) => (forget(), reject(error)),
      )
    })
    return ended
  }

  /** The way may be free before its time: when everything is healed. */
  #untilTriedAgain(): number {
    return Math.min(this.#host.cutUntil - this.#world.now, TRIED_AGAIN_US)
  }

  #wayUs(): number {
    const random = this.#world.random('network')
    // mostly quick, now and then not
    return random.below(100) === 0 ? 2 * MS + random.below(30 * MS) : 150 + random.below(500)
  }
}
