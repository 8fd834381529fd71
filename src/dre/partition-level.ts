// Which feature level the entries of one partition are evaluated on (protocol/features.ts).
//
// Owners: whoever evaluates the partition; shared with what opens processes for it. Invariants:
// F1 it changes at an interval's end only, by what the partition's features process says there,
// every result of the interval being stored. F2 nothing goes on behind that on a level that this
// build does not have.

import type { FeaturesState } from '../protocol/features.ts'
import { firstLevel } from '../protocol/features.ts'
import type { Network } from '../protocol/genesis.ts'
import { endsInterval } from '../protocol/interval.ts'
import { stateAfter } from '../protocol/changes.ts'
import { HbError } from '../std/errors.ts'
import type { ProcessStore } from './process-store.ts'

export type PartitionLevelOptions = {
  readonly network: Network
  readonly partition: number
  readonly store: ProcessStore
  /** That the evaluator has. */
  readonly levels: readonly number[]
}

/** What of a position decides about the level behind it. */
export type LevelPlace = { readonly view: { readonly height: number }; readonly level: number }

export class PartitionLevel {
  readonly #o: PartitionLevelOptions
  #now: number

  constructor(options: PartitionLevelOptions) {
    this.#o = options
    this.#now = firstLevel(options.network.genesis)
  }

  /** What is opened now is opened on it. */
  get now(): number {
    return this.#now
  }

  /** What the next entry is evaluated on; `crosses`: an interval has ended since it was `now`. */
  next(crosses: boolean): number {
    return (crosses ? this.#recorded() : undefined) ?? this.#now
  }

  /**
   * Goes on behind a stored position (undefined: from the beginning); true if the level changes,
   * and what is open must be closed. Throws `feature-level-unknown`.
   */
  goOn(position: LevelPlace | undefined): boolean {
    const { network, partition, levels } = this.#o
    const { genesis } = network
    const height = position?.view.height ?? -1
    let next = position?.level ?? firstLevel(genesis)
    if (position !== undefined && endsInterval(height, genesis.intervalLength)) {
      next = this.#recorded() ?? next
    }
    if (!levels.includes(next)) {
      const has = `this build has ${levels.join(', ')}`
      const where = `partition ${partition} from height ${height + 1} on`
      throw new HbError('feature-level-unknown', `${where}: level ${next}; ${has}`)
    }
    const changes = next !== this.#now
    this.#now = next
    return changes
  }

  /** What the features process says of the time behind the last stored result. */
  #recorded(): number | undefined {
    const { network, partition, store } = this.#o
    const id = network.featureIds[partition]
    const saved = id === undefined ? undefined : store.state(id)
    if (saved === undefined) return undefined
    const state = stateAfter(saved.snapshot, saved.changes)
    const { level, pending } = state as unknown as FeaturesState
    return pending?.level ?? level
  }
}
