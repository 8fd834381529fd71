// Vectors of the log: entry hashes and the judgement of what extends the chain.

import type { View } from '../../src/protocol/accept.ts'
import { accept, advance, copyView, initialView } from '../../src/protocol/accept.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { entryHash } from '../../src/protocol/entry.ts'
import type { Genesis } from '../../src/protocol/genesis.ts'
import { openNetwork } from '../../src/protocol/genesis.ts'
import type { Origin } from '../../src/protocol/message.ts'
import { messageOf } from '../../src/protocol/wire.ts'
import { fixedGenesis, hashHex, idOf, readContent, SAFE_MAX, writtenContent } from './fixed.ts'
import type { WrittenContent } from './fixed.ts'
import { itemFor } from './items.ts'
import type { Subject } from './subject.ts'
import { fromHex, orCode, subject, toHex } from './subject.ts'

type WrittenMessage =
  | { readonly type: 'signed'; readonly item: string }
  | ({ readonly type: 'relayed'; readonly caller: string } & Origin & WrittenContent)
  | { readonly type: 'genesis'; readonly name: string }

type EntryInput = {
  readonly partition: number
  readonly height: number
  readonly prev: string
  readonly timestamp: number
  readonly systemHeight: number
  readonly attestation: string
  readonly message: WrittenMessage
}

const GENESIS = fixedGenesis({ features: { level: 1, operators: [idOf('operator')] } })
const NETWORK = openNetwork(GENESIS)

function entryInput(message: WrittenMessage, change: Partial<EntryInput> = {}): EntryInput {
  return {
    partition: 1,
    height: 10,
    prev: hashHex('prev'),
    timestamp: 1_700_000_000_000,
    systemHeight: -1,
    attestation: '',
    message,
    ...change,
  }
}

const signed = (fields: Parameters<typeof itemFor>[1] = {}): WrittenMessage => ({
  type: 'signed',
  item: toHex(itemFor(NETWORK.id, fields)),
})

const relayed = (
  origin: Partial<Origin> = {},
  change: Partial<WrittenContent> = {},
): WrittenMessage => ({
  type: 'relayed',
  caller: idOf('caller'),
  ...{ partition: 2, height: 7, index: 1, seq: 3, ...origin },
  ...writtenContent(change),
})

const spawn = { tags: [{ name: 'HB-Type', value: 'Process' }], target: '', data: 'x' }
const proven = { systemHeight: 12, attestation: hashHex('attestation') }
const greatest = { height: SAFE_MAX, timestamp: SAFE_MAX, systemHeight: SAFE_MAX, partition: 3 }

const ENTRY_HASHES = subject<EntryInput, { genesis: string }>({
  subject: 'entry-hashes',
  about:
    'hash of an entry = H("hb.entry.1", network, partition, prev as bytes, height, ' +
    'timestamp, process, message id, message digest as bytes, system height, attestation as ' +
    'bytes (none: empty)). The message is as a record holds it: {type: signed, item (hex)} ' +
    '(file wallet-messages), {type: relayed, caller, its place and content} (file ' +
    'process-messages), or {type: genesis, name} (file networks). Given: genesis (JSON ' +
    'text). Input: partition, height, prev (hex), timestamp, systemHeight, attestation ' +
    '(hex), message. Output: process, messageId, digest (hex), hash (hex); or {error: code} ' +
    'of a record whose form is refused.',
  given: { genesis: JSON.stringify(GENESIS) },
  inputs: [
    ['a wallet\'s message', entryInput(signed())],
    ['a wallet\'s spawn', entryInput(signed(spawn))],
    ['a process\'s message', entryInput(relayed())],
    ['a process\'s message with a proof', entryInput(relayed(), proven)],
    ['a process\'s spawn', entryInput(relayed({}, { kind: 'spawn', target: '' }))],
    ['a bounce', entryInput(relayed({}, { kind: 'bounce', hops: 0, count: 0 }))],
    ['the spawn of a genesis process', entryInput({ type: 'genesis', name: 'echo' })],
    ['the spawn of what keeps a level', entryInput({ type: 'genesis', name: 'features-3' })],
    ['another height', entryInput(relayed(), { height: 11 })],
    ['another prev', entryInput(relayed(), { prev: hashHex('other') })],
    ['another time', entryInput(relayed(), { timestamp: 0 })],
    ['another number in its channel', entryInput(relayed({ seq: 4 }))],
    ['the greatest numbers', entryInput(relayed({ height: SAFE_MAX, seq: SAFE_MAX }), greatest)],
    ['no genesis process', entryInput({ type: 'genesis', name: 'nobody' })],
    ['an event is not relayed', entryInput(relayed({}, { kind: 'event', target: '' }))],
    ['a spawn with a target', entryInput(relayed({}, { kind: 'spawn' }))],
    ['a number of zero in its channel', entryInput(relayed({ seq: 0 }))],
    ['a source partition that is none', entryInput(relayed({ partition: 4 }))],
    ['a target that is no id', entryInput(relayed({}, { target: 'A' }))],
    // 43 characters, but the spare bits of the last are not zero
    ['an id that is not canonical', entryInput(relayed({}, { target: `${'A'.repeat(42)}B` }))],
  ],
  compute: ({ message: wire, systemHeight, attestation, ...head }, given) =>
    orCode(() => {
      const network = openNetwork(JSON.parse(given.genesis) as Genesis)
      const message = messageOf(network, readWire(wire))
      const proof = attestation === '' ? null : fromHex(attestation)
      const admission = { systemHeight, attestation: proof }
      const whole = { ...head, prev: fromHex(head.prev), admission }
      const hash = toHex(entryHash(network.id, whole, message))
      const { process, id, digest } = message
      return { process, messageId: id, digest: toHex(digest), hash }
    }),
})

function readWire(wire: WrittenMessage): Parameters<typeof messageOf>[1] {
  if (wire.type === 'genesis') return wire
  if (wire.type === 'signed') return { type: 'signed', item: fromHex(wire.item) }
  const { type, ...record } = wire
  return { type, relayed: { ...readContent(record), attestation: null } }
}

type WrittenView = Omit<View, 'hash' | 'counters'> & {
  readonly hash: string
  readonly counters: readonly number[]
}

const writeView = (view: View): WrittenView => ({ ...view, hash: toHex(view.hash) })

type BeginInput = {
  readonly network: string
  readonly partition: number
  readonly partitions: number
}

const INITIAL_VIEWS = subject<BeginInput>({
  subject: 'initial-views',
  about:
    'The view of a reader before the first entry: height -1, timestamp 0, a counter of 0 for ' +
    'each partition, hash = H("hb.log-genesis.1", network, partition), which is prev of ' +
    'height 0. Input: network, partition, partitions. Output: the view (hash as hex).',
  inputs: [
    ['the only partition', { network: idOf('network'), partition: 0, partitions: 1 }],
    ['the last of four', { network: idOf('network'), partition: 3, partitions: 4 }],
    ['another network', { network: idOf('another network'), partition: 0, partitions: 1 }],
  ],
  compute: ({ network, partition, partitions }) =>
    writeView(initialView(network, partition, partitions)),
})

type AcceptInput = {
  readonly view: WrittenView
  readonly entry: {
    readonly height: number
    readonly prev: string
    readonly timestamp: number
    readonly hash: string
    /** Of a process's message. */
    readonly origin: { readonly partition: number; readonly seq: number } | null
  }
}

function judged(
  entry: Partial<AcceptInput['entry']> = {},
  view: Partial<WrittenView> = {},
): AcceptInput {
  const hash = hashHex('last')
  const next = { height: 6, prev: hash, timestamp: 1_000, hash: hashHex('next'), origin: null }
  return {
    view: { partition: 1, height: 5, hash, timestamp: 1_000, counters: [4, 0, 2], ...view },
    entry: { ...next, ...entry },
  }
}

const from = (partition: number, seq: number): Partial<AcceptInput['entry']> => ({
  origin: { partition, seq },
})

const ACCEPT = subject<AcceptInput>({
  subject: 'accept',
  about:
    'R1, whether an entry extends the chain. Judged in this order: height (must be the ' +
    'view\'s + 1), prev (the view\'s hash), timestamp (not less than the view\'s), and of a ' +
    'process\'s message its channel: seq must be counters[source partition] + 1; lower is ' +
    '"duplicate", higher, or a partition that the view lacks, "gap". An accepted entry moves ' +
    'the view: height, hash, timestamp, and the counter becomes seq; any other leaves it. ' +
    'Input: view, and what is looked at of the entry (origin: null unless a process sent ' +
    'it). Output: verdict ("accepted", or why it is superseded), view afterwards.',
  inputs: [
    ['a wallet\'s message', judged()],
    ['the first', judged({ height: 0 }, { height: -1, timestamp: 0, counters: [0, 0, 0] })],
    ['a height that was', judged({ height: 5 })],
    ['a height too far', judged({ height: 7 })],
    ['another chain', judged({ prev: hashHex('other') })],
    ['later', judged({ timestamp: 2_000 })],
    ['earlier', judged({ timestamp: 999 })],
    ['height before prev', judged({ height: 7, prev: hashHex('other'), timestamp: 0 })],
    ['prev before time', judged({ prev: hashHex('other'), timestamp: 0 })],
    ['time before channel', judged({ timestamp: 0, ...from(0, 4) })],
    ['the next of its channel', judged(from(0, 5))],
    ['the first of its channel', judged(from(1, 1))],
    ['again', judged(from(0, 4))],
    ['long ago', judged(from(2, 1))],
    ['never numbered', judged(from(1, 0))],
    ['one was left out', judged(from(2, 4))],
    ['from a partition that is none', judged(from(3, 1))],
    ['the last number of a channel', judged(from(0, SAFE_MAX), { counters: [SAFE_MAX - 1] })],
    ['that one again', judged(from(0, SAFE_MAX), { counters: [SAFE_MAX] })],
    ['the last height', judged({ height: SAFE_MAX }, { height: SAFE_MAX - 1 })],
  ],
  compute: ({ view: writtenView, entry: written }) => {
    const { hash, counters } = writtenView
    const view: View = { ...writtenView, hash: fromHex(hash), counters: [...counters] }
    const { origin, ...head } = written
    const entry = {
      ...head,
      prev: fromHex(head.prev),
      hash: fromHex(head.hash),
      message: { ...(origin !== null && { origin }) },
    } as unknown as Entry
    const verdict = accept(view, entry)
    const after = copyView(view)
    if (verdict === undefined) advance(after, entry)
    return { verdict: verdict ?? 'accepted', view: writeView(after) }
  },
})

export const LOG_SUBJECTS: readonly Subject[] = [ENTRY_HASHES, INITIAL_VIEWS, ACCEPT]
