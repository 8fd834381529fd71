// The Arweave sink: a member of the consumer group connect-<name> on the log, and for each
// partition that it is given a task that writes it to the archive.
//
// Owners: whoever starts one closes log, archive and store afterwards. Invariants: S1 to S5 of the
// task. N1 a partition that fails stops alone. N2 a network whose genesis is not in the archive is
// not archived: nobody could restore it.

import type {
  Archive,
  Clock,
  Durability,
  Log,
  Membership,
  Network,
  Prepared,
  Store,
  StoredRecord,
} from '../../src/index.ts'
import {
  genesisUpload,
  hasGenesis,
  HbError,
  isHbError,
  OrderCodec,
  Records,
  topicNames,
} from '../../src/index.ts'
import { asHbError } from './failure.ts'
import { Gate } from './gate.ts'
import type { SinkLimits } from './limits.ts'
import { SINK_LIMITS } from './limits.ts'
import type { TaskState } from './partition-task.ts'
import { PartitionTask } from './partition-task.ts'
import { retried } from './retried.ts'

export type SinkOptions = {
  readonly network: Network
  readonly log: Log
  readonly archive: Archive
  /** Durable, and of this sink alone. */
  readonly store: Store
  readonly clock: Clock
  /** Of the connector: its group is connect-<name>. Default arweave-sink. */
  readonly name?: string
  readonly applicationId?: string
  /** When a segment counts as durable. Default accepted. */
  readonly durability?: Durability
  readonly limits?: Partial<SinkLimits>
  /** Of all sinks that write to the same archive from here; default: this one is alone. */
  readonly shared?: SharedSink
  /** While it says so, nothing more is archived; the partitions are kept. */
  readonly isPaused?: () => boolean
  readonly onArchived?: (
    partition: number,
    from: number,
    to: number,
    id: string,
    bytes: number,
  ) => void
  /** Something failed, and is tried again; undefined: what comes before all partitions. */
  readonly onRetried?: (partition: number | undefined, error: HbError) => void
  /** A record that is no entry. What it throws fails the partition; default: passed over. */
  readonly onPoison?: (partition: number, record: StoredRecord) => Promise<void>
  /** Its partition stops; others go on. */
  readonly onFailed?: (partition: number, error: unknown) => void
}

export const DEFAULT_NAME = 'arweave-sink'

/** What sinks of one connector have together: how much at a time, and who still has what. */
export class SharedSink {
  readonly gate: Gate
  /** A partition that moves between two of them is not opened before it was closed. */
  readonly closing = new Map<number, Promise<void>>()

  constructor(limits: Pick<SinkLimits, 'uploadsMax'>) {
    this.gate = new Gate(limits.uploadsMax)
  }
}

export class ArweaveSink {
  readonly #o: SinkOptions
  readonly #limits: SinkLimits
  readonly #topic: string
  readonly #shared: SharedSink
  readonly #codecs = { records: new Records(), orders: new OrderCodec() }
  readonly #tasks = new Map<number, PartitionTask>()
  /** What the group gave up on here, by no fault of its task. */
  readonly #halted = new Map<number, HbError>()
  #membership: Membership | undefined
  #startError: HbError | undefined
  readonly #stopping = new AbortController()

  constructor(options: SinkOptions) {
    this.#o = options
    this.#limits = { ...SINK_LIMITS, ...options.limits }
    this.#topic = topicNames(options.applicationId ?? 'hb').log
    this.#shared = options.shared ?? new SharedSink(this.#limits)
  }

  get group(): string {
    return `connect-${this.#o.name ?? DEFAULT_NAME}`
  }

  async start(): Promise<void> {
    await this.#keepGenesis()
    this.#membership = await this.#o.log.join({
      group: this.group,
      topics: [this.#topic],
      member: {
        assigned: (partition, committed) => this.#assigned(partition, committed),
        records: (batch) => {
          const task = this.#tasks.get(batch.partition)
          return task?.batch(batch) ?? Promise.reject(new HbError('partition-lost'))
        },
        revoked: (partition) => this.#revoked(partition),
        halted: (partition, error) => {
          // what a task fails with it says itself
          const isTasks = this.#tasks.get(partition)?.state.state === 'FAILED'
          // and what was still waited for when a partition moved is the next owner's
          if (isTasks || isHbError(error, 'partition-lost')) return
          this.#halted.set(partition, asHbError(error))
          this.#o.onFailed?.(partition, error)
        },
      },
    })
  }

  /** What `start` tries again now. */
  get startError(): HbError | undefined {
    return this.#startError
  }

  /** By partition that this member has. */
  states(): ReadonlyMap<number, TaskState> {
    const states = [...this.#tasks].map(([partition, task]): [number, TaskState] => {
      const error = this.#halted.get(partition)
      const halted = error === undefined ? {} : { state: 'FAILED' as const, error }
      return [partition, { ...task.state, ...halted }]
    })
    return new Map(states)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    // what waits for a full segment would hold the group up
    for (const task of this.#tasks.values()) await task.close()
    await this.#membership?.leave()
    this.#membership = undefined
  }

  /** Twice is as good as once: whoever reads goes by its hash. */
  async #keepGenesis(): Promise<void> {
    const { archive, network, clock, durability = 'accepted', onRetried } = this.#o
    const onFailed = (error: HbError): void => {
      this.#startError = error
      onRetried?.(undefined, error)
    }
    const { signal } = this.#stopping
    // tried again it is the same item: each one costs
    let prepared: Prepared | undefined
    await retried({ clock, limits: this.#limits, signal, onFailed }, async () => {
      if (await hasGenesis(archive, network)) return
      prepared ??= await archive.prepare(genesisUpload(network))
      await archive.post(prepared, durability, { signal })
    })
    this.#startError = undefined
  }

  async #assigned(
    partition: number,
    committed: Readonly<Record<string, number | undefined>>,
  ): Promise<Record<string, number | 'earliest'>> {
    const { network, log, archive, store, clock } = this.#o
    const { durability = 'accepted', isPaused, onArchived, onFailed, onRetried, onPoison } = this.#o
    await this.#shared.closing.get(partition)
    const at = committed[this.#topic]
    const task = new PartitionTask(
      {
        ...this.#codecs,
        network,
        log,
        topic: this.#topic,
        partition,
        archive,
        durability,
        store,
        clock,
        limits: this.#limits,
        gate: this.#shared.gate,
        isPaused: isPaused ?? (() => false),
        onArchived: (from, to, id, bytes) => onArchived?.(partition, from, to, id, bytes),
        onRetried: (error) => onRetried?.(partition, error),
        onPoison: async (record) => onPoison?.(partition, record),
        onFailed: (error) => onFailed?.(partition, error),
      },
      at,
    )
    this.#tasks.set(partition, task)
    return { [this.#topic]: at ?? 'earliest' }
  }

  async #revoked(partition: number): Promise<void> {
    const { closing } = this.#shared
    const closed = this.#tasks.get(partition)?.close() ?? Promise.resolve()
    closing.set(partition, closed)
    await closed
    if (closing.get(partition) === closed) closing.delete(partition)
    this.#tasks.delete(partition)
    this.#halted.delete(partition)
  }
}
