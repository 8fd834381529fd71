// Assignment: every partition owned, balanced, and as few moves as a balanced assignment allows.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { assignPartitions } from '../../src/log/local/assignment.ts'

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

test('owned, balanced, and no more moves than needed', () => {
  const members = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 })
  const owner = fc.constantFrom('a', 'b', 'c', 'd', 'e', undefined)
  const current = fc.array(owner, { maxLength: 24 })
  fc.assert(
    fc.property(members, current, (ids, owners) => {
      const target = assignPartitions(owners, ids)
      expect(target.length).toBe(owners.length)
      const sizes = ids.map((id) => target.filter((owned) => owned === id).length)
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(owners.length)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      const stayed = target.filter((owned, index) => owned === owners[index]).length
      expect(stayed).toBe(mostThatCanStay(owners, ids))
    }),
  )
})
