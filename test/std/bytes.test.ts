import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  asBuffer,
  equalBytes,
  fromBase64Url,
  isIdText,
  sha256,
  toBase64Url,
  utf8Text,
} from '../../src/std/bytes.ts'

const hash32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('base64url', () => {
  test('comes back as the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromBase64Url(toBase64Url(bytes)).equals(bytes)).toBe(true)
      }),
    )
  })

  test('has RFC 4648 spellings, without padding', () => {
    expect(toBase64Url(Buffer.from('f'))).toBe('Zg')
    expect(toBase64Url(Buffer.from('foobar'))).toBe('Zm9vYmFy')
    expect(toBase64Url(Uint8Array.of(0xfb, 0xff, 0xfe))).toBe('-__-')
  })

  test('of a view takes only what the view shows', () => {
    const memory = Uint8Array.of(1, 2, 3, 4)
    expect(toBase64Url(memory.subarray(1, 3))).toBe(toBase64Url(Uint8Array.of(2, 3)))
  })
})

describe('isIdText', () => {
  test('takes the text of 32 bytes', () => {
    fc.assert(fc.property(hash32, (bytes) => isIdText(toBase64Url(bytes))))
  })

  test('takes a text if and only if it is what its 32 bytes are written as', () => {
    const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ \n']
    const near = fc.string({ unit: fc.constantFrom(...alphabet), minLength: 42, maxLength: 44 })
    fc.assert(
      fc.property(near, (text) => {
        const bytes = fromBase64Url(text)
        expect(isIdText(text)).toBe(bytes.length === 32 && toBase64Url(bytes) === text)
      }),
      { numRuns: 500 },
    )
  })

  test('refuses spare bits in the last character, a newline at the end, other lengths', () => {
    const zeros = 'A'.repeat(43)
    expect(isIdText(zeros)).toBe(true)
    const near = zeros.slice(1)
    for (const text of ['', `${near}B`, `${near}\n`, `${zeros}A`, `${zeros}\n`]) {
      expect(isIdText(text)).toBe(false)
    }
  })
})

test('sha256 has the vectors of FIPS 180-4', () => {
  expect(sha256(Buffer.from('abc')).toString('hex')).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
  expect(sha256(new Uint8Array(0)).toString('hex')).toBe(
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  )
})

test('asBuffer copies nothing', () => {
  const memory = Uint8Array.of(1, 2, 3, 4)
  const view = asBuffer(memory.subarray(1, 3))
  memory[1] = 9
  expect([...view]).toEqual([9, 3])
  expect(asBuffer(view)).toBe(view)
})

test('equalBytes compares content and length', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      expect(equalBytes(a, Uint8Array.from(a))).toBe(true)
      expect(equalBytes(a, b)).toBe(toBase64Url(a) === toBase64Url(b))
    }),
  )
  expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false)
})

describe('utf8Text', () => {
  test('gives the text of every well-formed string, a byte order mark included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(utf8Text(Buffer.from(text))).toBe(text)
      }),
    )
    expect(utf8Text(Buffer.from('\ufeffa'))).toBe('\ufeffa')
  })

  test.each([
    ['a lone continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['cut off', [0xe2, 0x82]],
  ])('refuses %s', (_name, bytes) => {
    expect(utf8Text(Uint8Array.from(bytes))).toBeUndefined()
  })
})
