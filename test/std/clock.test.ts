import { describe, expect, test } from '@jest/globals'
import { systemClock } from '../../src/std/clock.ts'

test('now is in milliseconds since the epoch and does not stand still', async () => {
  const before = Date.now()
  const seen = systemClock.now()
  expect(seen).toBeGreaterThanOrEqual(before)
  expect(seen).toBeLessThanOrEqual(Date.now())
  await systemClock.sleep(5)
  expect(systemClock.now()).toBeGreaterThan(seen)
})

describe('sleep', () => {
  test('lasts as long as it is asked to', async () => {
    const start = performance.now()
    await systemClock.sleep(20)
    // a timer may fire up to a millisecond early by the finer clock
    expect(performance.now() - start).toBeGreaterThanOrEqual(18)
  })

  test('resolves at once where the signal is aborted already', async () => {
    const start = performance.now()
    await systemClock.sleep(60_000, AbortSignal.abort())
    expect(performance.now() - start).toBeLessThan(30_000)
  })

  test('is ended by the signal, without throwing', async () => {
    const stop = new AbortController()
    const start = performance.now()
    const slept = systemClock.sleep(60_000, stop.signal)
    stop.abort()
    await expect(slept).resolves.toBeUndefined()
    expect(performance.now() - start).toBeLessThan(30_000)
  })

  test('leaves no listener on a signal that outlives it', async () => {
    const stop = new AbortController()
    let added = 0
    const add = stop.signal.addEventListener.bind(stop.signal)
    const remove = stop.signal.removeEventListener.bind(stop.signal)
    stop.signal.addEventListener = ((...args: Parameters<typeof add>) => {
      added += 1
      add(...args)
    }) as typeof add
    stop.signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
      added -= 1
      remove(...args)
    }) as typeof remove
    await systemClock.sleep(1, stop.signal)
    expect(added).toBe(0)
  })
})
