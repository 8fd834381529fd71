// What a metric is before it is text, and that text: Prometheus' exposition format, version 0.0.4.
//
// Invariants: M1 a metric without a sample is shown by its HELP and TYPE, so that what may be asked
// for is seen. M2 of a histogram the buckets are cumulative and the last one, +Inf, is its count.

import type { Histogram } from '../../std/histogram.ts'

export type Labels = Readonly<Record<string, string | number>>

export type Sample =
  | { readonly labels?: Labels; readonly value: number }
  | { readonly labels?: Labels; readonly histogram: Histogram }

export type Metric = {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** One line. */
  readonly help: string
  readonly samples: readonly Sample[]
}

/** What is read of a source: one value, values by labels, or undefined: there is no such thing. */
export type Reading = number | Histogram | readonly Sample[] | undefined

/** How a metric is read of what it is about, at the time of a scrape. */
export type MetricRow<Source> = {
  readonly type: Metric['type']
  readonly help: string
  readonly labels: readonly string[]
  readonly read: (source: Source) => Reading
}

export type MetricTable<Source> = Readonly<Record<string, MetricRow<Source>>>

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Those of the table that there is something to say about. */
export function readMetrics<Source>(table: MetricTable<Source>, source: Source): Metric[] {
  const metrics: Metric[] = []
  for (const [name, { type, help, read }] of Object.entries(table)) {
    const reading = read(source)
    if (reading === undefined) continue
    metrics.push({ name, type, help, samples: samplesOf(reading) })
  }
  return metrics
}

function samplesOf(reading: Exclude<Reading, undefined>): readonly Sample[] {
  if (typeof reading === 'number') return [{ value: reading }]
  if ('bounds' in reading) return [{ histogram: reading }]
  return reading
}

/** Each line ended by a line feed. */
export function exposition(metrics: readonly Metric[]): string {
  const lines: string[] = []
  for (const { name, type, help, samples } of metrics) {
    lines.push(`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`)
    lines.push(`# TYPE ${name} ${type}`)
    for (const sample of samples) {
      const { labels = {} } = sample
      if ('value' in sample) lines.push(lineOf(name, labels, sample.value))
      else histogramLines(lines, name, labels, sample.histogram)
    }
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

function histogramLines(lines: string[], name: string, labels: Labels, of: Histogram): void {
  let below = 0
  of.bounds.forEach((bound, at) => {
    below += of.counts[at] as number
    lines.push(lineOf(`${name}_bucket`, { ...labels, le: String(bound) }, below))
  })
  lines.push(lineOf(`${name}_bucket`, { ...labels, le: '+Inf' }, of.count))
  lines.push(lineOf(`${name}_sum`, labels, of.sum))
  lines.push(lineOf(`${name}_count`, labels, of.count))
}

function lineOf(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(String(text))}"`)
  const where = pairs.length === 0 ? '' : `{${pairs.join(',')}}`
  return `${name}${where} ${numberText(value)}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}
