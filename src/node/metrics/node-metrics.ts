// The metrics of a node, each with how it is read: names, units and help in one table, out of which
// docs/operating/metrics.md is generated.
//
// Names: hb_<part>_<what>_<unit>, base units, `_total` for what only grows; parts are the roles,
// the door (what comes in over HTTP), the node and its log. Invariant: reading costs nothing but
// memory of the scrape; the log is asked by lag.ts alone.

import type { DreService } from '../../dre/index.ts'
import type { RelayerService } from '../../relayer/index.ts'
import type { Evaluator, EvaluatorFigures } from '../../runtime/evaluator/port.ts'
import type { SequencerFigures, SequencerService } from '../../sequencer/index.ts'
import type { DoorFigures } from '../door-figures.ts'
import type { DryRuns } from '../dry-runs.ts'
import type { IngressWriter } from '../ingress-writer.ts'
import type { Holding, Ownership, Role } from '../ownership.ts'
import type { Waiting } from '../readiness.ts'
import type { Throttling } from '../throttling.ts'
import type { Ticker } from '../ticker.ts'
import type { Lag } from './lag.ts'
import type { Meters } from './meters.ts'
import type { MetricTable, Reading, Sample } from './metric.ts'

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

type Read = (node: NodeSource) => Reading
type Row = MetricTable<NodeSource>[string]

const row =
  (type: Row['type']) =>
  (help: string, read: Read, ...labels: readonly string[]): Row => ({ type, help, labels, read })
const counter = row('counter')
const gauge = row('gauge')
const histogram = row('histogram')

const ROLE = 'role'
const PARTITION = 'partition'

export const NODE_METRICS: MetricTable<NodeSource> = {
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
  hb_door_messages_accepted_total: counter(
    'Messages that the door made durable in ingress, repeats included.',
    ({ door }) => door.accepted,
  ),
  hb_door_accepted_bytes_total: counter(
    'Bytes of the data items that the door made durable in ingress.',
    ({ door }) => door.acceptedBytes,
  ),
  hb_door_messages_refused_total: counter(
    'Messages that the door refused, by the code of the error.',
    ({ door }) => [...door.refused].map(([code, value]) => ({ labels: { code }, value })),
    'code',
  ),
  hb_door_submit_duration_seconds: histogram(
    'From a message at the door, checked, to durable in ingress.',
    ({ door }) => door.submitSeconds,
  ),
  hb_door_waiting_records: gauge(
    'Messages at the door that wait for their append to ingress, or are in it.',
    ({ ingress }) => ingress.waitingRecords,
  ),
  hb_door_waiting_bytes: gauge(
    'Bytes of the messages of hb_door_waiting_records.',
    ({ ingress }) => ingress.waitingBytes,
  ),
  ...sequencerMetrics(),
  ...dreMetrics(),
  ...relayerMetrics(),
  ...logMetrics(),
}

function sequencerMetrics(): MetricTable<NodeSource> {
  type Counted = Exclude<keyof SequencerFigures, 'settleSeconds'>
  const figure =
    (name: Counted): Read =>
    ({ sequencer }) =>
      sequencer?.figures[name]
  return {
    hb_sequencer_entries_total: counter('Entries appended here and settled.', figure('entries')),
    hb_sequencer_superseded_total: counter(
      'Records of the log, read here, that did not extend the chain.',
      figure('superseded'),
    ),
    hb_sequencer_duplicates_total: counter(
      'Messages that have their place already: answered with it, or dropped.',
      figure('duplicates'),
    ),
    hb_sequencer_gaps_total: counter(
      "Processes' messages that came before an earlier one of their channel, and were dropped.",
      figure('gaps'),
    ),
    hb_sequencer_refused_total: counter('Records of ingress that were refused.', figure('refused')),
    hb_sequencer_dead_letters_total: counter(
      'Refused records that are durable in the dead letters.',
      figure('deadLetters'),
    ),
    hb_sequencer_claims_total: counter(
      'Claims written, one at least per take-over.',
      figure('claims'),
    ),
    hb_sequencer_unclear_appends_total: counter(
      'Appends of entries whose outcome had to be read back.',
      figure('unclear'),
    ),
    hb_sequencer_schema_waits_total: counter(
      'Times that a schema registry was asked and could not answer; ingress waits meanwhile.',
      figure('schemaWaits'),
    ),
    hb_sequencer_settle_duration_seconds: histogram(
      "From a message's append to ingress to its settled entry.",
      ({ sequencer }) => sequencer?.figures.settleSeconds,
    ),
    hb_sequencer_height: gauge(
      'Height of the last settled entry of a partition that is sequenced here.',
      ({ sequencer, partitions }) =>
        sequencer && byPartition(partitions, (each) => sequencer.height(each)),
      PARTITION,
    ),
  }
}

function dreMetrics(): MetricTable<NodeSource> {
  const figure = (
    name: 'entries' | 'results' | 'errors' | 'gas' | 'runs' | 'superseded' | 'opened' | 'evicted'
      | 'lost' | 'faults',
  ): Read => ({ dre }) => dre?.figures[name]
  const evaluator = (name: keyof EvaluatorFigures): Read => ({ evaluator: each }) =>
    each?.figures()[name]
  return {
    hb_dre_entries_total: counter('Entries evaluated, warm copies included.', figure('entries')),
    hb_dre_results_total: counter('Results published for the first time.', figure('results')),
    hb_dre_errors_total: counter('Evaluated entries whose result is an error.', figure('errors')),
    hb_dre_gas_total: counter('Gas of the entries evaluated.', figure('gas')),
    hb_dre_runs_total: counter('Runs appended to the outbox.', figure('runs')),
    hb_dre_superseded_total: counter(
      'Records of the log that did not extend the chain.',
      figure('superseded'),
    ),
    hb_dre_publish_duration_seconds: histogram(
      "From an entry's timestamp to its result durable in the outbox.",
      ({ dre }) => dre?.figures.publishSeconds,
    ),
    hb_dre_height: gauge(
      'Height of the last evaluated entry of a partition that is evaluated here.',
      ({ dre, partitions }) =>
        dre && byPartition(partitions, (each) => dre.owned(each)?.store.position()?.view.height),
      PARTITION,
    ),
    hb_dre_instances_opened_total: counter(
      'Instances opened again from the store.',
      figure('opened'),
    ),
    hb_dre_instances_closed_total: counter(
      'Instances closed because they were idle or too many.',
      figure('evicted'),
    ),
    hb_dre_instances_lost_total: counter(
      'Commands that met an instance that was gone; they were repeated.',
      figure('lost'),
    ),
    hb_dre_faults_total: counter(
      'Commands that ended by a fault of this node; they were repeated.',
      figure('faults'),
    ),
    hb_dre_instances_open: gauge('Instances open in the sandboxes.', evaluator('open')),
    hb_dre_instances_memory_bytes: gauge(
      'Memory of all open instances as of their last replies.',
      evaluator('memoryBytes'),
    ),
    hb_dre_workers: gauge('Workers that evaluate; 0: on the main thread.', evaluator('workers')),
    hb_dre_workers_running: gauge(
      'Workers that have a thread now.',
      evaluator('workersRunning'),
    ),
    hb_dre_commands_pending: gauge(
      'Commands that the sandboxes have not answered yet.',
      evaluator('commandsPending'),
    ),
    hb_dre_workers_lost_total: counter(
      'Workers that died or were ended.',
      evaluator('workersLost'),
    ),
  }
}

function relayerMetrics(): MetricTable<NodeSource> {
  const figure = (name: 'relayed' | 'appends' | 'skipped' | 'resent'): Read => ({ relayer }) =>
    relayer?.figures[name]
  return {
    hb_relayer_relayed_total: counter(
      'Messages put on ingress, those sent again too.',
      figure('relayed'),
    ),
    hb_relayer_resent_total: counter(
      'Messages of channels that stood still, sent again.',
      figure('resent'),
    ),
    hb_relayer_appends_total: counter('Appends to ingress.', figure('appends')),
    hb_relayer_skipped_total: counter(
      'Records of the outbox that are no runs.',
      figure('skipped'),
    ),
    hb_relayer_relay_duration_seconds: histogram(
      "From a run's append to the outbox to all its messages durable in ingress.",
      ({ relayer }) => relayer?.figures.relaySeconds,
    ),
  }
}

function logMetrics(): MetricTable<NodeSource> {
  const labels = [ROLE, 'topic']
  return {
    hb_log_written_records_total: counter(
      'Records appended, by who appended them (a role or the door).',
      ({ meters }) => meters.numbers('writtenRecords'),
      ...labels,
    ),
    hb_log_written_bytes_total: counter(
      'Bytes of values appended.',
      ({ meters }) => meters.numbers('writtenBytes'),
      ...labels,
    ),
    hb_log_read_records_total: counter(
      'Records read or delivered.',
      ({ meters }) => meters.numbers('readRecords'),
      ...labels,
    ),
    hb_log_read_bytes_total: counter(
      'Bytes of values read or delivered.',
      ({ meters }) => meters.numbers('readBytes'),
      ...labels,
    ),
    hb_log_append_duration_seconds: histogram(
      'How long an append took until it was durable.',
      ({ meters }) => meters.appends(),
      ...labels,
    ),
    hb_log_append_failures_total: counter(
      'Appends that failed, by the code of the error; most are tried again.',
      ({ meters }) => meters.failures(),
      ...labels,
      'code',
    ),
    hb_log_throttled_seconds_total: counter(
      "Seconds that brokers' quotas made a client id's connections wait, by what was asked.",
      ({ throttling }) => throttling?.samples() ?? [],
      'client_id',
      'request',
    ),
  }
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

function byPartition<T>(
  partitions: number,
  read: (partition: number) => T | undefined,
): { labels: { partition: number }; value: T }[] {
  return Array.from({ length: partitions }, (_, partition) => partition).flatMap((partition) => {
    const value = read(partition)
    return value === undefined ? [] : [{ labels: { partition }, value }]
  })
}
