// In what two results of one entry differ.
//
// Invariant: what is compared is what a result's leaf covers (protocol/result.ts), field by field;
// gas and channel numbers only where the caller wants them.

import type { Content } from '../protocol/message.ts'
import { contentDigest } from '../protocol/message.ts'
import type { Outgoing, Result } from '../protocol/result.ts'
import { equalBytes, toBase64Url } from '../std/bytes.ts'

export type Field =
  | 'entry'
  | 'message'
  | 'process'
  | 'slot'
  | 'status'
  | 'code'
  | 'text'
  | 'gas'
  | 'state'
  | 'messages'
  | 'numbers'

/** A result as it is shown beside another one. */
export type Side = {
  readonly status: 'ok' | 'error'
  readonly code: string
  readonly text: string
  readonly gas: number
  readonly stateHash: string
  readonly messages: number
}

/** The place of an entry whose results differ, in what they do, and both. */
export type Difference = {
  readonly partition: number
  readonly height: number
  readonly slot: number
  readonly process: string
  readonly fields: readonly Field[]
  readonly replayed: Side
  readonly other: Side
}

export function sideOf(result: Result): Side {
  const { status, code, text, gas, stateHash, messages } = result
  return { status, code, text, gas, stateHash: toBase64Url(stateHash), messages: messages.length }
}

/** In order of the leaf. `numbers`: those of the messages in their channels. */
export function differingFields(a: Result, b: Result): Field[] {
  const fields: Field[] = []
  if (!equalBytes(a.entryHash, b.entryHash)) fields.push('entry')
  if (a.messageId !== b.messageId) fields.push('message')
  if (a.process !== b.process) fields.push('process')
  if (a.slot !== b.slot) fields.push('slot')
  if (a.status !== b.status) fields.push('status')
  if (a.code !== b.code) fields.push('code')
  if (a.text !== b.text) fields.push('text')
  if (a.gas !== b.gas) fields.push('gas')
  if (!equalBytes(a.stateHash, b.stateHash)) fields.push('state')
  if (!sameMessages(a.messages, b.messages)) fields.push('messages')
  else if (a.messages.some(({ seq }, at) => seq !== (b.messages[at] as Outgoing).seq)) {
    fields.push('numbers')
  }
  return fields
}

function sameMessages(a: readonly Content[], b: readonly Content[]): boolean {
  if (a.length !== b.length) return false
  return a.every((each, at) => sameContent(each, b[at] as Content))
}

export function sameContent(a: Content, b: Content): boolean {
  return contentDigest(a).equals(contentDigest(b))
}
