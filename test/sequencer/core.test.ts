// The sequencer's decisions: any mix of wallet messages, repeats, twins, expired ones, and
// processes' messages in, before and out of their turn.

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { copyView, initialView } from '../../src/protocol/accept.ts'
import { accept, advance } from '../../src/protocol/accept.ts'
import type { Message } from '../../src/protocol/message.ts'
import type { Candidate, Place } from '../../src/sequencer/core.ts'
import { decide } from '../../src/sequencer/core.ts'
import { idOf, makeContent, processMessage, testNetwork } from '../protocol/fixtures.ts'

const network = testNetwork()

function walletMessage(label: string, expires?: number): Message {
  const content = makeContent()
  return {
    ...content,
    id: idOf(label),
    caller: idOf('wallet'),
    from: 'wallet',
    process: content.target,
    digest: Buffer.alloc(32, label),
    ...(expires !== undefined && { expires }),
  }
}

function candidate(message: Message, unclear = false): Candidate {
  return { message, wire: { type: 'genesis', name: 'x' }, source: undefined, unclear }
}

type Spec =
  | { kind: 'wallet'; label: number; expires: number | undefined; unclear: boolean }
  | { kind: 'process'; from: number; seq: number }

const specs: fc.Arbitrary<Spec[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('wallet' as const),
      label: fc.nat(12),
      expires: fc.option(fc.integer({ min: 80, max: 120 }), { nil: undefined }),
      unclear: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('process' as const),
      from: fc.nat(3),
      seq: fc.integer({ min: 1, max: 6 }),
    }),
  ),
  { maxLength: 40 },
)

describe('decide', () => {
  test('keeps Q1 to Q3 for any mix of candidates', () => {
    fc.assert(
      fc.property(specs, fc.uniqueArray(fc.nat(12), { maxLength: 6 }), (list, indexed) => {
        const view = initialView(network.id, 1, 4)
        Object.assign(view, { height: 7, timestamp: 100, counters: [0, 2, 1, 0] })
        const known = new Map<string, Place>(
          indexed.map((label) => [idOf(`w${label}`), { height: 1, timestamp: 5, hash: view.hash }]),
        )
        const candidates = list.map((spec) =>
          spec.kind === 'wallet'
            ? candidate(walletMessage(`w${spec.label}`, spec.expires), spec.unclear)
            : candidate(processMessage(network, {}, { partition: spec.from, seq: spec.seq })),
        )
        const before = copyView(view)
        const decisions = decide(
          {
            network: network.id,
            view: copyView(view),
            settledTime: 100,
            now: 90,
            known: (id) => known.get(id),
          },
          candidates,
        )
        expect(view).toEqual(before)
        // a model in its simplest form: the chain that a reader would accept
        const reader = copyView(view)
        const ordered = new Set<string>()
        decisions.forEach((decision, at) => {
          const { message, unclear } = candidates[at] as Candidate
          const { id, origin, expires } = message
          if (origin !== undefined) {
            const last = reader.counters[origin.partition] as number
            const turn = origin.seq === last + 1 ? 'order' : 'drop'
            expect(decision.type).toBe(turn)
            if (decision.type === 'drop') {
              expect(decision.why).toBe(origin.seq <= last ? 'duplicate' : 'gap')
            }
          } else if (ordered.has(id)) expect(decision.type).toBe('twin')
          else if (known.has(id)) expect(decision).toEqual({ type: 'repeat', place: known.get(id) })
          else if (expires !== undefined && expires < 100 && !unclear) {
            expect(decision).toMatchObject({ type: 'refuse', code: 'expired' })
          } else expect(decision.type).toBe('order')
          if (decision.type === 'twin') expect(decision.entry.message.id).toBe(id)
          if (decision.type !== 'order') return
          expect(decision.entry.timestamp).toBe(100)
          expect(accept(reader, decision.entry)).toBeUndefined()
          advance(reader, decision.entry)
          ordered.add(id)
        })
      }),
      { numRuns: 300 },
    )
  })

  test('a view is of its time: entries take the later of log time and clock', () => {
    const view = initialView(network.id, 1, 4)
    const context = { network: network.id, view, settledTime: 0, now: 50, known: () => undefined }
    const [first] = decide(context, [candidate(walletMessage('a'))])
    const [second] = decide({ ...context, now: 40 }, [candidate(walletMessage('b'))])
    expect(first).toMatchObject({ type: 'order', entry: { height: 0, timestamp: 50 } })
    expect(second).toMatchObject({ type: 'order', entry: { height: 1, timestamp: 50 } })
  })
})
