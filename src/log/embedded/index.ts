// The embedded log: the log of one machine, without a server, durable across power loss. See
// README.md beside this.

import { systemClock, type Clock } from '../../std/clock.ts'
import { LOG_LIMITS, type LogLimits } from '../local/limits.ts'
import { createLocalLog, type LocalLog } from '../local/local-log.ts'
import { commitBatch } from '../../store/lmdb/index.ts'
import { EmbeddedStorage } from './embedded-storage.ts'
import { openLogFile } from './log-file.ts'

export type EmbeddedLogOptions = {
  /** Created where missing. One OS process at a time. */
  readonly dir: string
  readonly clock?: Clock
} & Partial<LogLimits>

/** Generations that one opening of the log may use up. */
const GENERATIONS_PER_OPENING = 1_000_000

/**
 * Limits default to LOG_LIMITS. Errors: `log-locked` (says who holds it), `log-file-foreign`,
 * `log-file-corrupt`, `log-format-unsupported`.
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<LocalLog> {
  const { dir, clock = systemClock, ...overrides } = options
  const limits = { ...LOG_LIMITS, ...overrides }
  const file = await openLogFile(dir)
  try {
    const opening = ((file.meta.get('openings') as number | undefined) ?? 0) + 1
    await commitBatch(file.root, () => void file.meta.put('openings', opening))
    const storage = new EmbeddedStorage(file, dir, clock, limits)
    await storage.load()
    const generationBase = opening * GENERATIONS_PER_OPENING
    return createLocalLog({ storage, clock, limits, generationBase })
  } catch (error) {
    await file.root.close()
    file.release()
    throw error
  }
}

export { openEmbeddedReader } from './reader.ts'
