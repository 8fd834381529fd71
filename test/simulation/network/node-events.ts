// What befalls one node, by kind, and how it is started again.
//
// Owners: mischief.ts, which draws the node; it is up and not frozen. Invariant: everything is
// drawn from the scene's stream, in a fixed order.

import type { Random } from '../../../src/std/random.ts'
import type { EventKind } from '../plan.ts'
import { SECOND } from '../world/world.ts'
import type { SimNetwork } from './sim-network.ts'
import type { SimNode } from './sim-node.ts'

const DOWN_SECONDS_MAX = 20
const SUPERVISED_SECONDS_MAX = 1
const CUT_SECONDS_MAX = 25
/** Beyond a session, so that the partitions have moved when it goes on. */
const FROZEN_SECONDS_MAX = 25
/** Within what a sequencer accepts its clock to be off. */
const CLOCK_MS_MAX = 20_000

/** Where events take place. */
export type Scene = {
  readonly network: SimNetwork
  readonly random: Random
  /** Nothing more is to befall anybody. */
  readonly isOver: () => boolean
}

/** What it befalls: a node, or what else runs on a machine of its own. */
export type Machine = Pick<
  SimNode,
  'name' | 'host' | 'isUp' | 'start' | 'stop' | 'kill' | 'losePower' | 'clearDisk' | 'clockErrorMs'
>

export type NodeEvent = (scene: Scene, node: Machine) => void

export const NODE_EVENTS = {
  kill(scene, node) {
    node.kill()
    startLater(scene, node)
  },
  stop(scene, node) {
    node.stop()
    startLater(scene, node)
  },
  power(scene, node) {
    void node.losePower()
    startLater(scene, node)
  },
  'lose-disk'(scene, node) {
    node.kill()
    node.clearDisk()
    startLater(scene, node)
  },
  'crash-at-call'(scene, node) {
    const call = node.host.calls + 1 + scene.random.below(200)
    node.host.crashAt = { call, written: scene.random.below(2) === 0 }
    startLater(scene, node)
  },
  freeze({ network, random }, { host }) {
    host.freeze()
    const frozenUs = random.float() * FROZEN_SECONDS_MAX * SECOND
    network.world.after(frozenUs, () => host.isFrozen && host.thaw())
  },
  cut({ network, random }, { host }) {
    host.cutUntil = network.world.now + random.float() * CUT_SECONDS_MAX * SECOND
  },
  clock({ random }, node) {
    node.clockErrorMs = random.below(2 * CLOCK_MS_MAX) - CLOCK_MS_MAX
    node.host.clockErrorMs = node.clockErrorMs
  },
} as const satisfies Readonly<Partial<Record<EventKind, NodeEvent>>>

export type NodeEventKind = keyof typeof NODE_EVENTS

/** Whatever brought it down. */
export function startLater(scene: Scene, node: Machine): void {
  const { network, random } = scene
  // a supervisor starts it at once, or an operator when he comes
  const most = random.below(2) === 0 ? SUPERVISED_SECONDS_MAX : DOWN_SECONDS_MAX
  const delay = random.float() * most * SECOND
  network.world.after(delay, () => {
    if (node.isUp && node.host.crashAt === undefined) return startLater(scene, node)
    if (!node.isUp) node.start()
    // a call that it does not come to brings down nobody
    else node.host.crashAt = undefined
  })
}

export function startAfter({ network }: Scene, node: SimNode, delayUs: number): void {
  network.world.after(delayUs, () => {
    if (!node.isUp) node.start()
  })
}
