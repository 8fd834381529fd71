// What may go wrong between a host and the brokers, and how often: drawn for each append, read and
// commit from the stream of the subsystem, and only while faults are on.

import type { Random } from '../../../src/std/random.ts'
import { MS, SECOND } from '../world/world.ts'
import type { World } from '../world/world.ts'

/** Chances from 0 to 1. */
export type FaultRates = {
  /** An append is refused: nothing of it is written. */
  readonly refused: number
  /** An append is unclear, and was not written. */
  readonly lost: number
  /** An append is unclear, and was written: only its acknowledgement is lost. */
  readonly unacknowledged: number
  /** An append is unclear, and is written long after its error. */
  readonly late: number
  /** An append is written twice. */
  readonly twice: number
  /** An append is written, and its place is not told. */
  readonly noOffset: number
  /** A listed end is old. */
  readonly staleEnd: number
  /** An answer takes long. */
  readonly slow: number
  /** A commit of a group's position does not arrive. */
  readonly commitLost: number
}

export const NO_FAULTS: FaultRates = {
  refused: 0,
  lost: 0,
  unacknowledged: 0,
  late: 0,
  twice: 0,
  noOffset: 0,
  staleEnd: 0,
  slow: 0,
  commitLost: 0,
}

export const FAULT_KINDS = Object.keys(NO_FAULTS) as (keyof FaultRates)[]

export type AppendFault =
  | { readonly kind: 'none' | 'refused' | 'lost' | 'unacknowledged' | 'no-offset' }
  | { readonly kind: 'late' | 'twice'; readonly delayUs: number; readonly answerSecond: boolean }

const NONE: AppendFault = { kind: 'none' }

export class Faults {
  rates: FaultRates
  isOn = true
  readonly #random: Random
  readonly #world: World

  constructor(world: World, rates: FaultRates) {
    this.#world = world
    this.#random = world.random('faults')
    this.rates = rates
  }

  append(): AppendFault {
    if (!this.isOn) return NONE
    const { refused, lost, unacknowledged, late, twice, noOffset } = this.rates
    let drawn = this.#random.float()
    const falls = (rate: number): boolean => (drawn -= rate) < 0
    if (falls(refused)) return this.#seen({ kind: 'refused' })
    if (falls(lost)) return this.#seen({ kind: 'lost' })
    if (falls(unacknowledged)) return this.#seen({ kind: 'unacknowledged' })
    if (falls(noOffset)) return this.#seen({ kind: 'no-offset' })
    if (falls(late)) return this.#seen(this.#delayed('late', 20 * SECOND))
    if (falls(twice)) return this.#seen(this.#delayed('twice', 3 * SECOND))
    return NONE
  }

  /** How many records less a listed end shows. */
  staleBy(): number {
    if (!this.#isSo(this.rates.staleEnd)) return 0
    this.#world.saw('a listed end is old')
    return 1 + this.#random.below(20)
  }

  /** µs on top of what an answer takes. */
  slowness(): number {
    return this.#isSo(this.rates.slow) ? this.#random.below(2 * SECOND) : 0
  }

  commitIsLost(): boolean {
    return this.#isSo(this.rates.commitLost)
  }

  /** How long until an unclear append says so, µs. */
  unclearAfter(): number {
    return this.#random.below(5) === 0 ? this.#random.below(10 * SECOND) : this.#random.below(40 * MS)
  }

  #isSo(rate: number): boolean {
    return this.isOn && rate > 0 && this.#random.float() < rate
  }

  #delayed(kind: 'late' | 'twice', delayUsMax: number): AppendFault {
    const delayUs = this.#random.below(3) === 0 ? this.#random.below(delayUsMax) : 0
    return { kind, delayUs, answerSecond: this.#random.below(2) === 0 }
  }

  #seen(fault: AppendFault): AppendFault {
    if (fault.kind !== 'none') this.#world.saw(`append: ${fault.kind}`)
    return fault
  }
}
