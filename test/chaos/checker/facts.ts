// What the topics say, read once: entries, superseded records, claims, published results, refusals.
// Owners: `factsOf` reads by the project's own judge (`readRecord`); the checks count again by
// their own means. Invariant: pure; a record that cannot be read is a fact too, never an exception.

import type { StoredRecord } from '../../../src/log/port.ts'
import type { View } from '../../../src/protocol/accept.ts'
import { initialView } from '../../../src/protocol/accept.ts'
import { Records } from '../../../src/protocol/codec/records.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import type { Network } from '../../../src/protocol/genesis.ts'
import { entryOf, readRecord } from '../../../src/protocol/log-reader.ts'
import { signedMessage } from '../../../src/protocol/signed.ts'
import type { Run } from '../../../src/protocol/result.ts'
import { asBuffer } from '../../../src/std/bytes.ts'
import type { History } from './history.ts'

/** A record of the log. `entry` of a superseded one is there where its bytes are an entry's. */
export type LogFact =
  | { readonly type: 'entry'; readonly offset: number; readonly entry: Entry }
  | {
      readonly type: 'superseded'
      readonly offset: number
      readonly why: string
      readonly entry: Entry | undefined
    }
  | { readonly type: 'claim'; readonly offset: number }
  /** A reader would halt here: nothing behind it counts. */
  | { readonly type: 'unreadable'; readonly offset: number; readonly why: string }

export type PartitionFacts = {
  readonly partition: number
  readonly log: readonly LogFact[]
  /** The accepted ones, by height. */
  readonly entries: readonly Entry[]
  readonly view: View
  /** In offset order; undefined where the record is no run. */
  readonly runs: readonly { readonly offset: number; readonly run: Run | undefined }[]
}

/** A record in the dead letters: whose it was, where its bytes say so. */
export type RefusalFact = {
  /** Where the refused record stands in ingress. */
  readonly partition: number
  readonly offset: number
  readonly id: string | undefined
  readonly item: Uint8Array | undefined
  readonly code: string
}

export type Facts = {
  readonly history: History
  readonly network: Network
  readonly partitions: readonly PartitionFacts[]
  readonly refusals: readonly RefusalFact[]
  /** Every accepted entry by its message's id: one, if all is well. */
  readonly places: ReadonlyMap<string, readonly Entry[]>
}

export function factsOf(history: History): Facts {
  const records = new Records()
  const { network } = history
  const partitions = history.partitions.map(({ log, outbox }, partition): PartitionFacts => {
    const view = initialView(network.id, partition, network.genesis.partitions)
    const facts = logFacts(network, records, view, log)
    const entries = facts.flatMap((fact) => (fact.type === 'entry' ? [fact.entry] : []))
    const runs = outbox.map(({ offset, value }) => ({ offset, run: runOf(records, value) }))
    return { partition, log: facts, entries, view, runs }
  })
  const places = new Map<string, Entry[]>()
  for (const { entries } of partitions) {
    for (const entry of entries) {
      const list = places.get(entry.message.id)
      if (list === undefined) places.set(entry.message.id, [entry])
      else list.push(entry)
    }
  }
  const refusals = history.deadletters.map((letter) => refusalOf(history, records, letter))
  return { history, network, partitions, refusals, places }
}

function logFacts(
  network: Network,
  records: Records,
  view: View,
  log: readonly StoredRecord[],
): LogFact[] {
  const facts: LogFact[] = []
  for (const { offset, value } of log) {
    try {
      const read = readRecord(network, records, view, value)
      if (read.type === 'entry') facts.push({ type: 'entry', offset, entry: read.entry })
      else if (read.type === 'claim') facts.push({ type: 'claim', offset })
      else {
        const entry = entryIn(network, records, view.partition, value)
        facts.push({ type: 'superseded', offset, why: read.why, entry })
      }
    } catch (error) {
      facts.push({ type: 'unreadable', offset, why: String(error) })
      return facts
    }
  }
  return facts
}

function entryIn(
  network: Network,
  records: Records,
  partition: number,
  value: Uint8Array | null,
): Entry | undefined {
  if (value === null) return undefined
  return attempt(() => entryOf(network, partition, records.decodeEntry(asBuffer(value))))
}

function runOf(records: Records, value: Uint8Array | null): Run | undefined {
  return value === null ? undefined : attempt(() => records.decodeRun(asBuffer(value)))
}

const HEADER = '__connect.errors.'

function refusalOf(history: History, records: Records, letter: StoredRecord): RefusalFact {
  const { headers = {} } = letter
  const code = headers[`${HEADER}exception.class.name`] ?? 'unknown'
  const partition = Number(headers[`${HEADER}partition`])
  const offset = Number(headers[`${HEADER}offset`])
  const value = letter.value ?? refusedRecord(history, headers)
  const wire = value && attempt(() => records.decodeIngress(asBuffer(value)))
  if (!wire || wire.type !== 'signed') return { partition, offset, id: undefined, item: undefined, code }
  const id = attempt(() => signedMessage(history.network, wire.item).id)
  return { partition, offset, id, item: wire.item, code }
}

/** A letter too large for the topic names the place of what it was about. */
function refusedRecord(
  { partitions }: History,
  headers: Readonly<Record<string, string>>,
): Uint8Array | null {
  const offset = Number(headers[`${HEADER}offset`])
  const ingress = partitions[Number(headers[`${HEADER}partition`])]?.ingress ?? []
  return ingress.find((record) => record.offset === offset)?.value ?? null
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
