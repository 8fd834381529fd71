// Watches over the channels of one partition of the outbox, and sends again what was lost on its
// way: reads the heads of all partitions, each of which tells how far its target has settled.
//
// Owners: the service runs one for each partition it has, beside the deliveries.
// Invariant: L3 a channel whose settled counter stands still below what was sent, here or by
// whoever had the partition before, for longer than `stallMs` is sent again from the counter.

import type { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import type { TopicNames } from '../protocol/topics.ts'
import type { Log } from '../log/port.ts'
import { asBuffer } from '../std/bytes.ts'
import type { Clock } from '../std/clock.ts'
import { isHbError } from '../std/errors.ts'
import type { Tracing } from '../std/trace.ts'
import type { Channel } from './channel.ts'
import type { OutboxCursor, Relay } from './core.ts'
import { relaysOf } from './core.ts'
import { beginLegs } from './legs.ts'
import type { OutboxReader } from './outbox-reader.ts'
import type { RelayerLimits } from './ports.ts'

export type ResenderOptions = {
  readonly network: Network
  readonly log: Log
  readonly clock: Clock
  readonly records: Records
  readonly outbox: OutboxReader
  readonly topics: TopicNames
  readonly tracing: Tracing
  readonly limits: RelayerLimits
}

/** Looked at in one piece. */
const LOOK_BACK_RECORDS = 64

export class Resender {
  readonly #o: ResenderOptions
  readonly #partition: number
  readonly #channels: readonly Channel[]
  readonly #signal: AbortSignal

  /** `channels`: of the outbox partition, by target. `signal`: aborted when it is given up. */
  constructor(
    options: ResenderOptions,
    partition: number,
    channels: readonly Channel[],
    signal: AbortSignal,
  ) {
    this.#o = options
    this.#partition = partition
    this.#channels = channels
    this.#signal = signal
  }

  /** Until the signal is aborted or the log closed. `committed`: where the deliveries begin. */
  async run(committed: number | undefined): Promise<void> {
    const { log, clock, limits, topics } = this.#o
    const { stallMs } = limits
    const signal = this.#signal
    let from: number | undefined
    let before = committed
    // until all heads there are were read, a counter may only seem to stand still
    let isKnown = false
    while (!signal.aborted) {
      try {
        if (before !== undefined) await this.#learnSent(before)
        before = undefined
        from ??= (await log.ends(topics.registry))[0]?.start ?? 0
        const waitMs = isKnown ? stallMs : 0
        const read = await log.read(topics.registry, 0, from, { signal, waitMs })
        from = read.next
        for (const { value } of read.records) if (value !== null) this.#seen(value)
        isKnown ||= read.records.length === 0
        if (isKnown) await this.#resendStanding()
      } catch (error) {
        if (isHbError(error, 'log-closed')) return
        if (!isHbError(error)) throw error
        // heads are compacted: where the position is gone, the newest ones are still there
        if (isHbError(error, 'log-position-out-of-range')) from = undefined
        await clock.sleep(stallMs, signal)
      }
    }
  }

  /**
   * What was sent last in each channel before this member had the partition: looked for backwards
   * from the commit, in the newest `lookBackRecordsMax` records, until each channel was met.
   */
  async #learnSent(committed: number): Promise<void> {
    const { network, outbox, limits } = this.#o
    const start = Math.max(0, committed - limits.lookBackRecordsMax)
    const met = new Set<number>()
    for (let to = committed; to > start && met.size < this.#channels.length; ) {
      const from = Math.max(start, to - LOOK_BACK_RECORDS)
      const last = new Map<number, number>()
      await outbox.scan(this.#partition, from, to, this.#signal, (run) => {
        const relays = relaysOf(network, { next: undefined }, run)
        if (relays === 'gap') return
        for (const { target, record } of relays) {
          last.set(target, Math.max(last.get(target) ?? 0, record.seq))
        }
      })
      for (const [target, seq] of last) {
        met.add(target)
        this.#channels[target]?.wasSent(seq)
      }
      to = from
    }
  }

  #seen(value: Uint8Array): void {
    const { head } = this.#o.records
    if (!head.matches(value)) return
    const { partition, counters } = head.decode(asBuffer(value))
    const counter = counters[this.#partition]
    if (counter !== undefined) this.#channels[partition]?.wasSettled(counter)
  }

  async #resendStanding(): Promise<void> {
    for (const [target, channel] of this.#channels.entries()) {
      if (this.#signal.aborted) return
      if (!channel.stands()) continue
      const missing = await this.#missing(target, channel)
      if (this.#signal.aborted) return
      await channel.sendAgain(missing)
    }
  }

  /** What is retained of what the channel lacks. */
  async #missing(target: number, channel: Channel): Promise<readonly Relay[]> {
    const { network, log, outbox, topics, tracing } = this.#o
    const end = (await log.ends(topics.outbox))[this.#partition]?.end ?? 0
    const cursor: OutboxCursor = { next: undefined }
    const missing: Relay[] = []
    await outbox.scan(this.#partition, -1, end, this.#signal, (run, stored) => {
      // repeated old runs may be the first that are retained, with a gap behind them
      if (cursor.next !== undefined && run.from > cursor.next) cursor.next = run.from
      const relays = relaysOf(network, cursor, run)
      if (relays === 'gap') return
      const lacking = relays.filter(({ target: to, record: { seq } }) => {
        return to === target && channel.lacks(seq)
      })
      beginLegs(tracing, this.#partition, lacking, stored)
      for (const relay of lacking) missing.push(relay)
    })
    return missing
  }
}
