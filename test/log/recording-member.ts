// A member that writes down every call, for tests; and waiting for what it saw, without fixed
// sleeps.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch, Member, StoredRecord } from '../../src/log/port.ts'

export type Call =
  | { readonly call: 'assigned'; readonly partition: number; readonly committed: unknown }
  | { readonly call: 'records'; readonly partition: number; readonly batch: Batch }
  | { readonly call: 'revoked'; readonly partition: number }
  | { readonly call: 'halted'; readonly partition: number; readonly error: unknown }

export type RecordingMember = Member & {
  readonly calls: Call[]
  /** Records seen of a partition (of all topics, in the order of delivery). */
  seen(partition: number): StoredRecord[]
  /** Partitions assigned and not revoked. */
  held(): number[]
}

export type RecordingOptions = {
  /** Where to start what has no committed position. Default 'earliest'. */
  readonly start?: number | 'earliest'
  readonly onRecords?: (batch: Batch) => Promise<void>
  readonly onAssigned?: (partition: number) => Promise<void>
  readonly onRevoked?: (partition: number) => Promise<void>
}

export function recordingMember(options: RecordingOptions = {}): RecordingMember {
  const calls: Call[] = []
  return {
    calls,
    async assigned(partition, committed) {
      calls.push({ call: 'assigned', partition, committed: { ...committed } })
      await options.onAssigned?.(partition)
      const starts: Record<string, number | 'earliest'> = {}
      for (const topic in committed) {
        starts[topic] = committed[topic] ?? options.start ?? 'earliest'
      }
      return starts
    },
    async records(batch) {
      calls.push({ call: 'records', partition: batch.partition, batch })
      await options.onRecords?.(batch)
    },
    async revoked(partition) {
      calls.push({ call: 'revoked', partition })
      await options.onRevoked?.(partition)
    },
    halted(partition, error) {
      calls.push({ call: 'halted', partition, error })
    },
    seen: (partition) =>
      calls.flatMap((call) =>
        call.call === 'records' && call.partition === partition ? call.batch.records : [],
      ),
    held() {
      const held = new Set<number>()
      for (const { call, partition } of calls) {
        if (call === 'assigned') held.add(partition)
        if (call === 'revoked') held.delete(partition)
      }
      return [...held].sort((a, b) => a - b)
    },
  }
}

/** Polls until the condition holds; throws with `what` after the limit. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms in vain: ${what}`)
    await sleep(5)
  }
}

export { sleep }
