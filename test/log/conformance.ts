// What every adapter of the log port must do, as a function of the adapter. Asserts only what the
// port promises. An adapter's test calls `logConformance(name, factory)`; invariants L1 to L6 are
// those of src/log/port.ts.

import { afterEach, beforeEach, describe } from '@jest/globals'
import type { Log } from '../../src/log/port.ts'
import { groupConformance } from './conformance-groups.ts'
import { partitionConformance } from './conformance-partitions.ts'

export type LogUnderTest = {
  readonly log: Log
  /** Topics get names that begin with it: for logs that live longer than a test. */
  readonly prefix?: string
  /** Closes and opens the same data again; undefined where the adapter keeps nothing. */
  readonly reopen?: () => Promise<Log>
  /** Compacts a partition now; undefined where the adapter cannot be told to. */
  readonly compact?: (log: Log, topic: string, partition: number) => Promise<unknown>
  /** A record of this many value bytes is refused. */
  readonly recordBytesTooMany: number
  readonly dispose: () => Promise<void>
}

export type LogFactory = () => Promise<LogUnderTest>

/** What the cases share: the log of the current test, and what the adapter can do. */
export type Subject = { current(): LogUnderTest; readonly topic: (suffix?: string) => string }

export function logConformance(name: string, factory: LogFactory): void {
  describe(`log port: ${name}`, () => {
    let subject: LogUnderTest | undefined
    let count = 0
    beforeEach(async () => {
      count++
      subject = await factory()
    })
    afterEach(async () => {
      await subject?.dispose()
      subject = undefined
    })
    const shared: Subject = {
      current: () => subject as LogUnderTest,
      topic: (suffix = 'a') => `${subject?.prefix ?? ''}conformance-${count}-${suffix}`,
    }
    partitionConformance(shared)
    groupConformance(shared)
  })
}
