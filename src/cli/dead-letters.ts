// The dead letters as commands need them: what was refused, where it came from, why, and how often.

import type { Log, StoredRecord } from '../log/port.ts'
import { parseDataItem } from '../protocol/ans104/index.ts'
import { Records } from '../protocol/codec/records.ts'
import { asBuffer, sha256Text } from '../std/bytes.ts'
import { isHbError } from '../std/errors.ts'

export type Letter = {
  /** In the topic of the dead letters. */
  readonly offset: number
  /** Ms, when it was refused. */
  readonly timestamp: number
  readonly topic: string
  readonly partition: number
  /** Of the refused record. */
  readonly recordOffset: number
  readonly code: string
  readonly text: string
  readonly key: string | null
  /** The refused record; null where it was too large to be kept. */
  readonly value: Uint8Array | null
  /** The signed item in it, and its id; undefined: it holds none. */
  readonly item?: Uint8Array
  readonly id?: string
  /** Its sender was already told that it is refused. */
  readonly wasTold: boolean
  /** How often the same bytes were refused up to here, this one counted. */
  readonly attempts: number
}

const HEADER = '__connect.errors.'
/** Refused after it was taken: its sender is told so, and may have sent another. */
const TOLD: ReadonlySet<string> = new Set(['expired'])

/** All that are retained, the oldest first. */
export async function* readLetters(log: Log, topic: string): AsyncGenerator<Letter> {
  const [ends] = await log.ends(topic)
  const records = new Records()
  const attempts = new Map<string, number>()
  for (let from = ends?.start ?? 0; from < (ends?.end ?? 0); ) {
    const read = await log.read(topic, 0, from, { to: ends?.end ?? 0 })
    for (const record of read.records) {
      // what was too large to be kept is known by its place alone
      const same = record.value === null ? `${record.offset}` : sha256Text(record.value)
      const count = (attempts.get(same) ?? 0) + 1
      attempts.set(same, count)
      yield letterOf(record, records, count)
    }
    if (read.next === from) return
    from = read.next
  }
}

function letterOf(record: StoredRecord, records: Records, attempts: number): Letter {
  const { offset, timestamp, key, value, headers = {} } = record
  const header = (name: string): string => headers[`${HEADER}${name}`] ?? ''
  const code = header('exception.class.name')
  return {
    offset,
    timestamp,
    topic: header('topic'),
    partition: Number(header('partition')),
    recordOffset: Number(header('offset')),
    code,
    wasTold: TOLD.has(code),
    text: header('exception.message'),
    key,
    value,
    ...itemOf(value, records),
    attempts,
  }
}

/** Whatever of it can be read: also a record with a wrong key, or put on a wrong partition. */
function itemOf(value: Uint8Array | null, records: Records): { item?: Uint8Array; id?: string } {
  if (value === null) return {}
  try {
    const wire = records.decodeIngress(asBuffer(value))
    if (wire.type !== 'signed') return {}
    return { item: wire.item, id: parseDataItem(wire.item).id }
  } catch (error) {
    if (isHbError(error)) return {}
    throw error
  }
}
