// Appends that must get into the log: a DRE's records may stand there twice, so anything unclear is
// simply repeated.
// Invariant: it ends with the record durable, with another error of the log, or with the signal.

import type { Log, LogRecord } from '../log/port.ts'
import type { Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'

const DELAY_MS = 5
const DELAY_MS_MAX = 500

export type AppendAgain = (
  topic: string,
  partition: number,
  records: readonly LogRecord[],
) => Promise<number>

/** Resolves with the base offset. Throws `partition-lost` once the signal is aborted. */
export function appendAgain(log: Log, clock: Clock, signal: AbortSignal): AppendAgain {
  return async (topic, partition, records) => {
    for (let delay = DELAY_MS; ; delay = Math.min(delay * 2, DELAY_MS_MAX)) {
      try {
        return await log.append(topic, partition, records)
      } catch (error) {
        const again =
          isHbError(error, 'log-append-refused') || isHbError(error, 'log-append-unclear')
        if (!again) throw error
      }
      if (signal.aborted) throw new HbError('partition-lost', 'stopping')
      await clock.sleep(delay, signal)
    }
  }
}
