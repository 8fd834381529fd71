// R9 and the one append in flight (R2, R7): of what may pile up on a host, there is never more than
// its bound. The gauges are those of world/gauges.ts, named by who raises them.

import type { Invariant } from './watch.ts'

/** Per gauge, by the first word of its name; with how many partitions the network has. */
export const BOUNDS: Readonly<Record<string, (partitions: number) => number>> = {
  /** Calls of the log under way: reads that wait, appends, what groups are asked. */
  calls: (partitions) => 16 + 12 * partitions,
  /** Requests to other nodes under way. */
  requests: () => 64,
  /** Records fetched ahead for one partition of one topic: what one fetch brings (F1). */
  fetched: () => 4_000,
  /** Store operations that wait for the disk, of one store: those of a few batches. */
  writes: () => 4_000,
  /** Appends under way to one partition: of its sequencer (C1), of its DRE (U1). */
  'hb.log': () => 1,
  'hb.outbox': () => 1,
  'hb.snapshots': () => 1,
  /** The door's one, and of the relayer one for each source (L1). */
  'hb.ingress': (partitions) => 1 + partitions,
  /** Topics of one partition, where each partition's owner appends. */
  'hb.modules': (partitions) => partitions,
  'hb.deadletters': (partitions) => partitions,
  /** And the network's own record. */
  'hb.registry': (partitions) => 1 + partitions,
}

/** Nothing that is bounded goes above its bound. */
export const queuesBounded: Invariant = ({ partitions }, tell) => ({
  high({ host, gauge, value }) {
    const [kind = ''] = gauge.split(' ')
    const bound = BOUNDS[kind]?.(partitions.length)
    if (bound === undefined) return tell({ text: `${host}: ${gauge} has no bound` })
    if (value > bound) tell({ text: `${host}: ${value} of "${gauge}", at most ${bound}` })
  },
})
