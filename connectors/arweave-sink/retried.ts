// What may mend by itself is tried again, ever more slowly: for ever, or as long as
// errors.retry.timeout says.
//
// Invariants: R1 only what is transient is tried again; a log or store that closed is not. R2 a
// signal that ended is an error `partition-lost`, whatever was under way.

import type { Clock } from '../../src/index.ts'
import { HbError, isHbError } from '../../src/index.ts'
import type { SinkLimits } from './limits.ts'

export type RetryOptions = {
  readonly clock: Clock
  readonly limits: SinkLimits
  readonly signal: AbortSignal
  /** Called for each try that failed and is followed by another. */
  readonly onFailed?: (error: HbError) => void
}

export async function retried<T>(options: RetryOptions, act: () => Promise<T>): Promise<T> {
  const { clock, limits, signal, onFailed } = options
  const { retryTimeoutMs } = limits
  let failedMs: number | undefined
  for (let delayMs = limits.retryDelayMs; ; delayMs *= 2) {
    if (signal.aborted) throw new HbError('partition-lost')
    const waitMs = Math.min(delayMs, limits.retryDelayMsMax)
    try {
      return await act()
    } catch (error) {
      if (signal.aborted || !isHbError(error) || error.kind !== 'transient') throw error
      if (error.code === 'log-closed' || error.code === 'store-closed') throw error
      failedMs ??= clock.now()
      const isLate = clock.now() - failedMs + waitMs > retryTimeoutMs
      if (retryTimeoutMs !== FOR_EVER && isLate) throw error
      onFailed?.(error)
    }
    await clock.sleep(waitMs, signal)
  }
}

/** As Kafka Connect writes it. */
export const FOR_EVER = -1
