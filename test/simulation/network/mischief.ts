// What befalls nodes and brokers while a run lasts: one event after another, drawn from the seed.

import type { Random } from '../../../src/std/random.ts'
import type { EventKind, SimPlan } from '../plan.ts'
import type { Partition, Topic } from '../broker/cluster.ts'
import { MS, SECOND } from '../world/world.ts'
import type { World } from '../world/world.ts'
import type { SimNetwork } from './sim-network.ts'
import type { SimNode } from './sim-node.ts'

const DOWN_SECONDS_MAX = 20
const SUPERVISED_SECONDS_MAX = 1
const CUT_SECONDS_MAX = 25
/** Beyond a session, so that the partitions have moved when it goes on. */
const FROZEN_SECONDS_MAX = 25
/** Within what a sequencer accepts its clock to be off. */
const CLOCK_MS_MAX = 20_000
/** Well below what a relayer waits before it sends a channel again. */
const LOSING_US_MAX = 500 * MS

export class Mischief {
  readonly #world: World
  readonly #network: SimNetwork
  readonly #plan: SimPlan
  readonly #random: Random
  #isOver = false

  constructor(network: SimNetwork, plan: SimPlan) {
    this.#world = network.world
    this.#network = network
    this.#plan = plan
    this.#random = this.#world.random('mischief')
  }

  start(): void {
    if (this.#plan.eventSeconds > 0) this.#later()
    if (!this.#losesRelayed) return
    this.#world.after(this.#plan.seconds * SECOND - LOSING_US_MAX, () => this.#loseRelayed())
  }

  /** What was lost last is sent again by whoever has the relayers' partitions from now on. */
  stop(): void {
    this.#isOver = true
    if (!this.#losesRelayed) return
    for (const node of this.#network.nodes) if (node.roles.includes('relayer')) node.kill()
  }

  get #losesRelayed(): boolean {
    return this.#plan.eventSeconds > 0 && this.#plan.events['lose-relayed'] !== undefined
  }

  #later(): void {
    const delay = this.#plan.eventSeconds * 2 * this.#random.float() * SECOND
    this.#world.after(delay, () => {
      if (this.#isOver) return
      this.#happen(this.#kind())
      this.#later()
    })
  }

  #kind(): EventKind | undefined {
    const chances = Object.entries(this.#plan.events) as [EventKind, number][]
    let drawn = this.#random.below(chances.reduce((sum, [, chance]) => sum + chance, 0) || 1)
    return chances.find(([, chance]) => (drawn -= chance) < 0)?.[0]
  }

  #happen(kind: EventKind | undefined): void {
    if (kind === undefined) return
    const { nodes } = this.#network
    const node = nodes[this.#random.below(nodes.length)] as SimNode
    if (kind === 'election') return this.#elect()
    if (kind === 'rebalance') return this.#disturb()
    if (kind === 'expire-offsets') return this.#expireOffsets()
    if (kind === 'reset-offsets') return this.#resetOffsets()
    if (kind === 'rot') return this.#rot()
    if (kind === 'compact') return this.#compact()
    if (kind === 'lose-relayed') return this.#loseRelayed()
    if (kind === 'blackout') return this.#blackOut()
    if (!node.isUp || node.host.isFrozen) return
    this.#world.trace(`mischief: ${kind} ${node.name}`)
    this.#world.saw(`mischief: ${kind}`)
    switch (kind) {
      case 'kill':
        node.kill()
        return this.#startLater(node)
      case 'stop':
        node.stop()
        return this.#startLater(node)
      case 'power':
        void node.losePower()
        return this.#startLater(node)
      case 'lose-disk':
        node.kill()
        node.clearDisk()
        return this.#startLater(node)
      case 'crash-at-call': {
        const call = node.host.calls + 1 + this.#random.below(200)
        node.host.crashAt = { call, written: this.#random.below(2) === 0 }
        return this.#startLater(node)
      }
      case 'freeze': {
        const { host } = node
        host.freeze()
        const frozenUs = this.#random.float() * FROZEN_SECONDS_MAX * SECOND
        this.#world.after(frozenUs, () => host.isFrozen && host.thaw())
        return
      }
      case 'cut':
        node.host.cutUntil = this.#world.now + this.#random.float() * CUT_SECONDS_MAX * SECOND
        return
      case 'clock':
        node.clockErrorMs = this.#random.below(2 * CLOCK_MS_MAX) - CLOCK_MS_MAX
        node.host.clockErrorMs = node.clockErrorMs
    }
  }

  /** All machines at once: whoever comes up first goes on from what its own disk kept. */
  #blackOut(): void {
    const isPower = this.#random.below(2) === 0
    const isLong = this.#random.below(2) === 0
    this.#world.trace(`mischief: blackout ${isPower ? 'power' : 'kill'} ${isLong ? 'long' : ''}`)
    this.#world.saw('mischief: blackout')
    for (const node of this.#network.nodes) {
      if (!node.isUp) continue
      if (isPower) void node.losePower()
      else node.kill()
      if (isLong) this.#startAfter(node, this.#sessionUs + (1 + 4 * this.#random.float()) * SECOND)
      else this.#startLater(node)
    }
    if (!isLong) return
    // their groups are empty by then: what is retained is read again, all of it or some
    this.#world.after(this.#sessionUs + SECOND / 2, () => {
      if (this.#random.below(2) === 0) this.#expireOffsets()
      else this.#resetOffsets()
    })
  }

  get #sessionUs(): number {
    return this.#network.cluster.limits.sessionTimeoutMs * MS
  }

  #startAfter(node: SimNode, delayUs: number): void {
    this.#world.after(delayUs, () => {
      if (!node.isUp) node.start()
    })
  }

  /** Whatever brought it down. */
  #startLater(node: SimNode): void {
    // a supervisor starts it at once, or an operator when he comes
    const most = this.#random.below(2) === 0 ? SUPERVISED_SECONDS_MAX : DOWN_SECONDS_MAX
    const delay = this.#random.float() * most * SECOND
    this.#world.after(delay, () => {
      if (node.isUp && node.host.crashAt === undefined) return this.#startLater(node)
      if (!node.isUp) node.start()
      // a call that it does not come to brings down nobody
      else node.host.crashAt = undefined
    })
  }

  /** A partition is without a leader for a while, and seems shorter for a while after. */
  #elect(): void {
    const topics = [...this.#network.cluster.topics.values()]
    const topic = topics[this.#random.below(topics.length)]
    const partition = topic?.partitions[this.#random.below(topic.partitions.length)]
    if (partition === undefined || topic === undefined) return
    const isNow = this.#random.below(2) === 0
    if (isNow) return this.#loseLeader(partition)
    // with the next append in its hands
    partition.onAppend = () => {
      partition.onAppend = undefined
      this.#world.after(0, () => this.#isOver || this.#loseLeader(partition))
    }
  }

  #loseLeader(partition: Partition): void {
    const downUs = this.#random.below(4 * SECOND)
    partition.downUntil = this.#world.now + downUs
    partition.epoch += 1
    this.#world.trace(`mischief: election ${partition.topic.spec.name}[${partition.index}]`)
    this.#world.saw('mischief: election')
    this.#world.after(downUs, () => {
      if (this.#isOver) return
      const back = this.#random.below(30)
      const forUs = this.#random.below(500 * MS)
      this.#network.cluster.showStale(partition, partition.records.length - back, forUs)
      for (const wake of [...partition.waiters]) wake()
    })
  }

  /** A bit of what has a checksum of its own: snapshots, manifests and modules. */
  #rot(): void {
    const topic = this.#topic(this.#random.below(4) === 0 ? 'hb.modules' : 'hb.snapshots')
    const partition = topic?.partitions[this.#random.below(topic.partitions.length)]
    if (partition === undefined || partition.records.length === 0) return
    const offset = this.#random.below(partition.records.length)
    this.#network.cluster.rot(partition, offset, this.#random.below(1 << 20))
    this.#world.trace(`mischief: rot ${topic?.spec.name}[${partition.index}] ${offset}`)
    this.#world.saw('mischief: rot')
  }

  /** For a while what relayers append is acknowledged and gone: their channels must heal (R3). */
  #loseRelayed(): void {
    const until = this.#world.now + LOSING_US_MAX * this.#random.float()
    for (const partition of this.#topic('hb.ingress')?.partitions ?? []) {
      partition.losesRelayedUntil = until
    }
    this.#world.trace('mischief: lose-relayed')
    this.#world.saw('mischief: lose-relayed')
  }

  #compact(): void {
    for (const name of ['hb.snapshots', 'hb.modules', 'hb.registry']) {
      for (const partition of this.#topic(name)?.partitions ?? []) {
        this.#network.cluster.compact(partition)
      }
    }
    this.#world.saw('mischief: compact')
  }

  #topic(name: string): Topic | undefined {
    return this.#network.cluster.topics.get(name)
  }

  #disturb(): void {
    const groups = [...this.#network.cluster.groups]
    groups[this.#random.below(groups.length)]?.disturb()
    this.#world.saw('mischief: rebalance')
  }

  #resetOffsets(): void {
    for (const group of this.#network.cluster.groups) {
      if (!group.isEmpty) continue
      group.resetOffsets(this.#random)
      this.#world.saw('mischief: reset-offsets')
    }
  }

  #expireOffsets(): void {
    for (const group of this.#network.cluster.groups) {
      if (!group.isEmpty) continue
      group.expireOffsets()
      this.#world.saw('mischief: expire-offsets')
    }
  }
}
