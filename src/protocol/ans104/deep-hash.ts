// Arweave's deep hash (SHA-384), which a data item's signature signs.
//
//   H(blob) = SHA-384( SHA-384("blob" ‖ decimal length) ‖ SHA-384(bytes) )
//   H(list) = the last acc: acc₀ = SHA-384("list" ‖ decimal count), then for each part
//             accᵢ = SHA-384( accᵢ₋₁ ‖ H(partᵢ) )
//   a data item: H(["dataitem", "1", signature type in decimal, owner, target, anchor, tag bytes,
//                   data])
//
// Digests travel as binary text (one character a byte): a one-shot hash to text costs a third of
// one to a Buffer.
// Invariants: I1 an ItemHasher's scratch buffers are its own, so one instance serves one thread and
// is not re-entrant. I2 its caches are bounded: LENGTHS_CACHED_MAX hashes of lengths,
// TARGETS_CACHED_MAX of targets (many wallets write to few processes).

import { hash } from 'node:crypto'
import type { SignatureType } from './format.ts'

export type DeepHashChunk = Uint8Array | readonly DeepHashChunk[]

/**
 * The deep hash of any nesting of lists and blobs: 48 bytes. Recursive: the caller bounds the
 * depth.
 */
export function deepHash(chunk: DeepHashChunk): Buffer {
  if (chunk instanceof Uint8Array) {
    const pair = Buffer.concat([lengthHash('blob', chunk.length), sha384(chunk)])
    return sha384(pair)
  }
  let acc = lengthHash('list', chunk.length)
  for (const part of chunk) acc = sha384(Buffer.concat([acc, deepHash(part)]))
  return acc
}

const DIGEST_BYTES = 48
const LENGTHS_CACHED_MAX = 8192
const TARGETS_CACHED_MAX = 1024
const EMPTY_BLOB = deepHash(new Uint8Array(0)).toString('latin1')

/** What is hashed of a data item after its owner. */
export type HashedParts = {
  readonly target: Uint8Array
  readonly anchor: Uint8Array
  readonly tagBytes: Uint8Array
  readonly data: Uint8Array
}

/** A running digest, as binary text. */
export type Acc = string

/**
 * The same hash as `deepHash` of the eight parts, in steps, so that what repeats can be kept by the
 * caller.
 */
export class ItemHasher {
  readonly #pair = Buffer.allocUnsafe(2 * DIGEST_BYTES)
  readonly #digest = Buffer.allocUnsafe(DIGEST_BYTES)
  readonly #lengths = new Map<number, Acc>()
  readonly #targets = new Map<string, Acc>()
  readonly #heads: Readonly<Record<SignatureType, Acc>>

  constructor() {
    const list = lengthHash('list', 8).toString('latin1')
    const head = ['dataitem', '1'].reduce((acc, text) => this.#foldText(acc, text), list)
    this.#heads = { 1: this.#foldText(head, '1'), 2: this.#foldText(head, '2') }
  }

  /** After "dataitem", "1", signature type and owner. */
  afterOwner(type: SignatureType, owner: Uint8Array): Acc {
    return this.fold(this.#heads[type], owner)
  }

  /** One more part. */
  fold(acc: Acc, part: Uint8Array): Acc {
    if (part.length === 0) return this.#pairHash(acc, EMPTY_BLOB)
    return this.#pairHash(acc, this.#blob(part))
  }

  /**
   * `fold` of a part that other items are likely to have too; `key` is its bytes as binary text.
   */
  foldTarget(acc: Acc, target: Uint8Array, key: string): Acc {
    if (target.length === 0) return this.#pairHash(acc, EMPTY_BLOB)
    let blob = this.#targets.get(key)
    if (blob === undefined) {
      blob = this.#blob(target)
      if (this.#targets.size >= TARGETS_CACHED_MAX) this.#targets.clear()
      this.#targets.set(key, blob)
    }
    return this.#pairHash(acc, blob)
  }

  /** The whole hash, from `afterOwner`. The 48 bytes returned are overwritten by the next call. */
  digest(afterOwner: Acc, parts: HashedParts): Buffer {
    return this.digestAfterAnchor(
      this.fold(this.fold(afterOwner, parts.target), parts.anchor),
      parts,
    )
  }

  /**
   * The whole hash, from after the anchor. The 48 bytes returned are overwritten by the next call.
   */
  digestAfterAnchor(afterAnchor: Acc, parts: HashedParts): Buffer {
    const acc = this.fold(this.fold(afterAnchor, parts.tagBytes), parts.data)
    this.#digest.write(acc, 0, DIGEST_BYTES, 'latin1')
    return this.#digest
  }

  #foldText(acc: Acc, text: string): Acc {
    return this.fold(acc, Buffer.from(text))
  }

  #blob(part: Uint8Array): Acc {
    return this.#pairHash(this.#lengthHash(part.length), hash('sha384', part, 'binary'))
  }

  #pairHash(left: Acc, right: Acc): Acc {
    this.#pair.write(left, 0, DIGEST_BYTES, 'latin1')
    this.#pair.write(right, DIGEST_BYTES, DIGEST_BYTES, 'latin1')
    return hash('sha384', this.#pair, 'binary')
  }

  #lengthHash(length: number): Acc {
    const known = this.#lengths.get(length)
    if (known !== undefined) return known
    const made = lengthHash('blob', length).toString('latin1')
    if (length < LENGTHS_CACHED_MAX) this.#lengths.set(length, made)
    return made
  }
}

function lengthHash(kind: 'blob' | 'list', length: number): Buffer {
  return sha384(Buffer.from(`${kind}${length}`))
}

function sha384(bytes: Uint8Array): Buffer {
  return hash('sha384', bytes, 'buffer')
}
