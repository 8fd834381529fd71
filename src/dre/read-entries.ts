// A partition's accepted entries from a place on, read in pieces, for whoever replays them.
//
// Invariant: N1 records are judged in order, without a hole, and each exactly once; the view that
// was handed in is moved over them.

import type { View } from '../protocol/accept.ts'
import type { Records } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import { LogReader } from '../protocol/log-reader.ts'
import type { Log } from '../log/port.ts'
import { HbError } from '../std/errors.ts'

export type EntriesOptions = {
  readonly network: Network
  readonly log: Log
  readonly topic: string
  readonly partition: number
  readonly records: Records
  /** Where reading begins; moved over what is read. */
  readonly view: View
  /** Offsets: the first to read, and the one to stop before. */
  readonly from: number
  readonly end: number
}

/** What one read gave: entries in order, how many records were superseded, and where it stopped. */
export type ReadEntries = {
  readonly entries: readonly Entry[]
  readonly superseded: number
  readonly next: number
}

/** Throws `log-diverged` where the chain has a hole. */
export async function* readEntries(options: EntriesOptions): AsyncGenerator<ReadEntries> {
  const { network, log, topic, partition, records, view, end } = options
  const reader = new LogReader(network, records, view)
  let expected = options.from
  for (let from = options.from; from < end; ) {
    const read = await log.read(topic, partition, from, { to: end })
    const entries: Entry[] = []
    let superseded = 0
    for (const { value, offset } of read.records) {
      if (offset !== expected) throw new HbError('log-diverged', `a hole before offset ${offset}`)
      expected = offset + 1
      const each = reader.read(value)
      if (each.type === 'entry') entries.push(each.entry)
      else if (each.type === 'superseded') superseded += 1
    }
    if (read.next === from) return
    from = read.next
    yield { entries, superseded, next: from }
  }
}
