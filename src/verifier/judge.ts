// A thread's work on one job: claims items until none is left, and writes their verdicts into the
// arena.

import type { DataItemVerifier } from '../protocol/ans104/index.ts'
import { claimItem, HOLDS, ID_CHARS, REFUSED, type Arena } from './arena.ts'
import type { Refusal } from './messages.ts'

/** Returns what was refused, with its texts. */
export function judgeItems(arena: Arena, thread: number, verifier: DataItemVerifier): Refusal[] {
  const refused: Refusal[] = []
  for (;;) {
    const index = claimItem(arena, thread)
    if (index < 0) return refused
    const bytes = arena.bytes.subarray(arena.starts[index], arena.starts[index + 1])
    const verdict = verifier.bytes(bytes)
    if (verdict.ok) {
      const at = 2 * ID_CHARS * index
      arena.ids.write(verdict.id, at, ID_CHARS, 'latin1')
      arena.ids.write(verdict.address, at + ID_CHARS, ID_CHARS, 'latin1')
      arena.states[index] = HOLDS
    } else {
      refused.push([index, verdict.code, verdict.text])
      arena.states[index] = REFUSED
    }
  }
}
