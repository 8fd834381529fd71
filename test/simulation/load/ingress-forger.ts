// A client that may write to ingress and puts there what no sequencer may place, or what stands
// there already.

import { messageFields } from '../../../src/client/index.ts'
import { Records } from '../../../src/protocol/codec/records.ts'
import type { WireMessage } from '../../../src/protocol/codec/records.ts'
import { NO_AUTHORITY } from '../../../src/protocol/entry.ts'
import { partitionOf } from '../../../src/protocol/topics.ts'
import { toBase64Url } from '../../../src/std/bytes.ts'
import { forgeItem, malformedRelay, relayAhead, twinOf } from './forgeries.ts'
import { bytesOf } from './wallets.ts'
import type { Turn } from './workload.ts'
import { oneOf } from './workload.ts'

/** A record in ingress, and the reason that it must be refused for; undefined: dropped untold. */
export type Put = {
  readonly partition: number
  readonly offset: number
  readonly code: string | undefined
}

type Value = WireMessage | Buffer | null

const MALFORMED = 'record-malformed'
/** Where a replayed record is taken from: the newest so many. */
const NEWEST = 60

export class IngressForger {
  readonly puts: Put[] = []
  readonly #records = new Records()

  /** Puts something there. Gives what is then to be sent by the front door, if anything. */
  act(turn: Turn, target: string): Buffer | undefined {
    const { random, network } = turn
    const { partitions } = network.genesis
    const put = (value: Value, code?: string): void => {
      this.#put(turn, partitionOf(target, partitions), target, value, code)
    }
    const signed = (): WireMessage => ({ type: 'signed', item: transferItem(turn, target) })
    switch (random.below(10)) {
      case 0:
        return void put(null, MALFORMED)
      case 1:
        return void put(bytesOf(random, 4 * random.below(40)), MALFORMED)
      case 2: {
        const { bytes, code } = forgeItem(turn, target)
        return void put({ type: 'signed', item: bytes }, code)
      }
      case 3: {
        // the right partition, under another key or none
        const key = oneOf(random, [null, '', toBase64Url(bytesOf(random, 32))])
        return void this.#put(turn, partitionOf(target, partitions), key, signed(), MALFORMED)
      }
      case 4: {
        const partition = (partitionOf(target, partitions) + 1) % partitions
        return void this.#put(turn, partition, target, signed(), MALFORMED)
      }
      case 5: {
        // an entry as the log has them: a record of another form
        const head = { height: 0, prev: Buffer.alloc(32), timestamp: 0, admission: NO_AUTHORITY }
        return void put(this.#records.encodeEntry({ ...head, message: signed() }), MALFORMED)
      }
      case 6:
        return void put({ type: 'relayed', relayed: malformedRelay(turn, target) }, MALFORMED)
      case 7:
        return void put({ type: 'relayed', relayed: relayAhead(turn, target) })
      case 8: {
        // its twin first: a refusal of that must not be one of this
        const item = transferItem(turn, target)
        put({ type: 'signed', item: twinOf(item) }, 'signature-invalid')
        return item
      }
      default:
        return void this.#replay(turn)
    }
  }

  #put(
    { ingress }: Turn,
    partition: number,
    key: string | null,
    value: Value,
    code?: string,
  ): void {
    const isBytes = value === null || Buffer.isBuffer(value)
    const bytes = isBytes ? value : this.#records.encodeIngress(value)
    const offset = ingress.append(partition, { key, value: bytes })
    if (offset !== undefined) this.puts.push({ partition, offset, code })
  }

  /** Once more what stands in ingress already, whosever it is, but for what was put there here. */
  #replay({ random, network, ingress }: Turn): void {
    const partition = random.below(network.genesis.partitions)
    const all = ingress.records(partition)
    for (let left = 1 + random.below(5); left > 0; left--) {
      const record = all[all.length - 1 - random.below(Math.min(NEWEST, all.length))]
      if (record === undefined) continue
      const { key, value, offset } = record
      if (this.puts.some((each) => isAt(each, partition, offset))) continue
      ingress.append(partition, { key, value })
    }
  }
}

/** A transfer of the wallet's to itself. */
export function transferItem(turn: Turn, target: string, more = {}): Buffer {
  const { network, generation, wallet, random } = turn
  const tags = { Recipient: wallet.address, Quantity: String(1 + random.below(9)) }
  const spec = { target, action: 'Transfer', tags, data: 'word', ...more }
  return wallet.sign(messageFields({ network: network.id, generation }, spec))
}

export function isAt(
  place: { readonly partition: number; readonly offset: number },
  partition: number,
  offset: number,
): boolean {
  return place.partition === partition && place.offset === offset
}
