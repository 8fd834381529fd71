// The relayer's decisions, pure: which messages of which runs go where (R3, R7).
//
// Invariants: Y1 a partition's results are taken in order of height, without gap; what was seen
// already is skipped. Y2 every message but events is passed on, unfiltered, in order.

import type { RelayedRecord } from '../protocol/codec/records.ts'
import { relayedRecord } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import type { Run } from '../protocol/result.ts'
import { targetProcess } from '../protocol/target.ts'
import { partitionOf } from '../protocol/topics.ts'
import type { Leg } from '../std/trace.ts'

/** A message on its way: to which partition of ingress, under which key (its process). */
export type Relay = {
  readonly target: number
  readonly process: string
  readonly record: RelayedRecord
  /** Of who traces it; nothing decided here depends on it. */
  leg?: Leg | undefined
}

/**
 * Where a relayer stands in an outbox partition: the height it takes next, undefined before its
 * first run.
 */
export type OutboxCursor = { next: number | undefined }

/**
 * What a run adds, or 'gap' where results before it are missing. Moves the cursor unless there is
 * a gap.
 */
export function relaysOf(network: Network, cursor: OutboxCursor, run: Run): Relay[] | 'gap' {
  const next = cursor.next ?? run.from
  if (run.from > next) return 'gap'
  const relays: Relay[] = []
  for (const result of run.results) {
    if (result.height < next) continue
    result.messages.forEach((message, index) => {
      if (message.kind === 'event') return
      const { height } = result
      const origin = { partition: run.partition, height, index, seq: message.seq }
      const process = targetProcess(network.id, { ...origin, caller: result.process }, message)
      relays.push({
        target: partitionOf(process, network.genesis.partitions),
        process,
        record: relayedRecord(result.process, origin, message),
      })
    })
  }
  cursor.next = Math.max(next, run.from + run.results.length)
  return relays
}
