// What the metrics of a node are read of at a scrape, and how a row of their tables is written.
//
// Owners: index.ts makes the source of a scrape; the tables beside this file, one for each part of
// a node, only read it.

import type { DreService } from '../../dre/index.ts'
import type { RelayerService } from '../../relayer/index.ts'
import type { Evaluator } from '../../runtime/evaluator/port.ts'
import type { SequencerService } from '../../sequencer/index.ts'
import type { DoorFigures } from '../door-figures.ts'
import type { DryRuns } from '../dry-runs.ts'
import type { IngressWriter } from '../ingress-writer.ts'
import type { Ownership } from '../ownership.ts'
import type { Waiting } from '../readiness.ts'
import type { Throttling } from '../throttling.ts'
import type { Ticker } from '../ticker.ts'
import type { Lag } from './lag.ts'
import type { Meters } from './meters.ts'
import type { MetricRow, MetricTable, Reading } from './metric.ts'

export type NodeSource = {
  readonly network: string
  readonly applicationId: string
  readonly partitions: number
  readonly sequencer: SequencerService | undefined
  readonly dre: DreService | undefined
  readonly relayer: RelayerService | undefined
  readonly evaluator: Evaluator | undefined
  readonly ownership: Ownership
  readonly door: DoorFigures
  readonly dryRuns: Pick<DryRuns, 'figures'>
  readonly ingress: IngressWriter
  /** Undefined: this node does not poke the clock. */
  readonly ticker: Pick<Ticker, 'figures' | 'overdueMs'> | undefined
  readonly meters: Meters
  /** Undefined: on a log that knows no quotas. */
  readonly throttling: Throttling | undefined
  readonly lag: Lag
  /** What is not ready yet, as of this scrape. */
  readonly waiting: readonly Waiting[]
}

export type NodeTable = MetricTable<NodeSource>

export type Read = (node: NodeSource) => Reading
type Row = MetricRow<NodeSource>

const row =
  (type: Row['type']) =>
  (help: string, read: Read, ...labels: readonly string[]): Row => ({ type, help, labels, read })
export const counter = row('counter')
export const gauge = row('gauge')
export const histogram = row('histogram')

export const ROLE = 'role'
export const PARTITION = 'partition'

/** Of each partition that there is something to say of. */
export function byPartition<T>(
  partitions: number,
  read: (partition: number) => T | undefined,
): { labels: { partition: number }; value: T }[] {
  return Array.from({ length: partitions }, (_, partition) => partition).flatMap((partition) => {
    const value = read(partition)
    return value === undefined ? [] : [{ labels: { partition }, value }]
  })
}
