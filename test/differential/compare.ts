// The comparison of two sides, interaction by interaction, and the digest that stands for one side.

import { hashPartsText } from '../../src/std/hash-parts.ts'
import type { Outcome } from './warp-side.ts'

/**
 * What must be equal, as text. Of an exception only that it is one, and its message where the
 * contract made it: engines word their own errors differently.
 */
export function outcomeText({ verdict, text, state, result, event }: Outcome): string {
  const said = verdict === 'error' ? text : verdict === 'exception' ? ownWords(text) : ''
  return JSON.stringify([verdict, said, state, result ?? null, event ?? null])
}

/** Of an engine's own errors nothing. */
function ownWords(text: string): string {
  return /^Error: (?!Unexpected)/.test(text) ? text : ''
}

/** The first interaction where the two differ, in words. */
export function firstDifference(
  ours: readonly Outcome[],
  warps: readonly Outcome[],
): string | undefined {
  if (ours.length !== warps.length) return `${ours.length} outcomes, not ${warps.length}`
  const at = ours.findIndex((outcome, index) => {
    return outcomeText(outcome) !== outcomeText(warps[index] as Outcome)
  })
  if (at < 0) return undefined
  const [a, b] = [ours[at], warps[at]].map((outcome) => outcomeText(outcome as Outcome))
  return `interaction ${at}\n  ours ${a}\n  warp ${b}`
}

export type Counts = Readonly<Record<Outcome['verdict'], number>>

export function countsOf(outcomes: readonly Outcome[]): Counts {
  const counts = { ok: 0, error: 0, exception: 0, skipped: 0 }
  for (const { verdict } of outcomes) counts[verdict] += 1
  return counts
}

/** Of all outcomes, in order. */
export function digestOf(outcomes: readonly Outcome[]): string {
  return hashPartsText('hb.test.differential.1', [outcomes.length, ...outcomes.map(outcomeText)])
}
