// One partition of the log as its sequencer sees it: appends, and knows of each append whether it
// is settled (R2).
//
// Owners: partition.ts, one at a time per partition, never two calls at once. Invariants:
//   C1 one append in flight. C2 `settled` moves only over what was read back or landed contiguously
//   behind what was known. C3 after anything unclear, or another's claim after an own one, nothing
//   is appended before the group has confirmed the ownership. C4 an own entry that lands
//   contiguously and is not accepted halts the partition.

import type { View } from '../protocol/accept.ts'
import { accept, advance } from '../protocol/accept.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Records } from '../protocol/codec/records.ts'
import { LogReader } from '../protocol/log-reader.ts'
import type { Log, LogRecord, StoredRecord } from '../log/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { Position } from './id-index.ts'
import type { SequencerFigures, SequencerLimits } from './ports.ts'

export type ChainOptions = {
  readonly network: Network
  readonly log: Log
  readonly topic: string
  readonly partition: number
  readonly records: Records
  readonly clock: Clock
  readonly limits: SequencerLimits
  readonly figures: SequencerFigures
  readonly memberId: () => string
  readonly generation: () => number
  readonly owns: () => Promise<boolean>
  readonly signal: AbortSignal
  /** Every settled entry passes here, own or read, in order. */
  readonly onSettled: (entries: readonly Entry[], position: Position) => void
}

export class Chain {
  readonly #o: ChainOptions
  /** Settled. */
  readonly #view: View
  /**
   * The offset at which the next append lands if nobody else wrote; undefined before the first
   * claim was read.
   */
  #end: number
  /** Offset of the record that carries the view's hash; undefined before the first entry. */
  #at: number | undefined
  #claims = 0
  readonly #reader: LogReader

  constructor(options: ChainOptions, position: Position) {
    this.#o = options
    this.#view = position.view
    this.#reader = new LogReader(options.network, options.records, this.#view)
    this.#end = position.next
    this.#at = position.at
  }

  get view(): View {
    return this.#view
  }

  /**
   * 'settled', or 'unclear': then call `claim` and decide again. The entries extend the settled
   * view.
   */
  async append(
    entries: readonly Entry[],
    batch: readonly LogRecord[],
  ): Promise<'settled' | 'unclear'> {
    let base: number
    try {
      base = await this.#o.log.append(this.#o.topic, this.#o.partition, batch)
    } catch (error) {
      if (isHbError(error, 'log-append-refused')) return 'unclear'
      if (!isHbError(error, 'log-append-unclear')) throw error
      this.#o.figures.unclear += 1
      return 'unclear'
    }
    if (base !== this.#end) {
      this.#o.figures.unclear += 1
      return 'unclear'
    }
    for (const entry of entries) {
      const why = accept(this.#view, entry)
      if (why !== undefined) throw new HbError('own-entry-refused', `${why} at ${entry.height}`)
      advance(this.#view, entry)
    }
    this.#end = base + batch.length
    this.#at = this.#end - 1
    this.#o.figures.entries += entries.length
    this.#o.onSettled(entries, this.#position())
    return 'settled'
  }

  /**
   * Appends a claim and reads up to it, again until no other claim follows an own one. Throws
   * `partition-lost`.
   */
  async claim(confirm: boolean): Promise<void> {
    let mustConfirm = confirm
    for (let delay = this.#o.limits.retryDelayMs; ; delay = Math.min(delay * 2, 2_000)) {
      if (this.#o.signal.aborted) throw new HbError('partition-lost', 'stopping')
      if (mustConfirm && !(await this.#o.owns())) {
        throw new HbError('partition-lost', `partition ${this.#o.partition}`)
      }
      mustConfirm = true
      const nonce = await this.#appendClaim()
      if (nonce !== undefined && (await this.#readTo(nonce)) === 'last') return
      await this.#o.clock.sleep(delay, this.#o.signal)
    }
  }

  async #appendClaim(): Promise<string | undefined> {
    const { memberId, generation, records, log, topic, partition, figures } = this.#o
    this.#claims += 1
    const nonce = `${memberId()}/${generation()}/${this.#claims}`
    const value = records.claim.encode({ member: memberId(), generation: generation(), nonce })
    figures.claims += 1
    try {
      await log.append(topic, partition, [
        { key: null, value, headers: { 'hb-kind': 'claim' } },
      ])
      return nonce
    } catch (error) {
      if (isHbError(error, 'log-append-refused')) return undefined
      if (isHbError(error, 'log-append-unclear')) return undefined
      throw error
    }
  }

  /** Reads up to the log's end: 'last' if the claim was seen and no other's after it. */
  async #readTo(nonce: string): Promise<'last' | 'passed' | 'missing'> {
    let seen: 'last' | 'passed' | 'missing' = 'missing'
    for (;;) {
      const { records } = await this.#o.log.read(this.#o.topic, this.#o.partition, this.#end)
      if (records.length === 0) return seen
      const entries: Entry[] = []
      for (const record of records) {
        if (record.offset !== this.#end) {
          throw new HbError('log-diverged', `a hole before offset ${record.offset}`)
        }
        this.#end = record.offset + 1
        const read = this.#reader.read(record.value)
        if (read.type === 'entry') {
          entries.push(read.entry)
          this.#at = record.offset
        } else if (read.type === 'superseded') this.#o.figures.superseded += 1
        else if (read.claim.nonce === nonce) {
          this.#checkClock(record)
          seen = 'last'
        } else if (seen === 'last') seen = 'passed'
      }
      this.#o.onSettled(entries, this.#position())
    }
  }

  #position(): Position {
    return { view: this.#view, next: this.#end, at: this.#at }
  }

  #checkClock(record: StoredRecord): void {
    const skew = Math.abs(record.timestamp - this.#o.clock.now())
    if (skew <= this.#o.limits.clockSkewMsMax) return
    throw new HbError('clock-skew', `${skew} ms off the append time of offset ${record.offset}`)
  }
}
