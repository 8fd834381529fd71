// Entries: messages that a sequencer has given a place in their partition's hash chain (R1).
// Invariant: an entry's hash covers its place, its message's every byte and its admission; a reader
// computes it, and never believes one that is written down.

import { hashParts } from '../std/hash-parts.ts'
import type { Message } from './message.ts'

/**
 * By which authority a message was let in: judged by partition 0 up to `systemHeight`; -1 and null
 * before R7's keys.
 */
export type Admission = {
  readonly systemHeight: number
  /**
   * Hash of the attestation that proved a process's message; null for a wallet's or a genesis
   * message.
   */
  readonly attestation: Uint8Array | null
}

export const NO_AUTHORITY: Admission = { systemHeight: -1, attestation: null }

export type EntryHead = {
  readonly partition: number
  readonly height: number
  /** Hash of the entry before, 32 bytes; of the partition's genesis for height 0. */
  readonly prev: Uint8Array
  /** Ms since the epoch; never less than that of the entry before. */
  readonly timestamp: number
  readonly admission: Admission
}

export type Entry = EntryHead & {
  readonly message: Message
  readonly hash: Uint8Array
}

const NONE = new Uint8Array(0)

/**
 * hash = H("hb.entry.1", network, partition, prev, height, timestamp, process, message id, message
 *   digest,
 *          system height, attestation hash or empty)
 */
export function entryHash(network: string, head: EntryHead, message: Message): Buffer {
  return hashParts('hb.entry.1', [
    network,
    head.partition,
    head.prev,
    head.height,
    head.timestamp,
    message.process,
    message.id,
    message.digest,
    head.admission.systemHeight,
    head.admission.attestation ?? NONE,
  ])
}

/** Headers of an entry's record: for readers that do not decode it. */
export function entryHeaders({ height, message }: Entry): Record<string, string> {
  const { process, kind } = message
  return { 'hb-height': String(height), 'hb-process': process, 'hb-kind': kind }
}

/** prev of height 0 = H("hb.log-genesis.1", network, partition). */
export function genesisHash(network: string, partition: number): Buffer {
  return hashParts('hb.log-genesis.1', [network, partition])
}
