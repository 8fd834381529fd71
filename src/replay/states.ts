// The state of a process as it was: at a slot, a height or a time, by replay of its own entries.
//
// Invariants: S1 a state is that after the last entry of the process that is within the point.
// S2 points are asked for in order, of one walk over the log; it begins at the newest manifest
// before the first of them that checks, else at height 0.

import type { View } from '../protocol/accept.ts'
import type { Entry } from '../protocol/entry.ts'
import type { ManifestHead } from '../protocol/manifest.ts'
import type { ManifestProcess } from '../protocol/records.ts'
import { partitionOf, topicNames } from '../protocol/topics.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import { endsOf } from '../log/resume/index.ts'
import { HbError } from '../std/errors.ts'
import type { Store } from '../store/port.ts'
import type { DryRunBasis, StateText } from '../dre/index.ts'
import { readEntries, Rebuilder } from '../dre/index.ts'
import type { ReplaySource } from './partition.ts'
import { interruptible } from './partition.ts'

/** Inclusive: the entry of that slot or height, and all whose time is not after it (ms). */
export type Point =
  | { readonly slot: number }
  | { readonly height: number }
  | { readonly time: number }

export type StatesOptions = Omit<ReplaySource, 'partition'> & {
  /** Fresh. */
  readonly evaluator: Evaluator
  /** Scratch. */
  readonly store: Store
  readonly process: string
  /** In order, at least one. */
  readonly points: readonly Point[]
}

export type StateThen = StateText & {
  /** Of the entry that made it, where that was replayed: ms. */
  readonly timestamp?: number
  /** What an entry of the process that came then would be evaluated with. */
  readonly next: Pick<DryRunBasis, 'height' | 'module' | 'named' | 'level'>
}

export type StatesThen = {
  readonly partition: number
  readonly began: { readonly at: 'genesis' | 'manifest'; readonly height: number }
  /** In order of the points. */
  readonly states: readonly StateThen[]
}

/** Errors: `state-unknown`, `process-not-found`, `process-failed`, `log-diverged`, `interrupted` */
export async function statesAt(options: StatesOptions): Promise<StatesThen> {
  const { network, log, process, points } = options
  const partition = partitionOf(process, network.genesis.partitions)
  const topics = topicNames(options.applicationId)
  const rebuilder = new Rebuilder({ ...options, partition, topics })
  try {
    const accepts = acceptsFor(process, points[0] as Point)
    const { view, next, restored } = await rebuilder.begin({ accepts, process })
    const at = restored ? ('manifest' as const) : ('genesis' as const)
    const began = { at, height: view.height }
    const { start, end } = await endsOf(log, topics.log, partition)
    const { records } = rebuilder
    const source = { network, log, topic: topics.log, partition, records, view, from: next, end }
    const walk = new Walk(rebuilder, process, points, view)
    for await (const read of readEntries(source)) {
      interruptible(options.signal)
      await rebuilder.notes(read.entries)
      await walk.take(read.entries)
      options.onProgress?.(read.next - start, end - start)
      if (walk.done) break
    }
    return { partition, began, states: walk.end() }
  } finally {
    await rebuilder.close()
  }
}

function acceptsFor(process: string, point: Point) {
  return (head: ManifestHead, rows: readonly ManifestProcess[]): boolean => {
    if ('height' in point) return head.height <= point.height
    if ('time' in point) return head.timestamp <= point.time
    const row = rows.find((each) => each.process === process)
    return row === undefined || row.slot <= point.slot
  }
}

class Walk {
  readonly #rebuilder: Rebuilder
  readonly #process: string
  readonly #points: readonly Point[]
  readonly #states: StateThen[] = []
  /** Of the entries of the process that were taken last. */
  #slot: number
  #timestamp: number | undefined
  /** Of the last entry that was looked at. */
  #seen: View | Entry

  constructor(rebuilder: Rebuilder, process: string, points: readonly Point[], view: View) {
    this.#rebuilder = rebuilder
    this.#process = process
    this.#points = points
    this.#slot = rebuilder.ledger.rows.get(process)?.settledSlot ?? -1
    this.#seen = { ...view }
  }

  get done(): boolean {
    return this.#states.length === this.#points.length
  }

  async take(entries: readonly Entry[]): Promise<void> {
    let mine: Entry[] = []
    for (const entry of entries) {
      while (!this.done && this.#isBehind(entry)) {
        await this.#evaluate(mine)
        mine = []
        this.#keep()
      }
      if (this.done) return
      this.#seen = entry
      if (entry.message.process !== this.#process) {
        if (this.#rebuilder.concerns(this.#process, entry)) mine.push(entry)
        continue
      }
      if (this.#slot < 0 && entry.message.kind !== 'spawn') continue
      this.#slot += 1
      this.#timestamp = entry.timestamp
      mine.push(entry)
      const point = this.#points[this.#states.length] as Point
      // the log need not be read on behind the last slot that is asked for
      if (!('slot' in point) || point.slot !== this.#slot) continue
      await this.#evaluate(mine)
      mine = []
      this.#keep()
    }
    await this.#evaluate(mine)
  }

  /** The log's end: points of heights and times beyond it are what it is now. */
  end(): readonly StateThen[] {
    while (!this.done) {
      const point = this.#points[this.#states.length] as Point
      if ('slot' in point && point.slot > this.#slot) {
        if (this.#slot < 0) throw new HbError('process-not-found', this.#process)
        const slots = `its last slot is ${this.#slot}`
        throw new HbError('state-unknown', `slot ${point.slot} of ${this.#process}: ${slots}`)
      }
      if ('height' in point && point.height > this.#seen.height) {
        const ends = `the log ends at height ${this.#seen.height}`
        throw new HbError('state-unknown', `height ${point.height}: ${ends}`)
      }
      this.#keep()
    }
    return this.#states
  }

  /** The entry lies behind the point that is next. */
  #isBehind(entry: Entry): boolean {
    const point = this.#points[this.#states.length] as Point
    if ('height' in point) return entry.height > point.height
    if ('time' in point) return entry.timestamp > point.time
    return this.#slot >= point.slot
  }

  async #evaluate(entries: readonly Entry[]): Promise<void> {
    if (entries.length > 0) await this.#rebuilder.take(entries)
  }

  #keep(): void {
    const state = this.#rebuilder.state(this.#process)
    if (state === undefined) {
      const row = this.#rebuilder.ledger.rows.get(this.#process)
      if (row?.failed === true) throw new HbError('process-failed', this.#process)
      throw new HbError('state-unknown', `${this.#process} was not spawned then`)
    }
    const timestamp = this.#timestamp
    const height = this.#seen.height + 1
    const next = { height, ...this.#rebuilder.codeAt(this.#process, height) }
    this.#states.push({ ...state, next, ...(timestamp !== undefined && { timestamp }) })
  }
}
