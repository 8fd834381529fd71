// A message in memory out of what a record holds: the one place where both meet.

import type { DataItem } from './ans104/index.ts'
import type { RelayedRecord, WireMessage } from './codec/records.ts'
import { isGenerationName } from './generations.ts'
import type { Network } from './genesis.ts'
import { genesisProcess, genesisSpawn } from './genesis.ts'
import type { Message } from './message.ts'
import { relayedMessage } from './message.ts'
import { signedMessage } from './signed.ts'
import { isIdText } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'

const AMOUNT = /^(0|[1-9][0-9]{0,77})$/

/**
 * `generation`: of the place where it stands; default: of what comes now. `item`: that of a signed
 * message, where it was parsed before. Throws what
 * `signedMessage` throws, `generation-unknown`, or `record-malformed` for a genesis process that is
 * not one.
 */
export function messageOf(
  network: Network,
  wire: WireMessage,
  generation?: number,
  item?: DataItem,
): Message {
  if (wire.type === 'relayed') return relayed(network, wire.relayed)
  if (wire.type === 'signed') return signedMessage(network, item ?? wire.item, generation)
  if (isGenerationName(wire.name)) throw new HbError('generation-unknown', wire.name)
  const process = genesisProcess(network, wire.name)
  if (process === undefined)
    throw new HbError('record-malformed', `no genesis process ${wire.name}`)
  return genesisSpawn(network, process)
}

function relayed(network: Network, record: RelayedRecord): Message {
  const wrong = formError(network, record)
  if (wrong !== undefined) throw new HbError('record-malformed', wrong)
  return relayedMessage(network.id, record.caller, record, record)
}

/** What is wrong with a relayed record by its bytes and genesis alone, or undefined. */
function formError(network: Network, record: RelayedRecord): string | undefined {
  if (record.partition < 0 || record.partition >= network.genesis.partitions) {
    return `source partition ${record.partition}`
  }
  if (record.height < 0 || record.index < 0 || record.seq < 1) return 'a negative place'
  if (record.kind === 'event') return 'an event is not relayed'
  if (!isIdText(record.caller)) return 'caller is not an id'
  if (record.kind === 'spawn' ? record.target !== '' : !isIdText(record.target)) return 'target'
  if (record.hops < 0 || record.count < 0 || !AMOUNT.test(record.budget)) return 'allowance'
  return undefined
}
