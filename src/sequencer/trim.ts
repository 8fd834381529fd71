// Ingress is kept until it is committed: what lies below the group's durable commit is deleted, in
// pieces that are worth it.
// Invariant: nothing at or above the durable commit is touched (S1 of the service stands on it).

import type { Log } from '../log/port.ts'

export type TrimOptions = {
  readonly log: Log
  readonly group: string
  readonly topic: string
  readonly trimRecordsMin: number
}

/** Trims those of the partitions where it deletes `trimRecordsMin` records at least. */
export async function trimCommitted(
  { log, group, topic, trimRecordsMin }: TrimOptions,
  partitions: readonly number[],
): Promise<void> {
  const committed = await log.committed(group, topic)
  const ends = await log.ends(topic)
  for (const partition of partitions) {
    const before = committed[partition]
    const start = ends[partition]?.start
    if (before === undefined || start === undefined || before - start < trimRecordsMin) continue
    await log.trim(topic, partition, before)
  }
}
