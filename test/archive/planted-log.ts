// Records of a log partition as sequencers leave them: entries of every kind, and between them
// claims and what is superseded. And the segments that hold them.

import type { View } from '../../src/protocol/accept.ts'
import { advance, copyView, initialView } from '../../src/protocol/accept.ts'
import type { SigningKey } from '../../src/protocol/ans104/index.ts'
import { signDataItem } from '../../src/protocol/ans104/index.ts'
import type { WireMessage } from '../../src/protocol/codec/records.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { NO_AUTHORITY } from '../../src/protocol/entry.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { entryOf, readRecord } from '../../src/protocol/log-reader.ts'
import { OrderCodec } from '../../src/protocol/segment.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import type { Signer } from '../../src/archive/port.ts'
import type { SegmentLimits } from '../../src/archive/limits.ts'
import { SegmentWriter } from '../../src/archive/segment-writer.ts'
import type { Upload } from '../../src/archive/port.ts'
import type { LogRecord } from '../../src/log/port.ts'
import { ownerAddress } from '../../src/protocol/ans104/index.ts'
import { seededRandom } from '../../src/std/random.ts'
import { ed25519Key, idOf, makeContent, signedItem } from '../protocol/fixtures.ts'

export const RECORDS = new Records()
export const ORDERS = new OrderCodec()
const KEYS = [ed25519Key(), ed25519Key()]

export type PlantedLog = {
  readonly records: readonly LogRecord[]
  readonly entries: readonly { readonly entry: Entry; readonly value: Buffer }[]
}

export function signer(key: SigningKey = ed25519Key()): Signer {
  return { address: ownerAddress(key.owner), sign: (fields) => signDataItem(key, fields) }
}

/** An id of the partition. */
export function idIn(network: Network, partition: number, label: string): string {
  for (let n = 0; ; n++) {
    const id = idOf(`${label} ${n}`)
    if (partitionOf(id, network.genesis.partitions) === partition) return id
  }
}

/** `noise`: claims, repeats and late writes between the entries. */
export function plantLog(
  network: Network,
  partition: number,
  count: number,
  options: { seed?: number; noise?: boolean; dataBytes?: number } = {},
): PlantedLog {
  const { seed = 1, noise = true, dataBytes = 40 } = options
  const random = seededRandom(seed)
  const targets = ['a', 'b'].map((label) => idIn(network, partition, label))
  const view = initialView(network.id, partition, network.genesis.partitions)
  const spawns = network.spawns[partition] ?? []
  const records: LogRecord[] = []
  const entries: { entry: Entry; value: Buffer }[] = []
  const wire = (height: number): WireMessage => {
    const spawn = spawns[height]
    if (spawn !== undefined) return { type: 'genesis', name: spawn.name }
    const target = targets[random.below(2)] as string
    const data = Buffer.alloc(random.below(dataBytes + 1), `${seed}/${height} `)
    if (random.below(3) > 0) {
      const tags = [{ name: 'Action', value: `Do-${height}` }]
      const key = KEYS[random.below(2)] as SigningKey
      return { type: 'signed', item: signedItem(network, key, { target, tags, data }) }
    }
    const source = random.below(network.genesis.partitions)
    const origin = { partition: source, height, index: 0, seq: (view.counters[source] ?? 0) + 1 }
    const content = makeContent({ target, data, tags: [{ name: 'X-Größe', value: '✓' }] })
    const relayed = { ...content, ...origin, caller: idOf('caller'), attestation: null }
    return { type: 'relayed', relayed }
  }
  for (let height = 0; height < count; height++) {
    const timestamp = view.timestamp + random.below(50)
    const message = wire(height)
    const head = { height, prev: Buffer.from(view.hash), timestamp, admission: NO_AUTHORITY }
    const value = RECORDS.encodeEntry({ ...head, message })
    const entry = entryOf(network, partition, { ...head, message })
    if (noise && random.below(4) === 0) records.push(...disturb(height, value, records))
    records.push(record(entry, value))
    entries.push({ entry, value })
    advance(view, entry)
  }
  return { records, entries }
}

function disturb(height: number, value: Buffer, before: readonly LogRecord[]): LogRecord[] {
  const nonce = `n${height}`
  const claim = { key: null, value: RECORDS.claim.encode({ member: 'm', generation: 1, nonce }) }
  const last = before.at(-1)
  const late = RECORDS.encodeEntry({ ...RECORDS.decodeEntry(value), prev: Buffer.alloc(32, 9) })
  if (last === undefined) return [claim]
  return [claim, last, { key: 'late', value: late }, { key: null, value: Buffer.from('junk') }]
}

function record({ height, message: { process, kind } }: Entry, value: Buffer): LogRecord {
  const headers = { 'hb-height': String(height), 'hb-process': process, 'hb-kind': kind }
  return { key: process, value, headers }
}

/** The uploads that hold the log, cut by the limits; the ids of those before are made up. */
export function cutLog(
  network: Network,
  partition: number,
  log: Pick<PlantedLog, 'records'>,
  limits: SegmentLimits,
  signing: Signer,
): Upload[] {
  const view = initialView(network.id, partition, network.genesis.partitions)
  const uploads: Upload[] = []
  const begin = (before: View): SegmentWriter =>
    new SegmentWriter({ network, records: RECORDS, orders: ORDERS, limits, before })
  let writer = begin(view)
  const end = (before: View): void => {
    if (writer.length > 0) {
      const previous = uploads.length === 0 ? undefined : idOf(`previous ${uploads.length}`)
      uploads.push(writer.upload({ signItem: (fields) => signing.sign(fields) }, writer.head(), previous))
    }
    writer = begin(before)
  }
  for (const { value } of log.records) {
    const before = copyView(view)
    const read = readRecord(network, RECORDS, view, value)
    if (read.type !== 'entry') continue
    if (writer.take(read.entry, read.record, value as Uint8Array)) continue
    end(before)
    writer.take(read.entry, read.record, value as Uint8Array)
  }
  end(view)
  return uploads
}
