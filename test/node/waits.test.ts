// Who waits for which message: stages, refusals, bounds of what is remembered.

import { describe, expect, test } from '@jest/globals'
import { Waits } from '../../src/node/waits.ts'
import { systemClock } from '../../src/std/clock.ts'
import { HbError } from '../../src/std/errors.ts'

async function isOver(wait: Promise<void>): Promise<boolean> {
  const open = Symbol('open')
  const pause = new Promise((resolve) => setTimeout(resolve, 5, open))
  return (await Promise.race([wait, pause])) !== open
}

describe('waits', () => {
  test('end at their stage or a later one, each for its own message', async () => {
    const waits = new Waits(systemClock)
    const sequenced = waits.until('a', 'sequenced', 60_000)
    const result = waits.until('a', 'result', 60_000)
    const other = waits.until('b', 'sequenced', 60_000)
    waits.reached('a', 'sequenced')
    expect(await isOver(sequenced)).toBe(true)
    expect(await isOver(result)).toBe(false)
    waits.reached('a', 'result')
    expect(await isOver(result)).toBe(true)
    expect(await isOver(other)).toBe(false)
    waits.reached('b', 'result')
    expect(await isOver(other)).toBe(true)
  })

  test('a refusal ends them all and is remembered, up to a bound', async () => {
    const waits = new Waits(systemClock, { rememberedMax: 2 })
    waits.submitted('a', 3)
    const wait = waits.until('a', 'result', 60_000)
    waits.refused('a', new HbError('expired', 'x'))
    expect(await isOver(wait)).toBe(true)
    expect(waits.pendingIn('a')).toBeUndefined()
    expect(waits.refusal('a')?.code).toBe('expired')
    waits.refused('b', new HbError('expired', 'x'))
    waits.refused('c', new HbError('expired', 'x'))
    expect(['a', 'b', 'c'].map((id) => waits.refusal(id)?.code)).toEqual([
      undefined,
      'expired',
      'expired',
    ])
  })

  test('pending ids are remembered up to a bound, and until they get somewhere', () => {
    const waits = new Waits(systemClock, { rememberedMax: 2 })
    for (const id of ['a', 'b', 'c']) waits.submitted(id, 1)
    expect(['a', 'b', 'c'].map((id) => waits.pendingIn(id))).toEqual([undefined, 1, 1])
    waits.reached('b', 'sequenced')
    waits.withdrawn('c')
    expect(['b', 'c'].map((id) => waits.pendingIn(id))).toEqual([undefined, undefined])
  })

  test('a signal ends a wait; places are counted and come back', async () => {
    const waits = new Waits(systemClock, { waitsMax: 1 })
    const stop = new AbortController()
    const wait = waits.counted(() => waits.until('a', 'result', 60_000, stop.signal))
    await expect(waits.counted(() => Promise.resolve())).rejects.toMatchObject({
      code: 'queue-full',
    })
    stop.abort()
    expect(await isOver(wait)).toBe(true)
    expect(await isOver(waits.until('a', 'result', 60_000, stop.signal))).toBe(true)
    await waits.counted(() => Promise.resolve())
  })

  test('once closed, nobody waits', async () => {
    const waits = new Waits(systemClock)
    const before = waits.until('a', 'result', 60_000)
    waits.close()
    expect(await isOver(before)).toBe(true)
    expect(await isOver(waits.until('a', 'result', 60_000))).toBe(true)
  })
})
