// Where a partition of the log is settled, for whoever reads on from there: a sequencer behind its
// claim, a standby all the time.
//
// Owners: chain.ts and standby.ts, each its own. Invariants: T1 the place moves only over records
// that were read in order without a hole, or that landed right behind it. T2 an entry is handed on
// once, in order of height.

import type { View } from '../protocol/accept.ts'
import { accept, advance } from '../protocol/accept.ts'
import type { Claim } from '../protocol/records.ts'
import type { Records } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import { LogReader } from '../protocol/log-reader.ts'
import type { StoredRecord } from '../log/port.ts'
import { HbError } from '../std/errors.ts'
import type { Position } from './id-index.ts'
import type { SequencerFigures } from './ports.ts'

/** Bytes of one read: long logs are read in few of them. */
export const READ_BYTES = 4_194_304

export class Tail {
  readonly #reader: LogReader
  readonly #view: View
  readonly #figures: SequencerFigures
  #next: number
  #at: number | undefined

  constructor(network: Network, records: Records, figures: SequencerFigures, position: Position) {
    this.#view = position.view
    this.#next = position.next
    this.#at = position.at
    this.#figures = figures
    this.#reader = new LogReader(network, records, this.#view)
  }

  get view(): View {
    return this.#view
  }

  /** The offset that is next. */
  get next(): number {
    return this.#next
  }

  get position(): Position {
    return { view: this.#view, next: this.#next, at: this.#at }
  }

  /** Judges the records that are next; the entries that were accepted. Throws `log-diverged`. */
  take(
    records: readonly StoredRecord[],
    onClaim: (claim: Claim, record: StoredRecord) => void = () => undefined,
  ): Entry[] {
    const entries: Entry[] = []
    for (const record of records) {
      if (record.offset !== this.#next) {
        throw new HbError('log-diverged', `a hole before offset ${record.offset}`)
      }
      this.#next = record.offset + 1
      const read = this.#reader.read(record.value)
      if (read.type === 'entry') {
        entries.push(read.entry)
        this.#at = record.offset
      } else if (read.type === 'superseded') this.#figures.superseded += 1
      else onClaim(read.claim, record)
    }
    return entries
  }

  /** Own entries landed right behind what was known. Throws `own-entry-refused`. */
  landed(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const why = accept(this.#view, entry)
      if (why !== undefined) throw new HbError('own-entry-refused', `${why} at ${entry.height}`)
      advance(this.#view, entry)
    }
    this.#next += entries.length
    this.#at = this.#next - 1
  }
}
