// What Warp made of the corpus, recorded (`npm run test:warp -- --record`), so that our side is
// held to it where Warp is not installed.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Counts } from './compare.ts'

export const RECORDED = new URL('./recorded.json', import.meta.url)
export const RECORDED_SEED = 7

/** Whose first interactions are recorded as files, as Warp's gateway and a DRE give them. */
export const HISTORIES: Readonly<Record<string, number>> = {
  token: 120,
  'kv-ledger': 120,
  counter: 250,
  voting: 120,
}

export function historyFile(
  contract: string,
  what: 'definition' | 'interactions' | 'expected',
): string {
  return fileURLToPath(new URL(`./history/${contract}-${what}.json`, import.meta.url))
}

export type RecordedRun = {
  readonly count: number
  /** Of Warp's outcomes (compare.ts). */
  readonly digest: string
  readonly counts: Counts
}

/** By the contract's name. */
export function readRecorded(): Readonly<Record<string, RecordedRun>> {
  return JSON.parse(readFileSync(RECORDED, 'utf8')) as Record<string, RecordedRun>
}
