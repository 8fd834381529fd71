// Keys and signatures that pass the equation, or could somewhere else, and are refused all the
// same.

import * as crypto from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { generateWallet, type Wallet } from '../../../src/client/wallet.ts'
import {
  createDataItemVerifier,
  encodeDataItem,
  parseDataItem,
  verifyDataItem,
} from '../../../src/protocol/ans104/index.ts'
import { ItemHasher } from '../../../src/protocol/ans104/deep-hash.ts'

const P = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const D = mod(-121665n * inverse(121666n))
// The y of the points of order 8, times four.
const ORDER_EIGHT = [
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map((hex) => number(Buffer.from(hex, 'hex')))

let ed: Wallet
let rsa: Wallet

beforeAll(async () => {
  ed = await generateWallet('ed25519')
  rsa = await generateWallet('rsa')
})

function mod(value: bigint): bigint {
  return ((value % P) + P) % P
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) {
    if ((e & 1n) === 1n) result = mod(result * b)
  }
  return result
}

function inverse(value: bigint): bigint {
  return power(value, P - 2n)
}

function number(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}

function little(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()
}

/**
 * y of the doubled point, from y alone: x² = (y² − 1) / (dy² + 1), y' = (y² + x²) / (1 − dx²y²).
 */
function doubledY(y: bigint): bigint {
  const yy = mod(y * y)
  const xx = mod((yy - 1n) * inverse(D * yy + 1n))
  return mod((yy + xx) * inverse(1n - D * xx * yy))
}

function judge(owner: Uint8Array, signature: Uint8Array): unknown {
  return verifyDataItem(parseDataItem(encodeDataItem(2, signature, owner, {})))
}

/** Every y in 32 bytes, with and without the sign bit, that stands for a point of small order. */
function smallOrderEncodings(): Buffer[] {
  const canonical = [0n, 1n, P - 1n, ...ORDER_EIGHT]
  const all = [...canonical, ...canonical.map((y) => y + P).filter((y) => y < 2n ** 255n)]
  return all.flatMap((y) => [little(y), little(y + 2n ** 255n)])
}

describe('Ed25519', () => {
  test('the two values are of order eight', () => {
    for (const y of ORDER_EIGHT) {
      expect(doubledY(y)).toBe(0n)
      expect(doubledY(doubledY(y))).toBe(P - 1n)
      expect(doubledY(doubledY(doubledY(y)))).toBe(1n)
    }
  })

  test('keys of small order are refused in every encoding, whatever the signature', () => {
    const identity = Buffer.concat([little(1n), little(0n)])
    expect(smallOrderEncodings().length).toBe(14)
    for (const owner of smallOrderEncodings()) {
      expect(judge(owner, identity)).toMatchObject({
        code: 'owner-key-refused',
        text: expect.stringMatching(/small order|not canonical/),
      })
    }
  })

  test('keys whose y is not below p are refused, with and without the sign bit', () => {
    for (let extra = 0n; extra < 19n; extra++) {
      for (const sign of [0n, 2n ** 255n]) {
        const verdict = judge(little(P + extra + sign), Buffer.alloc(64, 1))
        expect(verdict).toMatchObject({ ok: false, code: 'owner-key-refused' })
      }
    }
    const below = judge(little(P - 2n), Buffer.alloc(64, 1))
    expect(below).toMatchObject({ ok: false, code: 'signature-invalid' })
  })

  test('S + kL is refused for every k that fits', () => {
    const bytes = ed.sign({ data: Buffer.from('x') })
    const s = number(parseDataItem(bytes).signature.subarray(32))
    for (let k = 1n; s + k * L < 2n ** 256n; k++) {
      const bent = Buffer.from(bytes)
      bent.set(little(s + k * L), 2 + 32)
      expect(verifyDataItem(parseDataItem(bent))).toMatchObject({ code: 'signature-invalid' })
    }
    for (const s of [L, L + 1n, 2n ** 256n - 1n]) {
      const text = { code: 'signature-invalid', text: expect.stringContaining('group order') }
      expect(judge(ed.owner, Buffer.concat([Buffer.alloc(32, 9), little(s)]))).toMatchObject(text)
    }
    const highest = judge(ed.owner, Buffer.concat([Buffer.alloc(32, 9), little(L - 1n)]))
    expect(highest).toMatchObject({ text: expect.not.stringContaining('group order') })
  })

  test('R of small order or not below p is refused before any arithmetic', () => {
    for (const r of [...smallOrderEncodings(), little(P + 5n)]) {
      expect(judge(ed.owner, Buffer.concat([r, little(5n)]))).toMatchObject({
        code: 'signature-invalid',
        text: expect.stringContaining(': R is'),
      })
    }
  })
})

describe('RSA', () => {
  /** An item signed with this salt length; the digest is ours, the signature node's. */
  function salted(saltLength: number): Buffer {
    const bytes = Buffer.from(rsa.sign({ data: Buffer.from('salt') }))
    const item = parseDataItem(bytes)
    const hasher = new ItemHasher()
    const digest = hasher.digest(hasher.afterOwner(1, item.owner), item)
    const key = crypto.createPrivateKey({ key: JSON.parse(rsa.toJwk()), format: 'jwk' })
    const padding = crypto.constants.RSA_PKCS1_PSS_PADDING
    bytes.set(crypto.sign('sha256', digest, { key, padding, saltLength }), 2)
    return bytes
  }

  test.each([0, 1, 20, 32, 64, 477, 478])('a salt of %i bytes is accepted', (saltLength) => {
    expect(verifyDataItem(parseDataItem(salted(saltLength))).ok).toBe(true)
  })

  test('PKCS#1 v1.5 and other hashes are refused', () => {
    const bytes = Buffer.from(rsa.sign({}))
    const item = parseDataItem(bytes)
    const hasher = new ItemHasher()
    const digest = hasher.digest(hasher.afterOwner(1, item.owner), item)
    const key = crypto.createPrivateKey({ key: JSON.parse(rsa.toJwk()), format: 'jwk' })
    const pss = { key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
    for (const signature of [
      crypto.sign('sha256', digest, key),
      crypto.sign('sha512', digest, pss),
      crypto.sign('sha1', digest, pss),
    ]) {
      bytes.set(signature, 2)
      expect(verifyDataItem(parseDataItem(bytes))).toMatchObject({ code: 'signature-invalid' })
    }
  })

  test('the signature plus the modulus, where it fits, is refused', () => {
    for (let tries = 0; tries < 200; tries++) {
      const bytes = Buffer.from(rsa.sign({ data: Buffer.from([tries]) }))
      const item = parseDataItem(bytes)
      const sum =
        BigInt(`0x${item.signature.toString('hex')}`) + BigInt(`0x${item.owner.toString('hex')}`)
      if (sum >= 2n ** 4096n) continue
      bytes.set(Buffer.from(sum.toString(16).padStart(1024, '0'), 'hex'), 2)
      expect(verifyDataItem(parseDataItem(bytes))).toMatchObject({ code: 'signature-invalid' })
      return
    }
    // A modulus close to 2^4096 leaves next to no room: then there is nothing to forge this way
    // either.
    expect((rsa.owner[0] as number) >= 0xf8).toBe(true)
  })

  test('a modulus with another length or even is refused', () => {
    const short = Buffer.from(rsa.owner)
    short[0] = (short[0] as number) & 0x7f
    const even = Buffer.from(rsa.owner)
    even[511] = (even[511] as number) & 0xfe
    for (const owner of [short, even, Buffer.alloc(512)]) {
      const item = parseDataItem(encodeDataItem(1, Buffer.alloc(512, 1), owner, {}))
      expect(verifyDataItem(item)).toMatchObject({ ok: false, code: 'owner-key-refused' })
    }
  })
})

test('what a verifier has cached never shows in a verdict', async () => {
  const wallets = await Promise.all(Array.from({ length: 7 }, () => generateWallet('ed25519')))
  const targets = [0, 1].map((byte) => new Uint8Array(32).fill(byte))
  const small = createDataItemVerifier({ ownersMax: 4 })
  const items = [...wallets, rsa].flatMap((wallet) =>
    [{}, { target: targets[0] }, { target: targets[1], anchor: targets[0] }].map((fields) =>
      wallet.sign(fields as Parameters<Wallet['sign']>[0]),
    ),
  )
  for (let i = 0; i < 400; i++) {
    const bytes = Buffer.from(items[(i * 7 + (i >> 3)) % items.length] as Buffer)
    if (i % 5 === 0) bytes[bytes.length - 20] = (bytes[bytes.length - 20] as number) ^ 1
    const fresh = createDataItemVerifier().bytes(bytes)
    expect(small.bytes(bytes)).toEqual(fresh)
    expect(fresh.ok).toBe(i % 5 !== 0)
  }
})
