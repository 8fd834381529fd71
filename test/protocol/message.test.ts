import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Content, Origin } from '../../src/protocol/message.ts'
import {
  childId,
  contentDigest,
  processMessageId,
  relayedDigest,
  relayedMessage,
  signedDigest,
  tagValue,
} from '../../src/protocol/message.ts'
import { targetProcess } from '../../src/protocol/target.ts'
import { isIdText } from '../../src/std/bytes.ts'
import * as any from './arbitraries.ts'
import { allDifferent, idOf, makeContent, ORIGIN } from './fixtures.ts'

const tag = (name: string, value: string): Content['tags'][number] => ({ name, value })

describe('contentDigest', () => {
  test('is another one when any field is', () => {
    const changes: Partial<Content>[] = [
      {},
      { kind: 'notice' },
      { kind: 'spawn' },
      { target: idOf('other') },
      { target: '' },
      { tags: [] },
      { tags: [tag('Action', 'Pong')] },
      { tags: [tag('Actio', 'nPing')] },
      { tags: [tag('Action', 'Ping'), tag('', '')] },
      { tags: [tag('Action', 'Ping'), tag('A', 'B')] },
      { tags: [tag('A', 'B'), tag('Action', 'Ping')] },
      { data: Buffer.from('hellp') },
      { data: Buffer.alloc(0) },
      { hops: 6 },
      { count: 101 },
      { hops: 100, count: 5 },
      { budget: '8' },
      { budget: '' },
    ]
    expect(allDifferent(changes.map((change) => contentDigest(makeContent(change))))).toBe(true)
  })

  test('of two contents is the same only if they are', () => {
    fc.assert(
      fc.property(any.content, any.content, (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b)
        expect(contentDigest(a).equals(contentDigest(b))).toBe(same)
        expect(contentDigest(a).equals(contentDigest({ ...a }))).toBe(true)
      }),
    )
  })

  test('does not let the end of the tags be taken for data', () => {
    const a = makeContent({ tags: [tag('a', 'b')], data: Buffer.from('c') })
    const b = makeContent({ tags: [], data: Buffer.from('abc') })
    expect(contentDigest(a).equals(contentDigest(b))).toBe(false)
  })
})

describe("a process's message", () => {
  const make = (
    change: Partial<Content> = {},
    origin: Partial<Origin> = {},
    caller = idOf('caller'),
    network = 'network',
  ): ReturnType<typeof relayedMessage> =>
    relayedMessage(network, caller, { ...ORIGIN, ...origin }, makeContent(change))

  test('has its place and its content for identity (R3)', () => {
    const messages = [
      make(),
      make({}, { partition: 2 }),
      make({}, { height: 8 }),
      make({}, { index: 3 }),
      make({ hops: 4 }),
      make({}, {}, idOf('caller'), 'other network'),
    ]
    expect(allDifferent(messages.map(({ id }) => id))).toBe(true)
    expect(messages.every(({ id }) => isIdText(id))).toBe(true)
    expect(make({}, { seq: 4 }).id).toBe(make().id)
  })

  test('has a digest that covers id, caller, place, channel number and content', () => {
    const digest = contentDigest(makeContent())
    const { partition, height, index } = ORIGIN
    const place = { partition, height, index }
    const hashes = [
      relayedDigest('id', 'caller', ORIGIN, digest),
      relayedDigest('id2', 'caller', ORIGIN, digest),
      relayedDigest('id', 'caller2', ORIGIN, digest),
      relayedDigest('id', 'caller', { ...ORIGIN, partition: 9 }, digest),
      relayedDigest('id', 'caller', { ...ORIGIN, height: 9 }, digest),
      relayedDigest('id', 'caller', { ...ORIGIN, index: 9 }, digest),
      relayedDigest('id', 'caller', { ...ORIGIN, seq: 9 }, digest),
      relayedDigest('id', 'caller', ORIGIN, contentDigest(makeContent({ hops: 9 }))),
    ]
    expect(allDifferent(hashes)).toBe(true)
    const id = processMessageId('network', place, digest)
    expect(make().id).toBe(id)
    expect(relayedDigest(id, idOf('caller'), ORIGIN, digest).equals(make().digest)).toBe(true)
  })

  test('is for its target; a spawn is for the process that it makes', () => {
    expect(make()).toMatchObject({ process: idOf('target'), from: 'process', origin: ORIGIN })
    const spawn = make({ kind: 'spawn', target: '' })
    expect(spawn.process).toBe(spawn.id)
    expect(spawn.target).toBe('')
  })

  test('that spawns with a salt makes what parent and salt say, wherever it stands', () => {
    const spawn = (
      salt: string,
      origin: Partial<Origin> = {},
      caller = idOf('caller'),
    ): ReturnType<typeof relayedMessage> =>
      make({ kind: 'spawn', target: '', tags: [tag('Spawn-Salt', salt)] }, origin, caller)
    const child = spawn('a')
    expect(child.process).toBe(childId(idOf('caller'), 'a'))
    expect(child.process).not.toBe(child.id)
    expect(spawn('a', { height: 99, index: 0, seq: 7, partition: 0 }).process).toBe(child.process)
    const others = [child, spawn('b'), spawn('a', {}, idOf('another'))]
    expect(allDifferent(others.map(({ process }) => process))).toBe(true)
    const source = { ...ORIGIN, caller: idOf('caller') }
    expect(targetProcess('network', source, child)).toBe(child.process)
    expect(make({ tags: [tag('Spawn-Salt', 'a')] }).process).toBe(idOf('target'))
  })

  test('takes nothing else over from what it is made of', () => {
    const extra = { ...makeContent(), from: 'wallet', id: 'x', attestation: null } as Content
    const place = { ...ORIGIN, ...extra }
    expect(relayedMessage('network', idOf('caller'), place, extra)).toEqual(make())
  })
})

test('signedDigest covers every byte', () => {
  const items = fc.uint8Array({ minLength: 1 })
  fc.assert(
    fc.property(items, fc.nat(), fc.nat({ max: 7 }), (item, place, bit) => {
      const other = Uint8Array.from(item)
      const at = place % item.length
      other[at] = (other[at] as number) ^ (1 << bit)
      const hashes = [item, other, item.subarray(1), Buffer.concat([item, Buffer.of(0)])]
      expect(allDifferent(hashes.map(signedDigest))).toBe(true)
    }),
  )
})

test('tagValue gives the first value of exactly that name', () => {
  const tags = [tag('a', '1'), tag('A', '2'), tag('A', '3'), tag('toString', '4')]
  expect(tagValue(tags, 'A')).toBe('2')
  expect(tagValue(tags, 'a')).toBe('1')
  expect(tagValue(tags, 'b')).toBeUndefined()
  expect(tagValue([], 'constructor')).toBeUndefined()
})
