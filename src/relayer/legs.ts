// Where the leg from an outbox to ingress begins of what is relayed; the channel that appends it
// ends it.

import type { StoredRecord } from '../log/port.ts'
import type { Tracing } from '../std/trace.ts'
import { tracesOfRun } from '../std/trace.ts'
import type { Relay } from './core.ts'

/** `stored`: the run that they are of, with the traces that came with it. */
export function beginLegs(
  tracing: Tracing,
  partition: number,
  relays: readonly Relay[],
  stored: StoredRecord,
): void {
  if (relays.length === 0) return
  const traces = tracesOfRun(stored)
  for (const relay of relays) {
    const { process, record } = relay
    const trace = traces?.get(record.height)
    relay.leg = tracing.begin('hb.relay', trace, partition, process, '')
  }
}
