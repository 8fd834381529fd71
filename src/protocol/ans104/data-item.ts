// A data item read in place: every part is a view of the bytes it was parsed from; nothing is
// copied.
//
// Invariants: I1 parsing is strict, so an item has one byte form: encodeDataItem(parse(bytes)) =
// bytes. I2 parsing judges form only; the signature is verify.ts's. I3 the bytes must not change
// while an item is in use.

import { hash } from 'node:crypto'
import { asBuffer, EMPTY } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'
import {
  ANCHOR_BYTES,
  ED25519,
  OWNER_BYTES,
  RSA_PSS,
  SIGNATURE_BYTES,
  TARGET_BYTES,
  type SignatureType,
  type Tag,
} from './format.ts'
import { checkTags, decodeTags, encodeTags } from './tags.ts'

/**
 * Views of one item's bytes; target and anchor are empty where absent. Tags, id and address are
 * made when asked for.
 */
export class DataItem {
  readonly bytes: Buffer
  readonly signatureType: SignatureType
  readonly signature: Buffer
  readonly owner: Buffer
  readonly target: Buffer
  readonly anchor: Buffer
  readonly tagBytes: Buffer
  readonly data: Buffer
  #tags: readonly Tag[] | undefined
  #id: string | undefined
  #address: string | undefined

  constructor(bytes: Buffer, type: SignatureType, places: Places) {
    this.bytes = bytes
    this.signatureType = type
    this.signature = bytes.subarray(2, places.owner)
    this.owner = bytes.subarray(places.owner, places.target)
    this.target = bytes.subarray(places.target + 1, places.anchor)
    this.anchor = bytes.subarray(places.anchor + 1, places.tags)
    this.tagBytes = bytes.subarray(places.tags + 16, places.data)
    this.data = bytes.subarray(places.data)
  }

  /** In the order they were signed; names may repeat. */
  get tags(): readonly Tag[] {
    return (this.#tags ??= decodeTags(this.tagBytes))
  }

  /** base64url of SHA-256 of the signature. */
  get id(): string {
    return (this.#id ??= hash('sha256', this.signature, 'base64url'))
  }

  /** The owner's wallet address: base64url of SHA-256 of the owner. */
  get address(): string {
    return (this.#address ??= ownerAddress(this.owner))
  }
}

/**
 * base64url of SHA-256 of a public key, as ANS-104 writes it (RSA: the modulus; Ed25519: the 32
 * bytes).
 */
export function ownerAddress(owner: Uint8Array): string {
  return hash('sha256', owner, 'base64url')
}

/**
 * Offsets of the parts; `target` and `anchor` are those of their presence bytes, `tags` of the
 * number of tags.
 */
type Places = {
  readonly owner: number
  readonly target: number
  readonly anchor: number
  readonly tags: number
  readonly data: number
}

/**
 * Reads a data item in place. Throws `item-malformed` (what and where) or
 * `signature-type-unsupported`.
 */
export function parseDataItem(input: Uint8Array): DataItem {
  const bytes = asBuffer(input)
  if (bytes.length < 2) throw malformed('cut off in the signature type', bytes.length)
  const type = (bytes[0] as number) | ((bytes[1] as number) << 8)
  if (type !== RSA_PSS && type !== ED25519) {
    throw new HbError('signature-type-unsupported', `type ${type}`)
  }
  const owner = 2 + SIGNATURE_BYTES[type]
  const target = owner + OWNER_BYTES[type]
  const anchor = afterOptional(bytes, target, TARGET_BYTES, 'target')
  const tags = afterOptional(bytes, anchor, ANCHOR_BYTES, 'anchor')
  if (bytes.length < tags + 16) throw malformed('cut off in the tag header', bytes.length)
  const count = readSmallU64(bytes, tags, 'number of tags')
  const data = tags + 16 + readSmallU64(bytes, tags + 8, 'number of tag bytes')
  if (data > bytes.length) throw malformed('cut off in the tags', bytes.length)
  const item = new DataItem(bytes, type, { owner, target, anchor, tags, data })
  checkTags(item.tagBytes, count)
  return item
}

export type DataItemFields = {
  /** 32 bytes; absent or empty for none. */
  readonly target?: Uint8Array
  /** 32 bytes, free for the signer to choose; absent or empty for none. */
  readonly anchor?: Uint8Array
  readonly tags?: readonly Tag[]
  readonly data?: Uint8Array
}

/**
 * The bytes of an item; throws `item-malformed` where a part has not the length or form it must
 * have.
 */
export function encodeDataItem(
  type: SignatureType,
  signature: Uint8Array,
  owner: Uint8Array,
  fields: DataItemFields,
): Buffer {
  const { target = EMPTY, anchor = EMPTY, tags = [], data = EMPTY } = fields
  checkPart('signature', signature, SIGNATURE_BYTES[type])
  checkPart('owner', owner, OWNER_BYTES[type])
  if (target.length > 0) checkPart('target', target, TARGET_BYTES)
  if (anchor.length > 0) checkPart('anchor', anchor, ANCHOR_BYTES)
  const tagBytes = encodeTags(tags)
  const heads = 2 + signature.length + owner.length + 1 + target.length + 1 + anchor.length
  const out = Buffer.allocUnsafe(heads + 16 + tagBytes.length + data.length)
  let at = out.writeUInt16LE(type, 0)
  at = put(out, at, signature)
  at = put(out, at, owner)
  at = put(out, out.writeUInt8(target.length > 0 ? 1 : 0, at), target)
  at = put(out, out.writeUInt8(anchor.length > 0 ? 1 : 0, at), anchor)
  at = out.writeBigUInt64LE(BigInt(tags.length), at)
  at = out.writeBigUInt64LE(BigInt(tagBytes.length), at)
  at = put(out, at, tagBytes)
  put(out, at, data)
  return out
}

function put(out: Buffer, at: number, part: Uint8Array): number {
  out.set(part, at)
  return at + part.length
}

function checkPart(name: string, part: Uint8Array, bytes: number): void {
  if (part.length === bytes) return
  throw new HbError('item-malformed', `${name}: ${part.length} bytes, must be ${bytes}`)
}

function afterOptional(bytes: Buffer, at: number, length: number, name: string): number {
  const presence = bytes[at]
  if (presence === undefined) throw malformed(`cut off before the ${name}`, bytes.length)
  if (presence > 1) throw malformed(`presence byte of the ${name} is ${presence}`, at)
  const end = at + 1 + presence * length
  if (end > bytes.length) throw malformed(`cut off in the ${name}`, bytes.length)
  return end
}

// Anything that needs more than 16 bits is over its limit anyway, so the other six bytes must be
// zero.
function readSmallU64(bytes: Buffer, at: number, name: string): number {
  for (let i = at + 2; i < at + 8; i++) {
    if (bytes[i] !== 0) throw malformed(`${name} is over its limit`, at)
  }
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
}

function malformed(detail: string, offset: number): HbError {
  return new HbError('item-malformed', `${detail}, at byte ${offset}`)
}
