// What a benchmark gives: rows, and in words what they do not say.

/** `floor`: the same measured without anything of ours in between, in the same run; null: none. */
export type BenchRow = {
  readonly name: string
  readonly unit: string
  readonly value: number
  readonly floor: number | null
  /** value / floor. */
  readonly ratio: number | null
}

export type BenchReport = {
  readonly rows: readonly BenchRow[]
  readonly doesNotMeasure: string
  /** Where the time goes, as this run saw it. */
  readonly observed: readonly string[]
}

/** Every figure is the median of so many rounds. */
export const ROUNDS = 5

export function row(name: string, unit: string, value: number, floor: number | null): BenchRow {
  return { name, unit, value, floor, ratio: floor === null ? null : value / floor }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >>> 1] ?? NaN
}

/** `part` of the values, of 1, are at most this. */
export function percentile(values: readonly number[], part: number): number {
  const at = Math.max(0, Math.ceil(values.length * part) - 1)
  return values.toSorted((a, b) => a - b)[at] ?? NaN
}

/** "12,345 (11,000–13,000)": median, least and most. */
export function spread(values: readonly number[], digits = 0): string {
  const shown = (value: number): string =>
    value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits })
  return `${shown(median(values))} (${shown(Math.min(...values))}–${shown(Math.max(...values))})`
}
