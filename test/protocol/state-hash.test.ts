import { describe, expect, test } from '@jest/globals'
import type { StateStep } from '../../src/protocol/state-hash.ts'
import {
  deltaHash,
  EMPTY_STATE_HASH,
  snapshotHash,
  stateHash,
} from '../../src/protocol/state-hash.ts'
import { sha256 } from '../../src/std/bytes.ts'
import { layoutParts } from '../../src/std/hash-parts.ts'
import { allDifferent, idOf } from './fixtures.ts'

const STEP: StateStep = {
  messageId: idOf('message'),
  digest: sha256(Buffer.from('digest')),
  status: 'ok',
  changes: '[]',
}

describe('stateHash', () => {
  test('is another one when anything that R6 names is', () => {
    const before = EMPTY_STATE_HASH
    const hashes = [
      before,
      stateHash(before, STEP),
      stateHash(sha256(before), STEP),
      stateHash(before, { ...STEP, messageId: idOf('other') }),
      stateHash(before, { ...STEP, digest: sha256(Buffer.from('other')) }),
      stateHash(before, { ...STEP, status: 'error' }),
      stateHash(before, { ...STEP, changes: '[ ]' }),
    ]
    expect(allDifferent(hashes)).toBe(true)
  })

  test('chains: the order of two steps shows', () => {
    const other = { ...STEP, messageId: idOf('other') }
    const ab = stateHash(stateHash(EMPTY_STATE_HASH, STEP), other)
    const ba = stateHash(stateHash(EMPTY_STATE_HASH, other), STEP)
    expect(ab.equals(ba)).toBe(false)
  })

  test('begins at a fixed hash', () => {
    expect(EMPTY_STATE_HASH.equals(sha256(layoutParts('hb.state-empty.1', [])))).toBe(true)
  })
})

test('snapshots and deltas of one text are not one hash', () => {
  const hashes = [
    snapshotHash('{}'),
    snapshotHash('{"a":1}'),
    deltaHash(new Uint8Array(0), '{}'),
    deltaHash(sha256(Buffer.from('before')), '{}'),
    deltaHash(new Uint8Array(0), '[]'),
  ]
  expect(allDifferent(hashes)).toBe(true)
})
