// Wallets of the seed: their keys, and what they sign, are the same in every run of it.

import { createPrivateKey } from 'node:crypto'
import { Wallet } from '../../../src/client/index.ts'
import type { DataItemFields, SigningKey } from '../../../src/protocol/ans104/index.ts'
import { ED25519 } from '../../../src/protocol/ans104/index.ts'
import type { Random } from '../../../src/std/random.ts'
import { fromBase64Url } from '../../../src/std/bytes.ts'

/** RFC 8410: a PKCS#8 Ed25519 private key is this, and then the 32 bytes of the seed. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

export type SimWallet = {
  readonly address: string
  /** Signs with an anchor of the seed: nothing that is signed is random. */
  sign(fields: DataItemFields): Buffer
}

export function simWallet(random: Random): SimWallet {
  const wallet = new Wallet(simKey(random))
  return {
    address: wallet.address,
    sign: (fields) => wallet.sign({ ...fields, anchor: bytesOf(random, 32) }),
  }
}

export function simKey(random: Random): SigningKey {
  const der = Buffer.concat([PKCS8, bytesOf(random, 32)])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const { x } = privateKey.export({ format: 'jwk' })
  return { signatureType: ED25519, owner: fromBase64Url(x as string), privateKey }
}

export function bytesOf(random: Random, count: number): Buffer {
  const bytes = Buffer.alloc(count)
  for (let at = 0; at < count; at += 4) bytes.writeUInt32LE(random.uint32(), at)
  return bytes
}
