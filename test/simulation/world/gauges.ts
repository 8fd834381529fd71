// What piles up on a host, by name, and the most that there ever was of it: what the check of
// bounded queues looks at.
// Invariant: counting changes nothing in what is counted.

export class Gauges {
  readonly #values = new Map<string, number>()
  readonly #highs = new Map<string, number>()
  /** Those whose high has risen since it was last asked. */
  readonly #risen = new Set<string>()

  rise(gauge: string, by = 1): void {
    const value = (this.#values.get(gauge) ?? 0) + by
    this.#values.set(gauge, value)
    if (value <= (this.#highs.get(gauge) ?? 0)) return
    this.#highs.set(gauge, value)
    this.#risen.add(gauge)
  }

  fall(gauge: string, by = 1): void {
    this.#values.set(gauge, (this.#values.get(gauge) ?? 0) - by)
  }

  /** Under way until it has settled. */
  during<T>(gauge: string, settling: Promise<T>): Promise<T> {
    this.rise(gauge)
    const end = (): void => this.fall(gauge)
    settling.then(end, end)
    return settling
  }

  /** New highs since the last time. */
  takeRisen(): (readonly [gauge: string, high: number])[] {
    if (this.#risen.size === 0) return []
    const risen = [...this.#risen].map((gauge) => [gauge, this.#highs.get(gauge) ?? 0] as const)
    this.#risen.clear()
    return risen
  }
}
