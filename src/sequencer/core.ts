// The sequencer's decisions, pure: which of these messages get which places (R1, R3).
//
// Owners: partition.ts runs this on a log and an index. Invariants: Q1 an entry made here passes
// `accept` on the view it was decided on. Q2 a message is ordered at most once per view and index.
// Q3 what was ever in an unclear append is ordered again or answered from the log, never refused
// as absent (R2).

import type { Entry } from '../protocol/entry.ts'
import { entryHash, NO_AUTHORITY } from '../protocol/entry.ts'
import type { View } from '../protocol/accept.ts'
import { accept, advance, channel } from '../protocol/accept.ts'
import type { StoredRecord } from '../log/port.ts'
import type { WireMessage } from '../protocol/codec/records.ts'
import type { Message } from '../protocol/message.ts'
import type { ErrorCode } from '../std/errors.ts'
import { HbError } from '../std/errors.ts'
import type { Leg } from '../std/trace.ts'

/** A message that asks for a place. */
export type Candidate = {
  readonly message: Message
  readonly wire: WireMessage
  /** The ingress record it came in; undefined for genesis. */
  readonly source: StoredRecord | undefined
  /** Of who traces it; nothing decided here depends on it. */
  readonly leg?: Leg | undefined
  /** It was in an append whose outcome is unknown. */
  unclear: boolean
}

/** Where a message stands, as settled. */
export type Place = {
  readonly height: number
  readonly timestamp: number
  readonly hash: Uint8Array
}

export type Decision =
  | { readonly type: 'order'; readonly entry: Entry }
  /** It has its place already. */
  | { readonly type: 'repeat'; readonly place: Place }
  /** It is in this very batch already: answered with the first one's place. */
  | { readonly type: 'twin'; readonly entry: Entry }
  | { readonly type: 'refuse'; readonly code: ErrorCode; readonly detail: string }
  /** A process's message out of its turn: counted, never held (R3). */
  | { readonly type: 'drop'; readonly why: 'duplicate' | 'gap' }

export type DecideContext = {
  readonly network: string
  /** Advanced over what is ordered: hand in a copy. */
  readonly view: View
  /** Settled log time: what refusals by `Expires` are judged by. */
  readonly settledTime: number
  /** Ms since the epoch. */
  readonly now: number
  readonly known: (id: string) => Place | undefined
}

/**
 * One decision per candidate, in order. Throws `own-entry-refused` if an entry of its own does not
 * pass (a bug).
 */
export function decide(context: DecideContext, candidates: readonly Candidate[]): Decision[] {
  const ordered = new Map<string, Entry>()
  return candidates.map((candidate): Decision => {
    const { message } = candidate
    if (message.origin !== undefined) {
      const why = channel(context.view.counters, message.origin)
      if (why !== undefined) return { type: 'drop', why }
    } else {
      const twin = ordered.get(message.id)
      if (twin !== undefined) return { type: 'twin', entry: twin }
      const place = context.known(message.id)
      if (place !== undefined) return { type: 'repeat', place }
      if (isExpired(message, context.settledTime) && !candidate.unclear) {
        const detail = `Expires ${message.expires}, log time ${context.settledTime}`
        return { type: 'refuse', code: 'expired', detail }
      }
    }
    const entry = place(context, message)
    if (message.origin === undefined) ordered.set(message.id, entry)
    return { type: 'order', entry }
  })
}

/** By settled log time. */
export function isExpired(message: Message, time: number): boolean {
  return message.expires !== undefined && time > message.expires
}

function place(context: DecideContext, message: Message): Entry {
  const { view, network, now } = context
  const head = {
    partition: view.partition,
    height: view.height + 1,
    prev: view.hash,
    timestamp: Math.max(view.timestamp, now),
    admission: NO_AUTHORITY,
  }
  const entry: Entry = { ...head, message, hash: entryHash(network, head, message) }
  const refused = accept(view, entry)
  if (refused !== undefined) throw new HbError('own-entry-refused', `${refused} at ${head.height}`)
  advance(view, entry)
  return entry
}
