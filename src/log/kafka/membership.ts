// One member of a consumer group: joins, takes what it is assigned, gives up what it is not, and
// leaves. Cooperative: whatever stays with a member goes on through a rebalance; only what moves
// stops, first at its old owner, then, in the next generation, it starts at the new one.
//
// Owners: kafka-log.ts makes one a `join`. One loop does all that changes what is owned; a second
// one sends heartbeats and only raises flags. Invariants: M1 a partition is taken only from an
// assignment of a generation that this member is in. M2 who is told that it is out of the group
// fences everything before it joins again. M3 a partition that is given up has no effects under way
// and its positions are committed (as far as that could be done in time) before the member joins
// again. M4 `owns` is the coordinator's word, not ours.

import type { Clock } from '../../std/clock.ts'
import { HbError } from '../../std/errors.ts'
import type { JoinOptions, Membership } from '../port.ts'
import { BrokerFault, BrokerRefusal, CODE, isDenied } from './broker-errors.ts'
import type { Cluster } from './cluster.ts'
import { denied } from './cluster.ts'
import { Commits } from './commits.ts'
import { Coordinator, type TopicOffsets } from './coordinator.ts'
import { Fetcher } from './fetcher.ts'
import {
  assignAll,
  decodeAssigned,
  decodeMember,
  encodeAssigned,
  encodeMember,
  type Assigned,
} from './group-wire.ts'
import { Holdings } from './holdings.ts'
import type { KafkaLogLimits } from './limits.ts'
import type { Reader } from './reader.ts'

export type MembershipOptions = {
  readonly join: JoinOptions
  /** Names this member's connections: its own among those of this program. */
  readonly name: string
  readonly partitions: number
  readonly cluster: Cluster
  readonly reader: Reader
  readonly clock: Clock
  readonly limits: KafkaLogLimits
  readonly onLeft: () => void
}

/** The answers after which a member is no member any more. */
const OUT: ReadonlySet<number> = new Set([
  CODE.unknownMember,
  CODE.illegalGeneration,
  CODE.fencedInstance,
])

export class GroupMembership implements Membership {
  readonly #o: MembershipOptions
  readonly #coordinator: Coordinator
  readonly #commits: Commits
  readonly #fetcher: Fetcher
  readonly #holdings: Holdings
  readonly #leaving = new AbortController()
  /** Nothing is owned any more: no heartbeat is needed. */
  readonly #done = new AbortController()
  #memberId = ''
  #generation = -1
  #standbys: readonly number[] = []
  #moving: readonly number[] = []
  /** Raised by whoever hears of it: what the loop has to do next. */
  #mustJoin = true
  #isOut = false
  #isJoining = false
  #wake = new AbortController()
  #loop: Promise<void> = Promise.resolve()
  #beats: Promise<void> = Promise.resolve()
  #left: Promise<void> | undefined

  constructor(options: MembershipOptions) {
    this.#o = options
    const { join, name, cluster, clock, limits, reader } = options
    this.#coordinator = new Coordinator(cluster, join.group, limits, name)
    const commit = (offsets: TopicOffsets): Promise<void> => this.#commit(offsets)
    this.#commits = new Commits({ clock, limits, commit })
    this.#fetcher = new Fetcher({ name, cluster, clock, limits })
    const committed = (topic: string) =>
      cluster.retry(`the positions of ${join.group}`, () =>
        this.#coordinator.committed(topic, options.partitions),
      )
    this.#holdings = new Holdings({
      join,
      clock,
      limits,
      reader,
      fetcher: this.#fetcher,
      commits: this.#commits,
      owns: (partition) => this.owns(partition),
      committed,
    })
  }

  get memberId(): string {
    return this.#memberId
  }

  generation(): number {
    return this.#generation
  }

  /** Resolves when this is a member; what it was assigned begins after that. */
  async start(): Promise<void> {
    const { cluster, join } = this.#o
    await this.#checkTopics()
    const assigned = await cluster.retry(`joining ${join.group}`, () => this.#join())
    setImmediate(() => {
      this.#loop = this.#run(assigned)
      this.#beats = this.#beat()
    })
  }

  async owns(partition: number): Promise<boolean> {
    const { clock, limits } = this.#o
    for (let delay = limits.retryDelayMs; this.#holdings.keeps(partition); ) {
      const generation = this.#generation
      if (this.#memberId !== '') {
        try {
          await this.#coordinator.heartbeat(this.#memberId, generation)
          return this.#holdings.keeps(partition)
        } catch (error) {
          if (error instanceof BrokerRefusal) {
            if (error.code === CODE.rebalanceInProgress) return this.#holdings.keeps(partition)
            if (isDenied(error.code)) return false
            if (generation === this.#generation && !this.#isJoining) this.#heard(error.code)
          } else if (!(error instanceof BrokerFault)) throw error
        }
      }
      this.#o.cluster.checkOpen()
      // the loop drops the partition, or has a newer generation: then it is asked again
      await clock.sleep(delay, this.#o.cluster.signal)
      delay = Math.min(delay * 2, limits.retryDelayMsMax)
    }
    return false
  }

  leave(): Promise<void> {
    this.#left ??= this.#leave()
    return this.#left
  }

  async #leave(): Promise<void> {
    this.#leaving.abort()
    this.#wake.abort()
    // others may take their time to join again: who leaves does not wait for them
    this.#coordinator.abandonJoin()
    await this.#loop
    this.#setStandbys([])
    await this.#holdings.revoke(this.#holdings.partitions)
    await this.#commits.flush()
    this.#commits.close()
    this.#fetcher.close()
    const id = this.#memberId
    this.#memberId = ''
    this.#done.abort()
    await this.#beats
    // a coordinator that cannot be told finds out when the session is over
    if (id !== '') await this.#coordinator.leave(id).catch(() => undefined)
    this.#coordinator.close()
    this.#o.onLeft()
  }

  async #run(first: Assigned): Promise<void> {
    let assigned: Assigned | undefined = first
    const { signal } = this.#leaving
    const { clock, limits } = this.#o
    for (let delay = limits.retryDelayMs; !signal.aborted; ) {
      try {
        if (assigned !== undefined) {
          await this.#apply(assigned)
          assigned = undefined
        }
        if (this.#isOut) await this.#lose()
        if (this.#mustJoin) assigned = await this.#join()
        else await this.#sleep()
        delay = limits.retryDelayMs
      } catch (error) {
        if (signal.aborted || this.#o.cluster.signal.aborted) return
        if (error instanceof BrokerRefusal) this.#heard(error.code)
        await clock.sleep(delay, signal)
        delay = Math.min(delay * 2, limits.retryDelayMsMax)
      }
    }
  }

  /** Joins and syncs; the flags stand for what comes after this. */
  async #join(): Promise<Assigned> {
    const { join, partitions, limits } = this.#o
    this.#mustJoin = false
    this.#isJoining = true
    try {
      const answer = await this.#coordinator.join(this.#memberId, this.#metadata())
      this.#memberId = answer.memberId
      this.#generation = answer.generationId
      const parts = new Map<string, Buffer>()
      if (answer.leaderId === answer.memberId) {
        const members = answer.members.map(({ memberId, memberMetadata }) => ({
          memberId,
          news: decodeMember(memberMetadata),
        }))
        for (const [id, part] of assignAll(members, partitions, limits.standbyLagMax)) {
          parts.set(id, encodeAssigned(join.topics, part))
        }
      }
      const bytes = await this.#coordinator.sync(answer.memberId, answer.generationId, parts)
      return decodeAssigned(bytes)
    } catch (error) {
      this.#mustJoin = true
      if (error instanceof BrokerRefusal) {
        if (isDenied(error.code)) throw denied(`joining ${join.group}`, error)
        this.#heard(error.code)
      }
      throw error
    } finally {
      this.#isJoining = false
    }
  }

  #metadata(): Buffer {
    const { topics, address, standbys = 0, member } = this.#o.join
    return encodeMember({
      topics,
      address,
      owned: this.#holdings.partitions,
      generation: this.#generation,
      holds: member.holds?.() ?? new Map(),
      standbys,
    })
  }

  async #apply({ owned, standbys, moving }: Assigned): Promise<void> {
    const kept = new Set(owned)
    const given = this.#holdings.partitions.filter((partition) => !kept.has(partition))
    this.#moving = moving
    // a copy is let go before its partition is owned
    this.#setStandbys(this.#standbys.filter((partition) => standbys.includes(partition)))
    this.#holdings.assign(owned.filter((partition) => !this.#holdings.has(partition)))
    if (given.length > 0) {
      await this.#holdings.revoke(given)
      await this.#commits.flush()
      for (const partition of given) this.#commits.forget(partition)
      this.#mustJoin = true
    }
    this.#setStandbys(standbys.filter((partition) => !this.#holdings.has(partition)))
  }

  #setStandbys(partitions: readonly number[]): void {
    if (partitions.join() === this.#standbys.join()) return
    this.#standbys = partitions
    this.#o.join.member.standby?.(partitions)
  }

  async #lose(): Promise<void> {
    this.#memberId = ''
    await this.#holdings.lose()
    this.#generation = -1
    this.#isOut = false
    this.#mustJoin = true
    this.#moving = []
  }

  async #beat(): Promise<void> {
    const { clock, limits, join } = this.#o
    const { signal } = this.#done
    for (;;) {
      await clock.sleep(limits.heartbeatMs, signal)
      if (signal.aborted || this.#o.cluster.signal.aborted) return
      if (this.#memberId === '' || this.#isOut || this.#isJoining) continue
      const generation = this.#generation
      try {
        await this.#coordinator.heartbeat(this.#memberId, generation)
      } catch (error) {
        // what was asked before a join began is answered by the join
        const isOld = this.#isJoining || generation !== this.#generation
        if (error instanceof BrokerRefusal && !isOld) this.#heard(error.code)
      }
      if (this.#moving.length === 0 || this.#mustJoin) continue
      const holds = join.member.holds?.() ?? new Map<number, number>()
      const isWarm = this.#moving.some(
        (partition) => (holds.get(partition) ?? Infinity) <= limits.standbyLagMax,
      )
      if (isWarm) this.#askToJoin()
    }
  }

  #heard(code: number): void {
    if (OUT.has(code)) {
      this.#isOut = true
      this.#askToJoin()
    } else if (code === CODE.rebalanceInProgress) this.#askToJoin()
  }

  #askToJoin(): void {
    this.#mustJoin = true
    this.#wake.abort()
  }

  /** Until something is to be done. */
  async #sleep(): Promise<void> {
    if (this.#mustJoin || this.#isOut) return
    this.#wake = new AbortController()
    await this.#o.clock.sleep(2_147_483_647, this.#wake.signal)
  }

  async #commit(offsets: TopicOffsets): Promise<void> {
    if (this.#memberId === '') throw new BrokerFault('not a member', { sent: false })
    await this.#coordinator.commit(this.#memberId, this.#generation, offsets)
  }

  /** Members of other topics would get partitions that they do not read. */
  async #checkTopics(): Promise<void> {
    const { cluster, join } = this.#o
    const members = await cluster.retry(`the group ${join.group}`, () =>
      this.#coordinator.describe(),
    )
    const wanted = [...join.topics].sort().join(' ')
    for (const { memberMetadata } of members) {
      if (memberMetadata.length === 0) continue
      const had = [...decodeMember(memberMetadata).topics].sort().join(' ')
      if (had === wanted) continue
      throw new HbError('log-group-mismatch', `${join.group} reads ${had}, not ${wanted}`)
    }
  }
}
