// The sequencer role: a member of the consumer group on `ingress`, and for each partition it is
// given, the one writer of the same partition of `log`. Of others it may keep the index warm.
//
// Owners: a node starts one service; it owns a PartitionSequencer per assigned partition, and a
// Standby per partition that it stands by for.
// Invariants: S1 nothing is committed on ingress before it is settled, answered or refused. S2 a
// partition that fails stops alone. S3 of one partition a sequencer or a standby runs, never both.

import { topicNames } from '../protocol/topics.ts'
import type { TopicNames } from '../protocol/topics.ts'
import { Records } from '../protocol/codec/records.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import { copyView, initialView } from '../protocol/accept.ts'
import type { Log, Membership } from '../log/port.ts'
import { checkPlace, endsOf, Holdings } from '../log/resume/index.ts'
import type { OpeningView } from '../log/resume/index.ts'
import type { WriterSchemas } from '../schemas/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { Tracing } from '../std/trace.ts'
import { carryTracing } from '../std/trace.ts'
import type { Store } from '../store/port.ts'
import type { Verifier } from '../verifier/port.ts'
import type { ChainOptions } from './chain.ts'
import { Chain } from './chain.ts'
import type { Place } from './core.ts'
import { writeDeadLetter } from './dead-letters.ts'
import { ForeignSchemas } from './foreign-schemas.ts'
import type { Position } from './id-index.ts'
import { IdIndex } from './id-index.ts'
import { PartitionSequencer } from './partition.ts'
import type { SequencerFigures, SequencerLimits, SequencerListener } from './ports.ts'
import { noSequencerFigures, SEQUENCER_LIMITS } from './ports.ts'
import { checkSkipped } from './skipped.ts'
import { Standby } from './standby.ts'
import { Standbys } from './standbys.ts'
import { trimCommitted } from './trim.ts'

export type SequencerOptions = {
  readonly network: Network
  readonly log: Log
  readonly store: Store
  readonly verifier: Verifier
  readonly clock: Clock
  /** Where records in the wire format of a schema registry are read; without: they are refused. */
  readonly schemas?: WriterSchemas
  readonly applicationId?: string
  /** Where others reach this node (`JoinOptions.address`). */
  readonly address?: string
  /** Warm copies that the group keeps of each partition (`JoinOptions.standbys`); default 0. */
  readonly standbys?: number
  readonly limits?: Partial<SequencerLimits>
  readonly listener?: SequencerListener
  /** Default: what came with a message is carried on. */
  readonly tracing?: Tracing
}

/** How often the lags of copies are looked at, ms. */
const LAG_INTERVAL_MS = 1_000

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
  /** Of partitions that are taken over now: the chain, and where and when it began to be read. */
  readonly #opening = new Map<number, { chain: Chain; from: number; sinceMs: number }>()
  readonly #holdings: Holdings
  readonly #standbys: Standbys
  readonly #foreign: ForeignSchemas | undefined
  readonly #stopping = new AbortController()
  #upkeep: Promise<void> = Promise.resolve()
  #membership: Membership | undefined
  readonly figures: SequencerFigures = noSequencerFigures()

  constructor(options: SequencerOptions) {
    this.#o = options
    this.#limits = { ...SEQUENCER_LIMITS, ...options.limits }
    this.#topics = topicNames(options.applicationId ?? 'hb')
    this.#holdings = new Holdings(options.log, this.#topics.log)
    this.#foreign = this.#foreignSchemas(options)
    this.#standbys = new Standbys({
      clock: options.clock,
      retryMs: this.#limits.standbyRetryMs,
      signal: this.#stopping.signal,
      // what is assigned, or going to be given up, is left until it is gone
      mayRun: (partition) => !this.#stops.has(partition),
      begin: (partition, onFailed) => this.#newStandby(partition, onFailed),
    })
  }

  #foreignSchemas({ schemas, clock }: SequencerOptions): ForeignSchemas | undefined {
    if (schemas === undefined) return undefined
    const { retryDelayMs } = this.#limits
    const { figures } = this
    return new ForeignSchemas({ schemas, records: this.#records, clock, retryDelayMs, figures })
  }

  get #group(): string {
    return `${this.#o.applicationId ?? 'hb'}.sequencer`
  }

  async start(): Promise<void> {
    const { log, address, standbys } = this.#o
    await this.#learnHoldings()
    this.#membership = await log.join({
      group: this.#group,
      topics: [this.#topics.ingress],
      ...(address !== undefined && { address }),
      ...(standbys !== undefined && { standbys }),
      member: {
        assigned: (partition, committed) => this.#assigned(partition, committed),
        records: ({ partition, records }) => this.#sequencer(partition).batch(records),
        revoked: (partition) => this.#revoked(partition),
        standby: (partitions) => this.#standbys.want(partitions),
        holds: () => this.#holdings.lags(),
        halted: (partition, error) => this.#halted(partition, error),
      },
    })
    this.#upkeep = this.#keepUp()
  }

  #halted(partition: number, error: unknown): void {
    // what waited for a schema registry is given up at once, and read by whoever comes next
    if (this.#stopping.signal.aborted && isHbError(error, 'partition-lost')) return
    this.#o.listener?.halted?.(partition, error)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    // a group waits for a take-over under way before it revokes it: one that cannot end is ended
    for (const [partition, stop] of this.#stops) if (!this.#owned.has(partition)) stop.abort()
    await this.#membership?.leave()
    this.#membership = undefined
    await this.#standbys.close()
    await this.#upkeep
  }

  /** Partitions whose index this member keeps warm. */
  standbys(): number[] {
    return this.#standbys.partitions()
  }

  /** Per partition of which there is an index here, the records that it lags. */
  lags(): ReadonlyMap<number, number> {
    return this.#holdings.lags()
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

  /** Why a partition's ingress waits for a schema registry; undefined: none does so here. */
  schemaAwaited(partition: number): HbError | undefined {
    return this.#owned.get(partition)?.sequencer.schemaAwaited
  }

  /** How far the taking over of a partition has got; undefined: none is under way. */
  opening(partition: number): OpeningView | undefined {
    const opening = this.#opening.get(partition)
    if (opening === undefined) return undefined
    const { chain, from, sinceMs } = opening
    return { topic: this.#topics.log, from, at: chain.next, sinceMs }
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
    await this.#standbys.end(partition)
    const index = new IdIndex(store, partition, this.#limits.idGraceMs)
    const position = await this.#position(partition, index, stop.signal)
    const dirty = { head: position.view.height >= 0 }
    const chain = this.#chain(partition, position, stop.signal, {
      onSettled: (entries, at) => {
        dirty.head = true
        this.#settled(partition, index, entries, at)
      },
      written: () => index.written(),
    })
    const { log } = this.#o
    const { retryDelayMs } = this.#limits
    const letters = { log, clock, topics: this.#topics, retryDelayMs, signal: stop.signal }
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
      tracing: this.#o.tracing ?? carryTracing(),
      signal: stop.signal,
      foreign: this.#foreign,
      waiting: AbortSignal.any([stop.signal, this.#stopping.signal]),
      deadLetter: (record, error) => writeDeadLetter(letters, partition, record, error),
    })
    this.#opening.set(partition, { chain, from: chain.next, sinceMs: clock.now() })
    try {
      await sequencer.open()
      const at = committed[this.#topics.ingress]
      if (at !== undefined) {
        const unplaced = sequencer.unplaced.bind(sequencer)
        const place = { log, topics: this.#topics, group: this.#group, partition }
        await checkSkipped({ ...place, unplaced }, at)
      }
    } finally {
      this.#opening.delete(partition)
    }
    const heads = this.#publishHeads(partition, chain, dirty, stop.signal)
    this.#owned.set(partition, { sequencer, index, chain, heads })
    this.#holdings.owns(partition)
    return { [this.#topics.ingress]: committed[this.#topics.ingress] ?? 'earliest' }
  }

  #chain(
    partition: number,
    position: Position,
    signal: AbortSignal,
    settling: Pick<ChainOptions, 'onSettled' | 'written'>,
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
      ...settling,
    }
    return new Chain(options, position)
  }

  async #revoked(partition: number): Promise<void> {
    this.#stops.get(partition)?.abort()
    const owned = this.#owned.get(partition)
    if (owned !== undefined) {
      await owned.sequencer.idle()
      await owned.heads
      // a write that failed is read again from the log
      await owned.index.written().catch(() => undefined)
      this.#owned.delete(partition)
      this.#holdings.gaveUp(partition)
      this.#holdings.has(partition, owned.chain.next)
    }
    this.#stops.delete(partition)
    this.#standbys.reconcile()
  }

  async #learnHoldings(): Promise<void> {
    const { network, store } = this.#o
    for (let partition = 0; partition < network.genesis.partitions; partition++) {
      const position = new IdIndex(store, partition).load()
      if (position !== undefined) this.#holdings.has(partition, position.next)
    }
    await this.#holdings.refresh()
  }

  #newStandby(partition: number, onFailed: (error: unknown) => void): Standby {
    const { network, log, store } = this.#o
    const index = new IdIndex(store, partition, this.#limits.idGraceMs)
    const stop = new AbortController()
    const options = {
      network,
      log,
      topic: this.#topics.log,
      partition,
      records: this.#records,
      index,
      figures: this.figures,
      stop,
      position: () => this.#position(partition, index, stop.signal),
      onFollowed: (next: number) => this.#holdings.has(partition, next),
    }
    return new Standby(options, (error) => {
      this.#holdings.lost(partition)
      this.#o.listener?.standbyFailed?.(partition, error)
      onFailed(error)
    })
  }

  /** Looks at the log's ends where lags depend on them, and trims what was committed. */
  async #keepUp(): Promise<void> {
    const { log, clock } = this.#o
    const { signal } = this.#stopping
    const { trimIntervalMs, trimRecordsMin } = this.#limits
    const trim = { log, group: this.#group, topic: this.#topics.ingress, trimRecordsMin }
    const everyMs = Math.min(LAG_INTERVAL_MS, trimIntervalMs)
    for (let trimmedAt = clock.now(); !signal.aborted; await clock.sleep(everyMs, signal)) {
      try {
        if (this.#holdings.needsEnds) await this.#holdings.refresh()
        if (clock.now() - trimmedAt < trimIntervalMs) continue
        trimmedAt = clock.now()
        await trimCommitted(trim, [...this.#owned.keys()])
      } catch {
        // the next round does it; a log that is gone says so to those who append
      }
    }
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
