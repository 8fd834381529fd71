// Hostile clients: items that no node may take, the same item to several nodes at once, items that
// expire about now, claims of being someone else; and records put straight into ingress, as any
// Kafka client may.
//
// What is put there is judged by its place: refused for the right reason, or dropped; never placed.

import { messageFields } from '../../../src/client/index.ts'
import { Records } from '../../../src/protocol/codec/records.ts'
import type { WireMessage } from '../../../src/protocol/codec/records.ts'
import { NO_AUTHORITY } from '../../../src/protocol/entry.ts'
import { signedMessage } from '../../../src/protocol/signed.ts'
import { partitionOf } from '../../../src/protocol/topics.ts'
import { toBase64Url } from '../../../src/std/bytes.ts'
import type { Violation } from '../../chaos/checker/index.ts'
import { forgeItem, malformedRelay, relayAhead, twinOf } from './forgeries.ts'
import { bytesOf } from './wallets.ts'
import type { Draft, Ending, Turn, Workload } from './workload.ts'
import { oneOf } from './workload.ts'

/** A record in ingress, and the reason that it must be refused for; undefined: dropped untold. */
export type Put = {
  readonly partition: number
  readonly offset: number
  readonly code: string | undefined
}

/** Where a replayed record is taken from: the newest so many. */
const NEWEST = 60

export function hostileClients(): Workload {
  const records = new Records()
  const puts: Put[] = []

  const put = (turn: Turn, key: string | null, wire: WireMessage | Buffer | null, code?: string) => {
    const { partitions } = turn.network.genesis
    const partition =
      key === null ? turn.random.below(partitions) : partitionOf(key, partitions)
    putAt(turn, partition, key, wire, code)
  }

  const putAt = (
    { ingress }: Turn,
    partition: number,
    key: string | null,
    wire: WireMessage | Buffer | null,
    code?: string,
  ): void => {
    const value = wire === null || Buffer.isBuffer(wire) ? wire : records.encodeIngress(wire)
    const offset = ingress.append(partition, { key, value })
    if (offset !== undefined) puts.push({ partition, offset, code })
  }

  const item = ({ network, generation, wallet, random }: Turn, target: string, more = {}): Buffer => {
    const place = { network: network.id, generation }
    const tags = { Recipient: wallet.address, Quantity: String(1 + random.below(9)) }
    const spec = { target, action: 'Transfer', tags, data: 'word', ...more }
    return wallet.sign(messageFields(place, spec))
  }

  const throughIngress = (turn: Turn, target: string): Draft | undefined => {
    const { random, network } = turn
    const { partitions } = network.genesis
    const nobody = toBase64Url(bytesOf(random, 32))
    switch (random.below(10)) {
      case 0:
        return void put(turn, target, null, 'record-malformed')
      case 1:
        return void put(turn, target, bytesOf(random, 4 * random.below(40)), 'record-malformed')
      case 2: {
        const { bytes, code } = forgeItem(turn, target)
        return void put(turn, target, { type: 'signed', item: bytes }, code)
      }
      case 3: {
        // the right partition, under another key or none
        const signed: WireMessage = { type: 'signed', item: item(turn, target) }
        const key = oneOf(random, [null, '', nobody])
        const partition = partitionOf(target, partitions)
        return void putAt(turn, partition, key, signed, 'record-malformed')
      }
      case 4: {
        const partition = (partitionOf(target, partitions) + 1) % partitions
        const signed: WireMessage = { type: 'signed', item: item(turn, target) }
        return void putAt(turn, partition, target, signed, 'record-malformed')
      }
      case 5: {
        // an entry as the log has them, of another record's form
        const message: WireMessage = { type: 'signed', item: item(turn, target) }
        const head = { height: 0, prev: Buffer.alloc(32), timestamp: 0, admission: NO_AUTHORITY }
        return void put(turn, target, records.encodeEntry({ ...head, message }), 'record-malformed')
      }
      case 6: {
        const relayed = malformedRelay(turn, target)
        return void put(turn, target, { type: 'relayed', relayed }, 'record-malformed')
      }
      case 7: {
        const relayed = relayAhead(turn, target)
        return void put(turn, target, { type: 'relayed', relayed })
      }
      case 8: {
        // its twin first: a refusal of that must not be one of this
        const bytes = item(turn, target)
        put(turn, target, { type: 'signed', item: twinOf(bytes) }, 'signature-invalid')
        return { bytes }
      }
      default:
        return void replay(turn)
    }
  }

  /** Once more what stands in ingress already, whatever and whosever it is. */
  const replay = ({ random, network, ingress }: Turn): void => {
    const partition = random.below(network.genesis.partitions)
    const all = ingress.records(partition)
    for (let left = 1 + random.below(5); left > 0; left--) {
      const record = all[all.length - 1 - random.below(Math.min(NEWEST, all.length))]
      if (record === undefined || puts.some((each) => isAt(each, partition, record.offset))) continue
      ingress.append(partition, { key: record.key, value: record.value })
    }
  }

  return {
    name: 'hostile-clients',
    tokenNames: [],
    contracts: [],
    processes: () => [],
    models: () => [],
    draft: (turn) => {
      const { random, network, nowMs, wallets, wallet } = turn
      const target = network.processIds.get('token-0') as string
      const dice = random.below(100)
      if (dice < 30) {
        const { bytes, code } = forgeItem(turn, target)
        return { refused: bytes, code }
      }
      if (dice < 60) return throughIngress(turn, target)
      if (dice < 70) return { bytes: item(turn, target), times: 2 + random.below(5) }
      if (dice < 88) {
        const expires = nowMs - 500 + random.below(4_000)
        return { bytes: item(turn, target, { expires }), times: 1 + random.below(3) }
      }
      const other = oneOf(random, wallets).address
      const claims = { From: other, Owner: other, Caller: other, Sender: other, 'HB-Caller': other }
      const tags = { ...claims, Recipient: wallet.address, Quantity: '3' }
      return { bytes: item(turn, target, { tags }) }
    },
    judge: (ending) => [...judgePuts(ending, puts), ...judgeExpiries(ending)],
  }
}

/** Each is refused, wherever it was read, for its one reason; and what is dropped is not told. */
export function judgePuts({ refusals, partitions }: Ending, puts: readonly Put[]): Violation[] {
  const told: Violation[] = []
  for (const { partition, offset, code } of puts) {
    const invariant = 'forgeries-refused'
    const codes = new Set(
      refusals.filter((each) => isAt(each, partition, offset)).map((each) => each.code),
    )
    if (code !== undefined && codes.size === 0) {
      told.push({ invariant, partition, text: `ingress ${offset} is not refused as ${code}` })
    }
    for (const seen of codes) {
      if (seen === code) continue
      told.push({ invariant, partition, text: `ingress ${offset} is refused as ${seen}, not ${code}` })
    }
  }
  partitions.forEach(({ entries }, partition) => {
    for (const { height, message } of entries) {
      if ((message.origin?.seq ?? 0) < 1_000_000) continue
      const text = 'a message that no process sent has a place'
      told.push({ invariant: 'forgeries-refused', partition, height, id: message.id, text })
    }
  })
  return told
}

/** Refused as expired is only what the log's time was past. */
export function judgeExpiries({ network, refusals, partitions }: Ending): Violation[] {
  const told: Violation[] = []
  for (const { id, item, code, partition } of refusals) {
    if (code !== 'expired' || item === undefined) continue
    const { expires = Infinity } = signedMessage(network, item)
    const last = partitions[partition]?.entries.at(-1)?.timestamp ?? 0
    if (last > expires) continue
    const text = `refused as expired at ${expires}, the log ends at ${last}`
    told.push({ invariant: 'expiry-by-log-time', partition, ...(id !== undefined && { id }), text })
  }
  return told
}

function isAt(
  place: { readonly partition: number; readonly offset: number },
  partition: number,
  offset: number,
): boolean {
  return place.partition === partition && place.offset === offset
}
