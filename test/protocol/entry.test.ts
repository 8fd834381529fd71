import { expect, test } from '@jest/globals'
import type { EntryHead } from '../../src/protocol/entry.ts'
import { entryHash, genesisHash } from '../../src/protocol/entry.ts'
import type { Message } from '../../src/protocol/message.ts'
import { hashParts } from '../../src/std/hash-parts.ts'
import { sha256 } from '../../src/std/bytes.ts'
import { allDifferent, idOf, processMessage, testNetwork } from './fixtures.ts'

const network = testNetwork()
const message = processMessage(network)
const hash = (label: string): Buffer => sha256(Buffer.from(label))
const HEAD: EntryHead = {
  partition: 1,
  height: 5,
  prev: hash('prev'),
  timestamp: 1_000,
  admission: { systemHeight: 3, attestation: hash('attestation') },
}

function hashOf(
  head: Partial<EntryHead> = {},
  change: Partial<Message> = {},
  id = network.id,
): Buffer {
  return entryHash(id, { ...HEAD, ...head }, { ...message, ...change })
}

test("an entry's hash is another one when any field is", () => {
  const { attestation } = HEAD.admission
  const hashes = [
    hashOf(),
    hashOf({}, {}, 'another network'),
    hashOf({ partition: 2 }),
    hashOf({ height: 6 }),
    hashOf({ prev: hash('other') }),
    hashOf({ timestamp: 1_001 }),
    hashOf({ height: 1_000, timestamp: 5 }),
    hashOf({ admission: { systemHeight: 4, attestation } }),
    hashOf({ admission: { systemHeight: -1, attestation } }),
    hashOf({ admission: { systemHeight: 3, attestation: hash('other') } }),
    hashOf({ admission: { systemHeight: 3, attestation: null } }),
    hashOf({}, { process: idOf('other process') }),
    hashOf({}, { id: idOf('other id') }),
    hashOf({}, { digest: hash('other digest') }),
  ]
  expect(allDifferent(hashes)).toBe(true)
})

test("an entry's hash covers every byte of a process's message through its digest", () => {
  const messages = [
    message,
    processMessage(network, { data: Buffer.from('other') }),
    processMessage(network, { budget: '8' }),
    processMessage(network, { kind: 'notice' }),
    processMessage(network, {}, { seq: 4 }),
    processMessage(network, {}, { height: 8 }),
  ]
  expect(allDifferent(messages.map((one) => entryHash(network.id, HEAD, one)))).toBe(true)
})

test('the layout is the one that is written down', () => {
  const { partition, prev, height, timestamp } = HEAD
  const expected = hashParts('hb.entry.1', [
    ...[network.id, partition, prev, height, timestamp],
    ...[message.process, message.id, message.digest, 3, hash('attestation')],
  ])
  expect(hashOf().equals(expected)).toBe(true)
})

test('the first prev is of one network and one partition', () => {
  const hashes = [genesisHash('a', 0), genesisHash('a', 1), genesisHash('b', 0)]
  expect(allDifferent(hashes)).toBe(true)
  expect(hashes.every((one) => one.length === 32)).toBe(true)
})
