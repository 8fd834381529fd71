// Messages: what a wallet signs, what a process emits, and what a genesis process is spawned by.
// Owners: pure functions; the wire forms are in codec/. Invariants: a message's id, caller and
// digest are functions of its bytes and its place alone (R3); nothing here decides whether it may
// enter.

import { hashParts, hashPartsText } from '../std/hash-parts.ts'
import type { HashPart } from '../std/hash-parts.ts'

export type Tag = { readonly name: string; readonly value: string }

/**
 * Kinds on the wire. `event` is for watchers and is never relayed; `bounce` is only ever made by
 * the network (R5).
 */
export type MessageKind = 'message' | 'notice' | 'bounce' | 'event' | 'spawn'
export const MESSAGE_KINDS: readonly MessageKind[] = [
  'message',
  'notice',
  'bounce',
  'event',
  'spawn',
]

/**
 * Everything about a message of a process that is fixed when it is sent, and that its digest
 * covers.
 */
export type Content = {
  readonly kind: MessageKind
  /** Process id or wallet address; '' for a spawn, whose target is what it makes. */
  readonly target: string
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
  /** Hops that its handling may still cause in a chain. */
  readonly hops: number
  /** Messages that its handling may still cause in all. */
  readonly count: number
  /** Decimal integer string, for payments; never grows along a chain. */
  readonly budget: string
}

/**
 * The place of a process's message: where its source's result stands, and its number in the
 * channel.
 */
export type Origin = {
  readonly partition: number
  readonly height: number
  /** Place in the result's outbox, events counted. */
  readonly index: number
  /** Number in the channel (source partition → target partition), from 1. */
  readonly seq: number
}

/** A message in memory, whoever sent it. */
export type Message = Content & {
  readonly id: string
  /** Wallet address, process id, or (genesis) the network id. */
  readonly caller: string
  readonly from: 'wallet' | 'process' | 'genesis'
  /** The process this message is for: its target, or for a spawn its own id. */
  readonly process: string
  /** 32 bytes over every byte of the message: what entry hash and state hash bind. */
  readonly digest: Uint8Array
  /** Only of a process's message. */
  readonly origin?: Origin
  /** Only of a wallet's message: ms; past it (settled log time) the message is refused (R3). */
  readonly expires?: number
}

/**
 * digest = H("hb.content.1", kind, target, tag count, (name, value)…, data, hops, count, budget)
 * kind as text; numbers u64. Target is '' for a spawn.
 */
export function contentDigest(content: Content): Buffer {
  const parts: HashPart[] = [content.kind, content.target, content.tags.length]
  for (const tag of content.tags) parts.push(tag.name, tag.value)
  parts.push(content.data, content.hops, content.count, content.budget)
  return hashParts('hb.content.1', parts)
}

/**
 * id = base64url H("hb.message.1", network, source partition, height, index, content digest) (R3).
 */
export function processMessageId(
  network: string,
  origin: Pick<Origin, 'partition' | 'height' | 'index'>,
  digest: Uint8Array,
): string {
  const { partition, height, index } = origin
  return hashPartsText('hb.message.1', [network, partition, height, index, digest])
}

/**
 * digest of a relayed message = H("hb.relayed.1", id, caller, partition, height, index, seq,
 * content digest).
 */
export function relayedDigest(
  id: string,
  caller: string,
  origin: Origin,
  content: Uint8Array,
): Buffer {
  const { partition, height, index, seq } = origin
  return hashParts('hb.relayed.1', [id, caller, partition, height, index, seq, content])
}

/** digest of a wallet's message = H("hb.signed.1", every byte of its data item). */
export function signedDigest(item: Uint8Array): Buffer {
  return hashParts('hb.signed.1', [item])
}

/** Names what a spawn by a process makes: its value is chosen by the sender. */
export const SALT_TAG = 'Spawn-Salt'
/** UTF-16 units. */
export const SALT_UNITS_MAX = 64

/**
 * On a message of a process to itself that gives it another module: put there by the outbox check
 * for a draft of the kind `upgrade`, and for no other, so that no tag which a contract passes on
 * can be one. Only that it is there counts.
 */
export const UPGRADE_TAG = 'HB-Upgrade'

/**
 * id of a child that was spawned with a salt = base64url H("hb.child.1", parent id, salt): known to
 * its parent before the spawn is sent. Ids are the network's own, so it is not hashed again.
 */
export function childId(parent: string, salt: string): string {
  return hashPartsText('hb.child.1', [parent, salt])
}

/**
 * The process that a message of `caller` is for: of a spawn its child, which a salt names, or else
 * the message's own place. The one home of this rule; `id` is asked only where it is needed.
 */
export function processOf(
  caller: string,
  content: Pick<Content, 'kind' | 'target' | 'tags'>,
  id: () => string,
): string {
  if (content.kind !== 'spawn') return content.target
  const salt = tagValue(content.tags, SALT_TAG)
  return salt === undefined ? id() : childId(caller, salt)
}

/** A process's message with its identity, from what its source sent. */
export function relayedMessage(
  network: string,
  caller: string,
  origin: Origin,
  content: Content,
): Message {
  const digest = contentDigest(content)
  const id = processMessageId(network, origin, digest)
  const { partition, height, index, seq } = origin
  return {
    kind: content.kind,
    target: content.target,
    tags: content.tags,
    data: content.data,
    hops: content.hops,
    count: content.count,
    budget: content.budget,
    id,
    caller,
    from: 'process',
    process: processOf(caller, content, () => id),
    digest: relayedDigest(id, caller, origin, digest),
    origin: { partition, height, index, seq },
  }
}

/** The first value of a tag, or undefined. */
export function tagValue(tags: readonly Tag[], name: string): string | undefined {
  for (const tag of tags) if (tag.name === name) return tag.value
  return undefined
}
