// What a campaign has come to so far: counted, and told in one line.

import type { Violation } from '../../chaos/checker/index.ts'
import { SITUATIONS } from '../situations.ts'
import type { SeedOutcome } from './outcome.ts'

export type FoundViolation = Violation & { readonly seed: number }

export type CampaignReport = {
  readonly seeds: number
  /** Of real time. */
  readonly minutes: number
  readonly violations: readonly FoundViolation[]
  /** How often each was seen; those never seen are there with 0. */
  readonly situations: Readonly<Record<string, number>>
}

export class Progress {
  readonly violations: FoundViolation[] = []
  readonly #situations = new Map<string, number>(SITUATIONS.map((each) => [each, 0]))
  #seeds = 0
  #virtualSeconds = 0

  add({ seed, violations, situations, seconds }: SeedOutcome): void {
    this.#seeds += 1
    this.#virtualSeconds += seconds
    for (const violation of violations) this.violations.push({ seed, ...violation })
    for (const [name, count] of Object.entries(situations)) {
      this.#situations.set(name, (this.#situations.get(name) ?? 0) + count)
    }
  }

  line(realSeconds: number): string {
    const failed = new Set(this.violations.map(({ seed }) => seed)).size
    return [
      `${this.#seeds} seeds`,
      `${((this.#seeds * 60) / realSeconds).toFixed(1)} a minute`,
      `${(this.#virtualSeconds / realSeconds).toFixed(1)} virtual s a second`,
      `${this.violations.length} violations of ${failed} seeds`,
      `${this.#situations.size - this.neverSeen().length} of ${this.#situations.size} situations`,
    ].join(', ')
  }

  neverSeen(): string[] {
    return [...this.#situations].filter(([, count]) => count === 0).map(([name]) => name)
  }

  report(realSeconds: number): CampaignReport {
    return {
      seeds: this.#seeds,
      minutes: Number((realSeconds / 60).toFixed(2)),
      violations: this.violations,
      situations: Object.fromEntries(this.#situations),
    }
  }
}
