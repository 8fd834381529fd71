import { describe, expect, test } from '@jest/globals'
import type { ManifestHead } from '../../src/protocol/manifest.ts'
import { manifestRoot } from '../../src/protocol/manifest.ts'
import type { ManifestProcess } from '../../src/protocol/records.ts'

const bytes = (fill: number): Buffer => Buffer.alloc(32, fill)
const head: ManifestHead = {
  partition: 1,
  height: 99,
  hash: bytes(1),
  timestamp: 5,
  counters: [1, 2],
  outgoing: [3, 4],
}
const row: ManifestProcess = {
  process: 'p'.repeat(43),
  slot: 7,
  stateHash: bytes(2),
  failed: false,
  engine: 'quickjs',
  module: 'm'.repeat(43),
  fullHeight: 49,
  fullHash: bytes(3),
  deltaHeights: [99],
  deltaHash: bytes(4),
}

describe('the root of a manifest', () => {
  const root = manifestRoot(head, [row])

  test.each<[keyof ManifestHead, unknown]>([
    ['partition', 2],
    ['height', 100],
    ['hash', bytes(9)],
    ['timestamp', 6],
    ['counters', [2, 2]],
    ['outgoing', [3, 5]],
  ])('changes with the %s of its head', (field, value) => {
    expect(manifestRoot({ ...head, [field]: value }, [row])).not.toEqual(root)
  })

  test.each<[keyof ManifestProcess, unknown]>([
    ['process', 'q'.repeat(43)],
    ['slot', 8],
    ['stateHash', bytes(9)],
    ['failed', true],
    ['engine', 'native'],
    ['module', 'n'.repeat(43)],
    ['fullHeight', 48],
    ['fullHash', bytes(9)],
    ['deltaHeights', [98]],
    ['deltaHash', bytes(9)],
  ])('changes with the %s of a process', (field, value) => {
    expect(manifestRoot(head, [{ ...row, [field]: value }])).not.toEqual(root)
  })

  test('changes with the order and the number of processes', () => {
    const other = { ...row, process: 'q'.repeat(43) }
    expect(manifestRoot(head, [row, other])).not.toEqual(manifestRoot(head, [other, row]))
    expect(manifestRoot(head, [])).not.toEqual(root)
  })

  test('changes with the modules that are known; without any it is what it was', () => {
    expect(manifestRoot(head, [row], [])).toEqual(root)
    const roots = [[], ['m'], ['m', 'n'], ['n']].map((each) => manifestRoot(head, [row], each))
    expect(new Set(roots.map((each) => each.toString('hex'))).size).toBe(4)
  })

  test('does not move a counter from one list to the other', () => {
    const moved = { ...head, counters: [1, 2, 3], outgoing: [4] }
    expect(manifestRoot(moved, [row])).not.toEqual(root)
  })
})
