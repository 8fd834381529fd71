// A group's coordinator as one member asks it: join, sync, heartbeat, commit, leave.
// Owners: membership.ts makes one a membership; kafka-log.ts asks about groups that it is not in.
//
// Invariants: C1 joins wait at the coordinator on a connection of their own: heartbeats, commits
// and questions are not held up by them. C2 a coordinator that moved or fell silent is looked for
// again by the next question. C3 every answer with an error code becomes a BrokerRefusal with that
// code.

import { BrokerFault, BrokerRefusal, CODE } from './broker-errors.ts'
import type { Cluster } from './cluster.ts'
import type { Api } from './connection.ts'
import type { KafkaLogLimits } from './limits.ts'
import { PROTOCOL } from './group-wire.ts'

export type JoinAnswer = {
  readonly errorCode: number
  readonly generationId: number
  readonly leaderId: string
  readonly memberId: string
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]
}

export type TopicOffsets = ReadonlyMap<string, ReadonlyMap<number, number>>

type Rows<T> = {
  readonly responses: readonly { readonly topic: string; readonly partitions: readonly T[] }[]
}

export type DescribedMember = {
  readonly memberId: string
  readonly memberMetadata: Buffer
  readonly memberAssignment: Buffer
}

const MOVED: ReadonlySet<number> = new Set([
  CODE.coordinatorNotAvailable,
  CODE.notCoordinator,
])

export class Coordinator {
  readonly #cluster: Cluster
  readonly #group: string
  readonly #limits: KafkaLogLimits
  readonly #name: string
  #broker: number | undefined

  /** `name`: of its connections, so that two members in one program do not wait for each other. */
  constructor(cluster: Cluster, group: string, limits: KafkaLogLimits, name = group) {
    this.#cluster = cluster
    this.#group = group
    this.#limits = limits
    this.#name = name
  }

  /** Waits until all members have joined. */
  async join(memberId: string, metadata: Buffer): Promise<JoinAnswer> {
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.#limits
    const args = {
      groupId: this.#group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      protocolType: 'consumer',
      groupProtocols: [{ name: PROTOCOL, metadata }],
    }
    const ask = (id: string): Promise<JoinAnswer> =>
      this.#ask('JoinGroup', { ...args, memberId: id }, 'join', rebalanceTimeoutMs)
    const answer = await ask(memberId)
    if (answer.errorCode !== CODE.memberIdRequired) return this.#checked('JoinGroup', answer)
    return this.#checked('JoinGroup', await ask(answer.memberId))
  }

  async sync(
    memberId: string,
    generationId: number,
    assignments: ReadonlyMap<string, Buffer>,
  ): Promise<Buffer> {
    const groupAssignment = [...assignments].map(([id, memberAssignment]) => ({
      memberId: id,
      memberAssignment,
    }))
    const args = { groupId: this.#group, generationId, memberId, groupAssignment }
    const answer = await this.#ask<{ errorCode: number; memberAssignment: Buffer | null }>(
      'SyncGroup',
      args,
      'join',
      this.#limits.rebalanceTimeoutMs,
    )
    return this.#checked('SyncGroup', answer).memberAssignment ?? Buffer.alloc(0)
  }

  /** A join or sync that waits for others fails now. */
  abandonJoin(): void {
    this.#cluster.release([`join ${this.#name}`])
  }

  /** Ends its connections. */
  close(): void {
    this.#cluster.release([`join ${this.#name}`, `group ${this.#name}`])
  }

  /** Throws BrokerRefusal: rebalanceInProgress, unknownMember, illegalGeneration, … */
  async heartbeat(memberId: string, groupGenerationId: number): Promise<void> {
    const args = { groupId: this.#group, groupGenerationId, memberId }
    // it is answered at once, or by somebody else: who asks whether it still owns waits for this
    const answerMs = this.#limits.connectTimeoutMs
    const answer = this.#ask<{ errorCode: number }>('Heartbeat', args, 'group', 0, answerMs)
    this.#checked('Heartbeat', await answer)
  }

  async leave(memberId: string): Promise<void> {
    const args = { groupId: this.#group, memberId, members: [{ memberId }] }
    this.#checked('LeaveGroup', await this.#ask<{ errorCode: number }>('LeaveGroup', args))
  }

  async commit(memberId: string, groupGenerationId: number, offsets: TopicOffsets): Promise<void> {
    const topics = [...offsets].map(([topic, rows]) => ({
      topic,
      partitions: [...rows].map(([partition, offset]) => ({ partition, offset: String(offset) })),
    }))
    const args = { groupId: this.#group, groupGenerationId, memberId, topics }
    const answer = await this.#ask<Rows<{ errorCode: number }>>('OffsetCommit', args)
    for (const { partitions } of answer.responses) {
      for (const row of partitions) this.#checked('OffsetCommit', row)
    }
  }

  /** Per partition the committed offset, or undefined. */
  async committed(topic: string, partitions: number): Promise<(number | undefined)[]> {
    const rows = Array.from({ length: partitions }, (_, partition) => ({ partition }))
    const args = { groupId: this.#group, topics: [{ topic, partitions: rows }] }
    const answer = await this.#ask<
      Rows<{ partition: number; offset: string; errorCode: number }> & { errorCode: number }
    >('OffsetFetch', args)
    this.#checked('OffsetFetch', answer)
    const offsets = new Array<number | undefined>(partitions).fill(undefined)
    for (const { partitions: found } of answer.responses) {
      for (const row of found) {
        this.#checked('OffsetFetch', row)
        const offset = Number(row.offset)
        if (offset >= 0) offsets[row.partition] = offset
      }
    }
    return offsets
  }

  async describe(): Promise<readonly DescribedMember[]> {
    const answer = await this.#ask<{
      groups: readonly { errorCode: number; members: readonly DescribedMember[] }[]
    }>('DescribeGroups', { groupIds: [this.#group] })
    const [group] = answer.groups
    return group === undefined ? [] : this.#checked('DescribeGroups', group).members
  }

  #checked<T extends { readonly errorCode: number }>(api: string, answer: T): T {
    if (answer.errorCode === CODE.none) return answer
    if (MOVED.has(answer.errorCode)) this.#broker = undefined
    throw new BrokerRefusal(`${api} of ${this.#group}`, answer.errorCode)
  }

  async #ask<T>(
    api: Api,
    args: object,
    purpose = 'group',
    waitMs = 0,
    answerMs = this.#limits.requestTimeoutMs,
  ): Promise<T> {
    const broker = (this.#broker ??= await this.#cluster.coordinator(this.#group))
    try {
      const connection = await this.#cluster.connection(broker, `${purpose} ${this.#name}`)
      return await connection.ask<T>(api, args, waitMs, answerMs)
    } catch (error) {
      if (error instanceof BrokerFault && this.#broker === broker) this.#broker = undefined
      throw error
    }
  }
}
