// The disk keeps D1 and D2: writes are whole, and what power takes away is a suffix of them.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Store, StoreOp } from '../../../src/store/port.ts'
import { Disk } from './disk.ts'
import { Host } from './host.ts'
import { MS, SECOND, World } from './world.ts'

const KEYS = ['a', 'b', 'c', 'd']

function contents(store: Store): Record<string, string> {
  const rows = [...store.range({ from: '', to: '~' })]
  return Object.fromEntries(rows.map(({ key, value }) => [key, Buffer.from(value).toString()]))
}

function put(key: string, text: string): StoreOp {
  return { key, value: Buffer.from(text) }
}

/** A machine: its disk, and a host for each life. */
function machine(seed: number) {
  const world = new World(seed)
  const disk = new Disk(world)
  let host = new Host(world, 'a')
  const pass = (us: number): Promise<boolean> => world.runUntil(() => false, world.now + us)
  const open = (): Store => disk.open('f', host)
  const restart = (): Store => {
    host.die()
    host = new Host(world, 'b')
    return open()
  }
  return { world, disk, pass, open, restart, die: () => host.die() }
}

test('what was written is there in the next life of the host', async () => {
  const { open, pass, restart } = machine(1)
  let resolved = false
  void open()
    .write([put('a', '1')])
    .then(() => (resolved = true))
  await pass(SECOND)
  expect(resolved).toBe(true)
  expect(contents(restart())).toEqual({ a: '1' })
})

test('D1: a host that dies in a write leaves nothing of it', async () => {
  const { open, pass, restart } = machine(1)
  const store = open()
  let settled = false
  void store.write([put('a', '1'), put('b', '1')]).then(() => (settled = true))
  await pass(1)
  const next = restart()
  await pass(SECOND)
  expect([contents(next), settled]).toEqual([{}, false])
})

test('writes before one is done go together, later ones of a key win', async () => {
  const { open, pass } = machine(1)
  const store = open()
  const writes = [store.write([put('a', '1'), put('b', '1')]), store.write([put('a', '2')])]
  await pass(SECOND)
  await Promise.all(writes)
  expect(contents(store)).toEqual({ a: '2', b: '1' })
})

test('the bytes are those of the call, whatever becomes of the buffer', async () => {
  const { open, pass } = machine(1)
  const store = open()
  const value = Buffer.from('1')
  const writing = store.write([{ key: 'a', value }])
  value.fill('9')
  await pass(SECOND)
  await writing
  expect(contents(store)).toEqual({ a: '1' })
})

test('synced, a write survives the loss of power', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const { open, pass, disk, die, restart } = machine(seed)
    void open().write([put('a', '1')])
    await pass(SECOND)
    die()
    await disk.losePower()
    expect(contents(restart())).toEqual({ a: '1' })
  }
})

const op = fc.record({ key: fc.constantFrom(...KEYS), value: fc.option(fc.nat({ max: 9 })) })
const write = fc.record({ ops: fc.array(op, { maxLength: 4 }), pauseUs: fc.nat({ max: 200 * MS }) })

test('D2: after a loss of power there is what some prefix of the writes left', async () => {
  let someWereLost = 0
  const property = fc.asyncProperty(fc.nat(), fc.array(write), async (seed, writes) => {
    const { open, pass, disk, die, restart, world } = machine(seed)
    const store = open()
    const prefixes = [contents(store)]
    for (const { ops, pauseUs } of writes) {
      const bytes = ops.map(({ key, value }): StoreOp => {
        return value === null ? { key, value } : put(key, String(value))
      })
      void store.write(bytes)
      // a write takes up to a third of a ms
      await pass(MS)
      prefixes.push(contents(store))
      await pass(pauseUs)
    }
    die()
    await disk.losePower()
    if (world.situations.size > 0) someWereLost += 1
    expect(prefixes).toContainEqual(contents(restart()))
  })
  await fc.assert(property, { numRuns: 200 })
  expect(someWereLost).toBeGreaterThan(10)
})

test('a new disk is empty', async () => {
  const { open, pass, disk, restart } = machine(1)
  void open().write([put('a', '1')])
  await pass(SECOND)
  disk.clear()
  expect(contents(restart())).toEqual({})
})
