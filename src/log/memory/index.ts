// The memory log: for tests and simulations. Nothing survives `close`.

import { systemClock, type Clock } from '../../std/clock.ts'
import { LOG_LIMITS, type LogLimits } from '../local/limits.ts'
import { createLocalLog, type LocalLog } from '../local/local-log.ts'
import { MemoryStorage } from './memory-storage.ts'

export type MemoryLogOptions = { readonly clock?: Clock } & Partial<LogLimits>

/**
 * Limits default to LOG_LIMITS. Member ids and generations are the same for the same sequence of
 * calls.
 */
export function createMemoryLog(options: MemoryLogOptions = {}): LocalLog {
  const { clock = systemClock, ...limits } = options
  return createLocalLog({
    storage: new MemoryStorage(clock),
    clock,
    limits: { ...LOG_LIMITS, ...limits },
    generationBase: 0,
  })
}
