// The sequencer role: a member of the consumer group on `ingress`, and for each partition it is
// given, the one writer of the same partition of `log`.
//
// Owners: a node starts one service; it owns a PartitionSequencer per assigned partition.
// Invariants: S1 nothing is committed on ingress before it is settled, answered or refused. S2 a
// partition that fails stops alone.

import { topicNames } from '../protocol/topics.ts'
import type { TopicNames } from '../protocol/topics.ts'
import { Records } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import { copyView, initialView } from '../protocol/accept.ts'
import type { Log, LogRecord, Membership, StoredRecord } from '../log/port.ts'
import { checkPlace, endsOf } from '../log/resume/index.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { Store } from '../store/port.ts'
import type { Verifier } from '../verifier/port.ts'
import { Chain } from './chain.ts'
import type { Place } from './core.ts'
import { deadLetterOf } from '../protocol/dead-letter.ts'
import type { Position } from './id-index.ts'
import { IdIndex } from './id-index.ts'
import { PartitionSequencer } from './partition.ts'
import type { SequencerFigures, SequencerLimits, SequencerListener } from './ports.ts'
import { SEQUENCER_LIMITS } from './ports.ts'

export type SequencerOptions = {
  readonly network: Network
  readonly log: Log
  readonly store: Store
  readonly verifier: Verifier
  readonly clock: Clock
  readonly applicationId?: string
  /** Where others reach the node that this role is part of: a URL. */
  readonly address?: string
  /** Warm copies that the group keeps of each partition; default 0. */
  readonly standbys?: number
  readonly limits?: Partial<SequencerLimits>
  readonly listener?: SequencerListener
}

type Owned = {
  readonly sequencer: PartitionSequencer
  readonly index: IdIndex
  readonly chain: Chain
  readonly heads: Promise<void>
}

export class SequencerService {
  readonly #o: SequencerOptions
  readonly #limits: SequencerLimits
  readonly #topics: TopicNames
  readonly #records = new Records()
  readonly #owned = new Map<number, Owned>()
  /** Of every partition that is owned or being taken over. */
  readonly #stops = new Map<number, AbortController>()
  #membership: Membership | undefined
  readonly figures: SequencerFigures = {
    entries: 0,
    superseded: 0,
    duplicates: 0,
    gaps: 0,
    refused: 0,
    claims: 0,
    unclear: 0,
  }

  constructor(options: SequencerOptions) {
    this.#o = options
    this.#limits = { ...SEQUENCER_LIMITS, ...options.limits }
    this.#topics = topicNames(options.applicationId ?? 'hb')
  }

  async start(): Promise<void> {
    this.#membership = await this.#o.log.join({
      group: `${this.#o.applicationId ?? 'hb'}.sequencer`,
      topics: [this.#topics.ingress],
      ...(this.#o.address !== undefined && { address: this.#o.address }),
      ...(this.#o.standbys !== undefined && { standbys: this.#o.standbys }),
      member: {
        assigned: (partition, committed) => this.#assigned(partition, committed),
        records: ({ partition, records }) => this.#sequencer(partition).batch(records),
        revoked: (partition) => this.#revoked(partition),
        halted: (partition, error) => this.#o.listener?.halted?.(partition, error),
      },
    })
  }

  async stop(): Promise<void> {
    // a group waits for a take-over under way before it revokes it: one that cannot end is ended
    for (const [partition, stop] of this.#stops) if (!this.#owned.has(partition)) stop.abort()
    await this.#membership?.leave()
    this.#membership = undefined
  }

  /** Where a wallet's message stands, if a partition of this member ordered it. */
  find(id: string): { readonly partition: number; readonly place: Place } | undefined {
    for (const [partition, { index }] of this.#owned) {
      const place = index.find(id)
      if (place !== undefined) return { partition, place }
    }
    return undefined
  }

  /** Settled height of a partition of this member. */
  height(partition: number): number | undefined {
    return this.#owned.get(partition)?.chain.view.height
  }

  #sequencer(partition: number): PartitionSequencer {
    const owned = this.#owned.get(partition)
    if (owned === undefined) throw new HbError('partition-lost', `partition ${partition}`)
    return owned.sequencer
  }

  async #assigned(
    partition: number,
    committed: Readonly<Record<string, number | undefined>>,
  ): Promise<Record<string, number | 'earliest'>> {
    const { network, store, clock, verifier } = this.#o
    const stop = new AbortController()
    this.#stops.set(partition, stop)
    const index = new IdIndex(store, partition)
    const position = await this.#position(partition, index, stop.signal)
    const dirty = { head: position.view.height >= 0 }
    const chain = this.#chain(partition, position, stop.signal, (entries, at) => {
      dirty.head = true
      this.#settled(partition, index, entries, at)
    })
    const sequencer = new PartitionSequencer({
      network,
      partition,
      records: this.#records,
      clock,
      verifier,
      chain,
      index,
      limits: this.#limits,
      figures: this.figures,
      listener: this.#o.listener ?? {},
      signal: stop.signal,
      deadLetter: (record, error) => this.#deadLetter(partition, record, error, stop.signal),
    })
    await sequencer.open()
    const heads = this.#publishHeads(partition, chain, dirty, stop.signal)
    this.#owned.set(partition, { sequencer, index, chain, heads })
    return { [this.#topics.ingress]: committed[this.#topics.ingress] ?? 'earliest' }
  }

  #chain(
    partition: number,
    position: Position,
    signal: AbortSignal,
    onSettled: (entries: readonly Entry[], at: Position) => void,
  ): Chain {
    const { network, log, clock } = this.#o
    const options = {
      network,
      log,
      topic: this.#topics.log,
      partition,
      records: this.#records,
      clock,
      limits: this.#limits,
      figures: this.figures,
      memberId: () => this.#membership?.memberId ?? 'joining',
      generation: () => this.#membership?.generation() ?? 0,
      owns: async () => (await this.#membership?.owns(partition)) ?? true,
      signal,
      onSettled,
    }
    return new Chain(options, position)
  }

  async #revoked(partition: number): Promise<void> {
    this.#stops.get(partition)?.abort()
    this.#stops.delete(partition)
    const owned = this.#owned.get(partition)
    if (owned === undefined) return
    await owned.sequencer.idle()
    await owned.heads
    this.#owned.delete(partition)
  }

  /** Where the index stands, if the log is still the one that was read; else its beginning. */
  async #position(partition: number, index: IdIndex, signal: AbortSignal): Promise<Position> {
    const { log, network, clock } = this.#o
    const topic = this.#topics.log
    const { logEndWaitMsMax } = this.#limits
    const position = index.load()
    if (position === undefined) {
      const view = initialView(network.id, partition, network.genesis.partitions)
      return { view, next: (await endsOf(log, topic, partition)).start, at: undefined }
    }
    const records = this.#records
    const resume = { network, log, clock, records, topic, partition, logEndWaitMsMax, signal }
    await checkPlace(resume, { ...position, hash: position.view.hash })
    return position
  }

  #settled(partition: number, index: IdIndex, entries: readonly Entry[], at: Position): void {
    const position = { ...at, view: copyView(at.view) }
    // the next append need not wait: `find` sees these at once, and a lost write is read again
    // from the log
    index.record(entries, position)
    this.#o.listener?.settled?.(partition, entries)
  }

  /** Resolves when the letter is durable: a log that refuses for a while is asked again. */
  async #deadLetter(
    partition: number,
    record: StoredRecord,
    error: HbError,
    signal: AbortSignal,
  ): Promise<void> {
    const { log, clock } = this.#o
    let letter: LogRecord = deadLetterOf(this.#topics.ingress, partition, record, error)
    for (let delay = this.#limits.retryDelayMs; ; delay = Math.min(delay * 2, 2_000)) {
      try {
        await log.append(this.#topics.deadletters, 0, [letter])
        return
      } catch (failure) {
        if (isHbError(failure, 'log-record-too-large') && letter.value !== null) {
          // its place in ingress still names it; the headers must not cost the partition its life
          letter = { ...letter, value: null }
          continue
        }
        const again =
          isHbError(failure, 'log-append-refused') || isHbError(failure, 'log-append-unclear')
        if (!again) throw failure
        if (signal.aborted) throw new HbError('partition-lost', 'stopping')
        await clock.sleep(delay, signal)
      }
    }
  }

  /** The settled end of the partition, for relayers and routers, at most every `headIntervalMs`. */
  async #publishHeads(
    partition: number,
    chain: Chain,
    dirty: { head: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      await this.#o.clock.sleep(this.#limits.headIntervalMs, signal)
      if (!dirty.head) continue
      dirty.head = false
      const { height, hash, timestamp, counters } = chain.view
      const value = this.#records.head.encode({ partition, height, hash, timestamp, counters })
      try {
        const key = `head/${partition}`
        await this.#o.log.append(this.#topics.registry, 0, [{ key, value }])
      } catch {
        dirty.head = true
      }
    }
  }
}
