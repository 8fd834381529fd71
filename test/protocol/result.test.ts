import { describe, expect, test } from '@jest/globals'
import { merklePath, merkleRoot, verifyMerklePath } from '../../src/protocol/merkle.ts'
import type { Outgoing, Result } from '../../src/protocol/result.ts'
import { outboxRoot, resultLeaf, runRoot } from '../../src/protocol/result.ts'
import { sha256 } from '../../src/std/bytes.ts'
import { allDifferent, idOf, makeContent } from './fixtures.ts'

const hash = (label: string): Buffer => sha256(Buffer.from(label))
const outgoing = (seq: number, data = 'x'): Outgoing => ({
  ...makeContent({ data: Buffer.from(data) }),
  seq,
})
const RESULT: Result = {
  height: 4,
  entryHash: hash('entry'),
  messageId: idOf('message'),
  process: idOf('process'),
  slot: 2,
  status: 'ok',
  code: '',
  text: '',
  gas: 10,
  stateHash: hash('state'),
  messages: [outgoing(1), outgoing(2)],
}

describe('outboxRoot', () => {
  test('covers every message, its number and its order', () => {
    const lists = [
      [],
      [outgoing(1)],
      [outgoing(2)],
      [outgoing(1, 'y')],
      [outgoing(1), outgoing(2)],
      [outgoing(2), outgoing(1)],
      [outgoing(1), outgoing(1)],
      [outgoing(1), outgoing(2), outgoing(2)],
      [{ ...outgoing(1), kind: 'event' as const }],
    ]
    expect(allDifferent(lists.map(outboxRoot))).toBe(true)
  })

  test('of nothing is the root of the empty tree', () => {
    expect(outboxRoot([]).equals(merkleRoot([]))).toBe(true)
  })
})

describe('resultLeaf', () => {
  test('is another one when anything that R7 names is', () => {
    const changes: Partial<Result>[] = [
      {},
      { height: 5 },
      { entryHash: hash('other') },
      { process: idOf('other') },
      { slot: -1 },
      { status: 'error' },
      { code: 'c' },
      { text: 'c' },
      { gas: 11 },
      { stateHash: hash('other') },
      { messages: [outgoing(1)] },
      { messages: [outgoing(1), outgoing(2, 'y')] },
    ]
    const leaves = changes.map((change) => resultLeaf('network', 1, { ...RESULT, ...change }))
    const elsewhere = [resultLeaf('network', 2, RESULT), resultLeaf('other', 1, RESULT)]
    expect(allDifferent([...leaves, ...elsewhere])).toBe(true)
  })
})

test('a result is proven by a path to the root of its run', () => {
  const results = [4, 5, 6].map((height) => ({ ...RESULT, height }))
  const run = { partition: 1, from: 4, results, attestation: null }
  const leaves = results.map((result) => resultLeaf('network', 1, result))
  const root = runRoot('network', run)
  for (const [at, leaf] of leaves.entries()) {
    expect(verifyMerklePath(leaf, at, 3, merklePath(leaves, at), root)).toBe(true)
  }
  const altered = { ...run, results: results.with(1, { ...RESULT, height: 5, gas: 11 }) }
  expect(runRoot('network', altered).equals(root)).toBe(false)
})
