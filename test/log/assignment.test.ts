// Assignment: every partition owned, balanced, as few moves as a balanced assignment allows, and
// with regard to who has the state.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { assignPartitions, type AssignableMember } from '../../src/log/assignment.ts'

/**
 * The most partitions that can stay: per member no more than its share, and only so many larger
 * shares.
 */
function mostThatCanStay(current: readonly (string | undefined)[], members: string[]): number {
  const share = Math.floor(current.length / members.length)
  const larger = current.length % members.length
  const held = members.map((member) => current.filter((owner) => owner === member).length)
  const least = held.reduce((sum, count) => sum + Math.min(count, share), 0)
  return least + Math.min(larger, held.filter((count) => count > share).length)
}

const ids = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 })
const owner = fc.constantFrom('a', 'b', 'c', 'd', 'e', undefined)
const current = fc.array(owner, { maxLength: 24 })
const copies = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(24), fc.nat(9)))

function membersOf(
  names: readonly string[],
  owners: readonly (string | undefined)[],
  held: readonly (readonly [string, number, number])[],
): AssignableMember[] {
  return names.map((id) => ({
    id,
    owned: [...owners.keys()].filter((partition) => owners[partition] === id),
    holds: new Map(held.filter(([name]) => name === id).map(([, at, lag]) => [at, lag])),
  }))
}

function sizesOf(owners: readonly string[], names: readonly string[]): number[] {
  return names.map((id) => owners.filter((owned) => owned === id).length)
}

test('owned, balanced, and no more moves than needed, whoever has copies', () => {
  fc.assert(
    fc.property(ids, current, copies, (names, before, held) => {
      const members = membersOf(names, before, held)
      const options = { partitions: before.length, standbys: 0, lagMax: 0 }
      const { owners, standbys, moving } = assignPartitions(members, options)
      expect(owners.length).toBe(before.length)
      const sizes = sizesOf(owners, names)
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(owners.length)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      const stayed = owners.filter((owned, index) => owned === before[index]).length
      expect(stayed).toBe(mostThatCanStay(before, names))
      expect([...standbys.values()].flat()).toEqual([])
      expect(moving.size).toBe(0)
    }),
  )
})

test('standbys: as many as can be, never the owner, and a cold member gets nothing that is owned', () => {
  fc.assert(
    fc.property(ids, current, copies, fc.nat(3), (names, before, held, wanted) => {
      const members = membersOf(names, before, held)
      const options = { partitions: before.length, standbys: wanted, lagMax: 5 }
      const { owners, standbys, moving } = assignPartitions(members, options)
      owners.forEach((id, partition) => {
        const copiers = names.filter((name) => standbys.get(name)?.includes(partition))
        expect(copiers).not.toContain(id)
        expect(copiers.length).toBe(Math.min(wanted, names.length - 1))
        const former = before[partition]
        if (wanted === 0 || former === undefined || !names.includes(former) || former === id) return
        const lag = members.find((member) => member.id === id)?.holds.get(partition)
        expect(lag ?? Infinity).toBeLessThanOrEqual(5)
      })
      for (const [id, partitions] of moving) {
        for (const partition of partitions) expect(standbys.get(id)).toContain(partition)
      }
    }),
  )
})

test('a partition without an owner goes to whoever has the best copy', () => {
  const member = (id: string, holds: [number, number][]): AssignableMember => ({
    id,
    owned: [],
    holds: new Map(holds),
  })
  const members = [member('a', [[0, 900]]), member('b', [[0, 3], [1, 8]]), member('c', [[1, 2]])]
  const { owners } = assignPartitions(members, { partitions: 3, standbys: 1, lagMax: 10 })
  expect(owners).toEqual(['b', 'c', 'a'])
})

test('a newcomer warms up first, and owns when it is warm', () => {
  const holds = new Map([[0, 0], [1, 0], [2, 0], [3, 0]])
  const old = { id: 'old', owned: [0, 1, 2, 3], holds }
  const options = { partitions: 4, standbys: 1, lagMax: 10 }
  const cold = assignPartitions([old, { id: 'new', owned: [], holds: new Map() }], options)
  expect(sizesOf(cold.owners, ['old', 'new'])).toEqual([4, 0])
  expect(cold.moving.get('new')?.length).toBe(2)
  const warm = { id: 'new', owned: [], holds: new Map([[2, 7], [3, 0]]) }
  const { owners, standbys } = assignPartitions([old, warm], options)
  expect(owners).toEqual(['old', 'old', 'new', 'new'])
  expect(standbys.get('new')).toEqual([0, 1])
  expect(standbys.get('old')).toEqual([2, 3])
})
