// The time of a test network: the machine's, moved forward as a test asks. Log, nodes and contracts
// all take it from here, so that a contract sees what was advanced in the entry's timestamp.
//
// Invariants: K1 it never goes back. K2 whoever sleeps wakes when the time they sleep until has
// come, be it that it passed or that it was advanced.

import { systemClock, type Clock } from '../std/clock.ts'
import { HbError } from '../std/errors.ts'

export type TestClock = Clock & {
  /** Whole milliseconds, at most ADVANCE_MS_MAX at once. Throws `test-options-invalid`. */
  advance(ms: number): void
}

/** A hundred years. */
export const ADVANCE_MS_MAX = 100 * 365 * 86_400_000

type Sleeper = { readonly due: number; look: () => void }

/** `startTime`: what `now` is at first, ms since the epoch; default: the machine's time. */
export function createTestClock(startTime?: number): TestClock {
  let aheadMs = startTime === undefined ? 0 : startTime - systemClock.now()
  const sleepers = new Set<Sleeper>()
  const now = (): number => systemClock.now() + aheadMs

  const sleep = async (delayMs: number, signal?: AbortSignal): Promise<void> => {
    const sleeper: Sleeper = { due: now() + delayMs, look: () => undefined }
    sleepers.add(sleeper)
    const woken = (): void => sleeper.look()
    signal?.addEventListener('abort', woken, { once: true })
    // one turn of the timers at least, also for a sleep of no time
    for (let left = delayMs; signal?.aborted !== true; ) {
      const look = new AbortController()
      sleeper.look = () => look.abort()
      await systemClock.sleep(left, look.signal)
      left = sleeper.due - now()
      if (left <= 0) break
    }
    signal?.removeEventListener('abort', woken)
    sleepers.delete(sleeper)
  }

  const advance = (ms: number): void => {
    if (!Number.isSafeInteger(ms) || ms < 0 || ms > ADVANCE_MS_MAX) {
      const may = `advance takes 0 to ${ADVANCE_MS_MAX} ms`
      throw new HbError('test-options-invalid', `${may}, not ${ms}`)
    }
    aheadMs += ms
    for (const sleeper of [...sleepers]) sleeper.look()
  }

  return { now, sleep, advance }
}
