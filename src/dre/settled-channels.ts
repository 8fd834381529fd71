// How far each channel is settled, as the newest heads in `registry` tell: what need not be relayed
// again (R3).
// Invariant: a counter never falls; a target whose head was not seen has settled nothing.

import type { Records } from '../protocol/codec/records.ts'
import type { Log } from '../log/port.ts'
import { endsOf } from '../log/resume/index.ts'
import { asBuffer } from '../std/bytes.ts'
import { isHbError } from '../std/errors.ts'

export class SettledChannels {
  readonly #log: Log
  readonly #topic: string
  readonly #records: Records
  /** By target partition: its incoming counters. */
  readonly #counters = new Map<number, readonly number[]>()
  #next: number | undefined

  constructor(log: Log, topic: string, records: Records) {
    this.#log = log
    this.#topic = topic
    this.#records = records
  }

  /** The last number of the channel that its target has settled. */
  settled(source: number, target: number): number {
    return this.#counters.get(target)?.[source] ?? 0
  }

  /** True where no channel out of `source` has sent beyond what is settled. */
  covers(source: number, outgoing: readonly number[]): boolean {
    return outgoing.every((seq, target) => seq <= this.settled(source, target))
  }

  /** Reads the heads that came since. */
  async refresh(): Promise<void> {
    const log = this.#log
    try {
      this.#next ??= (await endsOf(log, this.#topic, 0)).start
      for (;;) {
        const { records, next } = await log.read(this.#topic, 0, this.#next)
        this.#next = next
        if (records.length === 0) return
        for (const { value } of records) if (value !== null) this.#learn(value)
      }
    } catch (error) {
      if (!isHbError(error, 'log-position-out-of-range')) throw error
      // heads are compacted: where the position is gone, the newest ones are still there
      this.#next = undefined
    }
  }

  #learn(value: Uint8Array): void {
    const { head } = this.#records
    if (!head.matches(value)) return
    try {
      const { partition, counters } = head.decode(asBuffer(value))
      const before = this.#counters.get(partition)
      const grown = counters.map((count, source) => Math.max(count, before?.[source] ?? 0))
      this.#counters.set(partition, grown)
    } catch (error) {
      if (!isHbError(error)) throw error
    }
  }
}
