// The metrics of a node, each with how it is read: names, units and help in one table, out of which
// docs/operating/metrics.md is generated. Here are those of the node itself, of its partitions and
// its clock; each other part has a table in a file of its own.
//
// Names: hb_<part>_<what>_<unit>, base units, `_total` for what only grows; parts are the roles,
// the door (what comes in over HTTP), the node and its log. Invariant: reading costs nothing but
// memory of the scrape; the log is asked by lag.ts alone.

import type { Holding, Role } from '../ownership.ts'
import type { Waiting } from '../readiness.ts'
import { DOOR_METRICS } from './door-metrics.ts'
import { DRE_METRICS } from './dre-metrics.ts'
import { LOG_METRICS } from './log-metrics.ts'
import type { Sample } from './metric.ts'
import type { NodeSource, NodeTable } from './node-source.ts'
import { byPartition, counter, gauge, PARTITION, ROLE } from './node-source.ts'
import { RELAYER_METRICS } from './relayer-metrics.ts'
import { SEQUENCER_METRICS } from './sequencer-metrics.ts'

export const NODE_METRICS: NodeTable = {
  hb_node_info: gauge(
    'Always 1; what the node is of.',
    ({ network, applicationId }) => [
      { labels: { network, application_id: applicationId }, value: 1 },
    ],
    'network',
    'application_id',
  ),
  hb_node_network_partitions: gauge(
    'Partitions of the network, whoever has them.',
    ({ partitions }) => partitions,
  ),
  hb_node_ready: gauge(
    '1: every role has joined its group and all that it has is open; as /readyz says.',
    ({ ownership }) => Number(ownership.ready()),
  ),
  hb_node_partitions: gauge(
    'Partitions that a role has here, by state: opening, open, closing, halted, standby.',
    partitionsByState,
    ROLE,
    'state',
  ),
  hb_node_partition_halted: gauge(
    '1 for each partition that stands still here, with the code of the error.',
    ({ ownership }) =>
      ownership.halts().map(({ role, partition, code }) => ({
        labels: { role, partition, code },
        value: 1,
      })),
    ROLE,
    PARTITION,
    'code',
  ),
  hb_node_restore_read_records: gauge(
    'Of a partition that is being opened: records of the topic that are read.',
    ({ waiting }) => restoring(waiting, ({ read }) => read),
    ROLE,
    PARTITION,
    'topic',
  ),
  hb_node_restore_size_records: gauge(
    'Of a partition that is being opened: records of the topic that are to be read.',
    ({ waiting }) => restoring(waiting, ({ of }) => of),
    ROLE,
    PARTITION,
    'topic',
  ),
  hb_node_standby_lag_records: gauge(
    'Records that a warm copy here is behind the log, as last looked at.',
    standbyLags,
    ROLE,
    PARTITION,
  ),
  hb_node_dry_runs_total: counter(
    'Dry runs by their status: ok, error, or refused, which gave no outcome.',
    ({ dryRuns }) =>
      [...dryRuns.figures.counts].map(([status, value]) => ({ labels: { status }, value })),
    'status',
  ),
  hb_node_pokes_total: counter(
    'Messages by which this node had the clock fire what is due.',
    ({ ticker }) => ticker?.figures.pokes ?? [],
  ),
  hb_node_poke_failures_total: counter(
    'Pokes that the door refused or could not write, by the code of the error.',
    ({ ticker }) =>
      [...(ticker?.figures.failures ?? [])].map(([code, value]) => ({ labels: { code }, value })),
    'code',
  ),
  hb_node_alarm_overdue_seconds: gauge(
    'How long the first alarm of the clock, which this node pokes, is due; 0: it is not.',
    ({ ticker }) => (ticker === undefined ? [] : (ticker.overdueMs ?? 0) / 1_000),
  ),
  kafka_consumergroup_lag: gauge(
    "Records between a group's position and the topic's end, of the partitions that this node has.",
    ({ lag }) =>
      lag.lags().map(({ group, topic, partition, records }) => ({
        labels: { consumergroup: group, topic, partition },
        value: records,
      })),
    'consumergroup',
    'topic',
    PARTITION,
  ),
  hb_node_lag_age_seconds: gauge(
    'How old what kafka_consumergroup_lag shows is.',
    ({ lag }) => {
      const ageMs = lag.ageMs()
      return ageMs === undefined ? [] : ageMs / 1_000
    },
  ),
  ...DOOR_METRICS,
  ...SEQUENCER_METRICS,
  ...DRE_METRICS,
  ...RELAYER_METRICS,
  ...LOG_METRICS,
}

function partitionsByState({ ownership, partitions }: NodeSource): Sample[] {
  return ownership.roles.flatMap((role) => {
    const counts: Partial<Record<Holding, number>> = {
      opening: 0,
      open: 0,
      closing: 0,
      halted: 0,
      standby: 0,
    }
    for (let partition = 0; partition < partitions; partition++) {
      const state = ownership.of(role, partition)
      if (state !== 'elsewhere') counts[state] = (counts[state] ?? 0) + 1
    }
    return Object.entries(counts).map(([state, value]) => ({ labels: { role, state }, value }))
  })
}

function standbyLags({ ownership, partitions }: NodeSource): Sample[] {
  return byPartition(partitions, (each) => ownership.standbyLag(each)).flatMap(
    ({ labels, value }) =>
      Object.entries(value).flatMap(([role, lag]) =>
        lag === null ? [] : [{ labels: { role: role as Role, ...labels }, value: lag }],
      ),
  )
}

function restoring(
  waiting: readonly Waiting[],
  which: (each: Waiting) => number | undefined,
): Sample[] {
  return waiting.flatMap((each) => {
    const { role, partition, topic } = each
    const value = which(each)
    if (partition === undefined || topic === undefined || value === undefined) return []
    return [{ labels: { role, partition, topic }, value }]
  })
}
