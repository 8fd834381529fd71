// From which height on whoever takes a partition over publishes.
//
// The outbox may show less than what lies below the first result that is stored here, which is then
// a manifest's. That was published once: an interval is recorded after its results. Where its
// messages are settled, it was trimmed; where not, it is lost, and must be made again.

import type { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import { targetProcess } from '../protocol/target.ts'
import { partitionOf } from '../protocol/topics.ts'
import type { Log } from '../log/port.ts'
import type { DrePosition, ProcessStore } from './process-store.ts'
import { SettledChannels } from './settled-channels.ts'

export type OutboxPlace = {
  readonly network: Network
  readonly partition: number
  readonly log: Log
  /** The topic of the heads. */
  readonly registry: string
  readonly records: Records
  readonly store: ProcessStore
}

/** The outbox lost results from this height on, of which messages are under way: none is here. */
export class OutboxBehind extends Error {
  readonly next: number

  constructor(next: number) {
    super(`the outbox lacks results from height ${next} on`)
    this.next = next
  }
}

/** `next`: the height after the last one that the outbox shows. Throws OutboxBehind. */
export async function whereToPublish(
  o: OutboxPlace,
  position: DrePosition,
  { next }: { readonly next: number },
): Promise<number> {
  const from = o.store.firstResult() ?? position.view.height + 1
  if (next >= from) return next
  const settled = new SettledChannels(o.log, o.registry, o.records)
  await settled.refresh()
  if (settled.covers(o.partition, outgoingBelow(o, from, position))) return from
  throw new OutboxBehind(next)
}

/** The last numbers given in the channels below a height: of the numbers after it, those above. */
function outgoingBelow(
  { network, partition, store }: OutboxPlace,
  from: number,
  position: DrePosition,
): number[] {
  const outgoing = position.outgoing.slice()
  for (const { results } of store.runs(from)) {
    for (const { height, process: caller, messages } of results) {
      messages.forEach((content, index) => {
        if (content.kind === 'event') return
        const process = targetProcess(network.id, { caller, partition, height, index }, content)
        const target = partitionOf(process, network.genesis.partitions)
        outgoing[target] = (outgoing[target] ?? 0) - 1
      })
    }
  }
  return outgoing
}
