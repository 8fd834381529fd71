// Signing data items. The key stays an opaque KeyObject: nothing here prints or exports it.

import { constants, sign, type KeyObject } from 'node:crypto'
import { encodeDataItem, parseDataItem, type DataItemFields } from './data-item.ts'
import { ItemHasher } from './deep-hash.ts'
import { RSA_PSS, SIGNATURE_BYTES, type SignatureType } from './format.ts'

export type SigningKey = {
  readonly signatureType: SignatureType
  /** The public key as ANS-104 writes it: RSA modulus (512 bytes) or Ed25519 key (32 bytes). */
  readonly owner: Uint8Array
  readonly privateKey: KeyObject
}

/** The bytes of a signed item. Throws `item-malformed` where a field breaks the standard. */
export function signDataItem(key: SigningKey, fields: DataItemFields): Buffer {
  const { signatureType: type, owner } = key
  const blank = Buffer.alloc(SIGNATURE_BYTES[type])
  const bytes = encodeDataItem(type, blank, owner, fields)
  const hasher = new ItemHasher()
  const digest = hasher.digest(hasher.afterOwner(type, owner), parseDataItem(bytes))
  bytes.set(signBytes(key, digest), 2)
  return bytes
}

/** The bare signature: RSA-PSS with SHA-256, or Ed25519. */
export function signBytes(key: SigningKey, bytes: Uint8Array): Buffer {
  if (key.signatureType !== RSA_PSS) return sign(null, bytes, key.privateKey)
  return sign('sha256', bytes, {
    key: key.privateKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  })
}
