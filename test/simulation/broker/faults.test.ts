// Each kind of fault does to an append, a listed end, a read and a commit what its name says.

import { expect, test } from '@jest/globals'
import type { LogRecord } from '../../../src/log/port.ts'
import { Host } from '../world/host.ts'
import { SECOND, World } from '../world/world.ts'
import { Cluster } from './cluster.ts'
import type { FaultRates } from './faults.ts'
import { FAULT_KINDS, Faults, NO_FAULTS } from './faults.ts'
import { SimLog } from './sim-log.ts'

const LIMITS = {
  sessionTimeoutMs: 10_000,
  heartbeatMs: 3_000,
  rebalanceTimeoutMs: 15_000,
  commitDelayMs: 100,
  standbyLagMax: 100,
}

function logWith(rates: Partial<FaultRates>, seed = 1) {
  const world = new World(seed)
  const cluster = new Cluster(world, LIMITS)
  cluster.provision([{ name: 't', partitions: 1, cleanup: 'log' }])
  const host = new Host(world, 'a')
  const faults = new Faults(world, { ...NO_FAULTS, ...rates })
  const log = new SimLog(cluster, host, faults)
  const pass = (seconds: number): Promise<boolean> =>
    world.runUntil(() => false, world.now + seconds * SECOND)
  const values = (): string[] => {
    const { records } = cluster.partition('t', 0)
    return records.map((record) => Buffer.from(record?.value ?? []).toString())
  }
  /** What an append came to within some seconds; undefined: nothing yet. */
  const append = async (value: string, seconds = 60): Promise<unknown> => {
    let outcome: unknown
    log.append('t', 0, [record(value)]).then(
      (base) => (outcome = base),
      (error: unknown) => (outcome = (error as { code: string }).code),
    )
    await pass(seconds)
    return outcome
  }
  return { world, cluster, host, faults, log, pass, values, append }
}

function record(value: string): LogRecord {
  return { key: 'k', value: Buffer.from(value) }
}

test('without faults an append is written once and its place is told', async () => {
  const { append, values } = logWith({})
  expect([await append('x'), await append('y'), values()]).toEqual([0, 1, ['x', 'y']])
})

test('refused: an error that says so, and nothing is written', async () => {
  const { append, values } = logWith({ refused: 1 })
  expect([await append('x'), values()]).toEqual(['log-append-refused', []])
})

test('lost: unclear, and never written', async () => {
  const { append, values } = logWith({ lost: 1 })
  expect([await append('x'), values()]).toEqual(['log-append-unclear', []])
})

test('unacknowledged: unclear, and written', async () => {
  const { append, values } = logWith({ unacknowledged: 1 })
  expect([await append('x'), values()]).toEqual(['log-append-unclear', ['x']])
})

test('no offset: written, and its place is not told', async () => {
  const { append, values } = logWith({ noOffset: 1 })
  expect([await append('x'), values()]).toEqual([-1, ['x']])
})

test('late: unclear, and in some runs written only after its error', async () => {
  let afterwards = 0
  for (let seed = 0; seed < 30; seed++) {
    const { world, log, append, values, pass } = logWith({ late: 1 }, seed)
    let failed = false
    void log.append('t', 0, [record('x')]).catch(() => (failed = true))
    await world.runUntil(() => failed, 60 * SECOND)
    if (values().length === 0) afterwards += 1
    await pass(60)
    expect([failed, values()]).toEqual([true, ['x']])
    expect(await append('y')).toBe('log-append-unclear')
  }
  expect(afterwards).toBeGreaterThan(3)
})

test('twice: written twice, and either place is told', async () => {
  const bases = new Set<unknown>()
  for (let seed = 0; seed < 20; seed++) {
    const { append, values } = logWith({ twice: 1 }, seed)
    bases.add(await append('x'))
    expect(values()).toEqual(['x', 'x'])
  }
  expect([...bases].sort()).toEqual([0, 1])
})

test('a stale end is listed too low, never below the start, and appends go on', async () => {
  const { log, append, pass, world } = logWith({ staleEnd: 1 })
  for (let n = 0; n < 30; n++) await append(`${n}`, 1)
  let listed: unknown
  void log.ends('t').then((ends) => (listed = ends))
  await pass(1)
  const [{ start, end }] = listed as [{ start: number; end: number }]
  expect(start).toBe(0)
  expect(end).toBeLessThan(30)
  expect(end).toBeGreaterThanOrEqual(10)
  expect(await append('more')).toBe(30)
  expect(world.situations.get('a listed end is old')).toBe(1)
})

test('slow: answers come, but up to two seconds later', async () => {
  const took: number[] = []
  const { log, world } = logWith({ slow: 1 })
  for (let n = 0; n < 20; n++) {
    const began = world.now
    let base = -1
    void log.append('t', 0, [record('x')]).then((at) => (base = at))
    await world.runUntil(() => base >= 0, world.now + 10 * SECOND)
    took.push(world.now - began)
  }
  expect(Math.max(...took)).toBeGreaterThan(SECOND)
  expect(Math.max(...took)).toBeLessThan(3 * SECOND)
})

test.each([0, 1])('a lost commit leaves the group where it was: rate %d', async (commitLost) => {
  const { log, cluster, append, pass } = logWith({ commitLost })
  await append('x')
  const member = {
    assigned: async () => ({ t: 'earliest' as const }),
    records: async () => undefined,
    revoked: async () => undefined,
  }
  void log.join({ group: 'g', topics: ['t'], member })
  await pass(5)
  expect(cluster.group('g').committed('t', 0)).toBe(commitLost === 0 ? 1 : undefined)
})

test('a commit that a cut holds up does not overtake the next one', async () => {
  const { log, cluster, host, append, pass, world } = logWith({})
  let settled = 0
  const member = {
    assigned: async () => ({ t: 'earliest' as const }),
    records: async ({ next }: { next: number }) => void (settled = next),
    revoked: async () => undefined,
  }
  void log.join({ group: 'g', topics: ['t'], member })
  await append('x', 5)
  const other = new SimLog(cluster, new Host(world, 'b'), new Faults(world, NO_FAULTS))
  void other.append('t', 0, [record('y')])
  await world.runUntil(() => settled === 2, world.now + 5 * SECOND)
  // the next fetch waits at the brokers; the commit of 2 is tried again half a second later
  await pass(0.09)
  host.cutUntil = world.now + 10 * SECOND
  await pass(0.1)
  host.cutUntil = 0
  void other.append('t', 0, [record('z')])
  await pass(5)
  expect(settled).toBe(3)
  expect(cluster.group('g').committed('t', 0)).toBe(3)
})

test('switched off, none of them happens, whatever the rates', async () => {
  const always = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 1]))
  const { faults, append, values, world } = logWith(always)
  faults.isOn = false
  expect([await append('x'), await append('y'), values()]).toEqual([0, 1, ['x', 'y']])
  expect(world.situations.size).toBe(0)
})

test('rates are chances: about as many appends as they say', () => {
  const world = new World(1)
  const faults = new Faults(world, { ...NO_FAULTS, refused: 0.1, twice: 0.2 })
  const counts = new Map<string, number>()
  for (let n = 0; n < 5_000; n++) {
    const { kind } = faults.append()
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  expect([...counts.keys()].sort()).toEqual(['none', 'refused', 'twice'])
  expect(Math.abs((counts.get('refused') ?? 0) - 500)).toBeLessThan(100)
  expect(Math.abs((counts.get('twice') ?? 0) - 1_000)).toBeLessThan(150)
})

test('without a leader an append is refused or unclear, a read waits for the leader', async () => {
  const { cluster, append, log, pass, values } = logWith({})
  await append('x')
  const partition = cluster.partition('t', 0)
  partition.downUntil = Infinity
  const codes = new Set<unknown>()
  for (let n = 0; n < 20; n++) codes.add(await append('y', 1))
  expect([...codes].sort()).toEqual(['log-append-refused', 'log-append-unclear'])
  expect(values()).toEqual(['x'])
  let read = -1
  void log.read('t', 0, 0, { waitMs: 100 }).then(({ next }) => (read = next))
  await pass(5)
  expect(read).toBe(-1)
  partition.downUntil = 0
  for (const wake of [...partition.waiters]) wake()
  await pass(1)
  expect(read).toBe(1)
})

test('S1 S2: what a dead host sent is written, and it hears nothing of it', async () => {
  const { log, host, pass, values } = logWith({})
  let settled = false
  void log.append('t', 0, [record('x')]).finally(() => (settled = true))
  host.die()
  await pass(5)
  expect([settled, values()]).toEqual([false, ['x']])
})

test.each([true, false])('a crash at an append; request out: %s', async (written) => {
  const { log, host, pass, values } = logWith({})
  let settled = false
  host.crashAt = { call: 1, written }
  void log.append('t', 0, [record('x')]).finally(() => (settled = true))
  await pass(5)
  expect([settled, host.isAlive, values()]).toEqual([false, false, written ? ['x'] : []])
})
