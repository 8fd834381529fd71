// The coordinator of one consumer group: who is in it, who owns which partition, and up to where
// the group is.
//
// Invariants: G1 a partition has one owner at a time. G2 it is given to another only when its owner
// has said that it let go, or was expelled: because its heartbeats stopped, or because it did not
// let go in time. G3 only the owner's commits count.

import type { AssignableMember } from '../../../src/log/assignment.ts'
import { assignPartitions } from '../../../src/log/assignment.ts'
import type { GroupMember } from '../../../src/log/port.ts'
import { HbError } from '../../../src/std/errors.ts'
import type { Random } from '../../../src/std/random.ts'
import type { Host } from '../world/host.ts'
import { MS } from '../world/world.ts'
import type { Cluster, Partition } from './cluster.ts'

export type GroupLimits = {
  readonly sessionTimeoutMs: number
  readonly heartbeatMs: number
  readonly rebalanceTimeoutMs: number
  readonly commitDelayMs: number
  readonly standbyLagMax: number
}

/** What a member is told: the whole of what it is to have, each time. */
export type Told = {
  readonly version: number
  readonly generation: number
  readonly owned: readonly number[]
  readonly standbys: readonly number[]
  readonly moving: readonly number[]
}

export type Joining = {
  readonly host: Host
  readonly topics: readonly string[]
  readonly address: string | undefined
  readonly standbys: number
  readonly holds: ReadonlyMap<number, number>
  /** Runs on the member's host, some time after. */
  readonly tell: (told: Told) => void
}

type Seat = {
  readonly id: string
  readonly joining: Joining
  holds: ReadonlyMap<number, number>
  seenAt: number
  standbys: readonly number[]
  moving: readonly number[]
}

export class Coordinator {
  readonly name: string
  readonly #cluster: Cluster
  readonly #seats = new Map<string, Seat>()
  /** Of each partition; `letting`: since when it was asked to let go. */
  #owners: { id: string | undefined; letting: boolean }[] = []
  readonly #offsets = new Map<string, number>()
  #generation = 0
  #version = 0
  #joined = 0

  constructor(cluster: Cluster, name: string) {
    this.#cluster = cluster
    this.name = name
  }

  get generation(): number {
    return this.#generation
  }

  get isEmpty(): boolean {
    return this.#seats.size === 0
  }

  join(joining: Joining): string {
    const topics = joining.topics.map((name) => this.#cluster.topic(name))
    const counts = new Set(topics.map(({ spec }) => spec.partitions))
    const had = [...this.#seats.values()][0]?.joining.topics
    const isOther = had !== undefined && [...had].sort().join() !== [...joining.topics].sort().join()
    if (counts.size !== 1 || isOther) throw new HbError('log-group-mismatch', this.name)
    const [count = 0] = counts
    if (this.isEmpty) this.#owners = Array.from({ length: count }, () => nobody())
    this.#joined += 1
    const id = `${this.name}-${this.#joined}`
    const { world } = this.#cluster
    const { holds } = joining
    const seat = { id, joining, holds, seenAt: world.now, standbys: [], moving: [] }
    this.#seats.set(id, seat)
    this.#watch(seat)
    this.#rebalance()
    return id
  }

  /** False: not a member (any more). */
  heartbeat(id: string, holds: ReadonlyMap<number, number>): boolean {
    const seat = this.#seats.get(id)
    if (seat === undefined) return false
    seat.seenAt = this.#cluster.world.now
    seat.holds = holds
    const { standbyLagMax } = this.#cluster.limits
    const isWarm = (partition: number): boolean =>
      (holds.get(partition) ?? Infinity) <= standbyLagMax
    if (seat.moving.some(isWarm)) this.#rebalance()
    // what was told before may be lost
    else this.#tell(seat)
    return true
  }

  /** The member has let go of a partition. */
  released(id: string, partition: number): void {
    const owner = this.#owners[partition]
    if (owner?.id !== id || !owner.letting) return
    this.#owners[partition] = nobody()
    this.#rebalance()
  }

  leave(id: string): void {
    this.#expel(id)
  }

  owns(id: string, partition: number): boolean {
    return this.#owners[partition]?.id === id
  }

  /** The host of the member that owns a partition now. */
  ownerHost(partition: number): string | undefined {
    return this.#seats.get(this.#owners[partition]?.id ?? '')?.joining.host.name
  }

  /** Counts for partitions that the member owns; false: it owns none of them. */
  commit(id: string, topic: string, partition: number, next: number): boolean {
    if (!this.owns(id, partition)) return false
    this.#commit(this.#cluster.partition(topic, partition), next, id)
    return true
  }

  #commit(partition: Partition, next: number, by: string): void {
    this.#offsets.set(`${partition.topic.spec.name}/${partition.index}`, next)
    for (const observer of this.#cluster.observers) {
      observer.committed?.(this.name, partition, next, by)
    }
  }

  committed(topic: string, partition: number): number | undefined {
    return this.#offsets.get(`${topic}/${partition}`)
  }

  /** As brokers do with those of a group that was empty for long. */
  expireOffsets(): void {
    this.#offsets.clear()
  }

  /** As an operator may, of a group that is empty: back to anywhere that is retained. */
  resetOffsets(random: Random): void {
    for (const [key, next] of this.#offsets) {
      const at = key.lastIndexOf('/')
      const partition = this.#cluster.partition(key.slice(0, at), Number(key.slice(at + 1)))
      const back = random.below(Math.max(0, next - partition.start) + 1)
      this.#commit(partition, next - back, 'an operator')
    }
  }

  members(): GroupMember[] {
    return [...this.#seats.values()].map(({ id, joining, standbys }) => ({
      memberId: id,
      address: joining.address,
      partitions: [...this.#owners.keys()].filter((each) => this.#owners[each]?.id === id),
      standbys,
    }))
  }

  /** A rebalance for no reason: what a broker's own move, or a member that joined, would do. */
  disturb(): void {
    const owned = [...this.#owners.keys()].filter((each) => this.#owners[each]?.id !== undefined)
    if (owned.length === 0 || this.#seats.size < 2) return
    const { world } = this.#cluster
    const random = world.random('groups')
    const partition = owned[random.below(owned.length)] as number
    this.#letGo(partition)
    world.trace(`${this.name} moves ${partition}`)
  }

  #rebalance(): void {
    this.#generation += 1
    if (this.#seats.size === 0) return
    const { standbyLagMax } = this.#cluster.limits
    const members = [...this.#seats.values()].map(({ id, holds }): AssignableMember => {
      const owned = [...this.#owners.keys()].filter((each) => this.#owners[each]?.id === id)
      return { id, owned, holds }
    })
    const wanted = [...this.#seats.values()].map(({ joining }) => joining.standbys)
    const standbys = Math.max(0, ...wanted)
    const options = { partitions: this.#owners.length, standbys, lagMax: standbyLagMax }
    const target = assignPartitions(members, options)
    target.owners.forEach((next, partition) => {
      const owner = this.#owners[partition]
      if (owner === undefined || owner.letting || owner.id === next) return
      if (owner.id === undefined) this.#owners[partition] = { id: next, letting: false }
      else this.#letGo(partition)
    })
    for (const seat of this.#seats.values()) {
      const owned = (each: number): boolean => this.#owners[each]?.id === seat.id
      seat.standbys = (target.standbys.get(seat.id) ?? []).filter((each) => !owned(each))
      seat.moving = target.moving.get(seat.id) ?? []
      this.#tell(seat)
    }
  }

  #letGo(partition: number): void {
    const owner = this.#owners[partition]
    const seat = this.#seats.get(owner?.id ?? '')
    if (owner === undefined || seat === undefined || owner.letting) return
    owner.letting = true
    this.#tell(seat)
    const { world, limits } = this.#cluster
    world.after(limits.rebalanceTimeoutMs * MS, () => {
      if (this.#owners[partition] !== owner) return
      world.saw('a member did not let go in time')
      this.#expel(seat.id)
    })
  }

  #tell(seat: Seat): void {
    const owned = [...this.#owners.keys()].filter((each) => {
      const owner = this.#owners[each]
      return owner?.id === seat.id && !owner.letting
    })
    const { standbys, moving } = seat
    const version = ++this.#version
    const told = { version, generation: this.#generation, owned, standbys, moving }
    const { host, tell } = seat.joining
    const { world } = this.#cluster
    const latency = 200 + world.random('groups').below(800)
    world.after(latency, () => host.resume(() => tell(told)))
  }

  #watch(seat: Seat): void {
    const { world, limits } = this.#cluster
    const sessionUs = limits.sessionTimeoutMs * MS
    world.after(seat.seenAt + sessionUs - world.now, () => {
      if (this.#seats.get(seat.id) !== seat) return
      if (world.now - seat.seenAt < sessionUs) return this.#watch(seat)
      world.trace(`${this.name} expels ${seat.id}`)
      this.#expel(seat.id)
    })
  }

  #expel(id: string): void {
    if (!this.#seats.delete(id)) return
    this.#owners = this.#owners.map((owner) => (owner.id === id ? nobody() : owner))
    this.#rebalance()
  }
}

function nobody(): { id: string | undefined; letting: boolean } {
  return { id: undefined, letting: false }
}
