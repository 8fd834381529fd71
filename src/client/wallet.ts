// Wallets: a key pair that signs messages. RSA-PSS 4096 (Arweave's own) or Ed25519, kept as JWK
// text.
//
// Invariants: I1 the private key is reachable only by `toJwk`, which is for saving: printing,
// inspecting or serialising a wallet shows its address and type, nothing else, and no error quotes
// a key. I2 a file that loads signs with the key that its address belongs to. I3 a wallet file is
// never overwritten and only its owner may read it.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import {
  createDataItemVerifier,
  ED25519,
  OWNER_BYTES,
  ownerAddress,
  RSA_PSS,
  signBytes,
  signDataItem,
  type DataItemFields,
  type SignatureType,
  type SigningKey,
} from '../protocol/ans104/index.ts'
import { fromBase64Url } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'

const generate = promisify(generateKeyPair)

export type WalletKind = 'rsa' | 'ed25519'

export class Wallet {
  readonly signatureType: SignatureType
  /** 43 characters of base64url: SHA-256 of the public key. */
  readonly address: string
  readonly #key: SigningKey

  constructor(key: SigningKey) {
    this.signatureType = key.signatureType
    this.address = ownerAddress(key.owner)
    this.#key = key
  }

  get kind(): WalletKind {
    return this.signatureType === RSA_PSS ? 'rsa' : 'ed25519'
  }

  /** The public key as ANS-104 writes it (512 or 32 bytes). */
  get owner(): Uint8Array {
    return this.#key.owner
  }

  /** The bytes of a signed data item. Throws `item-malformed`. */
  sign(fields: DataItemFields): Buffer {
    return signDataItem(this.#key, fields)
  }

  /** The bare signature: of an Arweave transaction's deep hash, where it is posted to Arweave. */
  signBytes(bytes: Uint8Array): Buffer {
    return signBytes(this.#key, bytes)
  }

  /**
   * The wallet file's text, SECRET: a JWK as Arweave wallets (RSA) or RFC 8037 (Ed25519) have it.
   */
  toJwk(): string {
    return `${JSON.stringify(this.#key.privateKey.export({ format: 'jwk' }))}\n`
  }

  toJSON(): { address: string; kind: WalletKind } {
    return { address: this.address, kind: this.kind }
  }
}

/** A new key pair. RSA takes a second or so of one thread of the pool. */
export async function generateWallet(kind: WalletKind): Promise<Wallet> {
  const { privateKey } =
    kind === 'rsa'
      ? await generate('rsa', { modulusLength: 4096, publicExponent: 65537 })
      : await generate('ed25519')
  return walletOf(privateKey)
}

/**
 * A wallet of a JWK's text or its parsed value. Throws `wallet-malformed`, which never quotes the
 * file.
 */
export function walletFromJwk(jwk: string | JsonWebKey): Wallet {
  const parsed: unknown = typeof jwk === 'string' ? parseJwk(jwk) : jwk
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw malformed('it is no JSON object')
  }
  const { kty, n, e, crv, x, d } = parsed as JsonWebKey
  if (typeof d !== 'string') throw malformed('it has no private key')
  if (kty === 'RSA' && e !== 'AQAB') throw malformed('its public exponent is not 65537')
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey({ key: parsed as JsonWebKey, format: 'jwk' })
  } catch {
    throw malformed('it is no private key in JWK form')
  }
  const wallet = walletOf(privateKey)
  if ((wallet.kind === 'rsa') !== (kty === 'RSA' && crv === undefined)) {
    throw malformed('its kty and crv disagree')
  }
  const stated = fromBase64Url((wallet.kind === 'rsa' ? n : x) ?? '')
  if (!stated.equals(wallet.owner) || !isRsaWhole(parsed as JsonWebKey)) {
    throw malformed('its public and private key disagree')
  }
  const probe = createDataItemVerifier({ ownersMax: 1 }).bytes(wallet.sign({}))
  if (!probe.ok) throw malformed('what it signs does not verify')
  return wallet
}

/** Throws `wallet-malformed`, or the file system's own error. */
export async function loadWallet(path: string): Promise<Wallet> {
  return walletFromJwk(await readFile(path, 'utf8'))
}

/**
 * Writes a new file that only its owner may read. Throws `wallet-exists` where there is one
 * already.
 */
export async function saveWallet(wallet: Wallet, path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new HbError('wallet-exists', path)
    throw error
  })
  try {
    await file.writeFile(wallet.toJwk())
    await file.sync()
  } finally {
    await file.close()
  }
}

function walletOf(privateKey: KeyObject): Wallet {
  const { kty, crv, n, x } = createPublicKey(privateKey).export({ format: 'jwk' })
  const isRsa = kty === 'RSA'
  if (!isRsa && crv !== 'Ed25519') throw malformed('neither RSA nor Ed25519')
  const signatureType = isRsa ? RSA_PSS : ED25519
  const owner = fromBase64Url((isRsa ? n : x) ?? '')
  if (owner.length !== OWNER_BYTES[signatureType]) throw malformed('its key is not of 4096 bits')
  return new Wallet({ signatureType, owner, privateKey })
}

// OpenSSL signs with the primes and never looks at the exponent; other software does the reverse.
function isRsaWhole({ kty, n, d, p, q }: JsonWebKey): boolean {
  if (kty !== 'RSA') return true
  const [prime1, prime2] = [bigOf(p), bigOf(q)]
  if (prime1 < 3n || prime2 < 3n || prime1 * prime2 !== bigOf(n)) return false
  const product = 65537n * bigOf(d)
  return product % (prime1 - 1n) === 1n && product % (prime2 - 1n) === 1n
}

function bigOf(text: string | undefined): bigint {
  return BigInt(`0x0${fromBase64Url(text ?? '').toString('hex')}`)
}

function parseJwk(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw malformed('it is no JSON')
  }
}

function malformed(detail: string): HbError {
  return new HbError('wallet-malformed', detail)
}
