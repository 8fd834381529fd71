// What a contract may send: the check between its end and the installation of its changes (R3, R5,
// R9).
// Invariant: what passes here is admissible everywhere later; nothing is refused for its content
// afterwards.

import { EMPTY, isIdText } from '../std/bytes.ts'
import type { ErrorCode } from '../std/errors.ts'
import { HbError, isHbError } from '../std/errors.ts'
import { parseStrictJson } from './json.ts'
import type { ProtocolLimits } from './limits.ts'
import type { Content, MessageKind, Tag } from './message.ts'
import { SALT_TAG, SALT_UNITS_MAX, tagValue, UPGRADE_TAG } from './message.ts'

/** What is left to the message being handled; the outbox shares it out and can never add to it. */
export type Allowance = { readonly hops: number; readonly count: number; readonly budget: string }

export type OutboxLimits = Pick<
  ProtocolLimits,
  | 'outboxMessagesMax'
  | 'outboxBytesMax'
  | 'messageBytesMax'
  | 'tagsMax'
  | 'tagBytesMax'
  | 'inputDepthMax'
>

const AMOUNT = /^(0|[1-9][0-9]{0,77})$/
const KEYS = new Set(['target', 'tags', 'data', 'kind', 'hops', 'count', 'budget', 'salt'])
/** What a draft calls a message that gives its own process another module. */
const UPGRADE = 'upgrade'
/** Kinds that a contract may send: a bounce is the network's own. */
const SENT: ReadonlySet<string> = new Set<MessageKind | typeof UPGRADE>([
  'message',
  'notice',
  'event',
  'spawn',
  UPGRADE,
])

/**
 * Drafts as a contract returned them → contents with hops, count and budget shared out. Throws
 * `outbox-malformed` (with the path), `outbox-too-many`, `outbox-too-large`, `hops-exhausted`,
 * `count-exhausted`, `budget-exceeded`.
 *
 * Data that is JSON by its Content-Type (a value always is) must be strict JSON, as at the door.
 * Sharing: a message has one hop less than its parent. Each relayed message costs one of `count`;
 * what is left after that and after explicit shares is split evenly, rounded down. Budget goes only
 * where it is named.
 */
export function checkOutbox(
  drafts: readonly unknown[],
  parent: Allowance,
  limits: OutboxLimits,
): Content[] {
  if (drafts.length === 0) return []
  if (drafts.length > limits.outboxMessagesMax) {
    refuse('outbox-too-many', `${drafts.length} messages, at most ${limits.outboxMessagesMax}`)
  }
  const shapes = drafts.map((draft, index) => shape(draft, index, limits))
  const relayed = shapes.filter((draft) => draft.kind !== 'event')
  if (relayed.length > 0 && parent.hops < 1) refuse('hops-exhausted', 'no hops are left')
  const share = countShare(relayed, parent)
  checkBudget(relayed, parent)
  let bytes = 0
  const contents = shapes.map((draft, index) => {
    const size = contentBytes(draft)
    bytes += size
    if (size > limits.messageBytesMax - ENVELOPE_BYTES) {
      refuse('outbox-too-large', `messages/${index} has ${size} bytes`)
    }
    return draft.kind === 'event'
      ? { ...draft, hops: 0, count: 0, budget: '0' }
      : {
          ...draft,
          hops: Math.min(draft.hops ?? Infinity, parent.hops - 1),
          count: draft.count ?? share,
          budget: draft.budget ?? '0',
        }
  })
  if (bytes > limits.outboxBytesMax) {
    refuse('outbox-too-large', `${bytes} bytes, at most ${limits.outboxBytesMax}`)
  }
  return contents
}

/** Bytes kept free in a message for its place, proofs and admission (R9). */
export const ENVELOPE_BYTES = 2_048

/** Bytes that a content's variable parts take in a record. */
export function contentBytes(content: Pick<Content, 'target' | 'tags' | 'data'>): number {
  let bytes = content.target.length + content.data.length + 64
  for (const tag of content.tags) {
    bytes += Buffer.byteLength(tag.name) + Buffer.byteLength(tag.value) + 8
  }
  return bytes
}

type Draft = Pick<Content, 'kind' | 'target' | 'tags' | 'data'> & {
  readonly hops?: number
  readonly count?: number
  readonly budget?: string
}

function refuse(code: ErrorCode, detail: string): never {
  throw new HbError(code, detail)
}

function countShare(relayed: readonly Draft[], parent: Allowance): number {
  let left = parent.count - relayed.length
  let unnamed = 0
  for (const draft of relayed) {
    if (draft.count === undefined) unnamed += 1
    else left -= draft.count
  }
  if (left < 0) refuse('count-exhausted', `${parent.count} further messages were allowed`)
  return unnamed === 0 ? 0 : Math.floor(left / unnamed)
}

function checkBudget(relayed: readonly Draft[], parent: Allowance): void {
  let sum = 0n
  for (const draft of relayed) if (draft.budget !== undefined) sum += BigInt(draft.budget)
  if (sum > BigInt(parent.budget)) refuse('budget-exceeded', `${sum} of ${parent.budget}`)
}

function shape(draft: unknown, index: number, limits: OutboxLimits): Draft {
  const at = `messages/${index}`
  if (typeof draft !== 'object' || draft === null || Array.isArray(draft)) {
    refuse('outbox-malformed', `${at} is not an object`)
  }
  const raw = draft as Record<string, unknown>
  for (const key of Object.keys(raw)) {
    if (!KEYS.has(key)) refuse('outbox-malformed', `${at}/${key} is not known`)
  }
  const kind = raw['kind'] ?? 'message'
  if (typeof kind !== 'string' || !SENT.has(kind)) {
    // the text is part of results: it stays what it was before there were upgrades
    refuse('outbox-malformed', `${at}/kind must be message, notice, event or spawn`)
  }
  const body = dataOf(raw['data'], at)
  const tags = tagsOf(raw['tags'], at)
  if (body.json && !tags.some((tag) => tag.name === 'Content-Type')) {
    tags.push({ name: 'Content-Type', value: 'application/json' })
  }
  takeSalt(raw['salt'], kind, tags, at)
  if (tagValue(tags, UPGRADE_TAG) !== undefined) {
    refuse('outbox-malformed', `${at}/tags/${UPGRADE_TAG}: send kind upgrade instead`)
  }
  if (kind === UPGRADE) tags.push({ name: UPGRADE_TAG, value: 'Module' })
  checkTags(tags, at, limits)
  if (kind !== 'event') checkJson(tags, body.bytes, at, limits)
  return {
    kind: kind === UPGRADE ? 'message' : (kind as MessageKind),
    target: targetOf(raw['target'], kind, at),
    tags,
    data: body.bytes,
    ...numbers(raw, at),
  }
}

/** A salt becomes a tag; one that was given as a tag is judged alike. */
function takeSalt(salt: unknown, kind: string, tags: Tag[], at: string): void {
  const tagged = tagValue(tags, SALT_TAG)
  if (kind !== 'spawn') {
    if (salt === undefined || salt === null) return
    refuse('outbox-malformed', `${at}/salt: only a spawn has one`)
  }
  if (salt !== undefined && salt !== null) {
    if (tagged !== undefined) refuse('outbox-malformed', `${at}/salt is given as a tag too`)
    if (typeof salt !== 'string') refuse('outbox-malformed', `${at}/salt must be a text`)
    tags.push({ name: SALT_TAG, value: salt })
  }
  const value = tagValue(tags, SALT_TAG)
  if (value === undefined) return
  if (value === '' || value.length > SALT_UNITS_MAX || !value.isWellFormed()) {
    refuse('outbox-malformed', `${at}/salt must be a text of 1 to ${SALT_UNITS_MAX} characters`)
  }
}

function targetOf(target: unknown, kind: string, at: string): string {
  if (kind === 'spawn' || kind === 'event') {
    if (target === undefined || target === '' || target === null) return ''
    if (kind === 'spawn') refuse('outbox-malformed', `${at}/target: a spawn has none`)
  }
  if (typeof target !== 'string' || !isIdText(target)) {
    refuse('outbox-malformed', `${at}/target is not an id of 43 base64url characters`)
  }
  return target
}

function dataOf(data: unknown, at: string): { bytes: Uint8Array; json: boolean } {
  if (data === undefined || data === null || data === '') return { bytes: EMPTY, json: false }
  if (typeof data !== 'string') return { bytes: Buffer.from(JSON.stringify(data)), json: true }
  if (!data.isWellFormed()) refuse('outbox-malformed', `${at}/data has a lone surrogate`)
  return { bytes: Buffer.from(data), json: false }
}

/** What says that it is JSON is judged as strictly here as at the target's door. */
function checkJson(tags: readonly Tag[], data: Uint8Array, at: string, limits: OutboxLimits): void {
  if (data.length === 0 || tagValue(tags, 'Content-Type') !== 'application/json') return
  if (data.length > limits.messageBytesMax) {
    refuse('outbox-too-large', `${at}/data has ${data.length} bytes`)
  }
  try {
    parseStrictJson(data, { depthMax: limits.inputDepthMax, bytesMax: limits.messageBytesMax })
  } catch (error) {
    if (!isHbError(error)) throw error
    refuse('outbox-malformed', `${at}/data is not strict JSON: ${error.message}`)
  }
}

function tagsOf(tags: unknown, at: string): Tag[] {
  if (tags === undefined || tags === null) return []
  if (typeof tags !== 'object' || Array.isArray(tags)) {
    refuse('outbox-malformed', `${at}/tags must be an object of texts`)
  }
  const list: Tag[] = []
  for (const name of Object.keys(tags)) {
    const value = (tags as Record<string, unknown>)[name]
    if (typeof value !== 'string' || name === '' || !name.isWellFormed() || !value.isWellFormed()) {
      refuse('outbox-malformed', `${at}/tags/${name} must be a text`)
    }
    list.push({ name, value })
  }
  return list
}

function checkTags(list: readonly Tag[], at: string, limits: OutboxLimits): void {
  let bytes = 0
  for (const { name, value } of list) bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  if (list.length > limits.tagsMax || bytes > limits.tagBytesMax) {
    refuse('outbox-too-large', `${at}/tags: ${list.length} tags of ${bytes} bytes`)
  }
}

function numbers(
  raw: Record<string, unknown>,
  at: string,
): { hops?: number; count?: number; budget?: string } {
  const out: { hops?: number; count?: number; budget?: string } = {}
  for (const key of ['hops', 'count'] as const) {
    const value = raw[key]
    if (value === undefined || value === null) continue
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      refuse('outbox-malformed', `${at}/${key} must be a whole number`)
    }
    out[key] = value
  }
  const budget = raw['budget']
  if (budget === undefined || budget === null) return out
  if (typeof budget !== 'string' || !AMOUNT.test(budget)) {
    refuse('outbox-malformed', `${at}/budget must be a decimal integer text`)
  }
  out.budget = budget
  return out
}
