import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { View } from '../../src/protocol/accept.ts'
import { accept, advance, channel, copyView, initialView } from '../../src/protocol/accept.ts'
import type { Entry, EntryHead } from '../../src/protocol/entry.ts'
import type { Message } from '../../src/protocol/message.ts'
import { sha256, toBase64Url } from '../../src/std/bytes.ts'
import { idOf, makeEntry, PARTITIONS, processMessage, testNetwork } from './fixtures.ts'

const network = testNetwork()
const start = (): View => initialView(network.id, 0, PARTITIONS)

function walletMessage(label: string): Message {
  const { origin: _none, ...rest } = processMessage(network)
  return { ...rest, from: 'wallet', id: idOf(label), digest: sha256(Buffer.from(label)) }
}

/** The entry that extends the view, or what its head or message is changed to. */
function extending(view: View, message: Message, change: Partial<EntryHead> = {}): Entry {
  return makeEntry(network, message, {
    height: view.height + 1,
    prev: view.hash,
    timestamp: view.timestamp + 5,
    ...change,
  })
}

const fromProcess = (partition: number, seq: number): Message =>
  processMessage(network, {}, { partition, seq })

describe('the rules of R1, one by one', () => {
  const view = start()
  for (const seq of [1, 2]) advance(view, extending(view, fromProcess(1, seq)))

  test.each<[string, Message, Partial<EntryHead>, ReturnType<typeof accept>]>([
    ['the next entry', walletMessage('w'), {}, undefined],
    ['the same millisecond', walletMessage('w'), { timestamp: view.timestamp }, undefined],
    ['a millisecond earlier', walletMessage('w'), { timestamp: view.timestamp - 1 }, 'timestamp'],
    ['the height that is taken', walletMessage('w'), { height: view.height }, 'height'],
    ['a height ahead', walletMessage('w'), { height: view.height + 2 }, 'height'],
    ['another prev', walletMessage('w'), { prev: sha256(view.hash) }, 'prev'],
    ['a prev that is cut off', walletMessage('w'), { prev: view.hash.subarray(1) }, 'prev'],
    ['the next of its channel', fromProcess(1, 3), {}, undefined],
    ['the first of another channel', fromProcess(2, 1), {}, undefined],
    ['the last of its channel again', fromProcess(1, 2), {}, 'duplicate'],
    ['an old one of its channel', fromProcess(1, 1), {}, 'duplicate'],
    ['one too far in its channel', fromProcess(1, 4), {}, 'gap'],
    ['the second of a fresh channel', fromProcess(2, 2), {}, 'gap'],
    ['a channel that does not exist', fromProcess(PARTITIONS, 1), {}, 'gap'],
    ['number zero', fromProcess(2, 0), {}, 'duplicate'],
  ])('%s', (_name, message, change, expected) => {
    const before = JSON.stringify(view)
    expect(accept(view, extending(view, message, change))).toBe(expected)
    expect(JSON.stringify(view)).toBe(before)
  })
})

test('the channel rule takes last + 1 and nothing else', () => {
  const lists = fc.array(fc.nat({ max: 9 }), { minLength: 1 })
  fc.assert(
    fc.property(lists, fc.nat(), fc.nat({ max: 12 }), (counters, place, seq) => {
      const partition = place % counters.length
      const last = counters[partition] as number
      const expected = seq === last + 1 ? undefined : seq > last ? 'gap' : 'duplicate'
      expect(channel(counters, { partition, seq })).toBe(expected)
      expect(channel(counters, { partition: counters.length, seq })).toBe('gap')
    }),
  )
})

test('a view begins at the genesis of its partition', () => {
  const view = initialView('n', 3, 2)
  expect(view).toMatchObject({ partition: 3, height: -1, timestamp: 0, counters: [0, 0] })
  const others = [initialView('n', 2, 2), initialView('m', 3, 2)]
  expect(others.some((other) => toBase64Url(other.hash) === toBase64Url(view.hash))).toBe(false)
})

test('a copy of a view stays where it is', () => {
  const view = start()
  const copy = copyView(view)
  advance(view, extending(view, fromProcess(1, 1)))
  expect(copy).toEqual(start())
  expect(view.counters).toEqual([0, 1, 0, 0])
})

// ---- the model: a log into which several writers wrote, of which one at a time is right ----

/** One entry of the right chain: from a wallet, or the next of some channel. */
type Choice = { readonly source: number; readonly wait: number }
/** A record that must not count, written before the right entry of some height. */
type Junk = { readonly kind: number; readonly pick: number; readonly before: number }

const choices = fc.array(
  fc.record({ source: fc.integer({ min: -1, max: PARTITIONS - 1 }), wait: fc.nat({ max: 3 }) }),
  { minLength: 1, maxLength: 20 },
)
const junk = fc.array(
  fc.record({ kind: fc.nat({ max: 6 }), pick: fc.nat(), before: fc.nat({ max: 20 }) }),
  { maxLength: 40 },
)

function rightChain(list: readonly Choice[]): Entry[] {
  const view = start()
  return list.map(({ source, wait }, at) => {
    const seq = (view.counters[source] ?? 0) + 1
    const message = source < 0 ? walletMessage(`w${at}`) : fromProcess(source, seq)
    const entry = extending(view, message, { timestamp: view.timestamp + wait })
    advance(view, entry)
    return entry
  })
}

/** A record that some delayed or hostile writer left where the reader's view is `view`. */
function junkRecord(view: View, chain: readonly Entry[], { kind, pick }: Junk): Entry {
  const any = chain[pick % chain.length] as Entry
  const zombie = start()
  switch (kind) {
    case 0: // a retried produce or an entry that came before its time
      return any.height === view.height + 1
        ? extending(view, any.message, { prev: sha256(any.hash) })
        : any
    case 1: // the right place, another past
      return extending(view, walletMessage('x'), { prev: any.hash, height: view.height + 2 })
    case 2: // a clock that went back
      return view.timestamp === 0
        ? extending(view, walletMessage('x'), { height: 5_000 })
        : extending(view, walletMessage('x'), { timestamp: view.timestamp - 1 })
    case 3: // a message that was taken before
      return extending(view, fromProcess(1, view.counters[1] as number))
    case 4: // a message whose forerunner is missing
      return extending(view, fromProcess(1, (view.counters[1] as number) + 2))
    case 5: // a zombie that goes on from where it was when it lost the partition
      for (const entry of chain.slice(0, pick % (view.height + 2))) advance(zombie, entry)
      return zombie.height === view.height
        ? extending(zombie, walletMessage('z'), { prev: sha256(zombie.hash) })
        : extending(zombie, walletMessage('z'))
    default: // another partition's log
      return extending(initialView(network.id, 1, PARTITIONS), walletMessage('x'), {
        height: view.height + 1,
      })
  }
}

test('whatever superseded records are in between, the same entries are accepted', () => {
  fc.assert(
    fc.property(choices, junk, (list, rubbish) => {
      const chain = rightChain(list)
      const view = start()
      const accepted: string[] = []
      for (const [at, entry] of chain.entries()) {
        for (const one of rubbish.filter(({ before }) => before === at)) {
          const record = junkRecord(view, chain, one)
          const before = JSON.stringify(view)
          expect(accept(view, record)).toBeDefined()
          expect(JSON.stringify(view)).toBe(before)
        }
        expect(accept(view, entry)).toBeUndefined()
        advance(view, entry)
        accepted.push(toBase64Url(view.hash))
      }
      expect(accepted).toEqual(chain.map((entry) => toBase64Url(entry.hash)))
      expect(view.height).toBe(chain.length - 1)
    }),
    { numRuns: 200 },
  )
})

test('of records shuffled, doubled and dropped a prefix of the right chain is accepted', () => {
  fc.assert(
    fc.property(choices, fc.array(fc.nat(), { maxLength: 120 }), (list, order) => {
      const chain = rightChain(list)
      const view = start()
      const taken: Entry[] = []
      for (const place of order) {
        const record = chain[place % chain.length] as Entry
        if (accept(view, record) !== undefined) continue
        advance(view, record)
        taken.push(record)
      }
      expect(taken).toEqual(chain.slice(0, taken.length))
    }),
  )
})

test('of two entries for one place the first in the log is taken, and no reader sees both', () => {
  const view = start()
  const first = extending(view, walletMessage('first'))
  const second = extending(view, walletMessage('second'))
  for (const [winner, loser] of [[first, second], [second, first]] as const) {
    const reader = start()
    expect(accept(reader, winner)).toBeUndefined()
    advance(reader, winner)
    expect(accept(reader, loser)).toBe('height')
    const onLoser = makeEntry(network, walletMessage('next'), {
      height: 1,
      prev: loser.hash,
      timestamp: 50,
    })
    expect(accept(reader, onLoser)).toBe('prev')
  }
})
