// The metrics of the DRE role, and of the sandboxes in which a node evaluates; a node shows those
// of what it has.

import type { EvaluatorFigures } from '../../runtime/evaluator/port.ts'
import type { NodeTable, Read } from './node-source.ts'
import { byPartition, counter, gauge, histogram, PARTITION } from './node-source.ts'

const figure = (
  name: 'entries' | 'results' | 'errors' | 'gas' | 'runs' | 'superseded' | 'opened' | 'evicted'
    | 'lost' | 'faults',
): Read => ({ dre }) => dre?.figures[name]
const evaluator = (name: keyof EvaluatorFigures): Read => ({ evaluator: each }) =>
  each?.figures()[name]

export const DRE_METRICS: NodeTable = {
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
