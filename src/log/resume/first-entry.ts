// What a partition of the log begins with now: height 0, or where it was trimmed to.

import type { EntryRecord, Records } from '../../protocol/codec/records.ts'
import { asBuffer } from '../../std/bytes.ts'
import type { Log } from '../port.ts'

/** Few records: the first is nearly always it. */
const READ_BYTES = 16_384

/** The first record that is an entry, accepted or not; undefined: there is none. */
export async function firstEntry(
  log: Log,
  topic: string,
  partition: number,
  records: Records,
): Promise<EntryRecord | undefined> {
  const { start, end } = (await log.ends(topic))[partition] ?? { start: 0, end: 0 }
  for (let at = start; at < end; ) {
    const read = await log.read(topic, partition, at, { to: end, bytesMax: READ_BYTES })
    for (const { value } of read.records) {
      if (value !== null && records.isEntry(value)) return records.decodeEntry(asBuffer(value))
    }
    if (read.next === at) return undefined
    at = read.next
  }
  return undefined
}
