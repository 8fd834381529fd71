// A wallet's message out of its data item: which tags mean something to the network, and what they
// may say.
//
// Tags, all optional but the first: HB-Network = network id; HB-Generation = decimal, default 0;
// HB-Type = Message (default) or Process (a spawn: no target); HB-Expires = ms since the epoch;
// HB-Hops, HB-Count = decimal; HB-Budget = amount. The prefix keeps them apart from the tags that
// contracts read.
// Invariants: W1 what this returns depends on the item's bytes and genesis alone. W2 the signature
// is not judged here.

import { EMPTY, toBase64Url, utf8Text } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import { DataItem, parseDataItem } from './ans104/index.ts'
import { contentBytes, ENVELOPE_BYTES } from './outbox.ts'
import type { Network } from './genesis.ts'
import { parseStrictJson } from './json.ts'
import type { ProtocolLimits } from './limits.ts'
import type { Message, Tag } from './message.ts'
import { signedDigest, tagValue } from './message.ts'

const WHOLE = /^(0|[1-9][0-9]{0,15})$/
const AMOUNT = /^(0|[1-9][0-9]{0,77})$/

/**
 * Data item → message: its bytes, or what they were parsed to. Throws `item-malformed`,
 * `message-too-large`, `network-mismatch`, `generation-mismatch`, `target-missing`,
 * `tag-malformed`, `tags-too-many`, `tags-too-large`, `hops-exceeded`, `count-exceeded`, or a code
 * of strict JSON.
 */
export function signedMessage(network: Network, given: Uint8Array | DataItem): Message {
  const limits = network.genesis.limits
  const bytes = given instanceof DataItem ? given.bytes : given
  if (bytes.length > limits.messageBytesMax - ENVELOPE_BYTES) {
    throw new HbError(
      'message-too-large',
      `${bytes.length} bytes, at most ${limits.messageBytesMax - ENVELOPE_BYTES}`,
    )
  }
  const item = given instanceof DataItem ? given : parseDataItem(bytes)
  const { tags } = item
  checkTags(tags, item, limits)
  checkNetwork(network, tags)
  const spawn = spawns(tags)
  const target = item.target.length === 0 ? '' : toBase64Url(item.target)
  if (spawn !== (target === '')) {
    throw new HbError(
      'target-missing',
      spawn ? 'a spawn (HB-Type: Process) has no target' : 'the item names no target process',
    )
  }
  checkInput(tags, item.data, limits)
  const expires = tagValue(tags, 'HB-Expires')
  return {
    id: item.id,
    caller: item.address,
    from: 'wallet',
    process: spawn ? item.id : target,
    kind: spawn ? 'spawn' : 'message',
    target,
    tags,
    data: item.data,
    hops: whole(tags, 'HB-Hops', limits.hopsDefault, limits.hopsMax, 'hops-exceeded'),
    count: whole(tags, 'HB-Count', limits.countDefault, limits.countMax, 'count-exceeded'),
    budget: amount(tags),
    digest: signedDigest(bytes),
    ...(expires === undefined ? {} : { expires: expiry(expires) }),
  }
}

/**
 * The data parsed as JSON where its Content-Type says so; otherwise undefined. Throws a code of
 * strict JSON.
 */
export function inputText(
  tags: readonly Tag[],
  data: Uint8Array,
  limits: Pick<ProtocolLimits, 'inputDepthMax' | 'messageBytesMax'>,
): string | undefined {
  if (tagValue(tags, 'Content-Type') !== 'application/json' || data.length === 0) return undefined
  parseStrictJson(data, { depthMax: limits.inputDepthMax, bytesMax: limits.messageBytesMax })
  return utf8Text(data)
}

function checkInput(tags: readonly Tag[], data: Uint8Array, limits: ProtocolLimits): void {
  inputText(tags, data.length === 0 ? EMPTY : data, limits)
}

function checkTags(tags: readonly Tag[], item: DataItem, limits: ProtocolLimits): void {
  if (tags.length > limits.tagsMax) {
    throw new HbError('tags-too-many', `${tags.length} tags, at most ${limits.tagsMax}`)
  }
  const bytes = contentBytes({ target: '', tags, data: EMPTY })
  if (
    bytes > limits.tagBytesMax + 64 + 8 * tags.length ||
    item.tagBytes.length > limits.tagBytesMax
  ) {
    throw new HbError('tags-too-large', `at most ${limits.tagBytesMax} bytes of tags`)
  }
}

function checkNetwork(network: Network, tags: readonly Tag[]): void {
  const named = tagValue(tags, 'HB-Network')
  if (named !== network.id) {
    throw new HbError('network-mismatch', `HB-Network: ${named ?? 'none'}; this is ${network.id}`)
  }
  const generation = tagValue(tags, 'HB-Generation') ?? '0'
  if (generation !== String(network.genesis.generation)) {
    throw new HbError(
      'generation-mismatch',
      `HB-Generation: ${generation}; the network is at ${network.genesis.generation}`,
    )
  }
}

function spawns(tags: readonly Tag[]): boolean {
  const type = tagValue(tags, 'HB-Type') ?? 'Message'
  if (type !== 'Message' && type !== 'Process') {
    throw new HbError('tag-malformed', 'HB-Type must be Message or Process')
  }
  return type === 'Process'
}

function whole(
  tags: readonly Tag[],
  name: string,
  fallback: number,
  most: number,
  code: 'hops-exceeded' | 'count-exceeded',
): number {
  const text = tagValue(tags, name)
  if (text === undefined) return Math.min(fallback, most)
  if (!WHOLE.test(text)) throw new HbError('tag-malformed', `${name} must be a whole number`)
  const value = Number(text)
  if (value > most) throw new HbError(code, `${name}: ${text}, at most ${most}`)
  return value
}

function expiry(text: string): number {
  const value = WHOLE.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(value)) {
    throw new HbError('tag-malformed', 'HB-Expires must be milliseconds')
  }
  return value
}

function amount(tags: readonly Tag[]): string {
  const text = tagValue(tags, 'HB-Budget') ?? '0'
  if (!AMOUNT.test(text)) throw new HbError('tag-malformed', 'HB-Budget must be a decimal integer')
  return text
}
