// The message of a dry run is the one that a wallet would sign, or that a process would send.

import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { messageFields } from '../../src/client/index.ts'
import { signDataItem } from '../../src/protocol/ans104/index.ts'
import type { DryRunSpec } from '../../src/protocol/dry-run.ts'
import { dryRunMessage, dryRunSpec } from '../../src/protocol/dry-run.ts'
import { openNetwork } from '../../src/protocol/genesis.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import type { Message } from '../../src/protocol/message.ts'
import { relayedMessage } from '../../src/protocol/message.ts'
import { checkOutbox } from '../../src/protocol/outbox.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { codeOf, ed25519Key, idOf, ORIGIN, testNetwork } from './fixtures.ts'

const network = testNetwork()
const key = ed25519Key()
const process = idOf('process')
const caller = idOf('caller')
const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((each) => each.isWellFormed())
const name = text.filter((each) => each !== '' && !/^(Action|HB-|Content-Type|__proto__)/.test(each))
const count = fc.integer({ min: 0, max: 64 })
const data = fc.oneof(
  text,
  fc.uint8Array({ maxLength: 9 }),
  fc.dictionary(name, fc.integer(), { maxKeys: 3 }),
  fc.constant([1, null, 'two']),
)
const fields = fc.record(
  {
    action: text.filter((each) => each !== ''),
    tags: fc.dictionary(name, text.filter((each) => each !== ''), { maxKeys: 4 }),
    data,
    hops: count,
    count,
    budget: fc.constantFrom('0', '7', '100'),
  },
  { requiredKeys: [] },
)

/** What a contract is shown of it, the id apart. */
function shown({ kind, target, tags, data: bytes, hops, count, budget, from, process }: Message) {
  const text = Buffer.from(bytes).toString('hex')
  return { kind, target, tags, text, hops, count, budget, from, process }
}

test('a wallet’s is what the client would sign, and the door would read', () => {
  fc.assert(
    fc.property(fields, fc.constantFrom(0, 3), (given, generation) => {
      const at = openNetwork({ ...network.genesis, generation })
      const signed = messageFields({ network: at.id, generation }, { target: process, ...given })
      const real = signedMessage(at, signDataItem(key, signed))
      const tried = dryRunMessage(at, process, { caller, ...given })
      expect(shown(tried)).toEqual(shown(real))
      expect(tried.caller).toBe(caller)
    }),
  )
})

test('a process’s is what its outbox would carry', () => {
  fc.assert(
    fc.property(fields, fc.constantFrom('message', 'notice'), (given, kind) => {
      fc.pre(!(given.data instanceof Uint8Array))
      const { action, tags, hops = 5, count = 9, budget = '0', data } = given
      const all = { ...(action !== undefined && { Action: action }), ...tags }
      const draft = { kind, target: process, tags: all, data, hops, count, budget }
      const parent = { hops: hops + 1, count: count + 1, budget }
      const [content] = checkOutbox([draft], parent, network.genesis.limits)
      if (content === undefined) throw new Error('no content')
      const real = relayedMessage(network.id, caller, ORIGIN, content)
      const spec = { ...given, kind, hops, count, budget } as DryRunSpec
      const tried = dryRunMessage(network, process, { ...spec, caller, from: 'process' })
      const sorted = (message: Message) => ({
        ...shown(message),
        tags: [...message.tags].sort((a, b) => (a.name < b.name ? -1 : 1)),
      })
      expect(sorted(tried)).toEqual(sorted(real))
      expect(tried.id).not.toBe(real.id)
    }),
  )
})

test('an id is taken, else it is one that no message has; bytes come as base64url', () => {
  const id = idOf('mine')
  expect(dryRunMessage(network, process, { caller, id }).id).toBe(id)
  expect(dryRunMessage(network, process, { caller }).id).toBe('A'.repeat(43))
  const bytes = { caller, data: '_wA', dataEncoding: 'base64url' } as const
  expect([...dryRunMessage(network, process, bytes).data]).toEqual([255, 0])
  const list = [{ name: 'T', value: '1' }, { name: 'T', value: '2' }]
  expect(dryRunMessage(network, process, { caller, tags: list }).tags.slice(0, 2)).toEqual(list)
})

test.each([
  ['a text', 'not an object'],
  [null, 'not an object'],
  [[], 'not an object'],
  [{}, 'caller is missing'],
  [{ caller: 'me' }, 'caller'],
  [{ caller, from: 'genesis' }, 'from'],
  [{ caller, kind: 'spawn' }, 'kind'],
  [{ caller, action: 7 }, 'action'],
  [{ caller, action: '\ud800' }, 'action'],
  [{ caller, tags: 'A=b' }, 'tags'],
  [{ caller, tags: { A: 1 } }, 'tags'],
  [{ caller, tags: [{ name: 'A' }] }, 'tags'],
  [{ caller, tags: [null] }, 'tags'],
  [{ caller, hops: -1 }, 'hops'],
  [{ caller, count: 1.5 }, 'count'],
  [{ caller, budget: '01' }, 'budget'],
  [{ caller, timestamp: 'now' }, 'timestamp'],
  [{ caller, id: 'x' }, 'id'],
  [{ caller, atSlot: -1 }, 'atSlot'],
  [{ caller, dataEncoding: 'hex' }, 'dataEncoding'],
  [{ caller, constructor: 1 }, 'constructor is not known'],
  [{ caller, expires: 1 }, 'expires is not known'],
])('%j is malformed: %s', (value, detail) => {
  expect(() => dryRunSpec(value)).toThrow(
    expect.objectContaining({ code: 'dry-run-malformed', detail }),
  )
})

const LONG = 'x'.repeat(defaultLimits().messageBytesMax)
const TWICE = { data: '{"a":1,"a":2}', tags: { 'Content-Type': 'application/json' } }

test.each([
  ['a notice of a wallet', { kind: 'notice' }, 'dry-run-malformed'],
  ['an action twice', { action: 'A', tags: { Action: 'B' } }, 'dry-run-malformed'],
  ['no base64url', { data: '%', dataEncoding: 'base64url' }, 'dry-run-malformed'],
  ['what is no JSON', { data: () => 1 }, 'dry-run-malformed'],
  ['another network', { tags: { 'HB-Network': idOf('other') } }, 'network-mismatch'],
  ['a spawn', { tags: { 'HB-Type': 'Process' } }, 'target-missing'],
  ['hops', { hops: 65 }, 'hops-exceeded'],
  ['hops of a process', { from: 'process', hops: 65 }, 'hops-exceeded'],
  ['a count', { count: 1_000_001 }, 'count-exceeded'],
  ['a count of a process', { from: 'process', count: 1_000_001 }, 'count-exceeded'],
  ['much data', { data: LONG }, 'message-too-large'],
  ['much data of a process', { from: 'process', data: LONG }, 'message-too-large'],
  ['long tags', { tags: { A: 'x'.repeat(5_000) } }, 'item-malformed'],
  ['long tags of a process', { from: 'process', tags: { A: LONG } }, 'tags-too-large'],
  ['many tags', { tags: tagsOf(65) }, 'tags-too-many'],
  ['many tags of a process', { from: 'process', tags: tagsOf(65) }, 'tags-too-many'],
  ['a key twice', TWICE, 'json-malformed'],
  ['a key twice of a process', { from: 'process', ...TWICE }, 'json-malformed'],
] as const)('%s is refused as at the door', (_name, given, code) => {
  const spec = { caller, ...given } as DryRunSpec
  expect(codeOf(() => dryRunMessage(network, process, spec))).toBe(code)
})

function tagsOf(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`T${n}`, 'x']))
}
