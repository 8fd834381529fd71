// A channel: from one partition of the outbox to one of ingress, as long as a member has the
// former.
//
// Owners: the service makes one per target; it and the resender send through it, and nobody else
// appends to ingress here. It alone knows what was sent last, and what its target had settled when
// it was last seen to move. Invariant: L1 one append is in flight, in order; what is refused or
// unclear is appended again before what is behind it.

import type { Records } from '../protocol/codec/records.ts'
import type { TopicNames } from '../protocol/topics.ts'
import type { Log, LogRecord } from '../log/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import { traceHeaders } from '../std/trace.ts'
import type { Relay } from './core.ts'
import type { RelayerFigures, RelayerLimits } from './ports.ts'

export type ChannelOptions = {
  readonly log: Log
  readonly clock: Clock
  readonly records: Records
  readonly topics: TopicNames
  readonly limits: RelayerLimits
  readonly figures: RelayerFigures
}

export class Channel {
  readonly #o: ChannelOptions
  readonly #target: number
  readonly #signal: AbortSignal
  #tail: Promise<void> = Promise.resolve()
  #sent = 0
  #settled = 0
  #movedAt: number

  /** `target`: of ingress. `signal`: aborted when the partition of the outbox is given up. */
  constructor(options: ChannelOptions, target: number, signal: AbortSignal) {
    this.#o = options
    this.#target = target
    this.#signal = signal
    this.#movedAt = options.clock.now()
  }

  /** Appends relays, at least one, behind those before; resolves when all are durable. */
  send(relays: readonly Relay[]): Promise<void> {
    if (this.#sent === this.#settled) this.#movedAt = this.#o.clock.now()
    this.wasSent((relays.at(-1) as Relay).record.seq)
    const send = this.#tail.then(() => this.#append(relays))
    this.#tail = send
    send.catch(() => undefined)
    return send
  }

  /** Up to this number it was sent, here or by whoever had the partition before. */
  wasSent(seq: number): void {
    this.#sent = Math.max(this.#sent, seq)
  }

  /** Up to this number its target has settled it, says its head. */
  wasSettled(counter: number): void {
    if (counter <= this.#settled) return
    this.#settled = counter
    this.#movedAt = this.#o.clock.now()
  }

  /** It was sent and is not settled. */
  lacks(seq: number): boolean {
    return seq > this.#settled && seq <= this.#sent
  }

  /** It lacks something, and has not moved for longer than it may. */
  stands(): boolean {
    if (this.#settled >= this.#sent) return false
    const { clock, limits } = this.#o
    return clock.now() - this.#movedAt >= limits.stallMs
  }

  /** What was found of what it lacks, be it nothing; then it may stand for as long once more. */
  async sendAgain(relays: readonly Relay[]): Promise<void> {
    if (relays.length > 0) {
      this.#o.figures.resent += relays.length
      await this.send(relays)
    }
    this.#movedAt = this.#o.clock.now()
  }

  /** Nothing is in flight any more, whatever became of it. */
  drained(): Promise<void> {
    return this.#tail.catch(() => undefined)
  }

  async #append(relays: readonly Relay[]): Promise<void> {
    const { log, clock, topics, limits, figures } = this.#o
    for (const batch of this.#cut(relays)) {
      for (let delay = limits.retryDelayMs; ; delay = Math.min(delay * 2, 2_000)) {
        try {
          await log.append(topics.ingress, this.#target, batch)
          figures.appends += 1
          figures.relayed += batch.length
          break
        } catch (error) {
          // sent twice is dropped by the channel's number: anything unclear is simply sent again
          const again =
            isHbError(error, 'log-append-refused') || isHbError(error, 'log-append-unclear')
          if (!again) throw error
          if (this.#signal.aborted) throw new HbError('partition-lost', 'stopping')
          await clock.sleep(delay, this.#signal)
        }
      }
    }
    for (const { leg } of relays) leg?.end()
  }

  #cut(relays: readonly Relay[]): LogRecord[][] {
    const { records, limits } = this.#o
    const { appendRecordsMax, appendBytesMax } = limits
    const batches: LogRecord[][] = []
    let batch: LogRecord[] = []
    let bytes = 0
    for (const { process, record, leg } of relays) {
      const value = records.encodeIngress({ type: 'relayed', relayed: record })
      const full = batch.length > 0 && bytes + value.length > appendBytesMax
      if (full || batch.length >= appendRecordsMax) {
        batches.push(batch)
        batch = []
        bytes = 0
      }
      if (leg === undefined) batch.push({ key: process, value })
      else batch.push({ key: process, value, headers: traceHeaders(leg) })
      bytes += value.length
    }
    if (batch.length > 0) batches.push(batch)
    return batches
  }
}
