// When the clock's next alarm is due, as its own newest published result says: a run is not at rest
// while one is overdue, so an alarm that never fires shows as a run that never comes to rest.
//
// Owners: run.ts. Invariant: it looks at each result once, plans nothing and draws nothing.

import { tagValue } from '../../src/protocol/message.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { CLOCK } from '../../src/system/index.ts'
import type { Known } from './invariants/known.ts'
import { EPOCH_MS, MS } from './world/world.ts'
import type { World } from './world/world.ts'

export class ClockWatch {
  readonly #world: World
  readonly #known: Known
  #looked = 0
  /** Ms since the epoch; Infinity: there is none. */
  #due = Infinity

  constructor(world: World, known: Known) {
    this.#world = world
    this.#known = known
  }

  /** By the true time; 0 where none is due. */
  overdueMs(): number {
    const { network } = this.#known
    const process = network.processIds.get(CLOCK)
    if (process === undefined) return 0
    const { results } = this.#known.partition(partitionOf(process, network.genesis.partitions))
    for (; this.#looked < results.length; this.#looked++) {
      const result = results[this.#looked]
      if (result?.process !== process) continue
      for (const { kind, tags } of result.messages) {
        if (kind === 'event') this.#due = Number(tagValue(tags, 'At') ?? Infinity)
      }
    }
    return Math.max(0, EPOCH_MS + Math.floor(this.#world.now / MS) - this.#due)
  }
}
