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
  Store,
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
import { Gate } from './gate.ts'
import type { SinkLimits } from './limits.ts'
import { SINK_LIMITS } from './limits.ts'
import type { TaskState } from './partition-task.ts'
import { PartitionTask } from './partition-task.ts'

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
  readonly onArchived?: (partition: number, from: number, to: number, id: string) => void
  /** Its partition stops; others go on. */
  readonly onFailed?: (partition: number, error: unknown) => void
}

export const DEFAULT_NAME = 'arweave-sink'

export class ArweaveSink {
  readonly #o: SinkOptions
  readonly #limits: SinkLimits
  readonly #topic: string
  readonly #gate: Gate
  readonly #codecs = { records: new Records(), orders: new OrderCodec() }
  readonly #tasks = new Map<number, PartitionTask>()
  #membership: Membership | undefined
  readonly #stopping = new AbortController()

  constructor(options: SinkOptions) {
    this.#o = options
    this.#limits = { ...SINK_LIMITS, ...options.limits }
    this.#topic = topicNames(options.applicationId ?? 'hb').log
    this.#gate = new Gate(this.#limits.uploadsMax)
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
        assigned: async (partition, committed) => this.#assigned(partition, committed),
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
          this.#o.onFailed?.(partition, error)
        },
      },
    })
  }

  /** By partition that this member has. */
  states(): ReadonlyMap<number, TaskState> {
    return new Map([...this.#tasks].map(([partition, task]) => [partition, task.state]))
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
    const { archive, network, clock, durability = 'accepted' } = this.#o
    const { retryDelayMs, retryDelayMsMax } = this.#limits
    for (let delayMs = retryDelayMs; ; delayMs = Math.min(delayMs * 2, retryDelayMsMax)) {
      try {
        if (await hasGenesis(archive, network.id)) return
        const prepared = await archive.prepare(genesisUpload(network))
        return await archive.post(prepared, durability, { signal: this.#stopping.signal })
      } catch (error) {
        const mayMend = isHbError(error) && error.kind === 'transient'
        if (this.#stopping.signal.aborted || !mayMend) throw error
      }
      await clock.sleep(delayMs, this.#stopping.signal)
    }
  }

  #assigned(
    partition: number,
    committed: Readonly<Record<string, number | undefined>>,
  ): Record<string, number | 'earliest'> {
    const { network, log, archive, store, clock } = this.#o
    const { durability = 'accepted', onArchived, onFailed } = this.#o
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
        gate: this.#gate,
        onArchived: (from, to, id) => onArchived?.(partition, from, to, id),
        onFailed: (error) => onFailed?.(partition, error),
      },
      at,
    )
    this.#tasks.set(partition, task)
    return { [this.#topic]: at ?? 'earliest' }
  }

  async #revoked(partition: number): Promise<void> {
    await this.#tasks.get(partition)?.close()
    this.#tasks.delete(partition)
  }
}
