// Which messages of which runs go where, for any cutting and repetition of runs.

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Content } from '../../src/protocol/message.ts'
import { contentDigest, processMessageId } from '../../src/protocol/message.ts'
import type { Outgoing, Result } from '../../src/protocol/result.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import type { OutboxCursor, Relay } from '../../src/relayer/core.ts'
import { relaysOf } from '../../src/relayer/core.ts'
import { idOf, makeContent, testNetwork } from '../protocol/fixtures.ts'

const network = testNetwork()

function result(height: number, contents: readonly Partial<Content>[]): Result {
  const messages = contents.map((each, at): Outgoing => ({ ...makeContent(each), seq: at + 1 }))
  const hash = Buffer.alloc(32)
  const base = { entryHash: hash, messageId: idOf(`${height}`), process: idOf('source') }
  const rest = { slot: 0, status: 'ok' as const, code: '', text: '', gas: 0, stateHash: hash }
  return { height, ...base, ...rest, messages }
}

const run = (from: number, results: readonly Result[]) => ({
  partition: 2,
  from,
  results,
  attestation: null,
})

describe('relaysOf', () => {
  test('a spawn goes to its own id’s partition, an event nowhere, a bounce like a message', () => {
    const target = idOf('t')
    const list = result(5, [
      { kind: 'event', target: '' },
      { kind: 'spawn', target: '' },
      { kind: 'bounce', target },
      { kind: 'notice', target },
    ])
    const relays = relaysOf(network, { next: undefined }, run(5, [list])) as Relay[]
    const spawn = list.messages[1] as Outgoing
    const place = { partition: 2, height: 5, index: 1 }
    const id = processMessageId(network.id, place, contentDigest(spawn))
    expect(relays.map(({ process }) => process)).toEqual([id, target, target])
    expect(relays.map(({ record }) => record.index)).toEqual([1, 2, 3])
    expect(relays.map(({ target: partition }) => partition)).toEqual(
      [id, target, target].map((each) => partitionOf(each, network.genesis.partitions)),
    )
    expect(relays[0]?.record).toMatchObject({ caller: idOf('source'), ...place, kind: 'spawn' })
  })

  test('any cut, with repetitions: each once and in order; a gap moves nothing', () => {
    const results = Array.from({ length: 20 }, (_, height) => result(height, [{}, {}]))
    const cuts = fc.array(fc.record({ back: fc.nat(6), length: fc.integer({ min: 1, max: 6 }) }), {
      minLength: 1,
      maxLength: 20,
    })
    fc.assert(
      fc.property(cuts, fc.nat(5), (list, start) => {
        const cursor: OutboxCursor = { next: undefined }
        const seen: number[] = []
        let next = start
        list.forEach(({ back, length }, at) => {
          const from = at === 0 ? start : Math.max(0, next - back)
          const part = results.slice(from, from + length)
          if (part.length === 0) return
          const gap = run(next + 1, results.slice(0, 1))
          if (at > 0) expect(relaysOf(network, cursor, gap)).toBe('gap')
          const relays = relaysOf(network, cursor, run(from, part)) as Relay[]
          seen.push(...relays.map(({ record }) => record.height * 2 + record.index))
          next = Math.max(next, from + part.length)
          expect(cursor.next).toBe(next)
        })
        const wanted = Array.from({ length: (next - start) * 2 }, (_, n) => start * 2 + n)
        expect(seen).toEqual(wanted)
      }),
    )
  })
})
