// Public keys of owners, and what is refused of a key or a signature before any arithmetic.
//
// Refused, because somebody else's verifier could judge it differently or because anyone could have
// signed with it:
//   RSA: a modulus that is not of exactly 4096 bits, or even.
//   Ed25519 (RFC 8032, section 5.1): a key or R whose y is not below p (two encodings of one
//   point); a key or R of small order, under any encoding (a signature that holds for many
//   messages); S not below L (malleable).
// What remains is judged by OpenSSL: the equation without cofactor, R compared byte by byte.

import { createPublicKey, type KeyObject } from 'node:crypto'
import { RSA_PSS, type SignatureType } from './format.ts'

// SubjectPublicKeyInfo (DER) up to the key. RSA's names RSASSA-PSS without parameters (RFC 4055,
// section 3.1): the key object then stands for "PSS, any hash, any salt length", and node's verify
// takes it bare. An options object beside it (padding, saltLength) costs 13 µs a call: node finds
// out what it is by exceptions.
const RSA_HEAD = Buffer.from(
  '30820220300b06092a864886f70d01010a0382020f003082020a0282020100',
  'hex',
)
const RSA_TAIL = Buffer.from('0203010001', 'hex')
const ED25519_HEAD = Buffer.from('302a300506032b6570032100', 'hex')

/** Why an owner's key is refused, or undefined. */
export function ownerFlaw(type: SignatureType, owner: Buffer): string | undefined {
  if (type === RSA_PSS) {
    if ((owner[0] as number) < 0x80) return 'the RSA modulus has less than 4096 bits'
    if (((owner[511] as number) & 1) === 0) return 'the RSA modulus is even'
    return undefined
  }
  return pointFlaw(owner, 'the Ed25519 key')
}

/** Why a signature is refused before its equation is looked at, or undefined. */
export function signatureFlaw(type: SignatureType, signature: Buffer): string | undefined {
  if (type === RSA_PSS) return undefined
  if (!isBelowOrder(signature)) return 'S is not below the group order'
  return pointFlaw(signature, 'R')
}

/**
 * The key for node's `verify`: with 'sha256' for RSA (PSS, any salt length), with null for Ed25519.
 * Throws where OpenSSL refuses the bytes.
 */
export function ownerKey(type: SignatureType, owner: Uint8Array): KeyObject {
  const parts = type === RSA_PSS ? [RSA_HEAD, owner, RSA_TAIL] : [ED25519_HEAD, owner]
  return createPublicKey({ key: Buffer.concat(parts), format: 'der', type: 'spki' })
}

// L = 2^252 + 27742317777372353535851937790883648493, little-endian, as the second half of a
// signature.
const ORDER = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex')

function isBelowOrder(signature: Buffer): boolean {
  if ((signature[63] as number) < 0x10) return true
  for (let i = 31; i >= 0; i--) {
    const digit = signature[32 + i] as number
    const limit = ORDER[i] as number
    if (digit !== limit) return digit < limit
  }
  return false
}

// The y of all eight points of small order, little-endian, sign bit clear: 0, 1, -1, and the two of
// order eight.
const SMALL_ORDER_Y = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map((hex) => Buffer.from(hex, 'hex'))

// Looks at the first 32 bytes; the sign bit does not matter: both points of a small-order y are of
// small order.
function pointFlaw(bytes: Buffer, name: string): string | undefined {
  if (isNotBelowPrime(bytes)) return `${name} is not canonical`
  return SMALL_ORDER_Y.some((y) => hasY(bytes, y)) ? `${name} is of small order` : undefined
}

// p = 2^255 − 19: only the nineteen values from p to 2^255 − 1 are not below it.
function isNotBelowPrime(bytes: Buffer): boolean {
  if ((bytes[0] as number) < 0xed || ((bytes[31] as number) & 0x7f) !== 0x7f) return false
  for (let i = 1; i < 31; i++) if (bytes[i] !== 0xff) return false
  return true
}

function hasY(bytes: Buffer, y: Buffer): boolean {
  if (((bytes[31] as number) & 0x7f) !== y[31]) return false
  for (let i = 0; i < 31; i++) if (bytes[i] !== y[i]) return false
  return true
}
