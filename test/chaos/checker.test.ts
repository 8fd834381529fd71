// The checker sees nothing wrong with a good history, nor with what zombies and repeats may leave
// behind, and names the invariant of every bad one that is planted.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { deadLetterOf } from '../../src/protocol/dead-letter.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import type { EntryRecord } from '../../src/protocol/codec/records.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { entryOf } from '../../src/protocol/log-reader.ts'
import type { Result } from '../../src/protocol/result.ts'
import { asBuffer } from '../../src/std/bytes.ts'
import { HbError } from '../../src/std/errors.ts'
import type { History, Submission, Violation } from './checker/index.ts'
import { check, INVARIANTS } from './checker/index.ts'
import { evaluateAfresh } from './evidence.ts'
import { readHistory, writeHistory } from './history-file.ts'
import {
  entryRecords,
  forge,
  goodHistory,
  stored,
  withLogRecords,
  withOutboxRecords,
  withSubmissions,
} from './planted-history.ts'
import type { Draft, Good } from './planted-history.ts'

const RECORDS = new Records()
let good: Good
let history: History
let balances: Record<string, string>

beforeAll(async () => {
  good = await goodHistory()
  history = good.history
  const text = history.tokens.get(good.chaos.tokens[0] as string) as string
  balances = (JSON.parse(text) as { balances: Record<string, string> }).balances
}, 60_000)

const last = <T>(list: readonly T[]): T => list.at(-1) as T
const named = (violations: readonly Violation[]): string[] => [
  ...new Set(violations.map(({ invariant }) => invariant)),
]

/** The entry's record, as it would be at another place. */
function moved(record: EntryRecord, to: Partial<EntryRecord>): EntryRecord {
  return { ...record, ...to }
}

function hashOf(partition: number, record: EntryRecord): Buffer {
  return asBuffer(entryOf(history.network, partition, record).hash)
}

function withoutAcknowledgement({ acknowledgedAt: _, ...rest }: Submission): Submission {
  return rest
}

/** As if those two messages had never been acknowledged: their order, or absence, says nothing. */
function unacknowledged(of: History, entries: readonly Entry[]): History {
  const ids = new Set(entries.map(({ message }) => message.id))
  return withSubmissions(of, (each) => (ids.has(each.id) ? withoutAcknowledgement(each) : each))
}

function withEvaluated(partition: number, change: (result: Result) => Result): History {
  const evaluated = history.evaluated.map((each, at) =>
    at === partition ? { ...each, results: each.results.map(change) } : each,
  )
  return { ...history, evaluated }
}

function withToken(change: (balances: Record<string, string>) => void): History {
  const changed = { ...balances }
  change(changed)
  const id = good.chaos.tokens[0] as string
  const state = JSON.parse(history.tokens.get(id) as string) as Record<string, unknown>
  const text = JSON.stringify({ ...state, balances: changed })
  return { ...history, tokens: new Map([...history.tokens, [id, text]]) }
}

function letterFor(item: Uint8Array): ReturnType<typeof stored> {
  const value = RECORDS.encodeIngress({ type: 'signed', item: asBuffer(item) })
  const record = stored(0, value)
  const letter = deadLetterOf('hb.ingress', 0, record, new HbError('expired'))
  return { ...letter, offset: history.deadletters.length, timestamp: 1 }
}

/** A placed wallet message of partition 0, with the item that its wallet signed. */
function placed(): { entry: Entry; submission: Submission } {
  const [, entries] = entryRecords(history, 0)
  const entry = last(entries)
  const submission = history.clients.submissions.find(({ id }) => id === entry.message.id)
  return { entry, submission: submission as Submission }
}

describe('a good history', () => {
  test('has no violation, and is large enough to mean something', () => {
    const { violations, figures } = check(history)
    expect(violations).toEqual([])
    expect(figures.acknowledged).toBeGreaterThan(250)
    expect(figures.placed + figures.refused).toBe(figures.acknowledged)
    expect(figures.refused).toBeGreaterThan(0)
    expect(figures.entries).toBeGreaterThan(2 * figures.placed)
    const { receipts, results, refusals } = history.clients
    expect(receipts.length).toBeGreaterThan(10)
    expect(results.length).toBeGreaterThan(10)
    expect(refusals.length).toBeGreaterThan(0)
  })

  test('is still good when it was forged into itself', async () => {
    const { violations } = check(await forge(history, 0, (drafts) => drafts))
    expect(violations).toEqual([])
  })

  test('may hold what a zombie wrote, claims, repeated runs and repeated letters', () => {
    const [records] = entryRecords(history, 0)
    const [two, one] = [records.at(-2) as EntryRecord, last(records)]
    const late = moved(two, { timestamp: two.timestamp + 1 })
    const behind = moved(one, { prev: hashOf(0, late) })
    const batch = [late, behind].map((record) => RECORDS.encodeEntry(record))
    const claim = RECORDS.claim.encode({ member: 'zombie', generation: 1, nonce: 'n' })
    const { results = [] } = history.evaluated[0] ?? {}
    const run = { partition: 0, from: 5, results: results.slice(5, 9), attestation: null }
    const { item } = placed().submission
    const forged = Buffer.from(item)
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    const deadletters = [...history.deadletters, ...history.deadletters, letterFor(forged)]
    const left = withOutboxRecords(
      withLogRecords({ ...history, deadletters }, 0, [...batch, claim, ...batch]),
      0,
      [RECORDS.encodeRun(run)],
    )
    const { violations, figures } = check(left)
    expect(violations).toEqual([])
    const before = check(history).figures
    expect(figures.superseded).toBe(before.superseded + 4)
    expect(figures.claims).toBe(before.claims + 1)
    expect(figures.repeatedRuns).toBe(before.repeatedRuns + 1)
  })

  test('judges alike when it was written to a folder and read again', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'hb-history-'))
    await writeHistory(dir, history)
    const kept = await readHistory(dir)
    await rm(dir, { recursive: true })
    const report = check({ ...kept, evaluated: await evaluateAfresh(kept.network, kept.partitions) })
    expect(report).toEqual(check(history))
  })

  test('may lack the beginning of an outbox that was trimmed', () => {
    const partitions = history.partitions.map((each) => ({
      ...each,
      outbox: each.outbox.slice(Math.floor(each.outbox.length / 2)),
    }))
    expect(check({ ...history, partitions }).violations).toEqual([])
  })
})

/** What was planted, and the one invariant that must be named. */
type Plant = readonly [keyof typeof INVARIANTS, () => Promise<History>]
const PLANTS: Readonly<Record<string, Plant>> = {
  'a hole in the offsets': [
    'offsets-contiguous',
    async () => {
      const partitions = history.partitions.map(({ log, ...rest }) => ({
        ...rest,
        log: log.map((record, at) => (at < 9 ? record : { ...record, offset: record.offset + 1 })),
      }))
      return { ...history, partitions }
    },
  ],
  'an entry that extends one which is nowhere': [
    'chain-unbroken',
    async () => {
      const [records] = entryRecords(history, 0)
      const unread = moved(last(records), { height: 9_999, prev: Buffer.alloc(32, 1) })
      return withLogRecords(history, 0, [RECORDS.encodeEntry(unread)])
    },
  ],
  'an entry before the one that it extends': [
    'chain-unbroken',
    async () => {
      const [records, entries] = entryRecords(history, 0)
      const tail = entries.slice(-2)
      const cut = await forge(unacknowledged(history, tail), 0, (drafts) => drafts.slice(0, -2))
      return withLogRecords(cut, 0, [RECORDS.encodeEntry(last(records))])
    },
  ],
  'a record that nobody could have written': [
    'chain-unbroken',
    async () => withLogRecords(history, 0, [Buffer.from('no record of ours')]),
  ],
  'an entry of a version that this reader lacks': [
    'chain-unbroken',
    async () => {
      const [records] = entryRecords(history, 0)
      const value = Buffer.from(RECORDS.encodeEntry(last(records)))
      value[3] = (value[3] ?? 0) ^ 1
      return withLogRecords(history, 0, [value])
    },
  ],
  'a fork that went on': [
    'chain-not-forked',
    async () => {
      const [records] = entryRecords(history, 0)
      const end = last(records)
      const fork = moved(end, { timestamp: end.timestamp + 1 })
      const onIt = moved(end, { height: end.height + 1, prev: hashOf(0, fork) })
      const claim = RECORDS.claim.encode({ member: 'other', generation: 1, nonce: 'n' })
      const values = [RECORDS.encodeEntry(fork), claim, RECORDS.encodeEntry(onIt)]
      return withLogRecords(history, 0, values)
    },
  ],
  'a lost message': ['placed-or-refused', () => forge(history, 0, (drafts) => drafts.slice(0, -1))],
  'a message whose bytes are not those that were signed': [
    'placed-or-refused',
    async () => {
      const { submission } = placed()
      const { process } = submission
      return withSubmissions(history, (each) => {
        const item = Buffer.concat([each.item, Buffer.from('!')])
        return each === submission ? { ...each, process, item } : each
      })
    },
  ],
  'a doubled message': [
    'placed-once',
    () => forge(history, 0, (drafts) => [...drafts, last(drafts)]),
  ],
  'a message both refused and ordered': [
    'refused-not-placed',
    async () => {
      const deadletters = [...history.deadletters, letterFor(placed().submission.item)]
      return { ...history, deadletters }
    },
  ],
  'a refusal that is in no dead letter': [
    'refusals-recorded',
    async () => {
      const { clients } = history
      const refusals = [...clients.refusals, { id: 'nobody', code: 'expired' }]
      return { ...history, clients: { ...clients, refusals } }
    },
  ],
  'an altered receipt': [
    'receipts-hold',
    async () => {
      const { clients } = history
      const receipts = clients.receipts.map((receipt, at) =>
        at === 3 ? { ...receipt, hash: 'A'.repeat(43) } : receipt,
      )
      return { ...history, clients: { ...clients, receipts } }
    },
  ],
  'two receipts of one message': [
    'receipts-hold',
    async () => {
      const { clients } = history
      const [first] = clients.receipts
      if (first === undefined) throw new Error('no receipts')
      const second = { ...first, height: first.height + 1 }
      return { ...history, clients: { ...clients, receipts: [...clients.receipts, second] } }
    },
  ],
  'two messages of a wallet in the wrong order': [
    'senders-in-order',
    () =>
      forge(history, 0, (drafts) => {
        const [one, two] = drafts.slice(-2) as [Draft, Draft]
        const { timestamp } = one
        return [...drafts.slice(0, -2), { ...two, timestamp }, one]
      }),
  ],
  'a gap in a channel': [
    'channels-in-order',
    async () => {
      const [records, entries] = entryRecords(history, 1)
      const end = last(records)
      const { message } = end
      if (message.type !== 'relayed') throw new Error('partition 1 ends with a relayed message')
      const skipped = { ...message.relayed, seq: message.relayed.seq + 2 }
      const entry = moved(end, {
        height: end.height + 1,
        prev: asBuffer(last(entries).hash),
        message: { type: 'relayed', relayed: skipped },
      })
      return withLogRecords(history, 1, [RECORDS.encodeEntry(entry)])
    },
  ],
  'a message twice in a channel': [
    'channels-in-order',
    async () => {
      const [records, entries] = entryRecords(history, 1)
      const again = moved(last(records), {
        height: last(records).height + 1,
        prev: asBuffer(last(entries).hash),
      })
      return withLogRecords(history, 1, [RECORDS.encodeEntry(again)])
    },
  ],
  'two messages of a channel in each other’s place': [
    'channels-faithful',
    () =>
      forge(history, 1, (drafts) => {
        const [one, two] = drafts.slice(-2) as [Draft, Draft]
        if (one.message.type !== 'relayed' || two.message.type !== 'relayed') {
          throw new Error('partition 1 ends with two relayed messages')
        }
        const [first, second] = [one.message.relayed, two.message.relayed]
        const message = (seq: number, relayed: typeof first) =>
          ({ type: 'relayed', relayed: { ...relayed, seq } }) as const
        return [
          ...drafts.slice(0, -2),
          { ...one, message: message(first.seq, second) },
          { ...two, message: message(second.seq, first) },
        ]
      }),
  ],
  'an altered message in a channel': [
    'channels-faithful',
    () =>
      forge(history, 1, (drafts) => {
        const { message, ...rest } = last(drafts)
        if (message.type !== 'relayed') throw new Error('partition 1 ends with a relayed message')
        const tags = message.relayed.tags.map(({ name, value }) => ({
          name,
          value: name === 'Quantity' ? `${value}0` : value,
        }))
        const altered = { type: 'relayed', relayed: { ...message.relayed, tags } } as const
        return [...drafts.slice(0, -1), { ...rest, message: altered }]
      }),
  ],
  'a message missing at the end of a channel': [
    'channels-complete',
    () => forge(history, 1, (drafts) => drafts.slice(0, -1)),
  ],
  'two publications that differ': [
    'publications-agree',
    async () => {
      const { results = [] } = history.evaluated[1] ?? {}
      const changed = { ...last(results), gas: last(results).gas + 1 }
      const from = results.length - 1
      const run = { partition: 1, from, results: [changed], attestation: null }
      return withOutboxRecords(history, 1, [RECORDS.encodeRun(run)])
    },
  ],
  'a height that was never published': [
    'publications-complete',
    async () => {
      const partitions = history.partitions.map((each, at) => {
        const { results = [] } = history.evaluated[at] ?? {}
        const first = { partition: at, from: 0, results: results.slice(0, 3), attestation: null }
        const second = { ...first, from: 4, results: results.slice(4) }
        const outbox = [first, second].map((run, n) => stored(n, RECORDS.encodeRun(run)))
        return { ...each, outbox }
      })
      return { ...history, partitions }
    },
  ],
  'a result that changed': [
    'results-final',
    async () => {
      const { clients } = history
      const results = clients.results.map((result, at) =>
        at === 2 ? { ...result, gas: result.gas + 1 } : result,
      )
      return { ...history, clients: { ...clients, results } }
    },
  ],
  'a state hash that is off': [
    'evaluation-agrees',
    async () => {
      const height = (history.evaluated[2]?.results.length ?? 0) - 1
      return withEvaluated(2, (result) =>
        result.height === height ? { ...result, stateHash: Buffer.alloc(32, 1) } : result,
      )
    },
  ],
  'a state that was read with another hash': [
    'states-agree',
    async () => {
      const { clients } = history
      const states = clients.states.map((state) => ({ ...state, stateHash: 'A'.repeat(43) }))
      return { ...history, clients: { ...clients, states } }
    },
  ],
  'a state that was read with another text': [
    'states-agree',
    async () => {
      const { clients } = history
      const states = clients.states.map((state) => ({ ...state, text: `${state.text} ` }))
      return { ...history, clients: { ...clients, states } }
    },
  ],
  'balances off by one': [
    'balances-conserved',
    async () =>
      withToken((held) => {
        const [account] = Object.keys(held)
        if (account !== undefined) held[account] = String(BigInt(held[account] ?? '0') + 1n)
      }),
  ],
  'one unit in the wrong account': [
    'balances-modelled',
    async () =>
      withToken((held) => {
        const [from = '', to = ''] = Object.keys(held)
        held[from] = String(BigInt(held[from] ?? '0') - 1n)
        held[to] = String(BigInt(held[to] ?? '0') + 1n)
      }),
  ],
}

describe('the checker names what was planted, and nothing else:', () => {
  test('each invariant has a plant', () => {
    const planted = new Set(Object.values(PLANTS).map(([invariant]) => invariant))
    expect([...planted].sort()).toEqual(Object.keys(INVARIANTS).sort())
  })

  test.each(Object.keys(PLANTS))('%s', async (name) => {
    const [invariant, plant] = PLANTS[name] as Plant
    const { violations } = check(await plant())
    expect(named(violations)).toEqual([invariant])
    for (const { text } of violations) expect(text).not.toBe('')
  })

  test('an entry lost from the middle is seen from all sides', () => {
    const partitions = history.partitions.map((each, at) => {
      if (at !== 1) return each
      const lost = Math.floor(each.log.length / 2)
      const left = each.log.filter((_, offset) => offset !== lost)
      return { ...each, log: left.map((record, offset) => ({ ...record, offset })) }
    })
    const names = named(check({ ...history, partitions }).violations)
    for (const name of ['chain-unbroken', 'channels-complete', 'publications-complete']) {
      expect(names).toContain(name)
    }
  })

  test('many violations of one kind are told as a few and a number', () => {
    const { clients } = history
    const receipts = clients.receipts.map((receipt) => ({ ...receipt, hash: 'A'.repeat(43) }))
    const { violations } = check({ ...history, clients: { ...clients, receipts } })
    expect(receipts.length).toBeGreaterThan(21)
    expect(violations.length).toBe(21)
    expect(last(violations).text).toBe(`and ${receipts.length - 20} more`)
  })
})
