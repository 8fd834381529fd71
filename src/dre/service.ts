// The DRE role: a member of the consumer group on `log`, evaluating each partition it is given.
//
// Owners: a node starts one service; it owns a DrePartition per assigned partition. Invariants: S1 a batch is committed
// only when its results are durable in the outbox. S2 the local store is a cache: without it a partition starts from the
// newest manifest, else from height 0. S3 a partition that fails stops alone.

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
  /** Only for when idle processes are closed; default: the machine's. */
  readonly clock?: Clock
  readonly applicationId?: string
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

export class DreService {
  readonly #o: DreOptions
  readonly #limits: DreLimits
  readonly #topics: TopicNames
  readonly #records = new Records()
  readonly #owned = new Map<number, OwnedPartition>()
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
    this.#limits = { ...DRE_LIMITS, ...options.limits }
    this.#topics = topicNames(options.applicationId ?? 'hb')
  }

  async start(): Promise<void> {
    this.#membership = await this.#o.log.join({
      group: `${this.#o.applicationId ?? 'hb'}.dre`,
      topics: [this.#topics.log],
      inFlight: 3,
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
    await this.#sweeping
    await this.#membership?.leave()
    this.#membership = undefined
  }

  owned(partition: number): OwnedPartition | undefined {
    return this.#owned.get(partition)
  }

  /** An idle process costs no memory: what no message came for is closed. */
  async #sweep(): Promise<void> {
    const { signal } = this.#stopping
    const clock = this.#o.clock ?? systemClock
    for (;;) {
      await clock.sleep(this.#limits.instanceIdleMsMax, signal)
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
    const { network, log, evaluator } = this.#o
    const topics = this.#topics
    const records = this.#records
    const store = new ProcessStore(this.#o.store, records, partition)
    const modules = new Modules(this.#o.store, records, log, topics.modules)
    const ledger = new Ledger(network, partition)
    const intervals = new Intervals({
      network,
      partition,
      log,
      topic: topics.snapshots,
      records,
      store,
      rawStore: this.#o.store,
      modules,
      evaluator,
      limits: this.#limits,
      rows: ledger.rows,
    })
    const restoring = { network, partition, log, topics, records, store, modules, intervals }
    const position = store.position() ?? (await restore(restoring))
    if (position !== undefined) {
      await this.#checkPosition(partition, position)
      ledger.load(store.rows(), position.outgoing)
      intervals.open()
    }
    const publisher = new Publisher({
      network,
      partition,
      log,
      topic: topics.outbox,
      records,
      store,
      limits: this.#limits,
      figures: this.figures,
      listener: this.#o.listener ?? {},
      rows: ledger.rows,
    })
    const height = position?.view.height ?? -1
    const own = (at: number): Result | undefined => (at <= height ? store.result(at) : undefined)
    await publisher.open(
      own,
      position === undefined ? undefined : { height: height + 1, offset: position.outbox },
    )
    await publisher.fill(height)
    const { intervalLength } = network.genesis
    if (position !== undefined && (height + 1) % intervalLength === 0) await intervals.close(position)
    const written: { by?: DrePartition } = {}
    const evaluation = new Evaluation({
      network,
      ledger,
      evaluator,
      store,
      modules,
      limits: this.#limits,
      figures: this.figures,
      written: () => written.by?.written() ?? Promise.resolve(),
    })
    const view = copyView(
      position?.view ?? initialView(network.id, partition, network.genesis.partitions),
    )
    const next = position?.next ?? 0
    const { figures } = this
    const owned = new DrePartition({
      network,
      records,
      ledger,
      evaluation,
      publisher,
      intervals,
      modules,
      figures,
      view,
      next,
    })
    written.by = owned
    this.#owned.set(partition, { partition: owned, ledger, store, modules })
    return { [topics.log]: next }
  }

  async #revoked(partition: number): Promise<void> {
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
      throw new HbError('log-diverged', `${topic} ${partition} ends at ${ends?.end}, read to ${next}`)
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
