// Generations: which one a height is of, what its first entry must be, and that nothing else gets in.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { initialView } from '../../src/protocol/accept.ts'
import type { WireMessage } from '../../src/protocol/codec/records.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import { genesisHash, NO_AUTHORITY } from '../../src/protocol/entry.ts'
import type { GenerationStart, Network } from '../../src/protocol/genesis.ts'
import { openNetwork } from '../../src/protocol/genesis.ts'
import {
  atGeneration,
  beginningAt,
  begunUpTo,
  generationAt,
  isSameGeneration,
  nextGeneration,
  stretchesOf,
} from '../../src/protocol/generations.ts'
import { readRecord } from '../../src/protocol/log-reader.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { PlantedNetwork } from '../archive/planted-network.ts'
import { codeOf, ed25519Key, idOf, signedItem, testNetwork } from './fixtures.ts'
import { idIn } from '../archive/planted-log.ts'

const FIRST = testNetwork({ partitions: 2, processes: [] })
const RECORDS = new Records()

function cutAt(planted: PlantedNetwork, heights: readonly number[]): GenerationStart {
  const hashes = heights.map((height, partition) => {
    const hash = planted.entries[partition]![height]?.hash
    return toBase64Url(hash ?? genesisHash(FIRST.id, partition))
  })
  return { begun: 1, heights, hashes }
}

/** Ten entries in each partition, and where the next generation begins. */
function planted(heights: readonly number[]): { old: PlantedNetwork; network: Network } {
  const old = new PlantedNetwork(FIRST)
  for (let n = 0; n < 20; n++) old.take({ at: n % 2, from: (n + 1) % 2, to: [(n + 1) % 2] })
  return { old, network: nextGeneration(FIRST, cutAt(old, heights)) }
}

test('the id is that of the first generation, and a generation can be left again', () => {
  const { network } = planted([4, 7])
  expect([network.id, network.genesis.generation]).toEqual([FIRST.id, 1])
  expect(isSameGeneration(network, FIRST)).toBe(false)
  expect(isSameGeneration(atGeneration(network, 0), FIRST)).toBe(true)
  const again = openNetwork(JSON.parse(JSON.stringify(network.genesis)) as Network['genesis'])
  expect(isSameGeneration(again, network)).toBe(true)
  const other = nextGeneration(FIRST, { ...network.genesis.generations![0]!, begun: 2 })
  expect(isSameGeneration(other, network)).toBe(false)
})

test('behind the cut only the prescribed entry extends the chain: of the old tail, nothing', () => {
  const { old, network } = planted([4, 7])
  for (const partition of [0, 1]) {
    const view = initialView(network.id, partition, 2)
    const types = old.records[partition]!.map(({ value }) =>
      readRecord(network, RECORDS, view, value).type,
    )
    const kept = partition === 0 ? 5 : 8
    expect(types).toEqual(types.map((_, height) => (height < kept ? 'entry' : 'superseded')))
    const record = (prev: Buffer, message: WireMessage): Buffer =>
      RECORDS.encodeEntry({
        height: kept,
        prev,
        timestamp: 10_000,
        admission: NO_AUTHORITY,
        message,
      })
    const wire: WireMessage = { type: 'genesis', name: 'generation/1' }
    const wrong = readRecord(network, RECORDS, view, record(Buffer.alloc(32), wire))
    expect(wrong.type).toBe('superseded')
    const first = readRecord(network, RECORDS, view, record(Buffer.from(view.hash), wire))
    expect(first).toMatchObject({ type: 'entry', entry: { message: { kind: 'notice' } } })
    // and behind it messages of the generation, and no others
    const target = idIn(network, partition, 'target')
    for (const [tags, type] of [
      [[], 'superseded'],
      [[{ name: 'HB-Generation', value: '1' }], 'entry'],
    ] as const) {
      const item = signedItem(network, ed25519Key(), { target, tags })
      const next = { height: kept + 1, prev: Buffer.from(view.hash), timestamp: 10_001 }
      const message: WireMessage = { type: 'signed', item }
      const value = RECORDS.encodeEntry({ ...next, admission: NO_AUTHORITY, message })
      expect(readRecord(network, RECORDS, view, value).type).toBe(type)
    }
  }
})

test('a reader that does not know a generation halts, and skips nothing', () => {
  const { old } = planted([4, 7])
  const view = initialView(FIRST.id, 0, 2)
  for (const { value } of old.records[0]!.slice(0, 5)) readRecord(FIRST, RECORDS, view, value)
  const value = RECORDS.encodeEntry({
    height: 5,
    prev: Buffer.from(view.hash),
    timestamp: 10_000,
    admission: NO_AUTHORITY,
    message: { type: 'genesis', name: 'generation/1' },
  })
  expect(codeOf(() => readRecord(FIRST, RECORDS, view, value))).toBe('generation-unknown')
})

test('whatever the cuts, each height is of one generation, and the stretches say the same', () => {
  const heights = fc.array(fc.integer({ min: -1, max: 12 }), { minLength: 1, maxLength: 5 })
  const check = fc.property(heights, (cuts) => {
    const network = cuts.reduce((before, height, at) => {
      const hashes = [idOf(`${at}`), idOf('other')]
      return nextGeneration(before, { begun: at, heights: [height, 0], hashes })
    }, FIRST)
    const { genesis } = network
    const stretches = stretchesOf(network, 0)
    let begun = 0
    for (let height = 0; height < 16; height++) {
      // a later cut takes from earlier ones all that is behind it
      const expected = cuts.reduce((of, cut, at) => (cut < height ? at + 1 : of), 0)
      expect(generationAt(genesis, 0, height)).toBe(expected)
      const holds = stretches.filter(({ from, to }) => from <= height && height <= to)
      expect(holds.map((each) => each.network.genesis.generation)).toEqual([expected])
      const isFirst = expected > 0 && cuts[expected - 1] === height - 1
      expect(beginningAt(genesis, 0, height)?.generation).toBe(isFirst ? expected : undefined)
      if (isFirst) begun += 1
      expect(begunUpTo(genesis, 0, height)).toBe(begun)
    }
  })
  fc.assert(check, { numRuns: 200 })
})

test('a document with cuts that say nothing is refused', () => {
  const { network } = planted([4, 7])
  const [start] = network.genesis.generations!
  const wrong: unknown[] = [
    [],
    [{ ...start, heights: [1] }],
    [{ ...start, hashes: ['x', 'y'] }],
    [{ ...start, begun: -1 }],
    [{ ...start, heights: [-2, 0] }],
    [start, start],
    'x',
  ]
  for (const generations of wrong) {
    const genesis = { ...network.genesis, generations } as Network['genesis']
    expect(codeOf(() => openNetwork(genesis))).toBe('genesis-malformed')
  }
})
