// Compares what a replay computed with what the outbox retains of the same heights.
//
// Invariants: C1 each height is compared at most once, in order. C2 of what differs only the first
// is kept, and a count: memory does not grow.

import type { Records } from '../protocol/codec/records.ts'
import type { Result } from '../protocol/result.ts'
import type { Log } from '../log/port.ts'
import { Published } from '../dre/index.ts'
import type { Difference } from './differences.ts'
import { differingFields, sideOf } from './differences.ts'

export type OutboxCompared = {
  readonly compared: number
  readonly different: number
  /** Older than what the outbox retains. */
  readonly trimmed: number
  /** Evaluated here and not published yet. */
  readonly unpublished: number
  readonly first?: Difference
}

export class OutboxCheck {
  readonly #published: Published
  readonly #partition: number
  readonly #numbers: boolean
  #compared = 0
  #different = 0
  #trimmed = 0
  #unpublished = 0
  #first: Difference | undefined

  /** `numbers`: whether channel numbers are known, which needs all processes of the partition. */
  constructor(log: Log, topic: string, partition: number, records: Records, numbers: boolean) {
    this.#published = new Published(log, topic, partition, records)
    this.#partition = partition
    this.#numbers = numbers
  }

  async begin(): Promise<void> {
    await this.#published.begin()
  }

  async compare(own: Result): Promise<void> {
    const published = await this.#published.result(own.height)
    if (published === 'trimmed') this.#trimmed += 1
    else if (published === undefined) this.#unpublished += 1
    else this.#take(own, published)
  }

  get result(): OutboxCompared {
    const counts = {
      compared: this.#compared,
      different: this.#different,
      trimmed: this.#trimmed,
      unpublished: this.#unpublished,
    }
    return this.#first === undefined ? counts : { ...counts, first: this.#first }
  }

  #take(own: Result, published: Result): void {
    this.#compared += 1
    const all = differingFields(own, published)
    const fields = this.#numbers ? all : all.filter((field) => field !== 'numbers')
    if (fields.length === 0) return
    this.#different += 1
    const { height, slot, process } = own
    const place = { partition: this.#partition, height, slot, process }
    const sides = { replayed: sideOf(own), other: sideOf(published) }
    this.#first ??= { ...place, fields, ...sides }
  }
}
