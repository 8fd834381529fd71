// The verifier port: signatures of data items, judged in batches.
//
// Invariants every adapter keeps: P1 verdicts come in the order of the items, one each, and are
// those of the one verifier (protocol/ans104/verify.ts). P2 a request is taken whole or refused
// whole. P3 what is queued is bounded.

import type { Verdict } from '../protocol/ans104/index.ts'

export type { Verdict } from '../protocol/ans104/index.ts'

export type Verifier = {
  /**
   * Verdicts in the order of `items`. The bytes must not change until it resolves.
   * Throws `queue-full` (nothing of the request is kept) or `queue-closed`; a bad item is a
   * verdict, never a throw.
   */
  verify(items: readonly Uint8Array[]): Promise<Verdict[]>
  /** Refuses what comes, finishes what was taken, then frees everything. */
  close(): Promise<void>
}
