// One partition at this member: opened once, followed as a standby or owned, or first the one and
// then the other.
//
// Owners: service.ts, which calls one method at a time (but `abort`).
// Invariants: K1 `open` once, then `follow`, then `promote` at most once, then `close`. K2 a
// follower appends nothing anywhere. K3 taking over costs what the log and the outbox hold beyond
// the position, not what lies before. K4 what is in the store can be gone on from at any moment,
// whoever wrote it. K5 a task that failed is only closed: what it has in memory is not believed.

import { copyView, initialView } from '../protocol/accept.ts'
import type { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import { endsInterval } from '../protocol/interval.ts'
import type { Result } from '../protocol/result.ts'
import type { TopicNames } from '../protocol/topics.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import type { Log, StoredRecord } from '../log/port.ts'
import { checkPlace, endsOf, Opening } from '../log/resume/index.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { Tracing } from '../std/trace.ts'
import type { Store } from '../store/port.ts'
import { appendAgain } from './append-again.ts'
import { Ledger } from './core.ts'
import { Evaluation } from './evaluation.ts'
import { Intervals } from './intervals.ts'
import { searchModules } from './module-search.ts'
import { Modules } from './modules.ts'
import { PartitionLevel } from './partition-level.ts'
import { OutboxTrim } from './outbox-trim.ts'
import { DrePartition } from './partition.ts'
import type { DreFigures, DreLimits, DreListener } from './ports.ts'
import type { DrePosition } from './process-store.ts'
import { ProcessStore } from './process-store.ts'
import { Publisher } from './publisher.ts'
import { restore } from './restore.ts'
import type { SettledChannels } from './settled-channels.ts'
import { whereToPublish } from './where-to-publish.ts'

export type TaskOptions = {
  readonly network: Network
  readonly partition: number
  readonly log: Log
  readonly topics: TopicNames
  readonly relayerGroup: string
  readonly records: Records
  readonly store: Store
  readonly evaluator: Evaluator
  readonly clock: Clock
  readonly limits: DreLimits
  readonly figures: DreFigures
  readonly listener: DreListener
  readonly tracing: Tracing
  /** Of a follower: everything below this offset is stored. */
  readonly onFollowed: (partition: number, next: number) => void
  /** Of a follower: it goes no further. */
  readonly onFailed: (partition: number, error: unknown) => void
  /** Without a local store it begins at a manifest below this height, or at 0; default: any. */
  readonly manifestBelow?: number
}

/** What of a partition can be asked for (node's API). */
export type OwnedPartition = {
  readonly partition: DrePartition
  readonly ledger: Ledger
  readonly store: ProcessStore
  readonly modules: Modules
  readonly level: PartitionLevel
}

/** A follower hands its records on in batches of so many, so many outstanding, as a log does. */
const BATCH_RECORDS = 500
const IN_FLIGHT = 3
const WAIT_MS = 1_000
/** How often it is looked how far catching up is, ms. */
const LOOK_MS = 50

export class PartitionTask {
  readonly #o: TaskOptions
  readonly #store: ProcessStore
  readonly #modules: Modules
  readonly #ledger: Ledger
  readonly #level: PartitionLevel
  readonly #intervals: Intervals
  readonly #publisher: Publisher
  readonly #evaluation: Evaluation
  readonly #trim: OutboxTrim
  readonly #stop = new AbortController()
  /** Ends the following alone. */
  readonly #pause = new AbortController()
  #following: Promise<void> = Promise.resolve()
  #pipeline: DrePartition | undefined
  #owned: OwnedPartition | undefined
  /** Until the states are here, and again until the outbox is read. */
  #opening: Opening | undefined
  /** A manifest was the beginning, and the states of its height are recorded. */
  #restored = false
  #followed = false
  #failed = false
  #sweeping = false

  constructor(options: TaskOptions) {
    this.#o = options
    const { network, partition, records, limits, log, topics, evaluator, figures } = options
    const append = appendAgain(log, options.clock, this.#stop.signal)
    const store = new ProcessStore(options.store, records, partition)
    const { signal } = this.#stop
    const find = searchModules(
      { network, log, topics, records },
      options.clock,
      limits.moduleWaitMsMax,
      signal,
    )
    const modules = new Modules(options.store, records, append, topics.modules, find)
    const ledger = new Ledger(network, partition)
    const level = new PartitionLevel({ network, partition, store, levels: evaluator.levels })
    const { rows, known } = ledger
    const shared = { network, partition, append, records, store, limits, rows, known }
    const rawStore = options.store
    const topic = topics.snapshots
    this.#intervals = new Intervals({ ...shared, topic, rawStore, modules, evaluator, level })
    const { listener } = options
    this.#trim = new OutboxTrim({ ...options, ...limits, topic: topics.outbox })
    const onPublished: OutboxTrim['published'] = (...run) => this.#trim.published(...run)
    const onForeign: OutboxTrim['foreign'] = (offset) => this.#trim.foreign(offset)
    const outbox = { log, topic: topics.outbox, figures, listener, onPublished, onForeign }
    this.#publisher = new Publisher({ ...shared, ...outbox })
    const evaluating = { network, ledger, evaluator, store, modules, limits, figures, level }
    this.#evaluation = new Evaluation(evaluating)
    this.#store = store
    this.#modules = modules
    this.#ledger = ledger
    this.#level = level
  }

  /** While it is owned, not before it is taken over. */
  get owned(): OwnedPartition | undefined {
    return this.#owned
  }

  get opening(): Opening | undefined {
    return this.#opening
  }

  get failed(): boolean {
    return this.#failed
  }

  /** From the local store, else from the newest manifest, else from nothing. */
  async open(): Promise<void> {
    const { network, partition, log, topics, records } = this.#o
    let position = this.#store.position()
    const { manifestBelow: below = Infinity } = this.#o
    if (position === undefined && below > 0) {
      const accepts = (head: { height: number }): boolean => head.height < below
      const parts = { store: this.#store, modules: this.#modules, intervals: this.#intervals }
      const opening = new Opening(this.#o.clock)
      this.#opening = opening
      const place = { network, partition, log, topics, records }
      position = await restore({ ...parts, ...place, opening, accepts })
      this.#restored = position !== undefined
    }
    if (position !== undefined) {
      await this.#checkPlace(position)
      this.#ledger.load(this.#store.rows(), position.outgoing, this.#store.known())
      this.#intervals.open()
    }
    this.#level.goOn(position)
    await this.#publisher.begin(position)
    this.#opening = undefined
  }

  /** Begins to follow the log; returns at once. */
  follow(): void {
    this.#followed = true
    this.#following = this.#follow(this.#pause.signal).catch((error: unknown) => this.#fail(error))
  }

  /**
   * Follows the log up to the offset `end`; or to an interval's end from which the outbox, which
   * ends with the height `published`, goes no further: closing that is for the partition's owner.
   */
  async catchUp(end: number, published: number, onMoved: (next: number) => void): Promise<void> {
    this.#followed = true
    const { clock, network } = this.#o
    const done = new AbortController()
    const following = this.#follow(this.#pause.signal, end)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => done.abort())
    while (!done.signal.aborted) {
      await clock.sleep(LOOK_MS, done.signal)
      const position = this.#store.position()
      if (position === undefined) continue
      onMoved(position.next)
      const { height } = position.view
      const ends = endsInterval(height, network.genesis.intervalLength)
      if (ends && height >= published) this.#pause.abort()
    }
    await following
  }

  /** Ends the following. */
  async pause(): Promise<void> {
    this.#pause.abort()
    await this.#following
    await this.#pipeline?.idle()
  }

  /** Takes the partition over: resolves with the offset of the log from which `batch` goes on. */
  async promote(): Promise<number> {
    await this.pause()
    if (this.#failed) throw new HbError('partition-lost', 'the standby failed')
    const { partition, network, log, topics, records } = this.#o
    const position = this.#store.position()
    const height = position?.view.height ?? -1
    if (position !== undefined && this.#followed) await this.#checkPlace(position)
    const own = (at: number): Result | undefined =>
      at <= height ? this.#store.result(at) : undefined
    const opening = new Opening(this.#o.clock)
    opening.reads(this.#o.topics.outbox, this.#publisher.offset)
    this.#opening = opening
    await this.#publisher.activate(own, (next) => opening.has(next))
    this.#opening = undefined
    if (position !== undefined) {
      const place = { network, partition, log, registry: topics.registry, records }
      const from = await whereToPublish({ ...place, store: this.#store }, position, this.#publisher)
      this.#publisher.goOn(from)
    }
    await this.#modules.publishKept(partition, this.#publisher.next)
    const filled = await this.#publisher.fill(height)
    const ends = endsInterval(height, network.genesis.intervalLength)
    // whoever closed it before may have died over it
    if (position !== undefined && ends && !this.#restored) {
      await this.#intervals.close(position, true)
    }
    const pipeline = await this.#begin()
    const parts = { ledger: this.#ledger, store: this.#store, modules: this.#modules }
    this.#owned = { ...parts, level: this.#level, partition: pipeline }
    if (filled.length > 0) this.#o.listener.results?.(partition, filled)
    return pipeline.settledNext
  }

  batch(records: readonly StoredRecord[]): Promise<void> {
    if (this.#owned === undefined) throw new HbError('partition-lost')
    return this.#owned.partition.batch(records)
  }

  /** Begins to close what is idle, unless that is under way; it may wait for what is published. */
  sweep(): void {
    if (this.#sweeping || this.#pipeline === undefined) return
    this.#sweeping = true
    const done = (): void => void (this.#sweeping = false)
    // a partition that failed says so itself
    this.#pipeline.sweep().then(done, done)
  }

  /** Trims the outbox of an owned partition. */
  async trim(settled: SettledChannels): Promise<void> {
    if (this.#owned !== undefined) await this.#trim.trim(settled)
  }

  /** What is under way ends as soon as it can; call `close` then. */
  abort(): void {
    this.#stop.abort()
    this.#pause.abort()
  }

  /** Resolves with the offset up to which the store has it, when nothing is under way any more. */
  async close(): Promise<number | undefined> {
    this.abort()
    await this.pause()
    this.#owned = undefined
    await this.#evaluation.close()
    return this.#store.position()?.next
  }

  async #follow(signal: AbortSignal, end = Infinity): Promise<void> {
    const { network, log, topics, partition } = this.#o
    const position = this.#store.position()
    const ends = position && endsInterval(position.view.height, network.genesis.intervalLength)
    if (ends === true && !this.#restored) {
      await this.#publisher.beyond(position.view.height, signal)
      await this.#intervals.close(position, false)
    }
    const pipeline = await this.#begin()
    this.#restored = false
    const under: Promise<void>[] = []
    const reading = { waitMs: WAIT_MS, signal, ...(end < Infinity && { to: end }) }
    for (let from = pipeline.settledNext; from < end && !signal.aborted && !this.#failed; ) {
      const read = await log.read(topics.log, partition, from, reading)
      // where nothing comes, nothing is lacking: an empty partition brings no batch that says so
      if (read.records.length === 0 && under.length === 0 && !signal.aborted) {
        this.#o.onFollowed(partition, pipeline.settledNext)
      }
      for (let at = 0; at < read.records.length && !signal.aborted; at += BATCH_RECORDS) {
        if (under.length >= IN_FLIGHT) await under.shift()
        under.push(this.#take(pipeline, read.records.slice(at, at + BATCH_RECORDS)))
      }
      from = read.next
    }
    await Promise.all(under)
  }

  async #take(pipeline: DrePartition, records: readonly StoredRecord[]): Promise<void> {
    try {
      await pipeline.batch(records)
      this.#o.onFollowed(this.#o.partition, pipeline.settledNext)
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return
    // it was asked to stop where it waited for the outbox: nothing was begun behind that
    if (this.#pause.signal.aborted && isHbError(error, 'partition-lost')) return
    this.#failed = true
    this.#o.onFailed(this.#o.partition, error)
  }

  /** Goes on from what the store holds; what a follower read and had not begun is read again. */
  async #begin(): Promise<DrePartition> {
    const { network, partition, records, log, topics, figures, clock } = this.#o
    const position = this.#store.position()
    const { partitions } = network.genesis
    // nothing depends on offsets: a log that was copied may begin anywhere
    const next = position?.next ?? (await endsOf(log, topics.log, partition)).start
    // a follower that stopped at an interval's end had not gone on
    if (this.#level.goOn(position)) await this.#evaluation.close()
    const parts = {
      ledger: this.#ledger,
      modules: this.#modules,
      intervals: this.#intervals,
      level: this.#level,
    }
    this.#pipeline = new DrePartition({
      ...parts,
      network,
      records,
      evaluation: this.#evaluation,
      publisher: this.#publisher,
      figures,
      clock,
      tracing: this.#o.tracing,
      view: copyView(position?.view ?? initialView(network.id, partition, partitions)),
      next,
      signal: this.#pause.signal,
    })
    return this.#pipeline
  }

  async #checkPlace(position: DrePosition): Promise<void> {
    const { network, log, clock, records, topics, partition } = this.#o
    const { logEndWaitMsMax } = this.#o.limits
    const { signal } = this.#stop
    const where = { topic: topics.log, partition, logEndWaitMsMax, signal }
    const place = { ...position, hash: position.view.hash }
    await checkPlace({ network, log, clock, records, ...where }, place)
  }
}
