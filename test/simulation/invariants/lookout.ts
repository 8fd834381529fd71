// Looks at the nodes after each step: at what piles up on their hosts, and about once a virtual
// second at what they say, in turn of what they could be asked.
// Invariant: only what a node answers from its own memory is asked, so nothing goes out.

import type { NodeApi } from '../../../src/node/index.ts'
import type { SimNode } from '../network/sim-node.ts'
import { SECOND } from '../world/world.ts'
import type { World } from '../world/world.ts'
import { tokensOf } from './funds.ts'
import type { Invariants } from './index.ts'

/** How far below the end of a partition the entries lie that are asked about, in turn. */
const DEPTH = 24

export class Lookout {
  readonly #world: World
  readonly #nodes: readonly SimNode[]
  readonly #invariants: Invariants
  readonly #tokens: readonly string[]
  #looked = 0
  #turn = 0

  constructor(world: World, nodes: readonly SimNode[], invariants: Invariants) {
    this.#world = world
    this.#nodes = nodes
    this.#invariants = invariants
    this.#tokens = tokensOf(invariants.known.network)
  }

  look(): void {
    for (const { host } of this.#nodes) {
      for (const [gauge, high] of host.gauges.takeRisen()) {
        this.#invariants.happen({ type: 'high', host: host.name, gauge, value: high })
      }
    }
    if (this.#world.now - this.#looked < SECOND) return
    this.#looked = this.#world.now
    this.#turn += 1
    for (const { host, api } of this.#nodes) {
      if (api === undefined || host.isFrozen) continue
      this.#invariants.happen({ type: 'health', node: host.name, health: api.health() })
      this.#ask(host.name, api)
    }
  }

  /** Each answers before the next step; one that is closing may not. */
  #ask(node: string, api: NodeApi): void {
    const invariants = this.#invariants
    const token = this.#tokens[this.#turn % this.#tokens.length]
    if (token !== undefined) {
      hear(api.state(token), (state) => invariants.happen({ type: 'state', node, state }))
    }
    for (const { entries } of invariants.known.partitions) {
      const entry = entries[entries.length - 1 - (this.#turn % DEPTH)]
      if (entry === undefined) continue
      const { id, process } = entry.message
      hear(api.message(id, 'node'), (status) => {
        invariants.happen({ type: 'status', node, status })
      })
      hear(api.process(process), (shown) => {
        invariants.happen({ type: 'process', node, process: shown })
      })
    }
  }
}

function hear<T>(answer: Promise<T | undefined>, to: (value: T) => void): void {
  answer.then(
    (value) => value !== undefined && to(value),
    () => undefined,
  )
}
