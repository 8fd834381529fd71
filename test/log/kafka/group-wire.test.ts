// What members tell one another: as stock tools read it, whatever others send; and the leader's
// work: never two owners, and nothing given away that somebody has not given up.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  assignAll,
  decodeAssigned,
  decodeMember,
  encodeAssigned,
  encodeMember,
} from '../../../src/log/kafka/group-wire.ts'
import type { Assigned, Joined, MemberNews } from '../../../src/log/kafka/group-wire.ts'
import { AssignerProtocol } from './reference.ts'

const PARTITIONS = 8
const LAG_MAX = 100
const numbers = fc.uniqueArray(fc.nat(PARTITIONS + 3), { maxLength: PARTITIONS })
const news: fc.Arbitrary<MemberNews> = fc.record({
  topics: fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { maxLength: 3 }),
  address: fc.option(fc.webUrl(), { nil: undefined }),
  owned: numbers,
  generation: fc.integer({ min: -1, max: 5 }),
  holds: fc.array(fc.tuple(fc.nat(PARTITIONS), fc.nat(300))).map((pairs) => new Map(pairs)),
  standbys: fc.nat(2),
})

function empty(changed: Partial<MemberNews> = {}): MemberNews {
  const nothing = { owned: [], generation: -1, holds: new Map<number, number>(), standbys: 0 }
  return { topics: ['t'], address: undefined, ...nothing, ...changed }
}

function joinedAs(all: Readonly<Record<string, Partial<MemberNews>>>): Joined[] {
  return Object.entries(all).map(([memberId, changed]) => ({ memberId, news: empty(changed) }))
}

function ownersOf(parts: ReadonlyMap<string, Assigned>): Map<number, string[]> {
  const owners = new Map<number, string[]>()
  for (const [id, { owned }] of parts) {
    for (const partition of owned) owners.set(partition, [...(owners.get(partition) ?? []), id])
  }
  return owners
}

/** A member of another make: consumer protocol, with these bytes as user data. */
function foreign(topics: readonly string[], userData: Buffer): Buffer {
  const encoded = encodeMember(empty({ topics }))
  const told = decodedUserData(encoded)
  const head = encoded.subarray(0, encoded.length - 4 - told.length)
  const length = Buffer.alloc(4)
  length.writeInt32BE(userData.length)
  return Buffer.concat([head, length, userData])
}

function decodedUserData(metadata: Buffer): Buffer {
  return (AssignerProtocol.MemberMetadata.decode(metadata) as unknown as { userData: Buffer }).userData
}

test('what a member tells is read back, and its topics by stock tools', () => {
  fc.assert(
    fc.property(news, (told) => {
      const bytes = encodeMember(told)
      expect(decodeMember(bytes)).toEqual(told)
      expect(AssignerProtocol.MemberMetadata.decode(bytes).topics).toEqual(told.topics)
    }),
  )
})

test('an assignment is read back, and its partitions by stock tools', () => {
  fc.assert(
    fc.property(numbers, numbers, numbers, (owned, standbys, moving) => {
      const bytes = encodeAssigned(['a', 'b'], { owned, standbys, moving })
      const sorted = owned.toSorted((a, b) => a - b)
      expect(decodeAssigned(bytes)).toEqual({ owned: sorted, standbys, moving })
      const seen = AssignerProtocol.MemberAssignment.decode(bytes)
      expect(seen?.assignment).toEqual({ a: owned, b: owned })
    }),
  )
  expect(decodeAssigned(Buffer.alloc(0))).toEqual({ owned: [], standbys: [], moving: [] })
})

test('a member of another make counts as one that told nothing', () => {
  const nothing = empty({ topics: ['x'] })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const read = decodeMember(foreign(['x'], Buffer.from(bytes)))
      expect(read.topics).toEqual(['x'])
      expect(Array.isArray(read.owned) && read.holds instanceof Map).toBe(true)
    }),
  )
  const told = ['', '{', 'null', '[]', '7', '{"owned":7,"holds":[[1]],"standbys":"2","generation":"9"}']
  for (const text of [...told, '{"owned":[1.5,"2",null],"holds":[[1,2,3],[null,1]],"address":5}']) {
    expect(decodeMember(foreign(['x'], Buffer.from(text)))).toEqual(nothing)
  }
})

test('bytes that are no consumer protocol at all are read as nothing', () => {
  expect(decodeMember(Buffer.alloc(0))).toEqual(empty({ topics: [] }))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const read = decodeMember(Buffer.from(bytes))
      expect(Array.isArray(read.topics)).toBe(true)
      expect(Array.isArray(decodeAssigned(Buffer.from(bytes)).owned)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('never two owners; nothing that is claimed goes to another; standbys are not owners', () => {
  fc.assert(
    fc.property(fc.array(news, { minLength: 1, maxLength: 6 }), (all) => {
      const members = all.map((told, at) => ({ memberId: `m${at}`, news: told }))
      const parts = assignAll(members, PARTITIONS, LAG_MAX)
      expect([...parts.keys()]).toEqual(members.map(({ memberId }) => memberId))
      const owners = ownersOf(parts)
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const claimants = members.filter((each) => each.news.owned.includes(partition))
        const newest = Math.max(...claimants.map((each) => each.news.generation))
        const holder = claimants.find((each) => each.news.generation === newest)?.memberId
        const now = owners.get(partition) ?? []
        expect(now.length).toBeLessThanOrEqual(1)
        if (holder !== undefined) expect(now.every((id) => id === holder)).toBe(true)
        else expect(now).toHaveLength(1)
      }
      for (const { owned, standbys, moving } of parts.values()) {
        expect(owned.every((each) => each < PARTITIONS)).toBe(true)
        expect(standbys.some((each) => owned.includes(each))).toBe(false)
        expect(moving.every((each) => standbys.includes(each))).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})

test('what moves is given to nobody until its owner has given it up, then it is', () => {
  const [first, second] = [{ owned: [0, 1, 2, 3], generation: 4 }, {}]
  const parts = assignAll(joinedAs({ a: first, b: second }), 4, LAG_MAX)
  expect(parts.get('a')?.owned).toEqual([0, 1])
  expect(parts.get('b')?.owned).toEqual([])
  const next = assignAll(joinedAs({ a: { owned: [0, 1], generation: 5 }, b: {} }), 4, LAG_MAX)
  expect(next.get('a')?.owned).toEqual([0, 1])
  expect(next.get('b')?.owned).toEqual([2, 3])
})

test('rounds of rebalances settle: every partition is owned, and then nothing moves', () => {
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 })
  fc.assert(
    fc.property(fc.array(names, { minLength: 1, maxLength: 5 }), fc.nat(1), (memberships, standbys) => {
      let owned = new Map<string, readonly number[]>()
      let generation = 0
      for (const ids of memberships) {
        for (let round = 0; round < 4; round++) {
          generation += 1
          const members = ids.map((memberId) => ({
            memberId,
            news: empty({
              owned: owned.get(memberId) ?? [],
              generation: generation - 1,
              standbys,
              // whoever was given a copy is warm by now
              holds: new Map(Array.from({ length: PARTITIONS }, (_, at) => [at, 0])),
            }),
          }))
          const parts = assignAll(members, PARTITIONS, LAG_MAX)
          const before = owned
          owned = new Map([...parts].map(([id, part]) => [id, part.owned]))
          if (round === 3) expect(owned).toEqual(before)
        }
        const all = [...owned.values()].flat().toSorted((a, b) => a - b)
        expect(all).toEqual(Array.from({ length: PARTITIONS }, (_, at) => at))
      }
    }),
  )
})

test('of two claims the newer generation’s holds', () => {
  const zombie = { owned: [0, 1], generation: 3 }
  const owner = { owned: [0, 1], generation: 7 }
  for (const members of [joinedAs({ z: zombie, o: owner }), joinedAs({ o: owner, z: zombie })]) {
    const parts = assignAll(members, 2, LAG_MAX)
    expect(parts.get('z')?.owned).toEqual([])
    // one of its two is to move to the other, which gets it when it is given up
    expect(parts.get('o')?.owned).toHaveLength(1)
  }
})

test('with standbys a cold newcomer is a standby first, and owner once it is warm', () => {
  const owner = { owned: [0, 1], generation: 1, standbys: 1 }
  const cold = assignAll(joinedAs({ a: owner, b: {} }), 2, LAG_MAX)
  expect(cold.get('a')?.owned).toEqual([0, 1])
  expect(cold.get('b')?.owned).toEqual([])
  expect(cold.get('b')?.standbys.toSorted()).toEqual([0, 1])
  expect(cold.get('b')?.moving).toHaveLength(1)
  const [moving = -1] = cold.get('b')?.moving ?? []
  const lagging = { holds: new Map([[moving, LAG_MAX + 1]]) }
  expect(assignAll(joinedAs({ a: owner, b: lagging }), 2, LAG_MAX).get('a')?.owned).toEqual([0, 1])
  const warm = { holds: new Map([[moving, LAG_MAX]]) }
  expect(assignAll(joinedAs({ a: owner, b: warm }), 2, LAG_MAX).get('a')?.owned).toEqual(
    [0, 1].filter((each) => each !== moving),
  )
})
