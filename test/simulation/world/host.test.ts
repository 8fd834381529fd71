// A host lives, freezes and dies as H1 to H3 say.

import { expect, test } from '@jest/globals'
import { Host } from './host.ts'
import { EPOCH_MS, MS, World } from './world.ts'

function hostOf(): { world: World; host: Host; pass: (ms: number) => Promise<boolean> } {
  const world = new World(1)
  const host = new Host(world, 'a')
  const pass = (ms: number): Promise<boolean> => world.runUntil(() => false, world.now + ms * MS)
  return { world, host, pass }
}

test('H1: the sleeps and calls of a dead host never settle', async () => {
  const { host, pass, world } = hostOf()
  const settled: string[] = []
  const note = (what: string) => () => void settled.push(what)
  void host.clock.sleep(5).then(note('sleep'))
  const abort = new AbortController()
  void host.clock.sleep(50, abort.signal).then(note('sleep with a signal'))
  world.after(5 * MS, () => host.resume(note('answer')))
  host.die()
  void host.clock.sleep(5).then(note('sleep of the dead'))
  expect(host.calling(note('call of the dead'))).toBe(false)
  await pass(1_000)
  expect(settled).toEqual([])
  expect(host.isAlive).toBe(false)
})

test('what is told of its death is told once', () => {
  const { host } = hostOf()
  let told = 0
  host.onDeath(() => void (told += 1))
  host.die()
  host.die()
  expect(told).toBe(1)
})

test('H2: what comes to a frozen host waits, in order, until it thaws', async () => {
  const { host, pass, world } = hostOf()
  const seen: string[] = []
  host.freeze()
  for (const at of [3, 1, 2]) world.after(at * MS, () => host.resume(() => seen.push(`${at}`)))
  void host.clock.sleep(4).then(() => seen.push('sleep'))
  await pass(100)
  expect(seen).toEqual([])
  host.thaw()
  world.after(0, () => host.resume(() => seen.push('new')))
  await pass(1)
  expect(seen).toEqual(['1', '2', '3', 'sleep', 'new'])
})

test('frozen again while it thaws, it keeps what has not run', async () => {
  const { host, pass } = hostOf()
  const seen: number[] = []
  host.freeze()
  host.resume(() => {
    seen.push(1)
    host.freeze()
  })
  host.resume(() => seen.push(2))
  host.thaw()
  await pass(1)
  expect(seen).toEqual([1])
  host.thaw()
  await pass(1)
  expect(seen).toEqual([1, 2])
})

test('killed while frozen, it forgets what waited', async () => {
  const { host, pass } = hostOf()
  const seen: number[] = []
  host.freeze()
  host.resume(() => seen.push(1))
  host.die()
  host.thaw()
  await pass(1)
  expect(seen).toEqual([])
})

test.each([true, false])('it dies at the call it is to crash at; written: %s', (written) => {
  const { host } = hostOf()
  host.crashAt = { call: 3, written }
  const sent: number[] = []
  const settled = [1, 2, 3, 4].map((n) => host.calling(() => sent.push(n)))
  expect(settled).toEqual([true, true, false, false])
  expect(sent).toEqual(written ? [1, 2, 3] : [1, 2])
  expect([host.isAlive, host.calls]).toEqual([false, 3])
})

test('H3: its clock is off by its error; a jump moves no sleep', async () => {
  const { host, pass, world } = hostOf()
  expect(host.clock.now()).toBe(EPOCH_MS)
  let woke = -1
  void host.clock.sleep(10).then(() => (woke = world.now))
  host.clockErrorMs = -60_000
  expect(host.clock.now()).toBe(EPOCH_MS - 60_000)
  await pass(20)
  expect(woke).toBe(10 * MS)
})

test('a signal ends a sleep at once; one that was given before, too', async () => {
  const { host, pass, world } = hostOf()
  const abort = new AbortController()
  let woke = -1
  void host.clock.sleep(1_000, abort.signal).then(() => (woke = world.now))
  world.after(5 * MS, () => abort.abort())
  await pass(6)
  expect(woke).toBe(5 * MS)
  await host.clock.sleep(1_000, abort.signal)
  await pass(2_000)
  expect(woke).toBe(5 * MS)
})
