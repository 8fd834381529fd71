// A histogram that costs a few additions and no memory per observation: what roles count durations
// with, and what /metrics shows of them.
//
// Invariants: H1 `counts` has one cell per bound and one for what is beyond all of them; the sum of
// its cells is `count`. H2 a value equal to a bound is counted below it (`le`, as Prometheus reads
// it). H3 what is no number is not counted; what is below 0 (two clocks) counts as 0.

/** Upper bounds in seconds, from a millisecond to five minutes. */
export const DURATION_BOUNDS_S: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
]

export class Histogram {
  readonly bounds: readonly number[]
  readonly counts: Float64Array
  #sum = 0
  #count = 0

  /** `bounds`: upper bounds, growing. */
  constructor(bounds: readonly number[] = DURATION_BOUNDS_S) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  get sum(): number {
    return this.#sum
  }

  get count(): number {
    return this.#count
  }

  observe(value: number, times = 1): void {
    if (Number.isNaN(value)) return
    const seen = value > 0 ? value : 0
    let at = 0
    while (at < this.bounds.length && seen > (this.bounds[at] as number)) at += 1
    this.counts[at] = (this.counts[at] as number) + times
    this.#sum += seen * times
    this.#count += times
  }

  /** A duration in milliseconds, counted in seconds. */
  observeMs(durationMs: number, times = 1): void {
    this.observe(durationMs / 1_000, times)
  }
}
