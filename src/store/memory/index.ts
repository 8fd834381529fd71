// The memory store: for tests and simulations. Nothing survives `close`.
// Owner: whoever created it. Invariants: S1 to S3; `#keys` is sorted and holds exactly the keys of
// `#values`.

import { HbError } from '../../std/errors.ts'
import { checkKey, compareKeys } from '../keys.ts'
import type { RangeOptions, Store, StoreOp } from '../port.ts'

export function createMemoryStore(): Store {
  return new MemoryStore()
}

class MemoryStore implements Store {
  readonly #values = new Map<string, Uint8Array>()
  readonly #keys: string[] = []
  #closed = false

  get(key: string): Uint8Array | undefined {
    this.#checkOpen()
    checkKey(key)
    return this.#values.get(key)
  }

  range(options: RangeOptions): Iterable<{ readonly key: string; readonly value: Uint8Array }> {
    this.#checkOpen()
    const first = this.#indexOf(options.from)
    const end = Math.max(first, this.#indexOf(options.to))
    const limit = options.limit ?? Infinity
    // What is walked is what was there at the call: writes meanwhile do not show.
    const keys =
      options.reverse === true
        ? this.#keys.slice(Math.max(first, end - limit), end).reverse()
        : this.#keys.slice(first, Math.min(end, first + limit))
    return keys.map((key) => ({ key, value: this.#values.get(key) as Uint8Array }))
  }

  async write(ops: readonly StoreOp[]): Promise<void> {
    this.#checkOpen()
    for (const { key } of ops) checkKey(key)
    for (const { key, value } of ops) {
      if (value === null) this.#remove(key)
      else this.#put(key, Buffer.from(value))
    }
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #put(key: string, value: Uint8Array): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#indexOf(key), 0, key)
    this.#values.set(key, value)
  }

  #remove(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#indexOf(key), 1)
  }

  /** Index of the first key that is not below the given one. */
  #indexOf(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeys(this.#keys[middle] as string, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #checkOpen(): void {
    if (this.#closed) throw new HbError('store-closed')
  }
}
