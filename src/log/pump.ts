// Delivers one topic-partition to one member: in order, up to `inFlight` batches outstanding, woken
// by its source. The same for the groups of every log.
// Owners: local/group.ts and kafka/membership.ts make, stop and fence pumps.
//
// Invariants: D1 the position noted for the group covers only batches whose promise resolved, and
// all before them; and offsets without a record that lie behind these.
// D2 after `stop` no batch is handed out; it resolves when none is outstanding. D3 after `fence`
// nothing is noted.

import type { Member, StoredRecord } from './port.ts'

export type Slice = { readonly records: readonly StoredRecord[]; readonly next: number }

/** Where a pump's records come from, and where its position is noted. */
export type PumpSource = {
  readonly topic: string
  readonly partition: number
  /** What there is from the position on, within the bounds; undefined: nothing now. May throw. */
  take(position: number, recordsMax: number, bytesMax: number): Slice | undefined
  /** Calls back when there may be more. */
  listen(wake: () => void): void
  unlisten(wake: () => void): void
  /** Everything below `next` has had its effects. */
  commit(next: number): void
}

export type PumpOptions = {
  readonly source: PumpSource
  readonly member: Member
  readonly inFlight: number
  readonly batchRecordsMax: number
  readonly batchBytesMax: number
  readonly onError: (error: unknown) => void
}

/**
 * Deliveries in a row before timers and sockets get their turn: a long replay must not starve them.
 */
const STREAK_MAX = 8

type Outstanding = { readonly next: number; done: boolean }

export class Pump {
  readonly #options: PumpOptions
  readonly #outstanding: Outstanding[] = []
  readonly #wake = (): void => this.#run()
  #position: number
  #unsettled = 0
  #streak = 0
  #yielding = false
  #running = false
  #stopped = false
  #fenced = false
  #drained: (() => void) | undefined

  constructor(options: PumpOptions, position: number) {
    this.#options = options
    this.#position = position
  }

  start(): void {
    this.#options.source.listen(this.#wake)
    this.#run()
  }

  /** Hands out no more batches; resolves when every promise handed out has settled. */
  stop(): Promise<void> {
    this.halt()
    if (this.#unsettled === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const earlier = this.#drained
      this.#drained = () => {
        earlier?.()
        resolve()
      }
    })
  }

  halt(): void {
    this.#stopped = true
    this.#options.source.unlisten(this.#wake)
  }

  /** What settles from now on is not noted: the partition may be somebody else's. */
  fence(): void {
    this.halt()
    this.#fenced = true
  }

  #run(): void {
    if (this.#running || this.#yielding) return
    this.#running = true
    const { source, inFlight, batchRecordsMax, batchBytesMax } = this.#options
    try {
      while (!this.#stopped && this.#unsettled < inFlight) {
        if (this.#streak >= STREAK_MAX) return this.#yield()
        const slice = source.take(this.#position, batchRecordsMax, batchBytesMax)
        if (slice === undefined) return
        this.#streak++
        this.#position = slice.next
        if (slice.records.length > 0) this.#deliver(slice)
        else this.#passOver(slice.next)
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#running = false
    }
  }

  #deliver(slice: Slice): void {
    const { source, member } = this.#options
    const outstanding: Outstanding = { next: slice.next, done: false }
    this.#outstanding.push(outstanding)
    this.#unsettled++
    const { topic, partition } = source
    const batch = { topic, partition, records: slice.records, next: slice.next }
    let effects: Promise<void>
    try {
      effects = member.records(batch)
    } catch (error) {
      effects = Promise.reject(error)
    }
    effects.then(
      () => this.#settled(outstanding),
      (error: unknown) => {
        this.#unsettled--
        this.#fail(error)
        this.#afterSettled()
      },
    )
  }

  /** Offsets that hold no record (a control batch, say) have had their effects, too. */
  #passOver(next: number): void {
    this.#outstanding.push({ next, done: true })
    this.#note()
  }

  #settled(outstanding: Outstanding): void {
    this.#unsettled--
    outstanding.done = true
    this.#note()
    this.#afterSettled()
  }

  #note(): void {
    let next: number | undefined
    while (this.#outstanding[0]?.done === true) next = this.#outstanding.shift()?.next
    if (next !== undefined && !this.#fenced) this.#options.source.commit(next)
  }

  #afterSettled(): void {
    if (this.#stopped) {
      if (this.#unsettled === 0) this.#drained?.()
      return
    }
    this.#run()
  }

  #yield(): void {
    this.#yielding = true
    setImmediate(() => {
      this.#yielding = false
      this.#streak = 0
      this.#run()
    })
  }

  #fail(error: unknown): void {
    this.halt()
    if (!this.#fenced) this.#options.onError(error)
  }
}
