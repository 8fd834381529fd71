// The log port as one host sees it: what it asks of the brokers, through calls.ts and appends.ts,
// where latency and faults are.
//
// Owners: each node (sim-node.ts) has one. Invariants: those of calls.ts.

import type {
  JoinOptions,
  Log,
  LogRecord,
  Membership,
  ReadOptions,
  ReadResult,
} from '../../../src/log/port.ts'
import type { Host } from '../world/host.ts'
import { MS } from '../world/world.ts'
import type { World } from '../world/world.ts'
import { Appends } from './appends.ts'
import { Calls } from './calls.ts'
import type { Answer } from './calls.ts'
import type { Cluster, Slice } from './cluster.ts'
import type { Faults } from './faults.ts'
import { SimMembership } from './membership.ts'

const READ_BYTES = 1_048_576

export class SimLog implements Log {
  readonly cluster: Cluster
  readonly host: Host
  readonly faults: Faults
  readonly #world: World
  readonly #calls: Calls
  readonly #appends: Appends
  readonly #memberships = new Set<SimMembership>()

  constructor(cluster: Cluster, host: Host, faults: Faults) {
    this.cluster = cluster
    this.host = host
    this.faults = faults
    this.#world = cluster.world
    this.#calls = new Calls(cluster, host, faults)
    this.#appends = new Appends(cluster, host, faults, this.#calls)
  }

  /** A call that is made until it is answered; `serve` runs at the brokers. */
  call<T>(serve: (answer: Answer<T>) => void): Promise<T> {
    return this.#calls.call(serve)
  }

  async provision(...[topics, options]: Parameters<Log['provision']>): Promise<void> {
    await this.call<undefined>((answer) => {
      this.cluster.provision(topics, options)
      answer.value(undefined)
    })
  }

  append(topic: string, index: number, records: readonly LogRecord[]): Promise<number> {
    return this.#appends.append(topic, index, records)
  }

  async read(
    topic: string,
    index: number,
    from: number,
    options: ReadOptions = {},
  ): Promise<ReadResult> {
    this.#calls.checkOpen()
    const partition = this.cluster.partition(topic, index)
    const { to = Infinity, bytesMax = READ_BYTES, waitMs = 0, signal } = options
    const bounds = { to, bytesMax, recordsMax: Infinity }
    const nothing: Slice = { records: [], next: from }
    if (signal?.aborted === true) return nothing
    return this.#calls.waiting(signal, nothing, (answer, isOver) => {
      const deadline = this.#world.now + waitMs * MS
      this.#calls.waitFor(partition, deadline, isOver, () => {
        const slice = this.cluster.slice(partition, from, bounds)
        const isDone = slice.records.length > 0 || slice.next >= to
        return isDone || this.#world.now >= deadline ? () => answer.value(slice) : undefined
      }, answer.error)
    })
  }

  async ends(name: string) {
    this.#calls.checkOpen()
    const topic = this.cluster.topic(name)
    return this.call<{ start: number; end: number }[]>((answer) => {
      const ends = this.cluster.ends(topic).map(({ start, end }) => {
        return { start, end: Math.max(start, end - this.faults.staleBy()) }
      })
      answer.value(ends)
    })
  }

  async trim(topic: string, index: number, before: number): Promise<void> {
    this.#calls.checkOpen()
    const partition = this.cluster.partition(topic, index)
    await this.call<undefined>((answer) => {
      const { start, records } = partition
      this.cluster.trim(partition, before)
      if (partition.start > start) {
        this.cluster.conduct.trimmed(topic, index, partition.start, records.length)
      }
      this.#world.trace(`${this.host.name} trims ${topic}[${index}] to ${before}`)
      answer.value(undefined)
    })
  }

  async join(options: JoinOptions): Promise<Membership> {
    const membership = new SimMembership(this, options)
    await membership.join()
    this.#memberships.add(membership)
    return membership
  }

  async committed(group: string, topic: string): Promise<readonly (number | undefined)[]> {
    this.#calls.checkOpen()
    const { partitions } = this.cluster.topic(topic)
    return this.call<(number | undefined)[]>((answer) => {
      const coordinator = this.cluster.group(group)
      answer.value(partitions.map(({ index }) => coordinator.committed(topic, index)))
    })
  }

  async members(group: string) {
    this.#calls.checkOpen()
    return this.call<ReturnType<ReturnType<Cluster['group']>['members']>>((answer) => {
      answer.value(this.cluster.group(group).members())
    })
  }

  describe(): string {
    return 'simulated brokers'
  }

  async close(): Promise<void> {
    if (this.#calls.isClosed) return
    await Promise.all([...this.#memberships].map((membership) => membership.leave()))
    this.#calls.close()
  }
}
