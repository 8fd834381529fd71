// The message of a dry run: what a wallet or a process would send, with no signature and no place.
//
// Invariants: Y1 a wallet's is judged as the door judges signed bytes (signed.ts), the network's
// own tags included, so that whoever signs the same fields has the same action. Y2 what cannot be
// such a message throws `dry-run-malformed` with the field, or the code that the door refuses with.

import { EMPTY, fromBase64Url, isIdText, toBase64Url } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import { ED25519, encodeDataItem, OWNER_BYTES, SIGNATURE_BYTES } from './ans104/index.ts'
import type { Network } from './genesis.ts'
import type { Message, Tag } from './message.ts'
import { contentBytes, ENVELOPE_BYTES } from './outbox.ts'
import { inputText, signedMessage } from './signed.ts'

export type DryRunSpec = {
  /** Wallet address, or with `from: 'process'` a process id. */
  readonly caller: string
  /** Default 'wallet'. */
  readonly from?: 'wallet' | 'process'
  /** Default 'message', which is all that a wallet sends. */
  readonly kind?: 'message' | 'notice' | 'bounce'
  /** The tag Action. */
  readonly action?: string
  readonly tags?: Readonly<Record<string, string>> | readonly Tag[]
  /**
   * Text as it is (with dataEncoding 'base64url': bytes); any other value becomes JSON, with its
   * Content-Type.
   */
  readonly data?: unknown
  readonly dataEncoding?: 'utf8' | 'base64url'
  readonly hops?: number
  readonly count?: number
  readonly budget?: string
  /** Of the entry, ms since the epoch; default: now. */
  readonly timestamp?: number
  /** Of the message: a contract's randomness follows from it; default: one that no message has. */
  readonly id?: string
  /** The state after this slot; default: the current one. */
  readonly atSlot?: number
}

const FIELDS: Readonly<Record<keyof DryRunSpec, (value: unknown) => boolean>> = {
  caller: isId,
  from: (value) => value === 'wallet' || value === 'process',
  kind: (value) => value === 'message' || value === 'notice' || value === 'bounce',
  action: isText,
  tags: isTagList,
  data: (value) => typeof value !== 'string' || isText(value),
  dataEncoding: (value) => value === 'utf8' || value === 'base64url',
  hops: isWhole,
  count: isWhole,
  budget: (value) => typeof value === 'string' && /^(0|[1-9][0-9]{0,77})$/.test(value),
  timestamp: isWhole,
  id: isId,
  atSlot: isWhole,
}
const NO_ID = toBase64Url(new Uint8Array(32))

/** Takes a value from outside for what it says. Throws `dry-run-malformed`. */
export function dryRunSpec(value: unknown): DryRunSpec {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    malformed('not an object')
  }
  for (const [name, each] of Object.entries(value)) {
    if (!Object.hasOwn(FIELDS, name)) malformed(`${name} is not known`)
    if (each === undefined) continue
    if (!FIELDS[name as keyof DryRunSpec](each)) malformed(name)
  }
  if (!Object.hasOwn(value, 'caller')) malformed('caller is missing')
  return value as DryRunSpec
}

/** Throws what the door would refuse it with. */
export function dryRunMessage(network: Network, process: string, given: DryRunSpec): Message {
  const spec = dryRunSpec(given)
  return spec.from === 'process'
    ? processMessage(network, process, spec)
    : walletMessage(network, process, spec)
}

function walletMessage(network: Network, process: string, spec: DryRunSpec): Message {
  if (spec.kind !== undefined && spec.kind !== 'message') {
    malformed(`kind ${spec.kind}: a wallet sends messages`)
  }
  const { id: networkId, genesis } = network
  const own = ownTags(spec)
  const ofNetwork: Tag[] = [
    ...absent(own, 'HB-Network', networkId),
    ...(genesis.generation === 0 ? [] : absent(own, 'HB-Generation', String(genesis.generation))),
    ...(spec.hops === undefined ? [] : [{ name: 'HB-Hops', value: String(spec.hops) }]),
    ...(spec.count === undefined ? [] : [{ name: 'HB-Count', value: String(spec.count) }]),
    ...(spec.budget === undefined ? [] : [{ name: 'HB-Budget', value: spec.budget }]),
  ]
  const { data, isJson } = dataOf(spec)
  const type = isJson ? absent(own, 'Content-Type', 'application/json') : []
  const signature = Buffer.alloc(SIGNATURE_BYTES[ED25519])
  const owner = Buffer.alloc(OWNER_BYTES[ED25519])
  const item = encodeDataItem(ED25519, signature, owner, {
    target: fromBase64Url(process),
    anchor: Buffer.alloc(32),
    tags: [...own, ...ofNetwork, ...type],
    data,
  })
  return { ...signedMessage(network, item), id: spec.id ?? NO_ID, caller: spec.caller }
}

/** As what a contract sends went through checkOutbox. */
function processMessage(network: Network, process: string, spec: DryRunSpec): Message {
  const { limits } = network.genesis
  const own = ownTags(spec)
  const { data, isJson } = dataOf(spec)
  const tags = isJson ? [...own, ...absent(own, 'Content-Type', 'application/json')] : own
  if (tags.length > limits.tagsMax) throw new HbError('tags-too-many', `${tags.length} tags`)
  let bytes = 0
  for (const { name, value } of tags) bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  if (bytes > limits.tagBytesMax) throw new HbError('tags-too-large', `${bytes} bytes of tags`)
  const size = contentBytes({ target: process, tags, data })
  if (size > limits.messageBytesMax - ENVELOPE_BYTES) {
    throw new HbError('message-too-large', `${size} bytes`)
  }
  inputText(tags, data, limits)
  const { hops = limits.hopsDefault, count = limits.countDefault, budget = '0' } = spec
  if (hops > limits.hopsMax) throw new HbError('hops-exceeded', `${hops}`)
  if (count > limits.countMax) throw new HbError('count-exceeded', `${count}`)
  const { caller, id = NO_ID, kind = 'message' } = spec
  const content = { kind, target: process, tags, data, hops, count, budget }
  return { ...content, id, caller, from: 'process', process, digest: EMPTY }
}

function ownTags({ action, tags = [] }: DryRunSpec): Tag[] {
  const list: readonly Tag[] = Array.isArray(tags)
    ? (tags as readonly Tag[])
    : Object.entries(tags as Record<string, string>).map(([name, value]) => ({ name, value }))
  if (action === undefined) return [...list]
  if (list.some(({ name }) => name === 'Action')) malformed('Action is given twice')
  return [{ name: 'Action', value: action }, ...list]
}

function absent(tags: readonly Tag[], name: string, value: string): Tag[] {
  return tags.some((tag) => tag.name === name) ? [] : [{ name, value }]
}

function dataOf({ data, dataEncoding }: DryRunSpec): { data: Uint8Array; isJson: boolean } {
  if (data === undefined) return { data: EMPTY, isJson: false }
  if (data instanceof Uint8Array) return { data, isJson: false }
  if (dataEncoding === 'base64url') {
    if (typeof data !== 'string' || !/^[A-Za-z0-9_-]*$/.test(data)) malformed('data: no base64url')
    return { data: Buffer.from(data, 'base64url'), isJson: false }
  }
  if (typeof data === 'string') return { data: Buffer.from(data), isJson: false }
  const text = JSON.stringify(data) as string | undefined
  if (text === undefined) malformed('data has no JSON form')
  return { data: Buffer.from(text), isJson: true }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.isWellFormed()
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && isIdText(value)
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isTagList(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (!Array.isArray(value)) return Object.values(value).every(isText)
  return value.every((tag: unknown) => {
    const { name, value: text } = (tag ?? {}) as Partial<Tag>
    return isText(name) && isText(text)
  })
}

function malformed(detail: string): never {
  throw new HbError('dry-run-malformed', detail)
}
