// What is checked of the archive at every item that it keeps and at every commit of its sinks.
//
// Owners: sinks.ts feeds it. Invariant: watching plans no event and draws nothing.

import { tagValue } from '../../../src/protocol/message.ts'
import type { Tag } from '../../../src/protocol/message.ts'
import { rangeOf } from '../../../src/protocol/segment.ts'
import { equalBytes } from '../../../src/std/bytes.ts'
import type { Violation } from '../../chaos/checker/index.ts'
import type { Known } from '../invariants/known.ts'
import type { ArchivePlan } from './plan.ts'

type Kept = { readonly id: string; readonly from: number; readonly to: number }

export class ArchiveWatch {
  /** Heights may be there twice: a sink could not know what was signed before. */
  #mayDouble: boolean
  /** What is kept may not be found for a while. */
  readonly #mayGoBack: boolean
  readonly #known: Known
  readonly #violations: Violation[]
  readonly #heightsMax: number
  readonly #sawDouble: () => void
  /** By partition, in order of their first heights. */
  readonly #kept: readonly Kept[][]
  /** By sink and partition: what it posted last. */
  readonly #posted = new Map<string, Kept>()

  constructor(
    { known, violations }: { readonly known: Known; readonly violations: Violation[] },
    { heightsMax, sinks, rates }: Pick<ArchivePlan, 'heightsMax' | 'sinks' | 'rates'>,
    sawDouble: () => void,
  ) {
    this.#known = known
    this.#violations = violations
    this.#heightsMax = heightsMax
    this.#mayGoBack = rates.hidden > 0
    this.#mayDouble = sinks > 1 || this.#mayGoBack
    this.#sawDouble = sawDouble
    this.#kept = known.partitions.map(() => [])
  }

  /** What a sink has written down it posts until it is kept; then it signs what comes next. */
  posted(sink: string, id: string, tags: readonly Tag[]): void {
    if (tagValue(tags, 'HB-Type') !== 'Segment') return
    const { partition, from, to } = rangeOf(tags)
    const key = `${sink} ${partition}`
    const last = this.#posted.get(key)
    this.#posted.set(key, { id, from, to })
    if (last === undefined || last.id === id || last.from !== from || this.#mayGoBack) return
    if (this.#kept[partition]?.some((each) => each.id === last.id) === true) return
    const text = `${sink} signs heights ${from} to ${to} anew; ${last.id} was not kept yet`
    this.#tell({ invariant: 'signed-once', partition, text })
  }

  /** With all that it had written down. */
  diskLost(sink: string): void {
    this.#mayDouble = true
    for (const key of this.#posted.keys()) {
      if (key.startsWith(`${sink} `)) this.#posted.delete(key)
    }
  }

  keeps(id: string, tags: readonly Tag[]): void {
    if (tagValue(tags, 'HB-Type') !== 'Segment') return
    const { partition, from, to, hash } = rangeOf(tags)
    const kept = this.#kept[partition] as Kept[]
    const name = `segment ${id}, heights ${from} to ${to}`
    const tell = (invariant: string, what: string): void =>
      this.#tell({ invariant, partition, text: `${name} ${what}` })
    const entry = this.#known.partition(partition).entries[to]
    if (entry === undefined || !equalBytes(entry.hash, hash)) {
      tell('archived-as-logged', 'ends with another entry than the log has there')
    }
    const [first, last] = [from, to].map((height) => Math.floor(height / this.#heightsMax))
    if (first !== last) tell('archived-in-cuts', `goes over a multiple of ${this.#heightsMax}`)
    const previous = tagValue(tags, 'HB-Previous')
    const isBehind = kept.some((each) => each.id === previous && each.to === from - 1)
    if (from > 0 && !isBehind) tell('archived-in-a-row', `names ${previous} as the one before`)
    if (kept.some((each) => each.from <= to && from <= each.to)) {
      this.#sawDouble()
      if (!this.#mayDouble) tell('archived-once', 'are there already')
    }
    kept.push({ id, from, to })
    kept.sort((a, b) => a.from - b.from)
  }

  /** Of the sinks' group, on the log. */
  committed(partition: number, next: number): void {
    const { offsets } = this.#known.partition(partition)
    const height = offsets.findLastIndex((offset) => offset < next)
    const end = this.#keptTo(partition)
    if (height <= end) return
    const text = `offset ${next} is committed, height ${height}; the archive ends at ${end}`
    this.#tell({ invariant: 'archived-before-committed', partition, text })
  }

  /** Last height of those that are kept without a hole. */
  #keptTo(partition: number): number {
    let end = -1
    for (const { from, to } of this.#kept[partition] ?? []) {
      if (from > end + 1) break
      end = Math.max(end, to)
    }
    return end
  }

  /** What follows from the first is noise. */
  #tell(violation: Violation): void {
    if (this.#violations.length === 0) this.#violations.push(violation)
  }
}
