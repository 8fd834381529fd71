// Lets so many through at the same time; the others wait in the order in which they came.
// Invariant: whoever's signal ends while it waits has no place and holds none.

import { HbError } from '../../src/index.ts'

export class Gate {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(places: number) {
    this.#free = places
  }

  /** Throws `partition-lost` where the signal ends before there is a place. */
  async within<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await this.#place(signal)
    try {
      return await act()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }

  #place(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', giveUp)
        resolve()
      }
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1)
        reject(new HbError('partition-lost'))
      }
      if (signal.aborted) return reject(new HbError('partition-lost'))
      this.#waiting.push(enter)
      signal.addEventListener('abort', giveUp, { once: true })
    })
  }
}
