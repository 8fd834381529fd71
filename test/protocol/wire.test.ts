import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Records, relayedRecord, type RelayedRecord } from '../../src/protocol/codec/records.ts'
import { genesisSpawn } from '../../src/protocol/genesis.ts'
import { relayedMessage } from '../../src/protocol/message.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { messageOf } from '../../src/protocol/wire.ts'
import * as any from './arbitraries.ts'
import {
  codeOf,
  ed25519Key,
  idOf,
  makeContent,
  ORIGIN,
  PARTITIONS,
  signedItem,
  testNetwork,
} from './fixtures.ts'

const network = testNetwork()
const records = new Records()
const caller = idOf('caller')
const right: RelayedRecord = relayedRecord(caller, ORIGIN, { ...makeContent(), seq: ORIGIN.seq })

describe("a process's message", () => {
  test('is the same before the wire and after it', () => {
    const sent = relayedMessage(network.id, caller, ORIGIN, makeContent())
    const bytes = records.encodeIngress({ type: 'relayed', relayed: right })
    const received = messageOf(network, records.decodeIngress(bytes))
    expect(received.id).toBe(sent.id)
    expect(Buffer.from(received.digest).equals(sent.digest)).toBe(true)
    expect(JSON.stringify(received)).toBe(JSON.stringify(sent))
  })

  test.each<[string, Partial<RelayedRecord>]>([
    ['a source partition below 0', { partition: -1 }],
    ['a source partition beyond the last', { partition: PARTITIONS }],
    ['a negative height', { height: -1 }],
    ['a negative index', { index: -1 }],
    ['channel number 0', { seq: 0 }],
    ['an event', { kind: 'event' }],
    ['a caller that is no id', { caller: 'x' }],
    ['a caller with spare bits', { caller: `${'A'.repeat(42)}B` }],
    ['no caller', { caller: '' }],
    ['no target', { target: '' }],
    ['a target that is no id', { target: 'x' }],
    ['a spawn with a target', { kind: 'spawn' }],
    ['negative hops', { hops: -1 }],
    ['negative count', { count: -1 }],
    ['no budget', { budget: '' }],
    ['a negative budget', { budget: '-1' }],
    ['a budget that is no integer', { budget: '1.5' }],
    ['a budget of another spelling', { budget: '01' }],
  ])('is malformed with %s', (_name, change) => {
    const act = (): unknown => messageOf(
      network,
      { type: 'relayed', relayed: { ...right, ...change } },
    )
    expect(codeOf(act)).toBe('record-malformed')
  })

  test.each<[string, Partial<RelayedRecord>]>([
    ['the last source partition', { partition: PARTITIONS - 1 }],
    ['the first result', { height: 0, index: 0, seq: 1 }],
    ['nothing left', { hops: 0, count: 0, budget: '0' }],
    ['a bounce', { kind: 'bounce' }],
    ['a spawn', { kind: 'spawn', target: '' }],
  ])('is taken with %s', (_name, change) => {
    const act = (): unknown => messageOf(
      network,
      { type: 'relayed', relayed: { ...right, ...change } },
    )
    expect(codeOf(act)).toBe('none')
  })

  test('of any form is a message or malformed, nothing else', () => {
    fc.assert(
      fc.property(any.relayed, (relayed) => {
        const code = codeOf(() => messageOf(network, { type: 'relayed', relayed }))
        expect(['none', 'record-malformed']).toContain(code)
      }),
    )
  })
})

test("a wallet's message is what its item says", () => {
  const item = signedItem(network, ed25519Key(), { data: 'x' })
  expect(messageOf(network, { type: 'signed', item })).toEqual(signedMessage(network, item))
  const cut = item.subarray(0, 50)
  expect(codeOf(() => messageOf(network, { type: 'signed', item: cut }))).toBe('item-malformed')
})

test("a genesis process's spawn is found by its name, and no other is", () => {
  const [hb] = network.genesis.processes
  const spawn = messageOf(network, { type: 'genesis', name: 'hb' })
  expect(spawn).toEqual(genesisSpawn(network, hb as never))
  for (const name of ['', 'none', 'constructor']) {
    expect(codeOf(() => messageOf(network, { type: 'genesis', name }))).toBe('record-malformed')
  }
})
