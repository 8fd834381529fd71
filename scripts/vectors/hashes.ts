// Vectors of the layout that all hashes have, and of the ids and digests of messages.

import { contentDigest, relayedMessage } from '../../src/protocol/message.ts'
import type { Origin } from '../../src/protocol/message.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import type { HashPart } from '../../src/std/hash-parts.ts'
import { hashParts, layoutParts } from '../../src/std/hash-parts.ts'
import { BUDGET_MAX, idOf, readContent, SAFE_MAX, textHex, writtenContent } from './fixed.ts'
import type { WrittenContent } from './fixed.ts'
import type { Named, Subject } from './subject.ts'
import { fromHex, subject, toHex } from './subject.ts'

type WrittenPart =
  | { readonly number: number }
  | { readonly text: string }
  | { readonly bytes: string }

/** Longer layouts are left out of the file: their hash says enough. */
const LAYOUT_BYTES_MAX = 1_024

const number = (value: number): WrittenPart => ({ number: value })
const text = (value: string): WrittenPart => ({ text: value })
const bytes = (value: string): WrittenPart => ({ bytes: value })

type HashInput = { readonly domain: string; readonly parts: readonly WrittenPart[] }
const of = (...parts: WrittenPart[]): HashInput => ({ domain: 'hb.test.1', parts })

const HASH_PARTS = subject<HashInput>({
  subject: 'hash-parts',
  about:
    'Every hash of the protocol is SHA-256 over a layout: u8 length of the domain, the ' +
    'domain (ASCII), then the parts. A number is a u64, big-endian, two\'s complement (-1 is ' +
    'eight bytes of ff; the numbers that occur are whole and from -1 to 2^53 - 1). A text is ' +
    'a u32, big-endian, its length in bytes of UTF-8, then these bytes: nothing is ' +
    'normalised. Bytes are a u32, big-endian, their length, then the bytes. Parts carry no ' +
    'tag: which they are is fixed for each domain. Elsewhere in these files this is written ' +
    'H(domain, parts...). Input: the domain, and parts as {number}, {text} or {bytes: hex}. ' +
    'Output: layout (hex; left out where it has more than 1024 bytes), hash (hex), id ' +
    '(base64url of the hash, without padding).',
  inputs: [
    ['no parts', of()],
    ['an empty domain', { domain: '', parts: [text('a')] }],
    ['the longest domain', { domain: 'd'.repeat(255), parts: [] }],
    ['zero', of(number(0))],
    ['minus one', of(number(-1))],
    ['the greatest 32-bit number', of(number(4_294_967_295))],
    ['one more', of(number(4_294_967_296))],
    ['2^53 - 1', of(number(SAFE_MAX))],
    ['an empty text and empty bytes', of(text(''), bytes(''))],
    ['a text is not its bytes beside others', of(text('ab'), text('c'))],
    ['nor cut elsewhere', of(text('a'), text('bc'))],
    ['bytes have the layout of a text', of(bytes('6162'), bytes('63'))],
    ['composed (NFC)', of(text('\u00e9'))],
    ['decomposed (NFD)', of(text('e\u0301'))],
    ['beyond the basic plane', of(text('\u{1f600}'))],
    ['zero characters and line separators', of(text('\u0000\u2028\u2029\ufeff'))],
    ['48 characters', of(text('x'.repeat(48)))],
    ['49 characters', of(text('x'.repeat(49)))],
    ['a last character of three bytes', of(text(`${'x'.repeat(47)}\u20ac`))],
    ['all bytes', of(bytes(toHex(Uint8Array.from({ length: 256 }, (_, at) => at))))],
    ['a text of 16,500 bytes', of(number(7), text('\u20ac'.repeat(5_500)), number(8))],
    ['mixed', { domain: 'hb.entry.1', parts: [text('n'), number(3), bytes('00ff'), number(-1)] }],
  ],
  compute: ({ domain, parts }) => {
    const read = parts.map((part): HashPart => {
      if ('number' in part) return part.number
      return 'text' in part ? part.text : fromHex(part.bytes)
    })
    const layout = layoutParts(domain, read)
    const hash = hashParts(domain, read)
    return {
      ...(layout.length <= LAYOUT_BYTES_MAX && { layout: toHex(layout) }),
      hash: toHex(hash),
      id: toBase64Url(hash),
    }
  },
})

const tag = (name: string, value: string): { name: string; value: string } => ({ name, value })

const CONTENTS: readonly Named<WrittenContent>[] = [
  ['a message', writtenContent()],
  ['a notice without data', writtenContent({ kind: 'notice', data: '' })],
  ['a spawn, whose target is empty', writtenContent({ kind: 'spawn', target: '' })],
  [
    'a bounce with nothing left',
    writtenContent({ kind: 'bounce', hops: 0, count: 0, budget: '0' }),
  ],
  ['an event', writtenContent({ kind: 'event', target: '', hops: 0, count: 0, budget: '0' })],
  ['no tags', writtenContent({ tags: [] })],
  ['one name twice', writtenContent({ tags: [tag('A', '1'), tag('A', '2')] })],
  ['an empty value', writtenContent({ tags: [tag('A', '')] })],
  ['composed (NFC)', writtenContent({ tags: [tag('\u00e9', '\u00e9')] })],
  ['decomposed (NFD)', writtenContent({ tags: [tag('e\u0301', 'e\u0301')] })],
  ['beyond the basic plane', writtenContent({ tags: [tag('X-\u{1f600}', '\u{1f600}')] })],
  ['data that is not UTF-8', writtenContent({ data: 'fffe00' })],
  ['the greatest numbers', writtenContent({ hops: SAFE_MAX, count: SAFE_MAX, budget: BUDGET_MAX })],
  [
    'many tags',
    writtenContent({ tags: Array.from({ length: 64 }, (_, n) => tag(`T${n}`, `${n}`)) }),
  ],
]

const CONTENT_ABOUT =
  'A content is {kind, target (\'\' for a spawn), tags [{name, value}], data (hex), hops, ' +
  'count, budget (a decimal text)}.'

const CONTENT_DIGESTS = subject<WrittenContent>({
  subject: 'content-digests',
  about:
    'The digest of what a process sends: H("hb.content.1", kind as text, target, number of ' +
    'tags, (name, value)..., data as bytes, hops, count, budget as text). Input: a content. ' +
    `${CONTENT_ABOUT} Output: digest (hex).`,
  inputs: CONTENTS,
  compute: (content) => ({ digest: toHex(contentDigest(readContent(content))) }),
})

type ProcessMessageInput = {
  readonly network: string
  readonly caller: string
  readonly origin: Origin
  readonly content: WrittenContent
}

function sent(
  origin: Partial<Origin> = {},
  content: Partial<WrittenContent> = {},
): ProcessMessageInput {
  return {
    network: idOf('network'),
    caller: idOf('caller'),
    origin: { partition: 1, height: 7, index: 2, seq: 3, ...origin },
    content: writtenContent(content),
  }
}

const salted = (salt: string): WrittenContent =>
  writtenContent({
    ...{ kind: 'spawn', target: '', data: textHex('{"source":"x"}') },
    tags: [{ name: 'Spawn-Salt', value: salt }],
  })

const PROCESS_MESSAGES = subject<ProcessMessageInput>({
  subject: 'process-messages',
  about:
    'A process\'s message is what its place makes it. id = base64url of H("hb.message.1", ' +
    'network, source partition, height, index, content digest as bytes); it does not depend ' +
    'on seq. digest = H("hb.relayed.1", id, caller, partition, height, index, seq, content ' +
    'digest as bytes). The process that it is for is its target; for a spawn its own id, or, ' +
    'with a tag Spawn-Salt (the first), base64url of H("hb.child.1", caller, salt). ' +
    'Input: network, caller, ' +
    `origin and content. ${CONTENT_ABOUT} Output: id, process, digest (hex).`,
  inputs: [
    ['a message', sent()],
    ['the first of a partition', sent({ partition: 0, height: 0, index: 0, seq: 1 })],
    ['another number in its channel: the same id', sent({ seq: 4 })],
    ['another place: another id', sent({ index: 3 })],
    [
      'the greatest numbers',
      sent({ partition: 1_023, height: SAFE_MAX, index: 127, seq: SAFE_MAX }),
    ],
    ['a spawn', sent({}, { kind: 'spawn', target: '', data: textHex('{"source":"x"}') })],
    ['a spawn of the same content elsewhere', sent(
      { height: 8 },
      { kind: 'spawn', target: '', data: textHex('{"source":"x"}') },
    )],
    ['a spawn with a salt', sent({}, salted('first'))],
    ['the same salt elsewhere: the same process', sent({ height: 8, seq: 9 }, salted('first'))],
    ['another salt', sent({}, salted('e\u0301\u{1f600}'))],
    ['a salt on a message: a tag like others', sent({}, { tags: salted('first').tags })],
    ['a bounce', sent({}, { kind: 'bounce', hops: 0 })],
    ['another network', { ...sent(), network: idOf('another network') }],
  ],
  compute: ({ network, caller, origin, content }) => {
    const message = relayedMessage(network, caller, origin, readContent(content))
    return { id: message.id, process: message.process, digest: toHex(message.digest) }
  },
})

export const HASH_SUBJECTS: readonly Subject[] = [HASH_PARTS, CONTENT_DIGESTS, PROCESS_MESSAGES]
