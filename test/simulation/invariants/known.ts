// What the topics say so far, each record decoded once, for all watchers.
//
// Owners: index.ts feeds it, before the watchers hear of a record. Invariants: F1 what is known
// only grows, and follows the order of the brokers. F2 accepted entries are what `readRecord` makes
// of them on one view per partition; the watchers count again by their own means.

import type { StoredRecord } from '../../../src/log/port.ts'
import type { View } from '../../../src/protocol/accept.ts'
import { initialView } from '../../../src/protocol/accept.ts'
import { parseDataItem } from '../../../src/protocol/ans104/index.ts'
import { Records } from '../../../src/protocol/codec/records.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import type { Network } from '../../../src/protocol/genesis.ts'
import { entryOf, readRecord } from '../../../src/protocol/log-reader.ts'
import type { Content } from '../../../src/protocol/message.ts'
import type { Source } from '../../../src/protocol/target.ts'
import { targetProcess } from '../../../src/protocol/target.ts'
import type { Head } from '../../../src/protocol/records.ts'
import type { Outgoing, Result, Run } from '../../../src/protocol/result.ts'
import { signedMessage } from '../../../src/protocol/signed.ts'
import { partitionOf } from '../../../src/protocol/topics.ts'
import { asBuffer } from '../../../src/std/bytes.ts'
import type { LetterFact, LogFact, RunFact } from './watch.ts'

/** A message that a published result sent into a channel; its place there is its index + 1. */
export type Sent = {
  readonly caller: string
  readonly height: number
  readonly index: number
  readonly content: Outgoing
  /** Of its run in the outbox. */
  readonly offset: number
  /** Of the last run that repeats it: a copy, for whoever sends it again. */
  last: number
}

/** What an ingress record asks for; neither id nor channel: it cannot be read. */
export type Asked = {
  readonly id?: string
  readonly channel?: { readonly source: number; readonly seq: number }
}

export type KnownPartition = {
  readonly view: View
  /** Accepted, by height. */
  readonly entries: Entry[]
  /** Of each entry its offset, and its place among its process's entries. */
  readonly offsets: number[]
  readonly slots: number[]
  /** By height, as first published. */
  readonly results: Result[]
  /** By offset. */
  readonly ingress: Asked[]
  /** Offset of the newest run in the outbox; -1: there is none. */
  newestRun: number
}

const HEADER = '__connect.errors.'

export class Known {
  readonly network: Network
  readonly partitions: readonly KnownPartition[]
  /** The first place of each message. */
  readonly places = new Map<string, Entry>()
  /** Heights of each process's entries, from its spawn on: by slot. */
  readonly heights = new Map<string, number[]>()
  /** `partition/offset` in ingress of what is in the dead letters. */
  readonly letters = new Set<string>()
  readonly #records = new Records()
  readonly #sent: readonly Sent[][]
  readonly #count: number

  constructor(network: Network) {
    const count = network.genesis.partitions
    this.network = network
    this.#count = count
    this.#sent = Array.from({ length: count * count }, () => [])
    this.partitions = Array.from({ length: count }, (_, partition) => ({
      view: initialView(network.id, partition, count),
      entries: [],
      offsets: [],
      slots: [],
      results: [],
      ingress: [],
      newestRun: -1,
    }))
  }

  partition(index: number): KnownPartition {
    const partition = this.partitions[index]
    if (partition === undefined) throw new Error(`no partition ${index}`)
    return partition
  }

  /** What was sent from one partition to another, in order. */
  sent(source: number, target: number): readonly Sent[] {
    return this.#sent[source * this.#count + target] ?? []
  }

  log(partition: number, { offset, value }: StoredRecord): LogFact {
    const { view, entries, offsets, slots } = this.partition(partition)
    const { network } = this
    try {
      const read = readRecord(network, this.#records, view, value)
      if (read.type === 'claim') return { partition, offset, type: 'claim' }
      if (read.type === 'superseded') {
        const entry = this.#entryIn(partition, value)
        return { partition, offset, type: 'superseded', why: read.why, entry }
      }
      const { entry } = read
      entries.push(entry)
      offsets.push(offset)
      slots.push(this.#slot(entry))
      const { id } = entry.message
      if (!this.places.has(id)) this.places.set(id, entry)
      return { partition, offset, type: 'entry', entry }
    } catch (error) {
      return { partition, offset, type: 'unreadable', why: String(error) }
    }
  }

  run(partition: number, { offset, value }: StoredRecord): RunFact {
    const { results } = this.partition(partition)
    this.partition(partition).newestRun = offset
    const run = attempt((): Run => this.#records.decodeRun(asBuffer(value as Uint8Array)))
    const fresh: Result[] = []
    for (const result of run?.results ?? []) {
      if (result.height !== results.length) {
        this.#repeat(partition, offset, result)
        continue
      }
      results.push(result)
      fresh.push(result)
      this.#send(partition, offset, result)
    }
    return { partition, offset, run, fresh }
  }

  ingress(partition: number, { offset, value }: StoredRecord): Asked {
    const asked = attempt((): Asked => {
      const wire = this.#records.decodeIngress(asBuffer(value as Uint8Array))
      if (wire.type === 'genesis') return {}
      if (wire.type === 'signed') return { id: parseDataItem(wire.item).id }
      return { channel: { source: wire.relayed.partition, seq: wire.relayed.seq } }
    })
    this.partition(partition).ingress[offset] = asked ?? {}
    return asked ?? {}
  }

  letter({ headers = {}, value }: StoredRecord): LetterFact {
    const header = (name: string): string => headers[`${HEADER}${name}`] ?? ''
    const [partition, offset] = [header('partition'), header('offset')]
    this.letters.add(`${partition}/${offset}`)
    const code = header('exception.class.name')
    return { partition: Number(partition), offset: Number(offset), code, value }
  }

  /** Of what a wallet put into ingress: ms, past which it is refused. */
  expiryOf(value: Uint8Array | null): number | undefined {
    return attempt(() => {
      const wire = this.#records.decodeIngress(asBuffer(value as Uint8Array))
      return wire.type === 'signed' ? signedMessage(this.network, wire.item).expires : undefined
    })
  }

  /** A head out of `registry`, or of a manifest out of `snapshots`; undefined: something else. */
  head({ value }: StoredRecord): Head | undefined {
    if (value === null) return undefined
    const { head, manifest } = this.#records
    if (head.matches(value)) return head.decode(asBuffer(value))
    return manifest.matches(value) ? manifest.decode(asBuffer(value)) : undefined
  }

  /** As a DRE counts: 0 is the spawn, -1 what comes before it. */
  #slot({ height, message: { process, kind } }: Entry): number {
    const heights = this.heights.get(process) ?? []
    if (heights.length === 0) {
      if (kind !== 'spawn') return -1
      this.heights.set(process, heights)
    }
    heights.push(height)
    return heights.length - 1
  }

  #send(partition: number, offset: number, { height, process, messages }: Result): void {
    messages.forEach((content, index) => {
      if (content.kind === 'event') return
      const target = this.#target({ caller: process, partition, height, index }, content)
      const sent = { caller: process, height, index, content, offset, last: offset }
      this.#sent[partition * this.#count + target]?.push(sent)
    })
  }

  #repeat(partition: number, offset: number, { height, messages }: Result): void {
    if (messages.length === 0) return
    for (let target = 0; target < this.#count; target++) {
      for (const sent of this.#sent[partition * this.#count + target] ?? []) {
        if (sent.height === height) sent.last = offset
      }
    }
  }

  #target(
    source: Source,
    content: Content,
  ): number {
    return partitionOf(targetProcess(this.network.id, source, content), this.#count)
  }

  #entryIn(partition: number, value: Uint8Array | null): Entry | undefined {
    if (value === null) return undefined
    return attempt(() =>
      entryOf(this.network, partition, this.#records.decodeEntry(asBuffer(value))),
    )
  }
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
