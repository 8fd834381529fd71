// The DRE role: a member of the consumer group on `log`, evaluating each partition it is given, and
// keeping warm copies of others.
//
// Owners: a node starts one service; it owns a PartitionTask per partition that it owns or stands
// by for.
// Invariants: S1 a batch is committed only when its results are durable in the outbox. S2 the local
// store is a cache: without it a partition starts from the newest manifest, else from height 0. S3
// a partition that fails stops alone. S4 of one partition there is one task at a time: what changes
// it waits in that partition's turn.

import { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import { topicNames } from '../protocol/topics.ts'
import type { TopicNames } from '../protocol/topics.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import type { Log, Membership } from '../log/port.ts'
import { Holdings } from '../log/resume/index.ts'
import type { OpeningView } from '../log/resume/index.ts'
import type { Clock } from '../std/clock.ts'
import { systemClock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'
import type { Tracing } from '../std/trace.ts'
import { carryTracing } from '../std/trace.ts'
import type { Store } from '../store/port.ts'
import type { DreFigures, DreLimits, DreListener } from './ports.ts'
import { DRE_LIMITS, noDreFigures } from './ports.ts'
import { dropPartition, ProcessStore } from './process-store.ts'
import { SettledChannels } from './settled-channels.ts'
import type { OwnedPartition } from './task.ts'
import { PartitionTask } from './task.ts'
import { OutboxBehind } from './where-to-publish.ts'

export type DreOptions = {
  readonly network: Network
  readonly log: Log
  readonly store: Store
  readonly evaluator: Evaluator
  /** For pauses only: nothing evaluated depends on it. Default: the machine's. */
  readonly clock?: Clock
  readonly applicationId?: string
  /** Where others reach this node (`JoinOptions.address`). */
  readonly address?: string
  /** Warm copies that the group keeps of each partition (`JoinOptions.standbys`); default 0. */
  readonly standbys?: number
  readonly limits?: Partial<DreLimits>
  readonly listener?: DreListener
  /** Default: what came with an entry is carried on. */
  readonly tracing?: Tracing
}

/** How old a lag may be that the group prefers by, ms. */
const LAG_INTERVAL_MS = 1_000

export class DreService {
  readonly #o: DreOptions
  readonly #limits: DreLimits
  readonly #clock: Clock
  readonly #topics: TopicNames
  readonly #records = new Records()
  readonly #holdings: Holdings
  readonly #tasks = new Map<number, PartitionTask>()
  /** Partitions that are assigned, and those to stand by for. */
  readonly #assigned = new Set<number>()
  #standbys: ReadonlySet<number> = new Set()
  /** The tail of what changes a partition's task. */
  readonly #turns = new Map<number, Promise<unknown>>()
  readonly #stopping = new AbortController()
  #upkeep: Promise<unknown> = Promise.resolve()
  #membership: Membership | undefined
  readonly figures: DreFigures = noDreFigures()

  constructor(options: DreOptions) {
    this.#o = options
    this.#clock = options.clock ?? systemClock
    this.#limits = { ...DRE_LIMITS, ...options.limits }
    this.#topics = topicNames(options.applicationId ?? 'hb')
    this.#holdings = new Holdings(options.log, this.#topics.log)
  }

  async start(): Promise<void> {
    const { log, address, standbys, applicationId = 'hb' } = this.#o
    await this.#learnHoldings()
    this.#membership = await log.join({
      group: `${applicationId}.dre`,
      topics: [this.#topics.log],
      inFlight: 3,
      ...(address !== undefined && { address }),
      ...(standbys !== undefined && { standbys }),
      member: {
        assigned: (partition) => this.#takeOver(partition),
        records: ({ partition, records }) => this.#task(partition).batch(records),
        revoked: (partition) => this.#revoked(partition),
        standby: (partitions) => this.#standBy(partitions),
        holds: () => this.#holdings.lags(),
        halted: (partition, error) => this.#o.listener?.halted?.(partition, error),
      },
    })
    this.#upkeep = Promise.all([this.#sweep(), this.#trim()])
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    // a group waits for a take-over under way before it revokes it: one that cannot end is ended
    for (const task of this.#tasks.values()) if (task.owned === undefined) task.abort()
    await this.#membership?.leave()
    this.#membership = undefined
    this.#standbys = new Set()
    // of a partition that was assigned, the group has waited as long as it does
    const left = [...this.#tasks.keys()].filter((each) => !this.#assigned.has(each))
    await Promise.all(left.map((each) => this.#inTurn(each, () => this.#close(each))))
    await this.#upkeep
  }

  owned(partition: number): OwnedPartition | undefined {
    return this.#tasks.get(partition)?.owned
  }

  /** Feature levels that this DRE can evaluate. */
  get levels(): readonly number[] {
    return this.#o.evaluator.levels
  }

  /** How far the opening of a partition has got; undefined: none is under way. */
  opening(partition: number): OpeningView | undefined {
    return this.#tasks.get(partition)?.opening
  }

  /** Partitions that this member has a warm copy of. */
  standbys(): number[] {
    return [...this.#tasks].flatMap(([partition, { owned }]) => (owned ? [] : [partition]))
  }

  /** Per partition of which there is a copy here, the records that it lags; see `Member.holds`. */
  lags(): ReadonlyMap<number, number> {
    return this.#holdings.lags()
  }

  async #learnHoldings(): Promise<void> {
    const { network, store } = this.#o
    for (let partition = 0; partition < network.genesis.partitions; partition++) {
      const position = new ProcessStore(store, this.#records, partition).position()
      if (position !== undefined) this.#holdings.has(partition, position.next)
    }
    await this.#holdings.refresh()
  }

  /** Closes what no message came for, and looks at the log's ends where lags depend on them. */
  async #sweep(): Promise<void> {
    const { signal } = this.#stopping
    const { instanceIdleMsMax } = this.#limits
    const everyMs = Math.min(LAG_INTERVAL_MS, instanceIdleMsMax)
    for (let sweptAt = this.#clock.now(); ; ) {
      await this.#clock.sleep(everyMs, signal)
      if (signal.aborted) return
      if (this.#clock.now() - sweptAt >= instanceIdleMsMax) {
        sweptAt = this.#clock.now()
        for (const task of this.#tasks.values()) task.sweep()
      }
      // without an answer the lags are as they were
      if (this.#holdings.needsEnds) await this.#holdings.refresh().catch(() => undefined)
    }
  }

  /** Deletes from the outbox what is settled and old. */
  async #trim(): Promise<void> {
    const { log } = this.#o
    const { signal } = this.#stopping
    const settled = new SettledChannels(log, this.#topics.registry, this.#records)
    for (;;) {
      await this.#clock.sleep(this.#limits.trimIntervalMs, signal)
      if (signal.aborted) return
      try {
        await settled.refresh()
        for (const task of [...this.#tasks.values()]) await task.trim(settled)
      } catch {
        // the next round does it; a log that is gone says so to those who append
      }
    }
  }

  #task(partition: number): PartitionTask {
    const task = this.#tasks.get(partition)
    if (task === undefined) throw new HbError('partition-lost', `partition ${partition}`)
    return task
  }

  #inTurn<T>(partition: number, act: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(partition) ?? Promise.resolve()).then(act)
    const tail = turn.catch(() => undefined)
    this.#turns.set(partition, tail)
    return turn
  }

  #takeOver(partition: number): Promise<Record<string, number>> {
    this.#assigned.add(partition)
    return this.#inTurn(partition, async () => {
      await this.#tasks.get(partition)?.pause()
      if (this.#tasks.get(partition)?.failed === true) await this.#close(partition)
      const task = this.#tasks.get(partition) ?? (await this.#open(partition))
      const next = await this.#promote(partition, task)
      this.#holdings.owns(partition)
      return { [this.#topics.log]: next }
    })
  }

  /** Where the outbox lost results that are not here, they are made again from before it. */
  async #promote(partition: number, task: PartitionTask): Promise<number> {
    try {
      return await task.promote()
    } catch (error) {
      if (!(error instanceof OutboxBehind)) throw error
      await this.#close(partition)
      await dropPartition(this.#o.store, partition)
      return (await this.#open(partition, error.next)).promote()
    }
  }

  #revoked(partition: number): Promise<void> {
    this.#tasks.get(partition)?.abort()
    return this.#inTurn(partition, async () => {
      this.#assigned.delete(partition)
      await this.#close(partition)
      if (this.#standbys.has(partition)) void this.#reconcile(partition)
    })
  }

  #standBy(partitions: readonly number[]): void {
    const before = this.#standbys
    this.#standbys = new Set(partitions)
    for (const partition of partitions) void this.#reconcile(partition)
    for (const partition of before) {
      if (this.#standbys.has(partition)) continue
      // it leaves the list before it is assigned: then its copy is wanted warm
      this.#later(this.#limits.standbyLingerMs, partition)
    }
  }

  #later(delayMs: number, partition: number): void {
    const { signal } = this.#stopping
    void this.#clock.sleep(delayMs, signal).then(() => this.#reconcile(partition))
  }

  /** Makes what there is of a partition what is wanted of it. */
  async #reconcile(partition: number): Promise<void> {
    try {
      await this.#inTurn(partition, async () => {
        if (this.#assigned.has(partition) || this.#stopping.signal.aborted) return
        const wanted = this.#standbys.has(partition)
        const task = this.#tasks.get(partition)
        if (task !== undefined && (!wanted || task.failed)) await this.#close(partition)
        if (wanted && !this.#tasks.has(partition)) (await this.#open(partition)).follow()
      })
    } catch (error) {
      this.#failed(partition, error)
    }
  }

  /** A standby that fails halts nothing: it begins again after a while. */
  #failed(partition: number, error: unknown): void {
    if (this.#stopping.signal.aborted || this.#assigned.has(partition)) return
    this.#holdings.lost(partition)
    this.#o.listener?.standbyFailed?.(partition, error)
    this.#later(this.#limits.standbyRetryMs, partition)
  }

  async #open(partition: number, manifestBelow?: number): Promise<PartitionTask> {
    const { network, log, store, evaluator, listener = {} } = this.#o
    const task = new PartitionTask({
      network,
      partition,
      log,
      topics: this.#topics,
      relayerGroup: `${this.#o.applicationId ?? 'hb'}.relayer`,
      records: this.#records,
      store,
      evaluator,
      clock: this.#clock,
      limits: this.#limits,
      figures: this.figures,
      listener,
      tracing: this.#o.tracing ?? carryTracing(),
      onFollowed: (each, next) => this.#holdings.has(each, next),
      onFailed: (each, error) => this.#failed(each, error),
      ...(manifestBelow !== undefined && { manifestBelow }),
    })
    this.#tasks.set(partition, task)
    try {
      await task.open()
      return task
    } catch (error) {
      await this.#close(partition)
      throw error
    }
  }

  async #close(partition: number): Promise<void> {
    const task = this.#tasks.get(partition)
    if (task === undefined) return
    const next = await task.close()
    this.#tasks.delete(partition)
    this.#holdings.gaveUp(partition)
    if (next !== undefined && !task.failed) this.#holdings.has(partition, next)
  }
}
