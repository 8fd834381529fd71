// Items that are cut, padded, bent or over a limit: refused with a code, and never read in two
// ways.

import { beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { generateWallet, type Wallet } from '../../../src/client/wallet.ts'
import {
  createDataItemVerifier,
  encodeDataItem,
  parseDataItem,
  type DataItemFields,
  type Tag,
} from '../../../src/protocol/ans104/index.ts'
import { isHbError } from '../../../src/std/errors.ts'

const verifier = createDataItemVerifier()
let wallet: Wallet
let rsa: Wallet

const FULL: DataItemFields = {
  target: new Uint8Array(32).fill(7),
  anchor: new Uint8Array(32).fill(9),
  tags: [
    { name: 'Action', value: 'Transfer' },
    { name: 'Größe', value: '数 1' },
  ],
  data: Buffer.from('some data'),
}
const TAGS_AT = 2 + 64 + 32 + 33 + 33

beforeAll(async () => {
  wallet = await generateWallet('ed25519')
  rsa = await generateWallet('rsa')
})

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (isHbError(error)) return error.code
    throw error
  }
  return 'accepted'
}

/** An Ed25519 item (unsigned) around raw tag bytes. */
function withRawTags(count: number, tagBytes: Uint8Array, length = tagBytes.length): Buffer {
  const head = Buffer.alloc(2 + 64 + 32 + 2 + 16)
  head.writeUInt16LE(2, 0)
  head.writeBigUInt64LE(BigInt(count), 100)
  head.writeBigUInt64LE(BigInt(length), 108)
  return Buffer.concat([head, tagBytes])
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('an item cut anywhere before its data is malformed, and cut within it does not verify', () => {
  const bytes = wallet.sign(FULL)
  const dataAt = bytes.length - 9
  for (let length = 0; length < bytes.length; length++) {
    const verdict = verifier.bytes(bytes.subarray(0, length))
    expect(verdict).toMatchObject({
      ok: false,
      code: length < dataAt ? 'item-malformed' : 'signature-invalid',
    })
  }
  expect(verifier.bytes(bytes).ok).toBe(true)
  expect(verifier.bytes(Buffer.concat([bytes, Buffer.alloc(1)])).ok).toBe(false)
})

test('no flipped bit of an Ed25519 item is accepted, and none throws', () => {
  const bytes = wallet.sign(FULL)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const bent = Buffer.from(bytes)
    bent[bit >> 3] = (bent[bit >> 3] as number) ^ (1 << (bit & 7))
    expect(verifier.bytes(bent).ok).toBe(false)
  }
})

test('no flipped bit of an RSA item is accepted, and none throws', () => {
  const bytes = rsa.sign(FULL)
  fc.assert(
    fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
      const bent = Buffer.from(bytes)
      bent[bit >> 3] = (bent[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(verifier.bytes(bent).ok).toBe(false)
    }),
    { numRuns: 600 },
  )
})

test('what parses has one byte form', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(3), (tail, count) => {
      const bytes = withRawTags(count, tail, Math.min(tail.length, 12))
      if (codeOf(() => parseDataItem(bytes)) !== 'accepted') return
      const { signature, owner, tags, data } = parseDataItem(bytes)
      expect(encodeDataItem(2, signature, owner, { tags, data }).equals(bytes)).toBe(true)
    }),
    { numRuns: 3000 },
  )
})

describe('form', () => {
  test.each([0, 3, 4, 5, 6, 7, 255, 256, 258, 513, 65535])('signature type %i', (type) => {
    const bytes = Buffer.from(wallet.sign({}))
    bytes.writeUInt16LE(type, 0)
    expect(codeOf(() => parseDataItem(bytes))).toBe('signature-type-unsupported')
  })

  test('presence bytes are 0 or 1', () => {
    for (const at of [98, 131]) {
      for (const value of [2, 3, 0x80, 0xff]) {
        const bytes = Buffer.from(wallet.sign(FULL))
        bytes[at] = value
        expect(codeOf(() => parseDataItem(bytes))).toBe('item-malformed')
      }
    }
  })

  test('no byte of the two tag counts is ignored', () => {
    for (let at = TAGS_AT; at < TAGS_AT + 16; at++) {
      const bytes = Buffer.from(wallet.sign(FULL))
      bytes[at] = (bytes[at] as number) ^ 0x80
      expect(codeOf(() => parseDataItem(bytes))).toBe('item-malformed')
    }
  })

  test('parts are views of the input', () => {
    const bytes = wallet.sign(FULL)
    const item = parseDataItem(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length))
    for (const part of [item.signature, item.owner, item.target, item.anchor, item.data]) {
      expect(part.buffer).toBe(bytes.buffer)
    }
    expect(item.data.toString()).toBe('some data')
    expect(item.tags).toEqual(FULL.tags)
  })
})

describe('tags', () => {
  test.each([
    ['one tag, canonical', 1, '02 02 61 02 62 00', 'accepted'],
    ['no tag, no bytes', 0, '', 'accepted'],
    ['no tag, but an end', 0, '00', 'item-malformed'],
    ['count without bytes', 1, '', 'item-malformed'],
    ['count larger than the array', 2, '02 02 61 02 62 00', 'item-malformed'],
    ['count smaller than the array', 1, '04 02 61 02 62 02 61 02 62 00', 'item-malformed'],
    ['two blocks', 2, '02 02 61 02 62 02 02 61 02 62 00', 'item-malformed'],
    ['a block of negative count', 1, '01 08 02 61 02 62 00', 'item-malformed'],
    ['no end', 1, '02 02 61 02 62', 'item-malformed'],
    ['another byte for the end', 1, '02 02 61 02 62 01', 'item-malformed'],
    ['a byte after the end', 1, '02 02 61 02 62 00 00', 'item-malformed'],
    ['a padded count', 1, '82 00 02 61 02 62 00', 'item-malformed'],
    ['a padded length', 1, '02 82 00 61 02 62 00', 'item-malformed'],
    ['a length of three bytes', 1, '02 82 80 01 61 02 62 00', 'item-malformed'],
    ['a negative length', 1, '02 01 61 02 62 00', 'item-malformed'],
    ['a length over the end', 1, '02 02 61 7e 62 00', 'item-malformed'],
    ['an empty name', 1, '02 00 02 62 00', 'item-malformed'],
    ['an empty value', 1, '02 02 61 00 00', 'item-malformed'],
    ['a name that is not UTF-8', 1, '02 02 ff 02 62 00', 'item-malformed'],
    ['a value in overlong UTF-8', 1, '02 02 61 04 c0 80 00', 'item-malformed'],
    ['a surrogate in UTF-8', 1, '02 02 61 06 ed a0 80 00', 'item-malformed'],
    ['two-byte UTF-8', 1, '02 02 61 04 c3 a9 00', 'accepted'],
  ])('%s', (_, count, bytes, expected) => {
    expect(codeOf(() => parseDataItem(withRawTags(count, hex(bytes))))).toBe(expected)
  })

  const tag = (name: number, value: number): Tag => ({
    name: 'n'.repeat(name),
    value: 'v'.repeat(value),
  })
  const many = (count: number): Tag[] => Array.from({ length: count }, () => tag(1, 1))
  // 2 + 1018 + 2 + 3072 of tags, count and end: 4096 in all.
  test.each([
    ['128 tags', many(128), 'accepted'],
    ['129 tags', many(129), 'item-malformed'],
    ['a name of 1024 bytes', [tag(1024, 1)], 'accepted'],
    ['a name of 1025 bytes', [tag(1025, 1)], 'item-malformed'],
    ['a value of 3072 bytes', [tag(1, 3072)], 'accepted'],
    ['a value of 3073 bytes', [tag(1, 3073)], 'item-malformed'],
    ['4096 bytes', [tag(1018, 3072)], 'accepted'],
    ['4097 bytes', [tag(1019, 3072)], 'item-malformed'],
    ['a lone surrogate', [{ name: 'a', value: '\ud800' }], 'item-malformed'],
  ])('encoding keeps the limits, parsing too: %s', (_, tags, expected) => {
    expect(codeOf(() => wallet.sign({ tags }))).toBe(expected)
    expect(codeOf(() => parseDataItem(withRawTags(tags.length, looseTags(tags))))).toBe(expected)
  })
})

/** Avro without limits. */
function looseTags(tags: readonly Tag[]): Buffer {
  const parts: Buffer[] = [long(tags.length)]
  for (const { name, value } of tags) {
    for (const text of [name, value]) {
      const bytes = text === '\ud800' ? hex('ed a0 80') : Buffer.from(text)
      parts.push(long(bytes.length), bytes)
    }
  }
  return Buffer.concat([...parts, Buffer.alloc(1)])
}

function long(value: number): Buffer {
  const bytes: number[] = []
  let rest = value * 2
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}
