// Waiting with an end: a benchmark that hangs says what it waited for.

import { setTimeout as sleep } from 'node:timers/promises'

const MS_MAX = 300_000

export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  msMax = MS_MAX,
): Promise<void> {
  const deadline = performance.now() + msMax
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${msMax} ms`)
    await sleep(20)
  }
}

export async function within<T>(what: string, promise: Promise<T>, msMax = MS_MAX): Promise<T> {
  const stop = new AbortController()
  const late = sleep(msMax, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what}: not within ${msMax} ms`)
  })
  late.catch(() => undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    stop.abort()
  }
}
