// What befalls nodes and brokers while a run lasts: one event after another, drawn from the seed.
// What each kind does is in node-events.ts and network-events.ts.

import type { EventKind, SimPlan } from '../plan.ts'
import { SECOND } from '../world/world.ts'
import { LOSING_US_MAX, NETWORK_EVENTS } from './network-events.ts'
import { NODE_EVENTS } from './node-events.ts'
import type { NodeEventKind, Scene } from './node-events.ts'
import type { SimNetwork } from './sim-network.ts'
import type { SimNode } from './sim-node.ts'

export class Mischief {
  readonly #scene: Scene
  readonly #plan: SimPlan
  #isOver = false

  constructor(network: SimNetwork, plan: SimPlan) {
    this.#plan = plan
    const random = network.world.random('mischief')
    this.#scene = { network, random, isOver: () => this.#isOver }
  }

  start(): void {
    if (this.#plan.eventSeconds > 0) this.#later()
    if (!this.#losesRelayed) return
    const { world } = this.#scene.network
    const atUs = this.#plan.seconds * SECOND - LOSING_US_MAX
    world.after(atUs, () => NETWORK_EVENTS['lose-relayed'](this.#scene))
  }

  /** What was lost last is sent again by whoever has the relayers' partitions from now on. */
  stop(): void {
    this.#isOver = true
    if (!this.#losesRelayed) return
    for (const node of this.#scene.network.nodes) if (node.roles.includes('relayer')) node.kill()
  }

  get #losesRelayed(): boolean {
    return this.#plan.eventSeconds > 0 && this.#plan.events['lose-relayed'] !== undefined
  }

  #later(): void {
    const { network, random } = this.#scene
    const delay = this.#plan.eventSeconds * 2 * random.float() * SECOND
    network.world.after(delay, () => {
      if (this.#isOver) return
      this.#happen(this.#kind())
      this.#later()
    })
  }

  #kind(): EventKind | undefined {
    const chances = Object.entries(this.#plan.events) as [EventKind, number][]
    const all = chances.reduce((sum, [, chance]) => sum + chance, 0)
    let drawn = this.#scene.random.below(all || 1)
    return chances.find(([, chance]) => (drawn -= chance) < 0)?.[0]
  }

  #happen(kind: EventKind | undefined): void {
    if (kind === undefined) return
    const { network, random } = this.#scene
    const { nodes, world } = network
    // drawn even where the kind needs none: the order of draws is the run
    const node = nodes[random.below(nodes.length)] as SimNode
    if (!isOfNode(kind)) return NETWORK_EVENTS[kind](this.#scene)
    if (!node.isUp || node.host.isFrozen) return
    world.trace(`mischief: ${kind} ${node.name}`)
    world.saw(`mischief: ${kind}`)
    NODE_EVENTS[kind](this.#scene, node)
  }
}

function isOfNode(kind: EventKind): kind is NodeEventKind {
  return Object.hasOwn(NODE_EVENTS, kind)
}
