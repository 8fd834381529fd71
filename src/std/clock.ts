// The only place that reads the machine's time. Everything else is handed a Clock, so that tests
// and simulations own time.

/**
 * Milliseconds since the Unix epoch, and a sleep that an AbortSignal ends early (it resolves, it
 * does not throw).
 */
export type Clock = {
  now(): number
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const timer = setTimeout(finish, delayMs)
      signal?.addEventListener('abort', finish, { once: true })
      function finish(): void {
        clearTimeout(timer)
        signal?.removeEventListener('abort', finish)
        resolve()
      }
    }),
}
