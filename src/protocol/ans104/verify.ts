// The one verifier of data items: HTTP door, sequencer, fisher and archive all judge by it.
//
// Invariants: I1 a verdict is a function of the item's bytes alone; what is cached never shows in
// it. I2 an instance keeps at most `ownersMax` owners (about 3 KB each), whoever sends. I3 an
// instance serves one thread, synchronously.

import { verify as verifySignature, type KeyObject } from 'node:crypto'
import { HbError, isHbError, type ErrorCode } from '../../std/errors.ts'
import { parseDataItem, type DataItem } from './data-item.ts'
import { ItemHasher, type Acc } from './deep-hash.ts'
import { RSA_PSS, type SignatureType } from './format.ts'
import { ownerFlaw, ownerKey, signatureFlaw } from './public-key.ts'

/**
 * `id` and `address` (the owner's) are base64url text of 32 bytes; `code` is of the error table.
 */
export type Verdict =
  | { readonly ok: true; readonly id: string; readonly address: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly text: string }

export type DataItemVerifier = {
  /** Judges a parsed item's key and signature. Never throws. */
  item(item: DataItem): Verdict
  /** Parses, then judges. Never throws. */
  bytes(bytes: Uint8Array): Verdict
}

/** `ownersMax`: owners whose key objects are kept. Default 4096. */
export function createDataItemVerifier(options: { ownersMax?: number } = {}): DataItemVerifier {
  const hasher = new ItemHasher()
  const owners = new OwnerCache(options.ownersMax ?? 4096, hasher)
  const item = (item: DataItem): Verdict => judge(item, hasher, owners)
  const bytes = (bytes: Uint8Array): Verdict => {
    let parsed: DataItem
    try {
      parsed = parseDataItem(bytes)
    } catch (error) {
      if (isHbError(error)) return { ok: false, code: error.code, text: error.message }
      throw error
    }
    return item(parsed)
  }
  return { item, bytes }
}

/** For a single item: `createDataItemVerifier` keeps what repeats. */
export function verifyDataItem(item: DataItem): Verdict {
  return createDataItemVerifier({ ownersMax: 1 }).item(item)
}

function judge(item: DataItem, hasher: ItemHasher, owners: OwnerCache): Verdict {
  const owner = owners.get(item.signatureType, item.owner)
  if (owner.flaw !== undefined) return refused('owner-key-refused', owner.flaw)
  const flaw = signatureFlaw(item.signatureType, item.signature)
  if (flaw !== undefined) return refused('signature-invalid', flaw)
  const digest = hasher.digestAfterAnchor(owner.afterAnchor(item, hasher), item)
  return owner.holds(digest, item.signature)
    ? { ok: true, id: item.id, address: owner.address(item) }
    : refused('signature-invalid', '')
}

function refused(code: ErrorCode, detail: string): Verdict {
  return { ok: false, code, text: new HbError(code, detail).message }
}

/**
 * What is kept of an owner: its key, the hash up to its place, and the place of its last item,
 * which often repeats.
 */
class Owner {
  readonly bytes: Buffer
  readonly flaw: string | undefined
  readonly #hash: 'sha256' | null
  readonly #key: KeyObject | undefined
  readonly #afterOwner: Acc
  #target: string | undefined
  #afterTarget: Acc = ''
  #afterNoAnchor: Acc | undefined
  #address: string | undefined

  constructor(type: SignatureType, owner: Buffer, hasher: ItemHasher) {
    // Not Buffer.from: a small copy would keep a whole slab of node's buffer pool alive.
    this.bytes = Buffer.allocUnsafeSlow(owner.length)
    this.bytes.set(owner)
    this.#hash = type === RSA_PSS ? 'sha256' : null
    const flaw = ownerFlaw(type, owner)
    this.#key = flaw === undefined ? keyOrNone(type, owner) : undefined
    this.flaw = flaw ?? (this.#key === undefined ? 'it is no public key' : undefined)
    this.#afterOwner = this.flaw === undefined ? hasher.afterOwner(type, owner) : ''
  }

  afterAnchor(item: DataItem, hasher: ItemHasher): Acc {
    const target = item.target.toString('latin1')
    if (this.#target !== target) {
      this.#target = target
      this.#afterTarget = hasher.foldTarget(this.#afterOwner, item.target, target)
      this.#afterNoAnchor = undefined
    }
    if (item.anchor.length > 0) return hasher.fold(this.#afterTarget, item.anchor)
    return (this.#afterNoAnchor ??= hasher.fold(this.#afterTarget, item.anchor))
  }

  holds(digest: Buffer, signature: Buffer): boolean {
    if (this.#key === undefined) return false
    try {
      return verifySignature(this.#hash, digest, this.#key, signature)
    } catch {
      return false
    }
  }

  address(item: DataItem): string {
    return (this.#address ??= item.address)
  }
}

function keyOrNone(type: SignatureType, owner: Buffer): KeyObject | undefined {
  try {
    return ownerKey(type, owner)
  } catch {
    return undefined
  }
}

// Two generations instead of a list in order of use: a hit in the young one writes nothing, and
// when that is full it becomes the old one. Keys are 32 bytes of the owner, compared in full on a
// hit: a collision is only a miss.
class OwnerCache {
  readonly #generationMax: number
  readonly #hasher: ItemHasher
  #young = new Map<string, Owner>()
  #old = new Map<string, Owner>()

  constructor(ownersMax: number, hasher: ItemHasher) {
    this.#generationMax = Math.max(1, ownersMax >>> 1)
    this.#hasher = hasher
  }

  get(type: SignatureType, bytes: Buffer): Owner {
    const key = bytes.toString('latin1', 0, 32)
    const young = this.#young.get(key)
    if (young?.bytes.equals(bytes) === true) return young
    const old = this.#old.get(key)
    const owner = old?.bytes.equals(bytes) === true ? old : new Owner(type, bytes, this.#hasher)
    if (this.#young.size >= this.#generationMax && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, owner)
    return owner
  }
}
