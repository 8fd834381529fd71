// The protocol's values as the API shows them: ids and hashes as base64url, data as text where it
// is text.

import type { Entry } from '../protocol/entry.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Content } from '../protocol/message.ts'
import { contentDigest, processMessageId } from '../protocol/message.ts'
import type { Result } from '../protocol/result.ts'
import { toBase64Url, utf8Text } from '../std/bytes.ts'
import type { DryRun, DryRunBasis } from '../dre/index.ts'
import type { DryRunView, EntryView, OutgoingView, ResultView } from './api.ts'

export function dataView(data: Uint8Array): {
  data: string
  dataEncoding: 'utf8' | 'base64url'
} {
  const text = utf8Text(data)
  return text === undefined
    ? { data: toBase64Url(data), dataEncoding: 'base64url' }
    : { data: text, dataEncoding: 'utf8' }
}

export function resultView(network: Network, partition: number, result: Result): ResultView {
  const { height, messageId, process, slot, status, code, text, gas } = result
  return {
    partition,
    height,
    messageId,
    process,
    slot,
    status,
    code,
    text,
    gas,
    stateHash: toBase64Url(result.stateHash),
    messages: result.messages.map((message, index): OutgoingView => {
      const id = outgoingId(network, { partition, height, index }, message)
      const { kind, target, tags, hops, count, budget, seq } = message
      return { id, kind, target, tags, ...dataView(message.data), hops, count, budget, seq }
    }),
  }
}

export function dryRunView(basis: DryRunBasis, timestamp: number, run: DryRun): DryRunView {
  const { process, slot, stateHash } = basis
  const { status, code, text, gas, changes, messages } = run.outcome
  const sent = messages.map(({ kind, target, tags, data, hops, count, budget }) => {
    return { kind, target, tags, ...dataView(data), hops, count, budget }
  })
  const place = { process, slot, stateHash: toBase64Url(stateHash), timestamp }
  const { state } = run
  const view = { ...place, status, code, text, gas, messages: sent, changes }
  return state === undefined ? view : { ...view, state }
}

export function outgoingId(
  network: Network,
  place: { readonly partition: number; readonly height: number; readonly index: number },
  content: Content,
): string {
  return processMessageId(network.id, place, contentDigest(content))
}

export function entryView(entry: Entry): EntryView {
  const { message, partition, height, timestamp } = entry
  const { process, kind, caller, from, target, tags } = message
  return {
    partition,
    height,
    hash: toBase64Url(entry.hash),
    prev: toBase64Url(entry.prev),
    timestamp,
    process,
    messageId: message.id,
    kind,
    caller,
    from,
    target,
    tags,
    ...dataView(message.data),
  }
}
