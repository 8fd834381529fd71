// What hostile clients make: items that no node may take, and records that no sequencer may place,
// each with the reason that it must be refused for.

import { messageFields, spawnFields } from '../../../src/client/index.ts'
import type { DataItemFields } from '../../../src/protocol/ans104/index.ts'
import type { RelayedRecord } from '../../../src/protocol/codec/records.ts'
import { toBase64Url } from '../../../src/std/bytes.ts'
import { bytesOf } from './wallets.ts'
import type { Turn } from './workload.ts'
import { oneOf } from './workload.ts'

/** Larger than a message may be in the simulated networks. */
const OVERSIZE = 70_000

/** No channel of a run comes so far. */
export const FORGED_SEQ_MIN = 1_000_000

export type Forgery = { readonly bytes: Buffer; readonly code: string }
type Make = (turn: Turn, target: string) => Forgery

/** Refused at the door and by the sequencer alike. */
export function forgeItem(turn: Turn, target: string): Forgery {
  return oneOf(turn.random, MAKERS)(turn, target)
}

/** A good item with another's word in its data: the same signature, so the same id. */
export function twinOf(item: Buffer): Buffer {
  const forged = Buffer.from(item)
  forged.writeUInt8(forged.readUInt8(forged.length - 1) ^ 1, forged.length - 1)
  return forged
}

/** To be refused for its form, whatever the log says. */
export function malformedRelay(turn: Turn, target: string): RelayedRecord {
  const { random } = turn
  const wrong: Partial<RelayedRecord>[] = [
    { partition: turn.network.genesis.partitions },
    { partition: -1 },
    { seq: 0 },
    { height: -5 },
    { kind: 'event' },
    { kind: 'spawn' },
    { caller: 'nobody' },
    { target: 'nowhere' },
    { hops: -1 },
    { budget: '-7' },
  ]
  return { ...relay(turn, target), ...oneOf(random, wrong) }
}

/**
 * Well formed, and far ahead of its channel. (One that is the channel's next would be placed:
 * attestations, by which it is told from a true one, are not there yet.)
 */
export function relayAhead(turn: Turn, target: string): RelayedRecord {
  return relay(turn, target)
}

function relay({ random, network }: Turn, target: string): RelayedRecord {
  const thief = toBase64Url(bytesOf(random, 32))
  return {
    caller: oneOf(random, [...network.processIds.values()]),
    partition: random.below(network.genesis.partitions),
    height: random.below(100),
    index: 0,
    seq: FORGED_SEQ_MIN + random.below(1_000),
    kind: oneOf(random, ['message', 'notice']),
    target,
    tags: [
      { name: 'Action', value: 'Transfer' },
      { name: 'Recipient', value: thief },
      { name: 'Quantity', value: '1' },
    ],
    data: Buffer.alloc(0),
    hops: 10,
    count: 10,
    budget: '0',
    attestation: null,
  }
}

function place({ network, generation }: Turn): { network: string; generation: number } {
  return { network: network.id, generation }
}

function signed(turn: Turn, fields: DataItemFields): Buffer {
  return turn.wallet.sign(fields)
}

function fieldsOf(turn: Turn, target: string, more: object = {}): DataItemFields {
  return messageFields(place(turn), { target, action: 'Info', data: 'word', ...more })
}

const json = (code: string, text: string): Make => (turn, target) => {
  const tags = { 'Content-Type': 'application/json' }
  return { bytes: signed(turn, fieldsOf(turn, target, { tags, data: text })), code }
}

const tagged = (code: string, name: string, value: string): Make => (turn, target) => {
  const { tags = [], ...fields } = fieldsOf(turn, target)
  const others = tags.filter((each) => each.name !== name)
  return { bytes: signed(turn, { ...fields, tags: [...others, { name, value }] }), code }
}

const MAKERS: readonly Make[] = [
  json('json-malformed', '{"a": '),
  json('json-malformed', '{"a": 1, "a": 2}'),
  json('json-malformed', '{"__proto__": 1}'),
  json('json-too-deep', `${'['.repeat(90)}${']'.repeat(90)}`),
  tagged('network-mismatch', 'HB-Network', 'another'),
  tagged('generation-mismatch', 'HB-Generation', '7'),
  tagged('tag-malformed', 'HB-Type', 'Thing'),
  tagged('tag-malformed', 'HB-Expires', 'tomorrow'),
  tagged('hops-exceeded', 'HB-Hops', '100000'),
  tagged('count-exceeded', 'HB-Count', '100000000'),
  tagged('target-missing', 'HB-Type', 'Process'),
  tagged('tags-too-large', 'Reference', 'x'.repeat(3_000)),
  (turn) => {
    const { tags = [] } = spawnFields(place(turn), { source: 'exports.handle = () => {}' })
    const bytes = signed(turn, { tags: tags.filter(({ name }) => name !== 'HB-Type') })
    return { bytes, code: 'target-missing' }
  },
  (turn, target) => {
    const tags = Object.fromEntries(Array.from({ length: 80 }, (_, at) => [`T${at}`, 'x']))
    return { bytes: signed(turn, fieldsOf(turn, target, { tags })), code: 'tags-too-many' }
  },
  (turn, target) => {
    const bytes = signed(turn, fieldsOf(turn, target, { data: 'x'.repeat(OVERSIZE) }))
    return { bytes, code: 'message-too-large' }
  },
  (turn, target) => {
    return { bytes: twinOf(signed(turn, fieldsOf(turn, target))), code: 'signature-invalid' }
  },
  (turn, target) => {
    const bytes = signed(turn, fieldsOf(turn, target))
    const at = 2 + turn.random.below(64)
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    return { bytes, code: 'signature-invalid' }
  },
  (turn, target) => {
    // another's public key over one's own signature
    const bytes = signed(turn, fieldsOf(turn, target))
    const other = oneOf(turn.random, turn.wallets)
    const theirs = other.sign(fieldsOf(turn, target))
    if (other !== turn.wallet) theirs.copy(bytes, 66, 66, 98)
    else bytes.writeUInt8(bytes.readUInt8(3) ^ 1, 3)
    return { bytes, code: 'signature-invalid' }
  },
  (turn, target) => {
    const bytes = signed(turn, fieldsOf(turn, target, { data: '' }))
    const code = 'item-malformed'
    return { bytes: bytes.subarray(0, 2 + turn.random.below(bytes.length - 2)), code }
  },
  ({ random }) => {
    const bytes = bytesOf(random, 4 * (1 + random.below(60)))
    bytes.writeUInt8(9, 0)
    return { bytes, code: 'signature-type-unsupported' }
  },
]
