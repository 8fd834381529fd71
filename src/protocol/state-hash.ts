// R6: the state's hash, chained message by message over what each changed.

import { hashParts } from '../std/hash-parts.ts'

/** The state hash before a process's first entry, and of entries before its spawn. */
export const EMPTY_STATE_HASH: Buffer = hashParts('hb.state-empty.1', [])

/** The hash of `changes` is taken over its canonical JSON text (protocol/changes). */
export type StateStep = {
  readonly messageId: string
  readonly digest: Uint8Array
  readonly status: 'ok' | 'error'
  readonly changes: string
  /** Of a spawn that succeeded: the text of the state that its first action changed. */
  readonly snapshot?: string | undefined
}

/**
 * stateHash(n) = H("hb.state.1", stateHash(n-1), message id, digest, status, changes text)
 * stateHash(0) of a spawn that succeeded = H("hb.state-spawn.1", empty, message id, digest,
 * snapshot, changes text)
 */
export function stateHash(before: Uint8Array, step: StateStep): Buffer {
  const { messageId, digest, changes, snapshot } = step
  if (snapshot !== undefined) {
    return hashParts('hb.state-spawn.1', [before, messageId, digest, snapshot, changes])
  }
  return hashParts('hb.state.1', [before, step.messageId, step.digest, step.status, step.changes])
}

/** Hash of a full snapshot = H("hb.snapshot.1", JSON.stringify(state)). */
export function snapshotHash(text: string): Buffer {
  return hashParts('hb.snapshot.1', [text])
}

/**
 * Hash of an interval's delta = H("hb.delta.1", hash of the delta before (empty after a full
 * state), delta text).
 */
export function deltaHash(before: Uint8Array, text: string): Buffer {
  return hashParts('hb.delta.1', [before, text])
}
