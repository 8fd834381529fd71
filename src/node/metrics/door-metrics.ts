// The metrics of the door: what comes in over HTTP, and what of it waits for its append to ingress.

import type { NodeTable } from './node-source.ts'
import { counter, gauge, histogram } from './node-source.ts'

export const DOOR_METRICS: NodeTable = {
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
}
