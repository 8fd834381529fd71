// Dry runs at a node: what a message would do to a process that is served here.
//
// Owners: the evaluator is this one's own, with one thread, opened when it is first needed: what is
// tried shares neither a thread nor a sandbox with what is live, so that it can end none of them.
// Invariants: U1 at most dryRunsMax at a time; one more is refused before anything is done. U2
// nothing is written: of the DRE's partition it only reads. U3 a name of an instance is in
// use once at a time, and there are no more names than places.

import { dryRunMessage } from '../protocol/dry-run.ts'
import type { DryRunSpec } from '../protocol/dry-run.ts'
import type { Network } from '../protocol/genesis.ts'
import { partitionOf } from '../protocol/topics.ts'
import type { DreService } from '../dre/index.ts'
import { basisIn, dryRun } from '../dre/index.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { DryRunView } from './api.ts'
import { dryRunView } from './views.ts'

export type DryRunLimits = {
  /** At one time; beyond: `dry-runs-too-many`. Default 4. */
  readonly dryRunsMax: number
}

export const DRY_RUN_LIMITS: DryRunLimits = { dryRunsMax: 4 }

export type DryRunFigures = {
  /** By status of the outcome, `ok` and `error`; `refused`: there was none. */
  readonly counts: Map<'ok' | 'error' | 'refused', number>
}

export type DryRunsOptions = {
  readonly network: Network
  readonly clock: Clock
  readonly dre: DreService | undefined
  readonly openEvaluator: () => Promise<Evaluator>
  readonly limits?: Partial<DryRunLimits> | undefined
}

export class DryRuns {
  readonly figures: DryRunFigures = {
    counts: new Map([
      ['ok', 0],
      ['error', 0],
      ['refused', 0],
    ]),
  }
  readonly #o: DryRunsOptions
  readonly #most: number
  /** Places in use. */
  readonly #places = new Set<number>()
  #evaluator: Promise<Evaluator> | undefined
  #closed = false

  constructor(options: DryRunsOptions) {
    this.#o = options
    this.#most = { ...DRY_RUN_LIMITS, ...options.limits }.dryRunsMax
  }

  /** See NodeApi.dryRun. */
  async run(process: string, spec: DryRunSpec, withState: boolean): Promise<DryRunView> {
    const place = this.#enter()
    try {
      const view = await this.#run(process, spec, withState, place)
      this.#count(view.status)
      return view
    } catch (error) {
      this.#count('refused')
      throw error
    } finally {
      this.#places.delete(place)
    }
  }

  /** What is under way ends with `node-stopping`. */
  async close(): Promise<void> {
    this.#closed = true
    const evaluator = await this.#evaluator?.catch(() => undefined)
    await evaluator?.close()
  }

  async #run(process: string, spec: DryRunSpec, withState: boolean, place: number) {
    const { network, clock, dre } = this.#o
    const message = dryRunMessage(network, process, spec)
    const partition = partitionOf(process, network.genesis.partitions)
    const evaluator = await this.#opened()
    const owned = dre?.owned(partition)
    if (owned === undefined) throw new HbError('process-unserved', `partition ${partition}`)
    const basis = basisIn(network, owned, partition, process, spec.atSlot)
    const timestamp = spec.timestamp ?? Math.max(clock.now(), basis.timestampMin)
    const about = { network, evaluator, basis, message, timestamp, withState }
    try {
      const run = await dryRun({ ...about, name: `dry-run:${place}` })
      return dryRunView(basis, timestamp, run)
    } catch (error) {
      throw isHbError(error, 'evaluator-closed') ? new HbError('node-stopping') : error
    }
  }

  #enter(): number {
    if (this.#closed) throw new HbError('node-stopping')
    let place = 0
    while (this.#places.has(place)) place += 1
    if (place >= this.#most) {
      this.#count('refused')
      throw new HbError('dry-runs-too-many', `dryRunsMax is ${this.#most}`)
    }
    this.#places.add(place)
    return place
  }

  #opened(): Promise<Evaluator> {
    if (this.#closed) throw new HbError('node-stopping')
    this.#evaluator ??= this.#o.openEvaluator().catch((error: unknown) => {
      this.#evaluator = undefined
      throw error
    })
    return this.#evaluator
  }

  #count(status: 'ok' | 'error' | 'refused'): void {
    const { counts } = this.figures
    counts.set(status, (counts.get(status) ?? 0) + 1)
  }
}
