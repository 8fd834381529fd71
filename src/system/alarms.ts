// The alarms of the clock: kept by time and then by sequence in a binary heap, found by owner and
// name. Setting, replacing, cancelling and firing cost a few writes each, whatever the clock holds,
// and nothing is ever walked through.
//
// Owners: clock.ts, whose state this is a part of.
// Invariants: A1 an alarm is in `alarms`, once in the `heap` at its `place`, and under its owner
// and name in `owners`; or in none of them. A2 no alarm in the heap comes before the one above it.
// A3 an owner without alarms is not listed. A4 sequences are given once.

import { moveKeyAt, pushKey, removeKeyAt } from '../lib/index.ts'
import type { Fields, Heap, Tags } from '../lib/index.ts'

export type Alarm = {
  readonly owner: string
  readonly name: string
  /** Ms since the epoch, when it is due. */
  at: number
  /** Ms; 0: once. */
  readonly every: number
  /** Those whose names begin with `X-`, given back as they are. */
  readonly tags: Tags
  /** Its index in the heap. */
  place: number
}

export type AlarmBook = {
  /** By sequence. */
  alarms: Fields<Alarm>
  /** By owner: the sequence of each name, which has a `/` before it. */
  owners: Fields<Fields<string>>
  /** Sequences. */
  heap: string[]
  /** That of the next alarm. */
  sequence: number
}

export function emptyBook(): AlarmBook {
  return { alarms: {}, owners: {}, heap: [], sequence: 0 }
}

/** The alarm that is due first. */
export function firstAlarm(book: AlarmBook): Alarm | undefined {
  const sequence = book.heap[0]
  return sequence === undefined ? undefined : book.alarms[sequence]
}

export function findAlarm(book: AlarmBook, owner: string, name: string): Alarm | undefined {
  const sequence = sequenceOf(book, owner, name)
  return sequence === undefined ? undefined : book.alarms[sequence]
}

/** In the order in which they were set. */
export function alarmsOf(book: AlarmBook, owner: string): Alarm[] {
  const names = Object.hasOwn(book.owners, owner) ? book.owners[owner] : undefined
  return Object.values(names ?? {}).map((sequence) => book.alarms[sequence] as Alarm)
}

export function alarmCount(book: AlarmBook): number {
  return book.heap.length
}

/** There must be none of this owner and name. */
export function addAlarm(book: AlarmBook, alarm: Omit<Alarm, 'place'>): void {
  const sequence = String(book.sequence)
  book.sequence += 1
  book.alarms[sequence] = { ...alarm, place: book.heap.length }
  const { owner, name } = alarm
  if (!Object.hasOwn(book.owners, owner)) book.owners[owner] = {}
  ;(book.owners[owner] as Fields<string>)[keyOf(name)] = sequence
  pushKey(heapOf(book), sequence)
}

/** False: there was none. */
export function removeAlarm(book: AlarmBook, owner: string, name: string): boolean {
  const sequence = sequenceOf(book, owner, name)
  if (sequence === undefined) return false
  removeKeyAt(heapOf(book), (book.alarms[sequence] as Alarm).place)
  delete book.alarms[sequence]
  const names = book.owners[owner] as Fields<string>
  delete names[keyOf(name)]
  if (Object.keys(names).length === 0) delete book.owners[owner]
  return true
}

/** Moves the alarm that is due first to a later time. */
export function postponeFirst(book: AlarmBook, at: number): void {
  ;(firstAlarm(book) as Alarm).at = at
  moveKeyAt(heapOf(book), 0)
}

function keyOf(name: string): string {
  return `/${name}`
}

function sequenceOf(book: AlarmBook, owner: string, name: string): string | undefined {
  if (!Object.hasOwn(book.owners, owner)) return undefined
  const names = book.owners[owner] as Fields<string>
  const key = keyOf(name)
  return Object.hasOwn(names, key) ? names[key] : undefined
}

function heapOf(book: AlarmBook): Heap {
  return {
    keys: book.heap,
    isBefore: (one, other) => isBefore(book, one, other),
    placed: (sequence, place) => {
      ;(book.alarms[sequence] as Alarm).place = place
    },
  }
}

function isBefore(book: AlarmBook, one: string, other: string): boolean {
  const difference = (book.alarms[one] as Alarm).at - (book.alarms[other] as Alarm).at
  return difference === 0 ? Number(one) < Number(other) : difference < 0
}
