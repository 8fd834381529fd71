// The DRE role: a member of the consumer group on `log`, evaluating each partition it is given.
//
// Owners: a node starts one service; it owns a DrePartition per assigned partition. Invariants: S1
// a batch is committed only when its results are durable in the outbox. S2 the local store is a
// cache: without it a partition starts from the newest manifest, else from height 0. S3 a
// partition that fails stops alone.

import { initialView, copyView } from '../protocol/accept.ts'
import { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import { entryOf } from '../protocol/log-reader.ts'
import type { Result } from '../protocol/result.ts'
import { topicNames } from '../protocol/topics.ts'
import type { TopicNames } from '../protocol/topics.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import type { Log, Membership } from '../log/port.ts'
import { asBuffer, equalBytes } from '../std/bytes.ts'
import type { Clock } from '../std/clock.ts'
import { systemClock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { Store } from '../store/port.ts'
import { appendAgain } from './append-again.ts'
import { Ledger } from './core.ts'
import { Evaluation } from './evaluation.ts'
import { Intervals } from './intervals.ts'
import { Modules } from './modules.ts'
import { DrePartition } from './partition.ts'
import type { DreFigures, DreLimits, DreListener } from './ports.ts'
import { DRE_LIMITS } from './ports.ts'
import type { DrePosition } from './process-store.ts'
import { ProcessStore } from './process-store.ts'
import { Publisher } from './publisher.ts'
import { restore } from './restore.ts'

export type DreOptions = {
  readonly network: Network
  readonly log: Log
  readonly store: Store
  readonly evaluator: Evaluator
  /** For pauses only: nothing evaluated depends on it. Default: the machine's. */
  readonly clock?: Clock
  readonly applicationId?: string
  /** Where others reach the node that this role is part of: a URL. */
  readonly address?: string
  /** Warm copies that the group keeps of each partition; default 0. */
  readonly standbys?: number
  readonly limits?: Partial<DreLimits>
  readonly listener?: DreListener
}

/** What of a partition can be asked for (node's API). */
export type OwnedPartition = {
  readonly partition: DrePartition
  readonly ledger: Ledger
  readonly store: ProcessStore
  readonly modules: Modules
}

type Parts = {
  readonly ledger: Ledger
  readonly store: ProcessStore
  readonly modules: Modules
  readonly intervals: Intervals
  readonly publisher: Publisher
}

export class DreService {
  readonly #o: DreOptions
  readonly #limits: DreLimits
  readonly #clock: Clock
  readonly #topics: TopicNames
  readonly #records = new Records()
  readonly #owned = new Map<number, OwnedPartition>()
  /** Of every partition that is owned or being taken over. */
  readonly #stops = new Map<number, AbortController>()
  readonly #stopping = new AbortController()
  #sweeping: Promise<void> = Promise.resolve()
  #membership: Membership | undefined
  readonly figures: DreFigures = {
    entries: 0,
    superseded: 0,
    errors: 0,
    runs: 0,
    opened: 0,
    evicted: 0,
    lost: 0,
    faults: 0,
  }

  constructor(options: DreOptions) {
    this.#o = options
    this.#clock = options.clock ?? systemClock
    this.#limits = { ...DRE_LIMITS, ...options.limits }
    this.#topics = topicNames(options.applicationId ?? 'hb')
  }

  async start(): Promise<void> {
    this.#membership = await this.#o.log.join({
      group: `${this.#o.applicationId ?? 'hb'}.dre`,
      topics: [this.#topics.log],
      inFlight: 3,
      ...(this.#o.address !== undefined && { address: this.#o.address }),
      ...(this.#o.standbys !== undefined && { standbys: this.#o.standbys }),
      member: {
        assigned: (partition) => this.#assigned(partition),
        records: ({ partition, records }) => this.#partition(partition).batch(records),
        revoked: (partition) => this.#revoked(partition),
        halted: (partition, error) => this.#o.listener?.halted?.(partition, error),
      },
    })
    this.#sweeping = this.#sweep()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#membership?.leave()
    this.#membership = undefined
    await this.#sweeping
  }

  owned(partition: number): OwnedPartition | undefined {
    return this.#owned.get(partition)
  }

  /** An idle process costs no memory: what no message came for is closed. */
  async #sweep(): Promise<void> {
    const { signal } = this.#stopping
    for (;;) {
      await this.#clock.sleep(this.#limits.instanceIdleMsMax, signal)
      if (signal.aborted) return
      for (const { partition } of [...this.#owned.values()]) {
        // a partition that failed says so itself
        await partition.sweep().catch(() => undefined)
      }
    }
  }

  #partition(partition: number): DrePartition {
    const owned = this.#owned.get(partition)
    if (owned === undefined) throw new HbError('partition-lost', `partition ${partition}`)
    return owned.partition
  }

  async #assigned(partition: number): Promise<Record<string, number | 'earliest'>> {
    const { network, log } = this.#o
    const stop = new AbortController()
    this.#stops.set(partition, stop)
    const parts = this.#parts(partition, stop.signal)
    const { ledger, store, intervals, publisher } = parts
    const restoring = { ...parts, network, partition, log, topics: this.#topics }
    const position =
      store.position() ?? (await restore({ ...restoring, records: this.#records }))
    if (position !== undefined) {
      await this.#checkPosition(partition, position)
      ledger.load(store.rows(), position.outgoing)
      intervals.open()
    }
    const height = position?.view.height ?? -1
    const own = (at: number): Result | undefined => (at <= height ? store.result(at) : undefined)
    const from = position && { height: height + 1, offset: position.outbox }
    await publisher.open(own, from)
    await publisher.fill(height)
    const ends = (height + 1) % network.genesis.intervalLength === 0
    if (position !== undefined && ends) await intervals.close(position)
    const owned = this.#begin(parts, position, partition)
    this.#owned.set(partition, { ...parts, partition: owned })
    return { [this.#topics.log]: position?.next ?? 0 }
  }

  /** Everything of a partition that does not depend on where it starts. */
  #parts(partition: number, signal: AbortSignal): Parts {
    const { network, log, evaluator } = this.#o
    const records = this.#records
    const limits = this.#limits
    const append = appendAgain(log, this.#clock, signal)
    const store = new ProcessStore(this.#o.store, records, partition)
    const modules = new Modules(this.#o.store, records, append, this.#topics.modules)
    const ledger = new Ledger(network, partition)
    const { rows } = ledger
    const shared = { network, partition, append, records, store, limits, rows }
    const intervals = new Intervals({
      ...shared,
      topic: this.#topics.snapshots,
      rawStore: this.#o.store,
      modules,
      evaluator,
    })
    const publisher = new Publisher({
      ...shared,
      log,
      topic: this.#topics.outbox,
      figures: this.figures,
      listener: this.#o.listener ?? {},
    })
    return { ledger, store, modules, intervals, publisher }
  }

  #begin(parts: Parts, position: DrePosition | undefined, partition: number): DrePartition {
    const { network, evaluator } = this.#o
    const { figures } = this
    const { partitions } = network.genesis
    const evaluation = new Evaluation({
      ...parts,
      network,
      evaluator,
      limits: this.#limits,
      figures,
    })
    return new DrePartition({
      ...parts,
      network,
      records: this.#records,
      evaluation,
      figures,
      view: copyView(position?.view ?? initialView(network.id, partition, partitions)),
      next: position?.next ?? 0,
    })
  }

  async #revoked(partition: number): Promise<void> {
    this.#stops.get(partition)?.abort()
    this.#stops.delete(partition)
    const owned = this.#owned.get(partition)
    if (owned === undefined) return
    await owned.partition.idle()
    const commands = [...owned.ledger.rows.keys()].map((process) => ({
      kind: 'close' as const,
      process,
    }))
    for (let at = 0; at < commands.length; at += 1_000) {
      await this.#o.evaluator.run(commands.slice(at, at + 1_000))
    }
    this.#owned.delete(partition)
  }

  async #checkPosition(partition: number, { view, at, next }: DrePosition): Promise<void> {
    const { log, network } = this.#o
    const topic = this.#topics.log
    const ends = (await log.ends(topic))[partition]
    if (ends === undefined || ends.end < next) {
      const has = `${topic} ${partition} ends at ${ends?.end}`
      throw new HbError('log-diverged', `${has}, read up to ${next}`)
    }
    const { records } = await log.read(topic, partition, at, { to: at + 1 })
    const value = records[0]?.offset === at ? records[0].value : null
    try {
      if (value !== null) {
        const entry = entryOf(network, partition, this.#records.decodeEntry(asBuffer(value)))
        if (equalBytes(entry.hash, view.hash)) return
      }
    } catch (error) {
      if (!isHbError(error)) throw error
    }
    throw new HbError('log-diverged', `offset ${at} of ${topic} ${partition} is another record`)
  }
}
