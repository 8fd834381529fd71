// Producers as the roles run them: one append in flight for each partition, again after whatever may
// be tried again; and how long each of them stood still.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../../src/log/port.ts'
import { systemClock } from '../../../src/std/clock.ts'
import { appendAgain } from '../../../src/dre/append-again.ts'

const PAUSE_MS = 5

export type Appending = {
  /** The longest time between two appends that were acknowledged, up to now, of any partition. */
  longestStallMs(): number
  /** Acknowledged offsets, by partition. */
  readonly acknowledged: readonly (readonly number[])[]
  stop(): Promise<void>
}

export function startAppending(log: Log, topic: string, partitions: number): Appending {
  const stop = new AbortController()
  const append = appendAgain(log, systemClock, stop.signal)
  const acknowledged = Array.from({ length: partitions }, (): number[] => [])
  const newest = new Array<number>(partitions).fill(performance.now())
  let longest = 0
  const noteStall = (partition: number): void => {
    longest = Math.max(longest, performance.now() - (newest[partition] ?? 0))
  }
  const run = async (partition: number): Promise<void> => {
    while (!stop.signal.aborted) {
      const value = Buffer.from(`${acknowledged[partition]?.length}`)
      const base = await append(topic, partition, [{ key: null, value }])
      noteStall(partition)
      newest[partition] = performance.now()
      acknowledged[partition]?.push(base)
      await sleep(PAUSE_MS)
    }
  }
  const runs = Promise.allSettled([...acknowledged.keys()].map(run))
  return {
    longestStallMs: () => {
      for (const partition of acknowledged.keys()) noteStall(partition)
      return longest
    },
    acknowledged,
    stop: async () => {
      stop.abort()
      await runs
    },
  }
}
