// Refused ingress records on their way to the dead letters (R5).
// Invariant: it ends with the letter durable, with another error of the log, or with the signal.

import { deadLetterOf } from '../protocol/dead-letter.ts'
import type { TopicNames } from '../protocol/topics.ts'
import type { Log, LogRecord, StoredRecord } from '../log/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'

export type DeadLetterOptions = {
  readonly log: Log
  readonly clock: Clock
  readonly topics: TopicNames
  readonly retryDelayMs: number
  readonly signal: AbortSignal
}

/** Resolves when the letter is durable: a log that refuses for a while is asked again. */
export async function writeDeadLetter(
  { log, clock, topics, retryDelayMs, signal }: DeadLetterOptions,
  partition: number,
  record: StoredRecord,
  error: HbError,
): Promise<void> {
  let letter: LogRecord = deadLetterOf(topics.ingress, partition, record, error)
  for (let delay = retryDelayMs; ; delay = Math.min(delay * 2, 2_000)) {
    try {
      await log.append(topics.deadletters, 0, [letter])
      return
    } catch (failure) {
      if (isHbError(failure, 'log-record-too-large') && letter.value !== null) {
        // its place in ingress still names it; the headers must not cost the partition its life
        letter = { ...letter, value: null }
        continue
      }
      const again =
        isHbError(failure, 'log-append-refused') || isHbError(failure, 'log-append-unclear')
      if (!again) throw failure
      if (signal.aborted) throw new HbError('partition-lost', 'stopping')
      await clock.sleep(delay, signal)
    }
  }
}
