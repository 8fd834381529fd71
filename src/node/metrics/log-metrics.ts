// The metrics of the log as this node uses it: what its roles and its door write and read, by
// topic, and how long brokers' quotas made it wait.

import type { NodeTable } from './node-source.ts'
import { counter, histogram, ROLE } from './node-source.ts'

const LABELS = [ROLE, 'topic'] as const

export const LOG_METRICS: NodeTable = {
  hb_log_written_records_total: counter(
    'Records appended, by who appended them (a role or the door).',
    ({ meters }) => meters.numbers('writtenRecords'),
    ...LABELS,
  ),
  hb_log_written_bytes_total: counter(
    'Bytes of values appended.',
    ({ meters }) => meters.numbers('writtenBytes'),
    ...LABELS,
  ),
  hb_log_read_records_total: counter(
    'Records read or delivered.',
    ({ meters }) => meters.numbers('readRecords'),
    ...LABELS,
  ),
  hb_log_read_bytes_total: counter(
    'Bytes of values read or delivered.',
    ({ meters }) => meters.numbers('readBytes'),
    ...LABELS,
  ),
  hb_log_append_duration_seconds: histogram(
    'How long an append took until it was durable.',
    ({ meters }) => meters.appends(),
    ...LABELS,
  ),
  hb_log_append_failures_total: counter(
    'Appends that failed, by the code of the error; most are tried again.',
    ({ meters }) => meters.failures(),
    ...LABELS,
    'code',
  ),
  hb_log_throttled_seconds_total: counter(
    "Seconds that brokers' quotas made a client id's connections wait, by what was asked.",
    ({ throttling }) => throttling?.samples() ?? [],
    'client_id',
    'request',
  ),
}
