// Reading an outbox beside the deliveries: what is retained of it may be trimmed meanwhile, and
// what does not decode is skipped and counted.

import type { Records } from '../protocol/codec/records.ts'
import type { Run } from '../protocol/result.ts'
import type { Log, StoredRecord } from '../log/port.ts'
import { asBuffer } from '../std/bytes.ts'
import { isHbError } from '../std/errors.ts'

export class OutboxReader {
  readonly #log: Log
  readonly #topic: string
  readonly #records: Records
  readonly #onSkipped: () => void

  constructor(log: Log, topic: string, records: Records, onSkipped: () => void) {
    this.#log = log
    this.#topic = topic
    this.#records = records
    this.#onSkipped = onSkipped
  }

  async start(partition: number): Promise<number> {
    return (await this.#log.ends(this.#topic))[partition]?.start ?? 0
  }

  decode({ value }: StoredRecord): Run | undefined {
    try {
      return value === null ? undefined : this.#records.decodeRun(asBuffer(value))
    } catch (error) {
      if (!isHbError(error)) throw error
      this.#onSkipped()
      return undefined
    }
  }

  /** Visits what is retained of the offsets [from, before), until the signal is aborted. */
  async scan(
    partition: number,
    from: number,
    before: number,
    signal: AbortSignal,
    visit: (run: Run, record: StoredRecord) => void,
  ): Promise<void> {
    let at = Math.max(from, await this.start(partition))
    while (at < before && !signal.aborted) {
      try {
        const read = await this.#log.read(this.#topic, partition, at, { to: before })
        if (read.records.length === 0) return
        for (const record of read.records) {
          const run = this.decode(record)
          if (run !== undefined) visit(run, record)
        }
        at = read.next
      } catch (error) {
        if (!isHbError(error, 'log-position-out-of-range')) throw error
        // trimmed meanwhile: what every target has settled is not needed
        const start = await this.start(partition)
        if (start <= at) throw error
        at = start
      }
    }
  }
}
