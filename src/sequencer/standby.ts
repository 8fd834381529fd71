// A standby of a sequencer's partition: fills the index of ids from the log, so that whoever takes
// over here reads no more than the log's tail.
//
// Owners: service.ts, one at a time per partition, and never beside a sequencer of that partition.
// Invariants: B1 it appends nothing. B2 when `stop` has resolved, the index and its position are
// written: taking over is going on from the store, as after a restart.

import type { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import { copyView } from '../protocol/accept.ts'
import type { Log } from '../log/port.ts'
import type { IdIndex, Position } from './id-index.ts'
import type { SequencerFigures } from './ports.ts'
import { READ_BYTES, Tail } from './tail.ts'

export type StandbyOptions = {
  readonly network: Network
  readonly log: Log
  readonly topic: string
  readonly partition: number
  readonly records: Records
  readonly index: IdIndex
  readonly figures: SequencerFigures
  readonly stop: AbortController
  /** Where the index stands, checked against the log. */
  readonly position: () => Promise<Position>
  /** Everything below this offset is in the index. */
  readonly onFollowed: (next: number) => void
}

const WAIT_MS = 1_000

export class Standby {
  readonly #o: StandbyOptions
  readonly #done: Promise<void>

  /** `onFailed`: it goes no further. */
  constructor(options: StandbyOptions, onFailed: (error: unknown) => void) {
    this.#o = options
    this.#done = this.#follow().catch((error: unknown) => {
      if (!options.stop.signal.aborted) onFailed(error)
    })
  }

  async stop(): Promise<void> {
    this.#o.stop.abort()
    await this.#done
    // a write that failed is read again from the log
    await this.#o.index.written().catch(() => undefined)
  }

  async #follow(): Promise<void> {
    const { network, log, topic, partition, records, index, figures, onFollowed } = this.#o
    const { signal } = this.#o.stop
    const tail = new Tail(network, records, figures, await this.#o.position())
    const reading = { waitMs: WAIT_MS, bytesMax: READ_BYTES, signal }
    while (!signal.aborted) {
      const read = await log.read(topic, partition, tail.next, reading)
      if (read.records.length === 0) {
        // where nothing comes, nothing is lacking: an empty partition brings no record that says so
        if (!signal.aborted) onFollowed(tail.next)
        continue
      }
      const entries = tail.take(read.records)
      // what was taken before is written while this was read: no more than two lie in memory
      await index.written()
      const { position } = tail
      index.record(entries, { ...position, view: copyView(position.view) })
      onFollowed(tail.next)
    }
  }
}
