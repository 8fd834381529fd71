// Delivers one topic-partition to one member: in order, up to `inFlight` batches outstanding, woken
// by appends.
// Owners: group.ts makes, stops and fences pumps.
//
// Invariants: D1 the position noted for the group covers only batches whose promise resolved, and
// all before them.
// D2 after `stop` no batch is handed out; it resolves when none is outstanding. D3 after `fence`
// nothing is noted.

import { HbError } from '../../std/errors.ts'
import type { Member } from '../port.ts'
import { readSlice, type PartitionState, type Slice, type Storage } from './storage.ts'

export type PumpOptions = {
  readonly storage: Storage
  readonly partition: PartitionState
  readonly member: Member
  readonly group: string
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
    this.#options.partition.listeners.add(this.#wake)
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
    this.#options.partition.listeners.delete(this.#wake)
  }

  /** What settles from now on is not noted: the partition may be somebody else's. */
  fence(): void {
    this.halt()
    this.#fenced = true
  }

  #run(): void {
    if (this.#running || this.#yielding) return
    this.#running = true
    const { storage, partition, inFlight, batchRecordsMax, batchBytesMax } = this.#options
    const bounds = { to: Infinity, recordsMax: batchRecordsMax, bytesMax: batchBytesMax }
    try {
      while (!this.#stopped && this.#unsettled < inFlight && this.#position < partition.end) {
        checkPosition(partition, this.#position)
        if (++this.#streak > STREAK_MAX) return this.#yield()
        const slice = readSlice(storage, partition, this.#position, bounds)
        this.#position = slice.next
        if (slice.records.length > 0) this.#deliver(slice)
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#running = false
    }
  }

  #deliver(slice: Slice): void {
    const { partition, member } = this.#options
    const outstanding: Outstanding = { next: slice.next, done: false }
    this.#outstanding.push(outstanding)
    this.#unsettled++
    const batch = {
      topic: partition.topic.spec.name,
      partition: partition.index,
      records: slice.records,
      next: slice.next,
    }
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

  #settled(outstanding: Outstanding): void {
    this.#unsettled--
    outstanding.done = true
    let next: number | undefined
    while (this.#outstanding[0]?.done === true) next = this.#outstanding.shift()?.next
    if (next !== undefined && !this.#fenced) {
      this.#options.storage.commit(this.#options.group, this.#options.partition, next)
    }
    this.#afterSettled()
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

/** L6: a position that the log does not have is an error, never a reset. */
export function checkPosition(partition: PartitionState, position: number): void {
  const { start, end, index } = partition
  if (Number.isInteger(position) && position >= start && position <= end) return
  const topic = partition.topic.spec.name
  throw new HbError(
    'log-position-out-of-range',
    `${topic}[${index}] retains ${start} to ${end}, asked for ${String(position)}`,
    { data: { topic, partition: index, position, start, end } },
  )
}
