// Vectors of data items (ANS-104), of signing them, and of the messages of wallets.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { DataItem, Tag } from '../../src/protocol/ans104/index.ts'
import { deepHash, parseDataItem, signDataItem } from '../../src/protocol/ans104/index.ts'
import { verifyDataItem } from '../../src/protocol/ans104/index.ts'
import { fromBase64Url } from '../../src/std/bytes.ts'
import { ed25519Key, hashHex, hashOf, idOf, textHex } from './fixed.ts'
import type { Named, Subject } from './subject.ts'
import { fromHex, orCode, subject, toHex } from './subject.ts'

type Recorded = { readonly items: Readonly<Record<'message' | 'spawn' | 'empty', string>> }

const RSA = (
  JSON.parse(readFileSync(new URL('./rsa-items.json', import.meta.url), 'utf8')) as Recorded
).items

const SEED = hashOf('seed')
const KEY = ed25519Key(SEED)
const ADDRESS_ABOUT = 'address = base64url of SHA-256 of the owner (the public key)'

const tag = (name: string, value: string): Tag => ({ name, value })

type SigningInput = {
  readonly seed: string
  readonly target: string
  readonly anchor: string
  readonly tags: readonly Tag[]
  readonly data: string
}

function toSign(change: Partial<SigningInput> = {}): SigningInput {
  return { seed: toHex(SEED), target: hashHex('target'), anchor: '', tags: [], data: '', ...change }
}

function sign({ seed, target, anchor, tags, data }: SigningInput): Buffer {
  return signDataItem(ed25519Key(fromHex(seed)), {
    target: fromHex(target),
    anchor: fromHex(anchor),
    tags,
    data: fromHex(data),
  })
}

const ITEM_SIGNING = subject<SigningInput>({
  subject: 'item-signing',
  about:
    'A data item (ANS-104) signed with Ed25519, which signs the same bytes alike each time. ' +
    'Item: u16 signature type (2), signature, owner, u8 presence and 32 bytes of target, u8 ' +
    'presence and 32 bytes of anchor, u64 number of tags, u64 bytes of tags, tags, data; ' +
    'integers little-endian. Tags: no bytes for none, else one Avro block: zig-zag long ' +
    'count, per tag the length and bytes of name and value, a zero byte. Signed is ' +
    'Arweave\'s deep hash (SHA-384) of the list "dataitem", "1", signature type in decimal, ' +
    'owner, target, anchor, tag bytes, data. Input: seed (hex, the secret 32 bytes of RFC ' +
    '8032), target and anchor (hex, \'\' for none), tags, data (hex). Output: item (hex), or ' +
    '{error: code}.',
  inputs: [
    ['nothing but a target', toSign()],
    ['nothing at all', toSign({ target: '' })],
    ['all parts', toSign({ anchor: hashHex('anchor'), tags: [tag('A', '1')], data: textHex('d') })],
    ['another key', toSign({ seed: hashHex('another seed') })],
    ['composed and decomposed', toSign({ tags: [tag('\u00e9', 'e\u0301')] })],
    ['beyond the basic plane', toSign({ tags: [tag('\u{1f600}', '\u{10ffff}')] })],
    ['lengths of one byte and of two', toSign({ tags: [tag('a'.repeat(63), 'b'.repeat(64))] })],
    ['one name twice', toSign({ tags: [tag('A', '2'), tag('A', '1')] })],
    ['the most tags', toSign({ tags: Array.from({ length: 128 }, (_, n) => tag(`${n}`, 'v')) })],
    ['one tag more', toSign({ tags: Array.from({ length: 129 }, (_, n) => tag(`${n}`, 'v')) })],
    ['an empty value', toSign({ tags: [tag('A', '')] })],
    ['a short target', toSign({ target: '00' })],
  ],
  compute: (input) => orCode(() => ({ item: toHex(sign(input)) })),
})

/** The order of Ed25519's group: a signature's second half must be below it. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

function withOrderAdded(item: Buffer): Buffer {
  const s = littleEndian(item.subarray(34, 66)) + ORDER
  const out = Buffer.from(item)
  out.set(fromHex(s.toString(16).padStart(64, '0')).toReversed(), 34)
  return out
}

const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes.toReversed())}`)

/** What holds the secret can sign with R of order one: the equation holds for it. */
function withSmallOrderR(item: Buffer): Buffer {
  const out = Buffer.from(item)
  const digest = createHash('sha512').update(SEED).digest()
  digest[0] = (digest[0] as number) & 0xf8
  digest[31] = ((digest[31] as number) & 0x3f) | 0x40
  const secret = littleEndian(digest.subarray(0, 32))
  const r = Buffer.from(`01${'00'.repeat(31)}`, 'hex')
  const parsed = parseDataItem(item)
  const hashed = Buffer.concat([r, parsed.owner, signedHash(parsed)])
  const k = littleEndian(createHash('sha512').update(hashed).digest())
  out.set(r, 2)
  out.set(fromHex(((k * secret) % ORDER).toString(16).padStart(64, '0')).toReversed(), 34)
  return out
}

function signedHash({ signatureType, owner, target, anchor, tagBytes, data }: DataItem): Buffer {
  const texts = ['dataitem', '1', String(signatureType)].map((text) => Buffer.from(text))
  return deepHash([...texts, owner, target, anchor, tagBytes, data])
}

function withByte(item: Buffer, at: number, change: (byte: number) => number): Buffer {
  const out = Buffer.from(item)
  out[at] = change(out[at] as number)
  return out
}

const PLAIN = sign(toSign({ tags: [tag('A', '1')], data: textHex('hello') }))
/** Where the parts of PLAIN begin: after type and signature, owner, target, anchor. */
const OWNER_AT = 66
const TARGET_AT = OWNER_AT + 32
const TAGS_AT = TARGET_AT + 33 + 1

function withOwner(owner: string): Buffer {
  const out = Buffer.from(PLAIN)
  out.set(fromHex(owner), OWNER_AT)
  return out
}

type ItemInput = { readonly item: string }
const item = (bytes: Uint8Array): ItemInput => ({ item: toHex(bytes) })
const rsa = (name: keyof typeof RSA): Buffer => fromHex(RSA[name])

const DATA_ITEMS = subject<ItemInput>({
  subject: 'data-items',
  about:
    'Data items (ANS-104) read strictly: one item has one byte form. id = base64url of ' +
    'SHA-256 of ' +
    `the signature; ${ADDRESS_ABOUT}; signed = the deep hash (SHA-384, hex) that the signature ` +
    'signs (file item-signing). Signature types: 1 (RSA-PSS 4096, SHA-256, exponent 65537, ' +
    'any length of salt) and 2 (Ed25519; refused before the equation: a key or R that is not ' +
    'canonical or of small order, S not below the order). Input: item (hex). Output: the ' +
    'parts (owner, target, anchor and data as hex), id, address, signed, and verdict: "ok" ' +
    'or the code; of what is no item {error: code}.',
  inputs: [
    ['Ed25519', item(PLAIN)],
    ['Ed25519, nothing at all', item(sign(toSign({ target: '' })))],
    ['RSA', item(rsa('message'))],
    ['RSA with an anchor and no target', item(rsa('spawn'))],
    ['RSA, nothing at all', item(rsa('empty'))],
    [
      'RSA, one bit of the data is another',
      item(withByte(rsa('message'), rsa('message').length - 1, (byte) => byte ^ 1)),
    ],
    [
      'RSA, a modulus of less than 4096 bits',
      item(withByte(rsa('empty'), 514, (byte) => byte & 0x7f)),
    ],
    ['RSA, an even modulus', item(withByte(rsa('empty'), 1_025, (byte) => byte & 0xfe))],
    ['one bit of the signature is another', item(withByte(PLAIN, 2, (byte) => byte ^ 1))],
    ['one bit of the target is another', item(withByte(PLAIN, TARGET_AT + 1, (byte) => byte ^ 1))],
    ['S plus the order: malleable', item(withOrderAdded(PLAIN))],
    ['R of small order, though the equation holds', item(withSmallOrderR(PLAIN))],
    ['a key of small order', item(withOwner(`01${'00'.repeat(31)}`))],
    ['a key that is not canonical', item(withOwner(`ee${'ff'.repeat(30)}7f`))],
    ['no bytes', item(Buffer.alloc(0))],
    ['signature type 3', item(withByte(PLAIN, 0, () => 3))],
    ['cut off in the owner', item(PLAIN.subarray(0, 70))],
    ['cut off in the tags', item(PLAIN.subarray(0, TAGS_AT + 18))],
    ['a presence byte of 2', item(withByte(PLAIN, TARGET_AT, () => 2))],
    ['a number of tags that is not theirs', item(withByte(PLAIN, TAGS_AT, () => 2))],
    ['a negative number of tags in the block', item(withByte(PLAIN, TAGS_AT + 16, () => 1))],
    ['a tag whose value is empty', item(withByte(PLAIN, TAGS_AT + 19, () => 0))],
    ['a tag that is not UTF-8', item(withByte(PLAIN, TAGS_AT + 18, () => 0xff))],
  ],
  compute: ({ item }) =>
    orCode(() => {
      const parsed = parseDataItem(fromHex(item))
      const { signatureType, owner, target, anchor, tags, data } = parsed
      const verdict = verifyDataItem(parsed)
      return {
        signatureType,
        owner: toHex(owner),
        target: toHex(target),
        anchor: toHex(anchor),
        tags,
        data: toHex(data),
        id: parsed.id,
        address: parsed.address,
        signed: toHex(signedHash(parsed)),
        verdict: verdict.ok ? 'ok' : verdict.code,
      }
    }),
})

/** An item of KEY for a network, by its tags. */
export function itemFor(
  network: string,
  fields: { target?: string; tags?: readonly Tag[]; data?: string } = {},
): Buffer {
  const { target = idOf('target'), tags = [], data = '' } = fields
  return signDataItem(KEY, {
    target: fromBase64Url(target),
    tags: [tag('HB-Network', network), ...tags],
    data: Buffer.from(data),
  })
}

export const RSA_ITEMS: readonly Named<Buffer>[] = [
  ['RSA', rsa('message')],
  ['RSA, a spawn', rsa('spawn')],
  ['RSA, without tags', rsa('empty')],
]

export const ITEM_SUBJECTS: readonly Subject[] = [ITEM_SIGNING, DATA_ITEMS]
