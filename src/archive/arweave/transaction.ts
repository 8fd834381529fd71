// Arweave transactions of format 2, by arweave-js: signed, cut into chunks, verified; and the form
// in which one is written down before it is posted.
//
// A prepared transaction: u32 bytes of the JSON | JSON {"height", "transaction"} | data
//   `height`: of the chain when it was signed, from which its anchor's time runs; `transaction`: as
//   it is posted, without its data. (The integer is little-endian.)
//
// Invariants: T1 an id is the hash of a signature over owner, tags, anchor, reward, size and root
// of the data, so a verified header and data with its root are what was signed. T2 whatever a
// gateway sends, it is verified or refused with `archive-item-altered`.

import { verify as verifySignature } from 'node:crypto'
import transactionModule from 'arweave/node/lib/transaction.js'
import { OWNER_BYTES, ownerAddress, ownerKey, RSA_PSS } from '../../protocol/ans104/index.ts'
import type { Tag } from '../../protocol/ans104/index.ts'
import {
  asBuffer,
  fromBase64Url,
  isIdText,
  sha256Text,
  toBase64Url,
  utf8Text,
} from '../../std/bytes.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import type { Prepared, Signer } from '../port.ts'
import type { Anchor } from './chain.ts'

/** What signs transactions too: a `Wallet` of RSA is one. */
export type ArweaveSigner = Signer & {
  /** Its public key: the modulus, 512 bytes. */
  readonly owner: Uint8Array
  /** RSA-PSS with SHA-256 over the bytes. */
  signBytes(bytes: Uint8Array): Buffer
}

/** As it is posted, and as a gateway gives it back. Names and values of tags are base64url. */
export type Header = {
  readonly format: 2
  readonly id: string
  readonly last_tx: string
  readonly owner: string
  readonly tags: readonly Tag[]
  readonly target: string
  readonly quantity: string
  readonly data_size: string
  readonly data_root: string
  readonly reward: string
  readonly signature: string
}

export type Signed = { readonly header: Header; readonly height: number; readonly data: Buffer }

/** Of a verified header. */
export type Verified = {
  readonly owner: string
  readonly tags: readonly Tag[]
  readonly dataBytes: number
  /** base64url. */
  readonly dataRoot: string
}

export type Unsigned = Anchor & {
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
  /** Winston. */
  readonly fee: bigint
}

type Form = InstanceType<typeof transactionModule.default>
type Fields = ConstructorParameters<typeof transactionModule.default>[0]

export async function signTransaction(signer: ArweaveSigner, what: Unsigned): Promise<Signed> {
  const { tags, anchor, height, fee } = what
  const data = asBuffer(what.data)
  const form = formOf({
    last_tx: anchor,
    owner: toBase64Url(signer.owner),
    data_size: String(data.length),
    reward: String(fee),
  })
  for (const { name, value } of tags) form.addTag(name, value)
  await form.prepareChunks(data)
  const signature = signer.signBytes(await form.getSignatureData())
  const header: Header = {
    format: 2,
    id: sha256Text(signature),
    last_tx: form.last_tx,
    owner: form.owner,
    tags: form.tags.map(({ name, value }) => ({ name, value })),
    target: form.target,
    quantity: form.quantity,
    data_size: form.data_size,
    data_root: form.data_root,
    reward: form.reward,
    signature: toBase64Url(signature),
  }
  return { header, height, data }
}

export function pack({ header, height, data }: Signed): Prepared {
  const json = Buffer.from(JSON.stringify({ height, transaction: header }))
  const size = Buffer.alloc(4)
  size.writeUInt32LE(json.length)
  return { id: header.id, bytes: Buffer.concat([size, json, data]) }
}

/** Throws `store-file-corrupt` where the bytes are not what `pack` made. */
export function unpack({ id, bytes }: Prepared): Signed {
  const all = asBuffer(bytes)
  try {
    const end = 4 + all.readUInt32LE(0)
    const json: unknown = JSON.parse(all.toString('utf8', 4, end))
    const { height, transaction } = json as { height: number; transaction: Header }
    const data = all.subarray(end)
    if (transaction.id === id && transaction.data_size === String(data.length)) {
      return { header: transaction, height, data }
    }
  } catch {
    // what it says is of no use to anybody
  }
  throw new HbError('store-file-corrupt', `not the prepared transaction ${id}`)
}

/** The tags that it was signed with. */
export function tagsOf({ tags }: Header): Tag[] {
  return tags.map(({ name, value }) => ({ name: textOf(name), value: textOf(value) }))
}

/** What `/chunk` takes, of each chunk of the data in order. */
export type Chunks = { readonly count: number; at(index: number): object }

export async function chunksOf({ header, data }: Signed): Promise<Chunks> {
  const form = formOf({ data_size: header.data_size })
  await form.prepareChunks(data)
  return {
    count: form.chunks?.chunks.length ?? 0,
    at: (index) => form.getChunk(index, data),
  }
}

/** base64url; '' for no data. */
export async function dataRoot(data: Uint8Array): Promise<string> {
  const form = formOf({})
  await form.prepareChunks(data)
  return form.data_root
}

/** Throws `archive-item-altered`. */
export async function verifyHeader(id: string, given: unknown): Promise<Verified> {
  try {
    return await verified(id, checkForm(given))
  } catch (error) {
    if (isHbError(error)) throw error
    // arweave-js and OpenSSL have errors of their own for what is no transaction
    throw altered(`${id}: ${String(error)}`)
  }
}

async function verified(id: string, header: Header): Promise<Verified> {
  const owner = fromBase64Url(header.owner)
  const signature = fromBase64Url(header.signature)
  if (sha256Text(signature) !== id) throw altered(`${id} came as ${sha256Text(signature)}`)
  if (owner.length !== OWNER_BYTES[RSA_PSS]) throw altered(`${id}: its key is not of RSA 4096`)
  const form = formOf({ ...header, tags: [], data_size: header.data_size })
  for (const { name, value } of tagsOf(header)) form.addTag(name, value)
  const signed = await form.getSignatureData()
  if (!verifySignature('sha256', signed, ownerKey(RSA_PSS, owner), signature)) {
    throw altered(`${id}: its signature does not hold`)
  }
  return {
    owner: ownerAddress(owner),
    tags: tagsOf(header),
    dataBytes: Number(header.data_size),
    dataRoot: header.data_root,
  }
}

const TEXTS = ['last_tx', 'owner', 'target', 'data_root', 'signature'] as const
const NUMBERS = ['quantity', 'data_size', 'reward'] as const

function checkForm(given: unknown): Header {
  const fields = given as Record<string, unknown>
  for (const name of TEXTS) {
    const value = fields[name]
    if (typeof value !== 'string' || !/^[\w-]*$/.test(value)) throw altered(`its ${name}`)
  }
  for (const name of NUMBERS) {
    if (!/^\d{1,24}$/.test(String(fields[name]))) throw altered(`its ${name}`)
  }
  if (Number(fields['format']) !== 2) throw altered('its format is not 2')
  if (fields['data_root'] !== '' && !isIdText(fields['data_root'] as string)) {
    throw altered('its data_root')
  }
  const tags = fields['tags']
  if (!Array.isArray(tags) || !tags.every(isTag)) throw altered('its tags')
  return given as Header
}

function isTag(value: unknown): value is Tag {
  const { name, value: text } = (value ?? {}) as Record<string, unknown>
  return typeof name === 'string' && typeof text === 'string'
}

function textOf(base64: string): string {
  const text = utf8Text(fromBase64Url(base64))
  if (text === undefined) throw altered('a tag that is not UTF-8')
  return text
}

function formOf(fields: NonNullable<Fields>): Form {
  return new transactionModule.default(fields)
}

export function altered(detail: string): HbError {
  return new HbError('archive-item-altered', detail)
}
