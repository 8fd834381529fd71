// Every invariant that is checked after each step names the bad history that is planted for it, and
// none finds anything in a good one. The histories are tapes of a run, changed and played again:
// what may be is here, what may not be in plants/, by what it is about.

import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Entry } from '../../../src/protocol/entry.ts'
import { commit, goodHistory, isEntry, isIn, P } from './good-history.ts'
import type { GoodHistory } from './good-history.ts'
import { INVARIANTS } from './index.ts'
import { PLANTS } from './plants/all.ts'
import { BOUNDS } from './queues.ts'
import { appendedTo, cut, entryOfRecord, followed, play, RECORDS } from './tape.ts'
import type { Appended } from './tape.ts'
import type { Happening } from './watch.ts'

let good: GoodHistory

beforeAll(async () => {
  good = await goodHistory()
}, 120_000)

describe('a good history', () => {
  test('has no violation, and is rich enough to mean something', () => {
    const { happenings } = good.tape
    expect(good.played.violation).toBeUndefined()
    const kinds = new Set(happenings.map(({ type }) => type))
    const all = ['appended', 'committed', 'trimmed', 'status', 'state', 'process', 'health', 'high']
    expect([...kinds].sort()).toEqual(all.sort())
    const groups = happenings.flatMap((each) => (each.type === 'committed' ? each.group : []))
    expect(new Set(groups)).toEqual(new Set(['hb.sequencer', 'hb.dre', 'hb.relayer']))
    expect(good.known.sent(0, 1).length).toBeGreaterThan(20)
    expect(good.counter).toBeGreaterThan(20)
    const said = happenings.flatMap((each) => (each.type === 'status' ? each.status : []))
    expect(said.filter(({ result }) => result !== undefined).length).toBeGreaterThan(10)
  })

  test('may hold what zombies write, claims, repeated runs and letters', async () => {
    const { offsets } = good.partition
    const again = good.tape.happenings.filter((each) => {
      return isIn('hb.log')(each) && (each as Appended).record.offset >= (offsets.at(-3) as number)
    })
    const claim = RECORDS.claim.encode({ member: 'zombie', generation: 1, nonce: 'n' })
    const values = [claim, ...again.map((each) => (each as Appended).record.value as Buffer)]
    let left = good.tape
    for (const value of values) left = followed(left, appendedTo(left, 'hb.log', P, value))
    const few = { partition: P, from: 5, results: good.results.slice(5, 9), attestation: null }
    left = followed(left, appendedTo(left, 'hb.outbox', P, RECORDS.encodeRun(few)))
    expect((await play(left)).violation).toBeUndefined()
  })

  test('may have a position that goes back, which is told', async () => {
    const back = good.followed(commit('hb.dre', 'hb.log', 3), commit('hb.dre', 'hb.log', 5))
    const { violation, situations } = await play(back)
    expect(violation).toBeUndefined()
    expect(situations.get('offsets: hb.dre went back')).toBe(2)
  })

  test('may commit what is in the dead letters', async () => {
    const record = good.unplaced()
    const written = good.refused(record, 'signature-invalid')
    const done = commit('hb.sequencer', 'hb.ingress', record.record.offset + 1)
    expect((await play(good.followed(record, written, done))).violation).toBeUndefined()
  })

  test('may hold a refusal of what the log was past', async () => {
    const late = good.expired(good.partition.view.timestamp - 1)
    expect((await play(good.followed(...late))).violation).toBeUndefined()
  })

  test('may commit a message out of its turn that the outbox still holds', async () => {
    // before the first message of the channel was placed, its second one
    const { source } = good
    const at = good.tape.happenings.findIndex((each) => {
      if (!isEntry(each)) return false
      const { message } = entryOfRecord(each as Appended)
      return message.type === 'relayed' && message.relayed.partition === source
    })
    const before = cut(good.tape, at)
    const { known } = await play(before)
    expect(known.sent(source, P).length).toBeGreaterThan(0)
    const value = RECORDS.encodeIngress(good.relay({ seq: known.sent(source, P).length }))
    const early = appendedTo(before, 'hb.ingress', P, value)
    const { ingress } = known.partition(P)
    const open = ingress.findIndex((asked) => asked.id === undefined || !known.places.has(asked.id))
    const { situations, violation } = await play(
      followed(before, early, commit('hb.sequencer', 'hb.ingress', Math.max(open + 1, 1))),
    )
    expect(violation).toBeUndefined()
    expect(situations.get('offsets: a gap in a channel was passed')).toBe(1)
  })

  test('may have as much of everything as its bound', async () => {
    const highs = Object.entries(BOUNDS).map(([gauge, bound]): Happening => {
      return { type: 'high', host: 'node-0.0', gauge: `${gauge} x`, value: bound(2) }
    })
    expect((await play(good.followed(...highs))).violation).toBeUndefined()
  })
})

describe('a bad history', () => {
  const plants = PLANTS.flatMap((each) => Object.entries(each))

  test.each(plants)('%s', async (_, { breaks, tape, says }) => {
    const { violation } = await play(tape(good))
    expect(violation?.invariant).toBe(breaks)
    expect(violation?.text).toMatch(/^\d+\.\d{6} s: /)
    if (says !== undefined) expect(violation?.text).toMatch(says)
  })

  // what no record can bring about as long as `accept` is right: fed past it
  test.each([
    ['chain-unbroken', 'does not extend', { height: 0 }],
    ['chain-unbroken', 'does not extend', { prev: Buffer.alloc(32, 1) }],
    ['chain-unbroken', 'is older', { timestamp: 1 }],
    ['channels-in-order', 'where 1 is next', {}],
  ] as const)('%s counts by its own means: %s', (invariant, text, change) => {
    const entries = good.partition.entries.filter(({ message }) => message.origin)
    const [first, second] = entries as [Entry, Entry]
    const told: string[] = []
    const tell = (violation: { readonly text: string }): void => void told.push(violation.text)
    const watcher = INVARIANTS[invariant](good.known, tell, () => undefined)
    const feed = (entry: Entry, offset: number): void =>
      watcher.log?.({ type: 'entry', partition: P, offset, entry })
    if (invariant === 'chain-unbroken') {
      good.partition.entries.slice(0, second.height).forEach(feed)
      expect(told).toEqual([])
    }
    feed({ ...second, ...change }, second.height)
    expect(told.join()).toContain(text)
    expect(first.message.origin?.seq).toBe(1)
  })

  test('every invariant has a plant', () => {
    const planted = new Set(plants.map(([, { breaks }]) => breaks))
    expect([...planted].sort()).toEqual(Object.keys(INVARIANTS).sort())
  })
})
