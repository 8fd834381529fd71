// The signed segment of a partition that is being posted: written down, durably, before the first
// byte of it goes out, so that a restart posts that same id again.
//
// Owners: one task per partition. Invariants: P1 there is at most one per partition. P2 head and
// bytes are written and removed together.

import type { Prepared, Store, View } from '../../src/index.ts'
import { HbError } from '../../src/index.ts'

/** `view`: after its last entry. */
export type PendingSegment = {
  readonly prepared: Prepared
  readonly from: number
  readonly view: View
}

type Head = {
  readonly id: string
  readonly from: number
  readonly height: number
  readonly hash: string
  readonly timestamp: number
  readonly counters: readonly number[]
}

export class Pending {
  readonly #store: Store
  readonly #partition: number
  readonly #headKey: string
  readonly #bytesKey: string

  /** `network`: a store that served another one holds nothing of this. */
  constructor(store: Store, network: string, partition: number) {
    this.#store = store
    this.#partition = partition
    this.#headKey = `pending/${network}/${partition}/head`
    this.#bytesKey = `pending/${network}/${partition}/item`
  }

  read(): PendingSegment | undefined {
    const head = this.#store.get(this.#headKey)
    const bytes = this.#store.get(this.#bytesKey)
    if (head === undefined || bytes === undefined) return undefined
    const { id, from, height, timestamp, counters, hash } = parse(head)
    const place = { partition: this.#partition, height, timestamp, counters: [...counters] }
    return { prepared: { id, bytes }, from, view: { ...place, hash: Buffer.from(hash, 'hex') } }
  }

  async write({ prepared, from, view }: PendingSegment): Promise<void> {
    const { height, timestamp, counters } = view
    const hash = Buffer.from(view.hash).toString('hex')
    const head: Head = { id: prepared.id, from, height, hash, timestamp, counters }
    await this.#store.write([
      { key: this.#headKey, value: Buffer.from(JSON.stringify(head)) },
      { key: this.#bytesKey, value: prepared.bytes },
    ])
  }

  async remove(): Promise<void> {
    await this.#store.write([
      { key: this.#headKey, value: null },
      { key: this.#bytesKey, value: null },
    ])
  }
}

function parse(bytes: Uint8Array): Head {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as Head
  } catch (error) {
    throw new HbError('store-file-corrupt', 'a pending segment', { cause: error })
  }
}
