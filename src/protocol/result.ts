// Results: what evaluating one entry gave, its leaf, and the run in which a DRE publishes it.

import { hashParts } from '../std/hash-parts.ts'
import { merkleRoot } from './merkle.ts'
import type { Content } from './message.ts'
import { contentDigest } from './message.ts'

/** An outbox message with its number in its channel; 0 for an event, which is not relayed. */
export type Outgoing = Content & { readonly seq: number }

export type Result = {
  readonly height: number
  readonly entryHash: Uint8Array
  readonly messageId: string
  readonly process: string
  /** Place among the process's own entries; -1 before its spawn (R5). */
  readonly slot: number
  readonly status: 'ok' | 'error'
  /** Error code and text; '' when ok. */
  readonly code: string
  readonly text: string
  readonly gas: number
  readonly stateHash: Uint8Array
  readonly messages: readonly Outgoing[]
}

/**
 * Consecutive results of a partition, published in one append. `attestation` is where R7's
 * signature will stand.
 */
export type Run = {
  readonly partition: number
  readonly from: number
  readonly results: readonly Result[]
  readonly attestation: Uint8Array | null
}

/**
 * outbox root = Merkle root over one leaf per message: H("hb.outbox-leaf.1", index, seq, content
 *   digest).
 */
export function outboxRoot(messages: readonly Outgoing[]): Buffer {
  return merkleRoot(
    messages.map((message, index) =>
      hashParts('hb.outbox-leaf.1', [index, message.seq, contentDigest(message)]),
    ),
  )
}

/**
 * One leaf per height (R7) = H("hb.leaf.1", network, partition, height, entry hash, process, slot,
 * status, code, text, gas, state hash, outbox root). Code and text are covered too: they travel in
 * bounces.
 */
export function resultLeaf(network: string, partition: number, result: Result): Buffer {
  return hashParts('hb.leaf.1', [
    network,
    partition,
    result.height,
    result.entryHash,
    result.process,
    result.slot,
    result.status,
    result.code,
    result.text,
    result.gas,
    result.stateHash,
    outboxRoot(result.messages),
  ])
}

/** Merkle root over the leaves of a run's results. */
export function runRoot(network: string, run: Run): Buffer {
  return merkleRoot(run.results.map((result) => resultLeaf(network, run.partition, result)))
}
