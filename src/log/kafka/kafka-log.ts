// The log on a Kafka cluster: the port over its parts.
// Owners: index.ts opens it; whoever opened it closes it.
//
// Invariants: L1 to L6 of the port. What is under way when it closes is answered first.

import type { Clock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import type {
  GroupMember,
  JoinOptions,
  Log,
  LogRecord,
  Membership,
  PartitionEnds,
  ProvisionOptions,
  ReadOptions,
  ReadResult,
  TopicSpec,
} from '../port.ts'
import { Appender } from './appender.ts'
import { BrokerFault, BrokerRefusal, CODE, isDenied, outOfRange } from './broker-errors.ts'
import { denied, type Cluster } from './cluster.ts'
import { Coordinator } from './coordinator.ts'
import { decodeAssigned, decodeMember } from './group-wire.ts'
import type { KafkaLogLimits } from './limits.ts'
import { GroupMembership } from './membership.ts'
import { Reader } from './reader.ts'
import { Topics } from './topics.ts'

export type KafkaLogOptions = {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly limits: KafkaLogLimits
  readonly warn: (text: string) => void
  /** In words, without secrets. */
  readonly description: string
}

type DeleteAnswer = {
  readonly topics: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[]
}

export class KafkaLog implements Log {
  readonly #o: KafkaLogOptions
  readonly #appender: Appender
  readonly #reader: Reader
  readonly #topics: Topics
  readonly #compacted = new Set<string>()
  readonly #memberships = new Set<GroupMembership>()
  readonly #coordinators = new Map<string, Coordinator>()
  #joins = 0
  #closing = false
  #closed: Promise<void> | undefined

  constructor(options: KafkaLogOptions) {
    this.#o = options
    const { cluster, clock, limits, warn } = options
    this.#appender = new Appender(cluster, clock, limits)
    this.#reader = new Reader(cluster, clock, limits)
    this.#topics = new Topics(cluster, this.#reader, warn)
  }

  async provision(topics: readonly TopicSpec[], options?: ProvisionOptions): Promise<void> {
    this.#checkOpen()
    await this.#topics.provision(topics, options)
    for (const { name, cleanup } of topics) if (cleanup === 'compact') this.#compacted.add(name)
  }

  async append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    this.#checkOpen()
    if (this.#compacted.has(topic) && records.some(({ key }) => key === null)) {
      throw new HbError('log-record-invalid', `no key, topic ${topic} is compacted`)
    }
    return this.#appender.append(topic, partition, records)
  }

  async read(
    topic: string,
    partition: number,
    from: number,
    options?: ReadOptions,
  ): Promise<ReadResult> {
    this.#checkOpen()
    const result = await this.#reader.read(topic, partition, from, options)
    // who waited is told that the log is closing, whatever came in at the last moment
    this.#checkOpen()
    return result
  }

  async ends(topic: string): Promise<readonly PartitionEnds[]> {
    this.#checkOpen()
    return this.#reader.ends(topic)
  }

  async trim(topic: string, partition: number, before: number): Promise<void> {
    this.#checkOpen()
    if (this.#compacted.has(topic)) throw new HbError('log-not-trimmable', topic)
    const { cluster } = this.#o
    const start = (await this.#reader.ends(topic))[partition]?.start
    if (start === undefined) throw new HbError('log-topic-unknown', `${topic}[${partition}]`)
    if (before <= start) return
    await cluster.retry(`trimming ${topic}[${partition}]`, () =>
      this.#deleteRecords(topic, partition, before),
    )
  }

  async join(options: JoinOptions): Promise<Membership> {
    this.#checkOpen()
    const { cluster, clock, limits } = this.#o
    const topics = await Promise.all(options.topics.map((topic) => cluster.topic(topic)))
    const [partitions = 0, ...others] = new Set(topics.map((each) => each.length))
    if (partitions === 0 || others.length > 0) {
      throw new HbError('log-group-mismatch', `${options.group}: ${options.topics.join(' ')}`)
    }
    this.#joins += 1
    const membership = new GroupMembership({
      join: options,
      name: `${options.group} ${this.#joins}`,
      partitions,
      cluster,
      reader: this.#reader,
      clock,
      limits,
      onLeft: () => void this.#memberships.delete(membership),
    })
    await membership.start()
    this.#memberships.add(membership)
    return membership
  }

  async committed(group: string, topic: string): Promise<readonly (number | undefined)[]> {
    this.#checkOpen()
    const { cluster } = this.#o
    const { length } = await cluster.topic(topic)
    return cluster.retry(`the positions of ${group}`, () =>
      this.#coordinator(group).committed(topic, length),
    )
  }

  async members(group: string): Promise<readonly GroupMember[]> {
    this.#checkOpen()
    const found = await this.#o.cluster.retry(`the group ${group}`, () =>
      this.#coordinator(group).describe(),
    )
    return found
      .filter(({ memberMetadata }) => memberMetadata.length > 0)
      .map(({ memberId, memberMetadata, memberAssignment }) => {
        const { owned, standbys } = decodeAssigned(memberAssignment)
        const { address } = decodeMember(memberMetadata)
        return { memberId, address, partitions: owned, standbys }
      })
  }

  describe(): string {
    return this.#o.description
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing = true
    await Promise.all([...this.#memberships].map((each) => each.leave()))
    await this.#appender.idle()
    this.#reader.close()
    await this.#o.cluster.close()
  }

  async #deleteRecords(topic: string, partition: number, before: number): Promise<void> {
    const { cluster } = this.#o
    const leader = await cluster.leader(topic, partition)
    if (leader === undefined) {
      await cluster.refresh()
      throw new BrokerFault(`${topic}[${partition}] has no leader`, { sent: false })
    }
    const connection = await cluster.connection(leader, 'ask')
    const partitions = [{ partition, offset: String(before) }]
    const answer = await connection.ask<DeleteAnswer>('DeleteRecords', {
      topics: [{ topic, partitions }],
    })
    const code = answer.topics[0]?.partitions[0]?.errorCode ?? CODE.none
    if (code === CODE.none) return
    const refusal = new BrokerRefusal(`trimming ${topic}[${partition}]`, code)
    if (code === CODE.offsetOutOfRange) throw outOfRange(topic, partition, before)
    if (code === CODE.policyViolation) throw new HbError('log-not-trimmable', topic)
    if (isDenied(code)) throw denied(`trimming ${topic}`, refusal)
    await cluster.refresh()
    throw refusal
  }

  #coordinator(group: string): Coordinator {
    const known = this.#coordinators.get(group)
    if (known !== undefined) return known
    const coordinator = new Coordinator(this.#o.cluster, group, this.#o.limits)
    this.#coordinators.set(group, coordinator)
    return coordinator
  }

  #checkOpen(): void {
    if (this.#closing) throw new HbError('log-closed')
  }
}
