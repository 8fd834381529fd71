// Requests that wait for a message to get somewhere (?wait=): bounded in number, and all let go
// when the server closes.
//
// Invariant: a place is held from `enter` until the node's own wait has ended, also when the asker
// has gone: what costs the node something is what is counted.

import type { MessageStatus, NodeApi, Scope } from '../api.ts'
import { HbError } from '../../std/errors.ts'
import { Room, type HttpLimits } from './limits.ts'
import type { Stage } from './query.ts'

export class Waits {
  readonly #api: NodeApi
  readonly #room: Room
  readonly #release = new Set<() => void>()
  #closed = false

  constructor(api: NodeApi, limits: HttpLimits) {
    this.#api = api
    this.#room = new Room('waitsMax', limits.waitsMax)
  }

  /**
   * Takes a place; throws `waits-too-many` or `node-stopping`. Each place ends by `wait` or by
   * `leave`.
   */
  enter(): void {
    if (this.#closed) throw new HbError('node-stopping')
    this.#room.enter()
  }

  get count(): number {
    return this.#room.inside
  }

  leave(): void {
    this.#room.leave()
  }

  /** Where the message is when it got to the stage, at the timeout, or when the server closes. */
  async wait(
    id: string,
    stage: Stage,
    timeoutMs: number,
    scope: Scope = 'network',
  ): Promise<MessageStatus> {
    const status = await new Promise<MessageStatus | undefined>((resolve, reject) => {
      const release = (): void => resolve(undefined)
      if (this.#closed) release()
      this.#release.add(release)
      this.#api
        .waitFor(id, stage, timeoutMs, scope)
        .then(resolve, reject)
        .finally(() => {
          this.#release.delete(release)
          this.leave()
        })
    })
    // at closing: nobody else is asked any more
    return status ?? (await this.#api.message(id, 'node')) ?? { id, stage: 'pending' }
  }

  close(): void {
    this.#closed = true
    for (const release of this.#release) release()
  }
}

/** A refused message will never get anywhere, so there is nothing left to wait for. */
export function reached(status: MessageStatus, stage: Stage): boolean {
  if (status.stage === 'refused' || status.stage === 'evaluated') return true
  return stage === 'sequenced' && status.stage === 'sequenced'
}
