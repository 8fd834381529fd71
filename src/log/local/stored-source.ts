// What a pump delivers of a local log: a partition of its storage, from a position on.

import { HbError } from '../../std/errors.ts'
import type { PumpSource } from '../pump.ts'
import { readSlice, type PartitionState, type Storage } from './storage.ts'

export function storedSource(
  storage: Storage,
  partition: PartitionState,
  group: string,
): PumpSource {
  return {
    topic: partition.topic.spec.name,
    partition: partition.index,
    take: (position, recordsMax, bytesMax) => {
      if (position >= partition.end) return undefined
      checkPosition(partition, position)
      return readSlice(storage, partition, position, { to: Infinity, recordsMax, bytesMax })
    },
    listen: (wake) => void partition.listeners.add(wake),
    unlisten: (wake) => void partition.listeners.delete(wake),
    commit: (next) => storage.commit(group, partition, next),
  }
}

/** L6: a position that the log does not have is an error, never a reset. */
export function checkPosition(partition: PartitionState, position: number): void {
  const { start, end, index } = partition
  if (Number.isInteger(position) && position >= start && position <= end) return
  const topic = partition.topic.spec.name
  throw new HbError(
    'log-position-out-of-range',
    `${topic}[${index}] retains ${start} to ${end}, asked for ${String(position)}`,
    { data: { topic, partition: index, position, start, end } },
  )
}
