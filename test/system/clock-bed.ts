// The clock by itself, on the runtime that the network runs it on, with the protocol's own check of
// what it sends; and what its state must be after every message.

import { expect } from '@jest/globals'
import type { Action, Outgoing } from '../../src/lib/index.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import type { ProtocolLimits } from '../../src/protocol/limits.ts'
import type { Content } from '../../src/protocol/message.ts'
import { tagValue } from '../../src/protocol/message.ts'
import { checkOutbox } from '../../src/protocol/outbox.ts'
import { createNativeRuntime } from '../../src/runtime/native/runtime.ts'
import type { Instance } from '../../src/runtime/port.ts'
import { emptyBook } from '../../src/system/alarms.ts'
import type { AlarmBook } from '../../src/system/alarms.ts'
import type { ClockState } from '../../src/system/clock.ts'
import { CLOCK_MODULE, clockProcess, FEATURE_LEVELS } from '../../src/system/index.ts'
import { idOf } from '../contracts/network.ts'

/** What the clock is sent; the rest of an action is filled in. */
export type Sent = {
  readonly by?: string
  readonly from?: Action['from']
  readonly kind?: Action['kind']
  readonly hops?: number
  readonly count?: number
  readonly tags: Readonly<Record<string, string>>
}

export type Handled = {
  /** '' or the refusal. */
  readonly text: string
  readonly alarms: readonly Content[]
  /** What else goes to processes and wallets. */
  readonly replies: readonly Content[]
  /** When the next alarm is due, as the event says; undefined: none is. */
  readonly next: number | undefined
}

export const ALICE = idOf('alice')
export const BOB = idOf('bob')

export const START = 1_700_000_000_000

export class ClockBed {
  now = START
  readonly limits: ProtocolLimits
  readonly #instance: Instance
  #slot = 0

  /** `fill`: what it begins with, beside nothing. */
  constructor(limits: Partial<ProtocolLimits> = {}, fill?: (book: AlarmBook) => void) {
    this.limits = { ...defaultLimits(), ...limits }
    const runtime = createNativeRuntime(FEATURE_LEVELS[0]?.natives ?? {})
    const module = { engine: 'native', hash: '', source: CLOCK_MODULE } as const
    const { state } = clockProcess(limits)
    const book = emptyBook()
    fill?.(book)
    const text = JSON.stringify(fill === undefined ? state : { ...state, ...book })
    this.#instance = runtime.open(module, text, this.limits)
    if (fill !== undefined) return
    expect(this.send({ kind: 'spawn', from: 'genesis', tags: {} }).next).toBeUndefined()
  }

  get state(): ClockState {
    return JSON.parse(this.stateText) as ClockState
  }

  get stateText(): string {
    return this.#instance.snapshot()
  }

  /** By a process, with as much as a wallet's message has, unless it says otherwise. */
  send({ by = ALICE, from = 'process', kind = 'message', tags, ...rest }: Sent): Handled {
    const { hopsDefault, countDefault } = this.limits
    const { hops = hopsDefault, count = countDefault } = rest
    const slot = this.#slot++
    const place = { id: idOf(`message ${slot}`), height: slot, slot, timestamp: this.now }
    const body = { input: null, data: '', dataEncoding: 'utf8' as const, tags }
    const allowance = { hops, count, budget: '0' }
    const action: Action = { kind, caller: by, from, ...place, ...body, ...allowance }
    const before = this.stateText
    const result = this.#instance.evaluate(JSON.stringify(action), (drafts) =>
      checkOutbox(drafts as Outgoing[], allowance, this.limits),
    )
    if (result.status === 'error') {
      expect(this.stateText).toBe(before)
      return { text: `${result.code}: ${result.text}`, alarms: [], replies: [], next: this.next() }
    }
    const messages = result.messages as readonly Content[]
    const named = (message: Content): string | undefined => tagValue(message.tags, 'Action')
    const relayed = messages.filter((message) => message.kind !== 'event')
    const events = messages.filter((message) => message.kind === 'event')
    expect(events.map(named)).toEqual(['Next-Alarm'])
    const at = tagValue(events[0]?.tags ?? [], 'At')
    return {
      text: '',
      alarms: relayed.filter((message) => named(message) === 'Alarm'),
      replies: relayed.filter((message) => named(message) !== 'Alarm'),
      next: at === undefined ? undefined : Number(at),
    }
  }

  set(name: string, tags: Record<string, string>, by = ALICE): Handled {
    return this.send({ by, tags: { Action: 'Set-Alarm', Name: name, ...tags } })
  }

  poke(rest: Partial<Sent> = {}): Handled {
    return this.send({ by: idOf('anyone'), from: 'wallet', ...rest, tags: { Action: 'Poke' } })
  }

  next(): number | undefined {
    const { heap, alarms } = this.state
    return heap[0] === undefined ? undefined : alarms[heap[0]]?.at
  }

  close(): void {
    this.#instance.close()
  }
}

/** Name and At of alarms as sent, in order. */
export function told(alarms: readonly Content[]): string[] {
  return alarms.map(({ tags }) => `${tagValue(tags, 'Name')} ${tagValue(tags, 'At')}`)
}

/** A1..A4 of src/system/alarms.ts. */
export function checkBook({ alarms, owners, heap, sequence }: ClockState): void {
  expect(Object.keys(alarms).sort()).toEqual([...heap].sort())
  heap.forEach((each, place) => {
    const alarm = alarms[each]
    expect(alarm?.place).toBe(place)
    expect(owners[alarm?.owner ?? '']?.[`/${alarm?.name}`]).toBe(each)
    expect(Number(each)).toBeLessThan(sequence)
    if (place === 0) return
    const up = heap[(place - 1) >> 1] as string
    const [above, own] = [alarms[up]?.at as number, alarm?.at as number]
    expect(above < own || (above === own && Number(up) < Number(each))).toBe(true)
  })
  const named = Object.values(owners).map((names) => Object.keys(names).length)
  expect(named.reduce((sum, each) => sum + each, 0)).toBe(heap.length)
  expect(named.every((each) => each > 0)).toBe(true)
}
