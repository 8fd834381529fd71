// One partition of the log as its sequencer sees it: appends, and knows of each append whether it
// is settled (R2).
//
// Owners: partition.ts, one at a time per partition, never two calls at once. Invariants:
//   C1 one append in flight. C2 `settled` moves only over what was read back or landed contiguously
//   behind what was known. C3 after anything unclear, or another's claim after an own one, nothing
//   is appended before the group has confirmed the ownership. C4 an own entry that lands
//   contiguously and is not accepted halts the partition.

import type { View } from '../protocol/accept.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Records } from '../protocol/codec/records.ts'
import type { Claim } from '../protocol/records.ts'
import type { Log, LogRecord, ReadResult, StoredRecord } from '../log/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { Position } from './id-index.ts'
import type { SequencerFigures, SequencerLimits } from './ports.ts'
import { READ_BYTES, Tail } from './tail.ts'

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
  /** Resolves when what was settled so far is written down; bounds what lies in memory. */
  readonly written: () => Promise<void>
}

/** `from` and `to`: when its append began and ended by this machine's clock, ms. */
type OwnClaim = { readonly nonce: string; readonly from: number; readonly to: number }

export class Chain {
  readonly #o: ChainOptions
  /** Settled; its `next` is where the next append lands if nobody else wrote. */
  readonly #tail: Tail
  #claims = 0

  constructor(options: ChainOptions, position: Position) {
    this.#o = options
    this.#tail = new Tail(options.network, options.records, options.figures, position)
  }

  get view(): View {
    return this.#tail.view
  }

  /** The offset up to which everything is settled. */
  get next(): number {
    return this.#tail.next
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
    if (base !== this.#tail.next) {
      this.#o.figures.unclear += 1
      return 'unclear'
    }
    this.#tail.landed(entries)
    this.#o.figures.entries += entries.length
    this.#o.onSettled(entries, this.#tail.position)
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
      const claim = await this.#appendClaim()
      if (claim !== undefined && (await this.#readTo(claim)) === 'last') return
      await this.#o.clock.sleep(delay, this.#o.signal)
    }
  }

  async #appendClaim(): Promise<OwnClaim | undefined> {
    const { memberId, generation, records, log, topic, partition, figures, clock } = this.#o
    this.#claims += 1
    const nonce = `${memberId()}/${generation()}/${this.#claims}`
    const value = records.claim.encode({ member: memberId(), generation: generation(), nonce })
    figures.claims += 1
    const from = clock.now()
    try {
      await log.append(topic, partition, [
        { key: null, value, headers: { 'hb-kind': 'claim' } },
      ])
      return { nonce, from, to: clock.now() }
    } catch (error) {
      if (isHbError(error, 'log-append-refused')) return undefined
      if (isHbError(error, 'log-append-unclear')) return undefined
      throw error
    }
  }

  /** Reads up to the log's end: 'last' if the claim was seen and no other's after it. */
  async #readTo(own: OwnClaim): Promise<'last' | 'passed' | 'missing'> {
    let seen: 'last' | 'passed' | 'missing' = 'missing'
    const onClaim = (claim: Claim, record: StoredRecord): void => {
      if (claim.nonce === own.nonce) {
        this.#checkClock(own, record)
        seen = 'last'
      } else if (seen === 'last') seen = 'passed'
    }
    for (let reading = this.#read(this.#tail.next); ; ) {
      const { records, next } = await reading
      if (records.length === 0) return seen
      if (this.#o.signal.aborted) throw new HbError('partition-lost', 'stopping')
      // a long log is read while what came before is judged and written
      reading = this.#read(next)
      reading.catch(() => undefined)
      const written = this.#o.written()
      this.#o.onSettled(this.#tail.take(records, onClaim), this.#tail.position)
      await written
    }
  }

  #read(from: number): Promise<ReadResult> {
    const { log, topic, partition } = this.#o
    return log.read(topic, partition, from, { bytesMax: READ_BYTES })
  }

  /** Against when the claim was appended: a long log lies between that and now. */
  #checkClock({ from, to }: OwnClaim, record: StoredRecord): void {
    const skew = Math.max(from - record.timestamp, record.timestamp - to)
    if (skew <= this.#o.limits.clockSkewMsMax) return
    throw new HbError('clock-skew', `${skew} ms off the append time of offset ${record.offset}`)
  }
}
