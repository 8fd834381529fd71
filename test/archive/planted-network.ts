// The logs of a whole network, in which processes send to one another: each relayed entry has the
// source that the rules would give it.

import { advance, initialView } from '../../src/protocol/accept.ts'
import type { View } from '../../src/protocol/accept.ts'
import type { RelayedRecord, WireMessage } from '../../src/protocol/codec/records.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { entryHeaders, NO_AUTHORITY } from '../../src/protocol/entry.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { entryOf } from '../../src/protocol/log-reader.ts'
import type { LogRecord } from '../../src/log/port.ts'
import { ed25519Key, idOf, makeContent, signedItem } from '../protocol/fixtures.ts'
import { idIn, RECORDS } from './planted-log.ts'

const KEY = ed25519Key()

/** Partition `at` gets an entry: what waits for it from `from`, else a wallet's; it sends to `to`. */
export type Step = { readonly at: number; readonly from: number; readonly to: readonly number[] }

export class PlantedNetwork {
  readonly #network: Network
  readonly #views: View[]
  /** By source and target. */
  readonly #waiting: RelayedRecord[][][]
  readonly #sent: number[][]
  readonly #targets: string[]
  readonly records: LogRecord[][]
  readonly entries: Entry[][]

  constructor(network: Network) {
    this.#network = network
    const { partitions } = network.genesis
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    this.#views = all.map((partition) => initialView(network.id, partition, partitions))
    this.#waiting = all.map(() => all.map(() => []))
    this.#sent = all.map(() => all.map(() => 0))
    this.#targets = all.map((partition) => idIn(network, partition, 'target'))
    this.records = all.map(() => [])
    this.entries = all.map(() => [])
  }

  take({ at, from, to }: Step): void {
    const target = this.#targets[at] as string
    const relayed = this.#waiting[from]![at]!.shift()
    const generation = String(this.#network.genesis.generation)
    const tags = generation === '0' ? [] : [{ name: 'HB-Generation', value: generation }]
    this.append(
      at,
      relayed === undefined
        ? { type: 'signed', item: signedItem(this.#network, KEY, { target, tags }) }
        : { type: 'relayed', relayed },
    )
    const { height } = this.#views[at] as View
    to.forEach((partition, index) => {
      const seq = ++this.#sent[at]![partition]!
      const content = makeContent({ target: this.#targets[partition] as string })
      const origin = { partition: at, height, index, seq }
      const caller = idOf('caller')
      this.#waiting[at]![partition]!.push({ ...content, ...origin, caller, attestation: null })
    })
  }

  append(partition: number, message: WireMessage): void {
    const view = this.#views[partition] as View
    const head = { height: view.height + 1, prev: Buffer.from(view.hash), timestamp: view.timestamp + 1 }
    const record = { ...head, admission: NO_AUTHORITY, message }
    const entry = entryOf(this.#network, partition, record)
    const value = RECORDS.encodeEntry(record)
    this.records[partition]!.push({ key: entry.message.process, value, headers: entryHeaders(entry) })
    this.entries[partition]!.push(entry)
    advance(view, entry)
  }
}
