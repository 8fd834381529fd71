// Seeds that have found something, with the plan they did it with: they run for ever.

import { readFileSync } from 'node:fs'
import type { PlanChanges } from '../plan.ts'

export type KnownSeed = {
  readonly seed: number
  readonly plan?: PlanChanges
  /** What it found, in words. */
  readonly found: string
}

export function knownSeeds(): readonly KnownSeed[] {
  const file = new URL('../seeds.json', import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as KnownSeed[]
}
