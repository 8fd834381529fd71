// What a segment weighs more than the signed messages in it. Its floor is a bundle of these alone,
// as the standard has it: 64 bytes a message. RSA is what Arweave's own wallets sign with.

import { SEGMENT_LIMITS, SegmentWriter } from '../../src/archive/index.ts'
import { generateWallet } from '../../src/client/index.ts'
import type { WalletKind } from '../../src/client/index.ts'
import { initialView } from '../../src/protocol/accept.ts'
import { BundleWriter, parseDataItem } from '../../src/protocol/ans104/index.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import { OrderCodec } from '../../src/protocol/segment.ts'
import { benchNetwork, PARTITIONS } from '../bench-node.ts'
import type { BenchReport } from '../rows.ts'
import { row } from '../rows.ts'
import { madeEntries, signItems } from './made-log.ts'

/** An RSA signature takes milliseconds; a full segment has ten times as many. */
const ENTRIES = 1_000

/** Rows `archive.bytes.rsa` and `archive.bytes.ed25519`. */
export async function benchBytes(): Promise<BenchReport> {
  const rsa = await measure('rsa')
  const ed25519 = await measure('ed25519')
  const shown = ({ value, order, each }: Measured): string =>
    `messages of ${each.toFixed(0)} bytes: ${value.toFixed(1)} % more, of it the order ` +
    `${(order / ENTRIES).toFixed(1)} bytes a message, 32 of them the entry's hash`
  return {
    rows: [
      row('archive.bytes.rsa', '%', rsa.value, rsa.floor),
      row('archive.bytes.ed25519', '%', ed25519.value, ed25519.floor),
    ],
    doesNotMeasure: "processes' messages, which are in no bundle; what a gateway's chunks add",
    observed: [`RSA, ${shown(rsa)}`, `Ed25519, ${shown(ed25519)}`],
  }
}

type Measured = {
  /** Percent of the messages' bytes. */
  readonly value: number
  readonly floor: number
  /** Bytes of the order, and of a message. */
  readonly order: number
  readonly each: number
}

async function measure(kind: WalletKind): Promise<Measured> {
  const network = benchNetwork([])
  const wallet = await generateWallet(kind)
  const sink = await generateWallet('rsa')
  const items = signItems(wallet, network, 0, ENTRIES)
  const writer = new SegmentWriter({
    network,
    records: new Records(),
    orders: new OrderCodec(),
    limits: SEGMENT_LIMITS,
    before: initialView(network.id, 0, PARTITIONS),
  })
  for (const { entry, record, value } of madeEntries(network, 0, items, ENTRIES)) {
    if (!writer.take(entry, record, value)) throw new Error('more than a segment')
  }
  let order = 0
  const signItem: typeof sink.sign = (fields) => {
    const signed = sink.sign(fields)
    order = signed.length
    return signed
  }
  const segment = sink.sign(writer.upload({ signItem }, writer.head(), undefined))
  const bytes = items.reduce((sum, { length }) => sum + length, 0)
  const more = (of: Uint8Array): number => (100 * (of.length - bytes)) / bytes
  const bare = new BundleWriter()
  for (const item of items) bare.add(parseDataItem(item))
  const floor = more(bare.finish())
  return { value: more(segment), floor, order, each: bytes / ENTRIES }
}
