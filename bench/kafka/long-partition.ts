// A partition with very many entries, made by a real sequencer and a real DRE: messages of one
// process to another of the same partition are put straight into ingress, as a relayer would, in a
// channel that nobody else uses. The target counts and sends nothing.

import type { Log, LogRecord } from '../../src/log/port.ts'
import { Records, relayedRecord } from '../../src/protocol/codec/records.ts'

const BATCH = 500
/** Fillers of a broker's memory would only be waited for. */
const UNDER_WAY = 4

export type Filling = {
  readonly topic: string
  readonly partition: number
  readonly caller: string
  readonly target: string
  readonly count: number
}

/** Resolves when all of it is in ingress. */
export async function fillIngress(log: Log, filling: Filling): Promise<void> {
  const { topic, partition, count } = filling
  const codec = new Records()
  const under: Promise<unknown>[] = []
  for (let from = 0; from < count; from += BATCH) {
    const records = Array.from({ length: Math.min(BATCH, count - from) }, (_, index) =>
      message(codec, filling, from + index),
    )
    if (under.length >= UNDER_WAY) await under.shift()
    under.push(log.append(topic, partition, records))
  }
  await Promise.all(under)
}

function message(codec: Records, filling: Filling, number: number): LogRecord {
  const { partition, caller, target } = filling
  const origin = { partition, height: number, index: 0, seq: number + 1 }
  const relayed = relayedRecord(caller, origin, {
    kind: 'message',
    target,
    tags: [{ name: 'Action', value: 'Count' }],
    data: Buffer.alloc(0),
    hops: 1,
    count: 1,
    budget: '0',
    seq: number + 1,
  })
  return { key: target, value: codec.encodeIngress({ type: 'relayed', relayed }) }
}
