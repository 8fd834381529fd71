// The coordinator keeps G1 to G3: one owner at a time, and only its commits count.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { seededRandom } from '../../../src/std/random.ts'
import { Host } from '../world/host.ts'
import { SECOND, World } from '../world/world.ts'
import { Cluster } from './cluster.ts'
import type { Coordinator, Told } from './coordinator.ts'

const PARTITIONS = 4
const LIMITS = {
  sessionTimeoutMs: 10_000,
  heartbeatMs: 3_000,
  rebalanceTimeoutMs: 15_000,
  commitDelayMs: 100,
  standbyLagMax: 100,
}
const NOTHING: ReadonlyMap<number, number> = new Map()

function groupOf(seed = 1) {
  const world = new World(seed)
  const cluster = new Cluster(world, LIMITS)
  cluster.provision([{ name: 't', partitions: PARTITIONS, cleanup: 'log' }])
  const group = cluster.group('g')
  const pass = (seconds: number): Promise<boolean> =>
    world.runUntil(() => false, world.now + seconds * SECOND)
  const join = (name: string) => joined(world, group, name)
  return { world, cluster, group, pass, join }
}

/** A member that remembers what it was told last, and what it took and has not let go of. */
function joined(world: World, group: Coordinator, name: string) {
  const host = new Host(world, name)
  const held = new Set<number>()
  let last: Told | undefined
  const tell = (told: Told): void => {
    if (told.version < (last?.version ?? 0)) return
    last = told
    for (const partition of told.owned) held.add(partition)
  }
  const joining = { host, topics: ['t'], address: undefined, standbys: 0, holds: NOTHING, tell }
  const id = group.join(joining)
  const owned = (): readonly number[] => last?.owned ?? []
  const release = (): void => {
    for (const partition of [...held].filter((each) => !owned().includes(each))) {
      held.delete(partition)
      group.released(id, partition)
    }
  }
  return { id, host, held, owned, release }
}

test('the first gets all, and the second half of it once the first let go', async () => {
  const { group, pass, join } = groupOf()
  const a = join('a')
  await pass(1)
  expect(a.owned()).toEqual([0, 1, 2, 3])
  const b = join('b')
  await pass(1)
  expect(a.owned().length).toBe(2)
  expect(b.owned()).toEqual([])
  const going = [0, 1, 2, 3].filter((each) => !a.owned().includes(each))
  for (const partition of going) expect(group.owns(a.id, partition)).toBe(true)
  for (const partition of going) group.released(a.id, partition)
  await pass(1)
  expect(b.owned()).toEqual(going)
  for (const partition of going) expect(group.owns(a.id, partition)).toBe(false)
})

test('G2: who is not heard of is expelled when its session is over, not before', async () => {
  const { group, pass, join } = groupOf()
  const a = join('a')
  await pass(9)
  expect(group.heartbeat(a.id, NOTHING)).toBe(true)
  await pass(9.9)
  expect(group.owns(a.id, 0)).toBe(true)
  await pass(0.2)
  expect(group.owns(a.id, 0)).toBe(false)
  expect(group.heartbeat(a.id, NOTHING)).toBe(false)
})

test('G2: who does not let go in time is expelled, heartbeats or not', async () => {
  const { group, pass, join, world } = groupOf()
  const a = join('a')
  const b = join('b')
  for (let seconds = 0; seconds < 16; seconds += 2) {
    group.heartbeat(a.id, NOTHING)
    group.heartbeat(b.id, NOTHING)
    await pass(2)
  }
  expect(group.members().map(({ memberId }) => memberId)).toEqual([b.id])
  expect(b.owned()).toEqual([0, 1, 2, 3])
  expect(world.situations.get('a member did not let go in time')).toBe(1)
})

test('G3: the commits of who was expelled are turned away', async () => {
  const { group, pass, join } = groupOf()
  const a = join('a')
  expect(group.commit(a.id, 't', 0, 5)).toBe(true)
  await pass(11)
  const b = join('b')
  expect(group.commit(a.id, 't', 0, 9)).toBe(false)
  expect(group.committed('t', 0)).toBe(5)
  expect(group.commit(b.id, 't', 0, 7)).toBe(true)
  expect(group.committed('t', 0)).toBe(7)
})

test('a frozen owner is a zombie: it hears nothing, and its partition has moved', async () => {
  const { group, pass, join } = groupOf()
  const a = join('a')
  await pass(1)
  a.host.freeze()
  await pass(11)
  const b = join('b')
  await pass(1)
  expect(b.owned()).toEqual([0, 1, 2, 3])
  // as far as it knows
  expect(a.owned()).toEqual([0, 1, 2, 3])
  expect(group.ownerHost(0)).toBe('b')
  a.host.thaw()
  await pass(1)
  expect(group.released(a.id, 0)).toBeUndefined()
  expect(group.owns(b.id, 0)).toBe(true)
})

test('members of one group read the same topics', () => {
  const { world, group, join } = groupOf()
  join('a')
  const host = new Host(world, 'b')
  const other = { host, topics: ['t', 't'], address: undefined, standbys: 0, holds: NOTHING }
  expect(() => group.join({ ...other, tell: () => undefined })).toThrow(
    expect.objectContaining({ code: 'log-group-mismatch' }),
  )
})

test('offsets of an empty group may expire, and then there are none', async () => {
  const { group, pass, join } = groupOf()
  const a = join('a')
  group.commit(a.id, 't', 0, 5)
  group.leave(a.id)
  expect(group.isEmpty).toBe(true)
  group.expireOffsets()
  await pass(1)
  expect(group.committed('t', 0)).toBeUndefined()
})

test('offsets of an empty group may be reset to any before, and their observers hear of it', () => {
  const { group, cluster, join } = groupOf()
  const a = join('a')
  group.commit(a.id, 't', 0, 5)
  group.leave(a.id)
  const heard: number[] = []
  cluster.observers.push({ committed: (_, __, next) => void heard.push(next) })
  for (let n = 0; n < 60; n++) group.resetOffsets(seededRandom(n))
  expect(heard).toHaveLength(60)
  expect(heard).toEqual(heard.toSorted((one, other) => other - one))
  expect(group.committed('t', 0)).toBe(0)
})

const step = fc.oneof(
  fc.record({ do: fc.constant('join' as const) }),
  fc.record({ do: fc.constantFrom('leave', 'die', 'release', 'beat'), who: fc.nat({ max: 5 }) }),
  fc.record({ do: fc.constant('disturb' as const) }),
  fc.record({ do: fc.constant('pass' as const), seconds: fc.nat({ max: 12 }) }),
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
type Member = ReturnType<typeof joined>

test('G1 G2: whoever joins, leaves, dies or dawdles, no two hold one partition', async () => {
  const steps = fc.array(step, { maxLength: 40 })
  const property = fc.asyncProperty(fc.nat(), steps, followSteps)
  await fc.assert(property, { numRuns: 100 })
})

async function followSteps(seed: number, steps: readonly Step[]): Promise<void> {
  const { group, pass, join } = groupOf(seed)
  const all: Member[] = []
  for (const each of steps) {
    if (each.do === 'join' && all.length < 6) all.push(join(`m${all.length}`))
    else if (each.do === 'disturb') group.disturb()
    else if ('seconds' in each) await pass(each.seconds)
    else if ('who' in each) act(group, all[each.who], each.do)
    expectOneHolder(group, all)
  }
  // where somebody is left, in the end every partition is somebody's
  for (let n = 0; n < 12; n++) {
    for (const member of all) {
      act(group, member, 'beat')
      act(group, member, 'release')
    }
    await pass(2)
    expectOneHolder(group, all)
  }
  const owned = group.members().flatMap(({ partitions }) => partitions)
  expect(owned.sort()).toEqual(group.isEmpty ? [] : [0, 1, 2, 3])
}

/** Of those whom the group has as members: who was expelled may still think that it has some. */
function expectOneHolder(group: Coordinator, all: readonly Member[]): void {
  const ids = new Set(group.members().map(({ memberId }) => memberId))
  const held = all.filter(({ id }) => ids.has(id)).flatMap((member) => [...member.held])
  expect(held.length).toBe(new Set(held).size)
}

function act(group: Coordinator, member: Member | undefined, what: string): void {
  if (member === undefined || !member.host.isAlive) return
  if (what === 'leave') group.leave(member.id)
  if (what === 'die') member.host.die()
  if (what === 'beat') group.heartbeat(member.id, NOTHING)
  if (what === 'release') member.release()
}
