// The metrics of the relayer role; a node without it shows none of them.

import type { NodeTable, Read } from './node-source.ts'
import { counter, histogram } from './node-source.ts'

const figure = (name: 'relayed' | 'appends' | 'skipped' | 'resent'): Read => ({ relayer }) =>
  relayer?.figures[name]

export const RELAYER_METRICS: NodeTable = {
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
