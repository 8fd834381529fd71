// What befalls the network at large, by kind: its brokers, the groups on them, or all machines.
//
// Owners: mischief.ts. Invariant: everything is drawn from the scene's stream, in a fixed order.

import type { Partition, Topic } from '../broker/cluster.ts'
import type { EventKind } from '../plan.ts'
import { MS, SECOND } from '../world/world.ts'
import { startAfter, startLater } from './node-events.ts'
import type { NodeEventKind, Scene } from './node-events.ts'
import type { SimNetwork } from './sim-network.ts'

/** Well below what a relayer waits before it sends a channel again. */
export const LOSING_US_MAX = 500 * MS

export type NetworkEvent = (scene: Scene) => void

/** All that befalls no node of its own: what is missing here does not compile. */
export const NETWORK_EVENTS: Readonly<Record<Exclude<EventKind, NodeEventKind>, NetworkEvent>> = {
  election: elect,
  rebalance({ network, random }) {
    const groups = [...network.cluster.groups]
    groups[random.below(groups.length)]?.disturb()
    network.world.saw('mischief: rebalance')
  },
  'expire-offsets': expireOffsets,
  'reset-offsets': resetOffsets,
  rot,
  compact({ network }) {
    for (const name of ['hb.snapshots', 'hb.modules', 'hb.registry']) {
      for (const partition of topicOf(network, name)?.partitions ?? []) {
        network.cluster.compact(partition)
      }
    }
    network.world.saw('mischief: compact')
  },
  'lose-relayed': loseRelayed,
  blackout: blackOut,
}

/** A partition is without a leader for a while, and seems shorter for a while after. */
function elect(scene: Scene): void {
  const { network, random } = scene
  const topics = [...network.cluster.topics.values()]
  const topic = topics[random.below(topics.length)]
  const partition = topic?.partitions[random.below(topic.partitions.length)]
  if (partition === undefined || topic === undefined) return
  const isNow = random.below(2) === 0
  if (isNow) return loseLeader(scene, partition)
  // with the next append in its hands
  partition.onAppend = () => {
    partition.onAppend = undefined
    network.world.after(0, () => scene.isOver() || loseLeader(scene, partition))
  }
}

function loseLeader({ network, random, isOver }: Scene, partition: Partition): void {
  const { world, cluster } = network
  const downUs = random.below(4 * SECOND)
  partition.downUntil = world.now + downUs
  partition.epoch += 1
  world.trace(`mischief: election ${partition.topic.spec.name}[${partition.index}]`)
  world.saw('mischief: election')
  world.after(downUs, () => {
    if (isOver()) return
    const back = random.below(30)
    const forUs = random.below(500 * MS)
    cluster.showStale(partition, partition.records.length - back, forUs)
    for (const wake of [...partition.waiters]) wake()
  })
}

function expireOffsets({ network }: Scene): void {
  for (const group of network.cluster.groups) {
    if (!group.isEmpty) continue
    group.expireOffsets()
    network.world.saw('mischief: expire-offsets')
  }
}

function resetOffsets({ network, random }: Scene): void {
  for (const group of network.cluster.groups) {
    if (!group.isEmpty) continue
    group.resetOffsets(random)
    network.world.saw('mischief: reset-offsets')
  }
}

/** A bit of what has a checksum of its own: snapshots, manifests and modules. */
function rot({ network, random }: Scene): void {
  const topic = topicOf(network, random.below(4) === 0 ? 'hb.modules' : 'hb.snapshots')
  const partition = topic?.partitions[random.below(topic.partitions.length)]
  if (partition === undefined || partition.records.length === 0) return
  const offset = random.below(partition.records.length)
  network.cluster.rot(partition, offset, random.below(1 << 20))
  network.world.trace(`mischief: rot ${topic?.spec.name}[${partition.index}] ${offset}`)
  network.world.saw('mischief: rot')
}

/** For a while what relayers append is acknowledged and gone: their channels must heal (R3). */
function loseRelayed({ network, random }: Scene): void {
  const { world } = network
  const until = world.now + LOSING_US_MAX * random.float()
  for (const partition of topicOf(network, 'hb.ingress')?.partitions ?? []) {
    partition.losesRelayedUntil = until
  }
  world.trace('mischief: lose-relayed')
  world.saw('mischief: lose-relayed')
}

/** All machines at once: whoever comes up first goes on from what its own disk kept. */
function blackOut(scene: Scene): void {
  const { network, random } = scene
  const { world } = network
  const sessionUs = network.cluster.limits.sessionTimeoutMs * MS
  const isPower = random.below(2) === 0
  const isLong = random.below(2) === 0
  world.trace(`mischief: blackout ${isPower ? 'power' : 'kill'} ${isLong ? 'long' : ''}`)
  world.saw('mischief: blackout')
  for (const node of network.nodes) {
    if (!node.isUp) continue
    if (isPower) void node.losePower()
    else node.kill()
    if (isLong) startAfter(scene, node, sessionUs + (1 + 4 * random.float()) * SECOND)
    else startLater(scene, node)
  }
  if (!isLong) return
  // their groups are empty by then: what is retained is read again, all of it or some
  world.after(sessionUs + SECOND / 2, () => {
    if (random.below(2) === 0) expireOffsets(scene)
    else resetOffsets(scene)
  })
}

function topicOf({ cluster }: SimNetwork, name: string): Topic | undefined {
  return cluster.topics.get(name)
}
