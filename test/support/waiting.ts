// Waiting for what happens in other OS processes.

const LOOK_AGAIN_MS = 100
const LONG_ENOUGH_MS = 30_000

/** Repeats `check` until it does not throw; throws what it threw last if that takes too long. */
export async function eventually<T>(
  check: () => Promise<T> | T,
  withinMs = LONG_ENOUGH_MS,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    }
  }
}
