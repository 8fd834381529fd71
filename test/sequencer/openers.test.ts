// What a sequencer orders of itself: spawns of genesis, and a generation's first entry, wherever the
// cut lies.

import { expect, test } from '@jest/globals'
import { initialView } from '../../src/protocol/accept.ts'
import { genesisHash } from '../../src/protocol/entry.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { nextGeneration } from '../../src/protocol/generations.ts'
import { checkCut, openersBehind } from '../../src/sequencer/openers.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { codeOf, idOf, testNetwork } from '../protocol/fixtures.ts'

const FIRST = testNetwork({ partitions: 1 })
const SPAWNS = FIRST.spawns[0]!.map(({ name }) => name)

function cutAt(network: Network, height: number): Network {
  const hash = height < 0 ? toBase64Url(genesisHash(FIRST.id, 0)) : idOf('kept')
  return nextGeneration(network, { begun: 1, heights: [height], hashes: [hash] })
}

/** The names of all openers from a height on, as they would be ordered. */
function openers(network: Network, from = -1): string[] {
  const names: string[] = []
  for (let height = from; ; ) {
    const next = openersBehind(network, 0, height)
    if (next.length === 0) return names
    // one of several may be all that was written before another took over
    const [first] = next
    names.push(first!.wire.type === 'genesis' ? first!.wire.name : '?')
    height += 1
  }
}

test('every spawn comes once, also where a cut lies among them', () => {
  expect(SPAWNS.length).toBeGreaterThan(1)
  expect(openers(FIRST)).toEqual(SPAWNS)
  for (let cut = -1; cut < SPAWNS.length; cut++) {
    const network = cutAt(FIRST, cut)
    const behind = [...SPAWNS.slice(0, cut + 1), 'generation/1', ...SPAWNS.slice(cut + 1)]
    expect(openers(network)).toEqual(behind)
    expect(openers(network, cut)).toEqual(behind.slice(cut + 1))
  }
  // a second loss at the same place: the second generation takes the place of the first
  expect(openers(cutAt(cutAt(FIRST, 0), 0))).toEqual([SPAWNS[0], 'generation/2', ...SPAWNS.slice(1)])
})

test('a log that does not reach the cut, or was not cut there, is not gone on with', () => {
  const network = cutAt(FIRST, 3)
  const view = initialView(network.id, 0, 1)
  const check = (height: number, hash: string): string =>
    codeOf(() => checkCut(network, { ...view, height, hash: Buffer.from(hash, 'base64url') }))
  expect(check(2, idOf('kept'))).toBe('generation-cut-missing')
  expect(check(3, idOf('other'))).toBe('generation-cut-missing')
  expect(check(3, idOf('kept'))).toBe('none')
  expect(check(4, idOf('behind'))).toBe('none')
  expect(codeOf(() => checkCut(FIRST, view))).toBe('none')
})
