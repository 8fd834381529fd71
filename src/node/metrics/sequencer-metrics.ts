// The metrics of the sequencer role; a node without it shows none of them.

import type { SequencerFigures } from '../../sequencer/index.ts'
import type { NodeTable, Read } from './node-source.ts'
import { byPartition, counter, gauge, histogram, PARTITION } from './node-source.ts'

type Counted = Exclude<keyof SequencerFigures, 'settleSeconds'>

const figure =
  (name: Counted): Read =>
  ({ sequencer }) =>
    sequencer?.figures[name]

export const SEQUENCER_METRICS: NodeTable = {
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
