// A log to be archived: entries of 600 bytes, each a message that a wallet signed, on an embedded
// log in a directory of its own. Messages are signed once and come again after as many heights as a
// segment has at most: within a segment each is another one, and a long log is soon made.
//
// Owners: whoever makes one removes its directory.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SEGMENT_LIMITS } from '../../src/archive/index.ts'
import { generateWallet, messageFields } from '../../src/client/index.ts'
import type { Wallet } from '../../src/client/index.ts'
import { openEmbeddedLog } from '../../src/log/embedded/index.ts'
import type { Log, LogRecord } from '../../src/log/port.ts'
import { advance, initialView } from '../../src/protocol/accept.ts'
import type { EntryRecord } from '../../src/protocol/codec/records.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { entryHeaders, NO_AUTHORITY } from '../../src/protocol/entry.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { entryOf } from '../../src/protocol/log-reader.ts'
import { topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { asBuffer } from '../../src/std/bytes.ts'
import { benchNetwork, PARTITIONS, placed, temporaryDirectory } from '../bench-node.ts'

/** What an entry of an Ed25519 wallet's message is in the log. */
export const ENTRY_BYTES = 600
export const TOPIC = topicNames('hb').log
/** With these an entry has ENTRY_BYTES: the rest are key, signature, tags and place. */
const DATA_BYTES = 221
const BATCH = 500
const BEGUN_MS = 1_767_225_600_000

export type MadeLog = {
  readonly network: Network
  readonly directory: string
  /** Of all partitions; each has as many. */
  readonly entries: number
  remove(): Promise<void>
}

export type MadeEntry = {
  readonly entry: Entry
  readonly record: EntryRecord
  readonly value: Buffer
}

/** `perPartition`: a multiple of the heights of a segment, so that nothing waits for more. */
export async function makeLog(perPartition: number): Promise<MadeLog> {
  const network = benchNetwork([])
  const directory = await temporaryDirectory()
  const wallet = await generateWallet('ed25519')
  const log = await openEmbeddedLog({ dir: join(directory, 'log') })
  await log.provision(topicSpecs(topicNames('hb'), PARTITIONS))
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const items = signItems(wallet, network, partition, SEGMENT_LIMITS.heightsMax)
    let batch: LogRecord[] = []
    for (const { entry, value } of madeEntries(network, partition, items, perPartition)) {
      batch.push({ key: entry.message.process, value, headers: entryHeaders(entry) })
      if (batch.length < BATCH) continue
      await log.append(TOPIC, partition, batch)
      batch = []
    }
    if (batch.length > 0) await log.append(TOPIC, partition, batch)
  }
  await log.close()
  const remove = (): Promise<void> => rm(directory, { recursive: true })
  return { network, directory, entries: perPartition * PARTITIONS, remove }
}

export function openMadeLog({ directory }: Pick<MadeLog, 'directory'>): Promise<Log> {
  return openEmbeddedLog({ dir: join(directory, 'log') })
}

/** So many different messages to one process of the partition. */
export function signItems(
  wallet: Wallet,
  network: Network,
  partition: number,
  count: number,
): Buffer[] {
  const target = placed('archived', partition).id
  const data = 'x'.repeat(DATA_BYTES)
  return Array.from({ length: count }, (_, n) => {
    const tags = { Recipient: wallet.address, Quantity: String(100_000 + n) }
    const spec = { target, action: 'Transfer', tags, data }
    return wallet.sign(messageFields({ network: network.id, generation: 0 }, spec))
  })
}

/** The messages in turn, from height 0 on. */
export function* madeEntries(
  network: Network,
  partition: number,
  items: readonly Buffer[],
  count: number,
): Generator<MadeEntry> {
  const records = new Records()
  const view = initialView(network.id, partition, PARTITIONS)
  for (let height = 0; height < count; height++) {
    const message = { type: 'signed', item: items[height % items.length] as Buffer } as const
    const timestamp = BEGUN_MS + height
    const prev = asBuffer(view.hash)
    const record = { height, prev, timestamp, admission: NO_AUTHORITY, message }
    const entry = entryOf(network, partition, record)
    yield { entry, record, value: records.encodeEntry(record) }
    advance(view, entry)
  }
}
