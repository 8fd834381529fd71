// Every invariant that is checked after each step names the bad history that is planted for it, and
// none finds anything in a good one. The histories are tapes of a run, changed and played again.

import { beforeAll, describe, expect, test } from '@jest/globals'
import type { MessageStatus, Receipt } from '../../src/node/index.ts'
import { resultView } from '../../src/node/views.ts'
import type { EntryRecord } from '../../src/protocol/codec/records.ts'
import { deadLetterOf } from '../../src/protocol/dead-letter.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { Result, Run } from '../../src/protocol/result.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { HbError } from '../../src/std/errors.ts'
import type { ErrorCode } from '../../src/std/errors.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { tokensOf } from './invariants/funds.ts'
import type { Sent } from './invariants/known.ts'
import { INVARIANTS } from './invariants/index.ts'
import { BOUNDS } from './invariants/queues.ts'
import type { Happening } from './invariants/watch.ts'
import type { Appended, Played, Tape } from './tape.ts'
import { appendedTo, cut, entryOfRecord, followed, inserted, isAppended } from './tape.ts'
import { lastOf, newest, next, play, record, RECORDS, runOfRecord, withRun } from './tape.ts'

let tape: Tape
let good: Played

beforeAll(async () => {
  const nodes = [['sequencer', 'dre', 'relayer'] as const]
  const only = { workloads: ['tokens'] as const }
  const changes = { ...only, seconds: 6, partitions: 2, nodes, eventSeconds: 0, standbys: 0 }
  tape = await record(4, { ...changes, messagesPerSecond: 30 })
  good = await play(tape)
}, 120_000)

const P = 0
const place = (): number => good.known.partition(P).entries.length - 1
const find = (isSo: (happening: Happening) => boolean): number => {
  const at = tape.happenings.findLastIndex(isSo)
  expect(at).toBeGreaterThanOrEqual(0)
  return at
}
const isA = (topic: string) => (happening: Happening) => isAppended(happening, topic, P)
const isEntry = (happening: Happening): boolean =>
  isA('hb.log')(happening) && RECORDS.isEntry((happening as Appended).record.value as Buffer)
const isAt = (happening: Happening, offset: number | undefined): boolean =>
  (happening as Appended).record.offset === offset
const appended = (at: number): Appended => tape.happenings[at] as Appended

/** The message of an accepted entry, as its record holds it. */
function messageAt(height: number): EntryRecord['message'] {
  const offset = good.known.partition(P).offsets[height]
  const at = find((each) => isA('hb.log')(each) && (each as Appended).record.offset === offset)
  return entryOfRecord(appended(at)).message
}

const wallets = () => newest(good.known, P, ({ message }) => message.from === 'wallet')
const relayed = () => newest(good.known, P, ({ message }) => message.from === 'process')

/** The newest relayed message, changed. */
function relay(change: { readonly seq?: number; readonly data?: Buffer }): EntryRecord['message'] {
  const message = messageAt(relayed().height)
  if (message.type !== 'relayed') throw new Error('is no relayed message')
  return { type: 'relayed', relayed: { ...message.relayed, ...change } }
}

const sourceOf = () => relayed().message.origin?.partition as number
const counter = () => good.known.partition(P).view.counters[sourceOf()] as number
const inLog = (value: Uint8Array): Tape => followed(tape, appendedTo(tape, 'hb.log', P, value))
const asNext = (message: EntryRecord['message'], rest: Partial<EntryRecord> = {}): Tape =>
  inLog(next(good.known, P, message, rest))
const told = (status: MessageStatus): Happening => ({ type: 'status', node: 'node-0.0', status })

function sequenced(): MessageStatus & { readonly receipt: Receipt } {
  const { partition, height, hash, timestamp, message } = wallets()
  const receipt = { partition, height, hash: toBase64Url(hash), timestamp }
  return { id: message.id, stage: 'sequenced', receipt }
}

/** The newest run for which it holds, changed, and nothing behind it. */
function lastRun(isSo: (run: Run) => boolean, change: (result: Result) => Result): Tape {
  const at = find((each) => isA('hb.outbox')(each) && isSo(runOfRecord(each as Appended)))
  const run = withRun(appended(at), (of) => ({ ...of, results: of.results.map(change) }))
  return cut(tape, at, run)
}

const results = () => good.known.partition(P).results
const inOutbox = (run: Partial<Run>): Tape => {
  const whole = { partition: P, from: 0, results: [], attestation: null, ...run }
  return followed(tape, appendedTo(tape, 'hb.outbox', P, RECORDS.encodeRun(whole)))
}
const token = (): string => tokensOf(tape.network)[P] as string

/** The newest state of the token that was seen, with other balances. */
function held(change: (balances: Record<string, string>) => void): Happening {
  const at = find((each) => each.type === 'state' && each.state.process === token())
  const seen = tape.happenings[at] as Happening & { readonly type: 'state' }
  const state = JSON.parse(seen.state.text) as { balances: Record<string, string> }
  change(state.balances)
  return { ...seen, state: { ...seen.state, text: JSON.stringify(state) } }
}

const commit = (group: string, topic: string, to: number): Happening => {
  return { type: 'committed', group, topic, partition: P, next: to }
}
const trim = (topic: string, start: number): Happening => {
  return { type: 'trimmed', topic, partition: P, start }
}
/** A wallet's message that nobody ordered: another signature is another id. */
const unplaced = (): Appended => {
  const message = messageAt(wallets().height)
  if (message.type !== 'signed') throw new Error('is no signed message')
  const item = Buffer.from(message.item)
  item[10] = (item[10] as number) ^ 1
  return appendedTo(tape, 'hb.ingress', P, RECORDS.encodeIngress({ type: 'signed', item }))
}

const refused = ({ record }: Appended, code: ErrorCode): Appended => {
  const letter = deadLetterOf('hb.ingress', P, record, new HbError(code))
  return appendedTo(tape, 'hb.deadletters', 0, letter.value, letter)
}
/** A wallet's message with an expiry, ms, and its refusal. */
const expired = (expires: number): Appended[] => {
  const tags = [{ name: 'HB-Expires', value: String(expires) }]
  const item = signedItem(tape.network, ed25519Key(), { tags })
  const value = RECORDS.encodeIngress({ type: 'signed', item })
  const record = appendedTo(tape, 'hb.ingress', P, value)
  return [record, refused(record, 'expired')]
}

describe('a good history', () => {
  test('has no violation, and is rich enough to mean something', () => {
    expect(good.violation).toBeUndefined()
    const kinds = new Set(tape.happenings.map(({ type }) => type))
    const all = ['appended', 'committed', 'trimmed', 'status', 'state', 'process', 'health', 'high']
    expect([...kinds].sort()).toEqual(all.sort())
    const groups = tape.happenings.flatMap((each) => (each.type === 'committed' ? each.group : []))
    expect(new Set(groups)).toEqual(new Set(['hb.sequencer', 'hb.dre', 'hb.relayer']))
    expect(good.known.sent(0, 1).length).toBeGreaterThan(20)
    expect(counter()).toBeGreaterThan(20)
    const said = tape.happenings.flatMap((each) => (each.type === 'status' ? each.status : []))
    expect(said.filter(({ result }) => result !== undefined).length).toBeGreaterThan(10)
  })

  test('may hold what zombies write, claims, repeated runs and letters', async () => {
    const { offsets } = good.known.partition(P)
    const again = tape.happenings.filter((each) => {
      return isA('hb.log')(each) && (each as Appended).record.offset >= (offsets.at(-3) as number)
    })
    const claim = RECORDS.claim.encode({ member: 'zombie', generation: 1, nonce: 'n' })
    const values = [claim, ...again.map((each) => (each as Appended).record.value as Buffer)]
    let left = tape
    for (const value of values) left = followed(left, appendedTo(left, 'hb.log', P, value))
    const few = { partition: P, from: 5, results: results().slice(5, 9), attestation: null }
    left = followed(left, appendedTo(left, 'hb.outbox', P, RECORDS.encodeRun(few)))
    expect((await play(left)).violation).toBeUndefined()
  })

  test('may have a position that goes back, which is told', async () => {
    const back = followed(tape, commit('hb.dre', 'hb.log', 3), commit('hb.dre', 'hb.log', 5))
    const { violation, situations } = await play(back)
    expect(violation).toBeUndefined()
    expect(situations.get('offsets: hb.dre went back')).toBe(2)
  })

  test('may commit what is in the dead letters', async () => {
    const record = unplaced()
    const { offset } = record.record
    const written = refused(record, 'signature-invalid')
    const done = commit('hb.sequencer', 'hb.ingress', offset + 1)
    expect((await play(followed(tape, record, written, done))).violation).toBeUndefined()
  })

  test('may hold a refusal of what the log was past', async () => {
    const late = expired(good.known.partition(P).view.timestamp - 1)
    expect((await play(followed(tape, ...late))).violation).toBeUndefined()
  })

  test('may commit a message out of its turn that the outbox still holds', async () => {
    // before the first message of the channel was placed, its second one
    const at = tape.happenings.findIndex((each) => {
      if (!isEntry(each)) return false
      const { message } = entryOfRecord(each as Appended)
      return message.type === 'relayed' && message.relayed.partition === sourceOf()
    })
    const before = cut(tape, at)
    const { known } = await play(before)
    expect(known.sent(sourceOf(), P).length).toBeGreaterThan(0)
    const value = RECORDS.encodeIngress(relay({ seq: known.sent(sourceOf(), P).length }))
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
    expect((await play(followed(tape, ...highs))).violation).toBeUndefined()
  })
})

const head = (change: object): Tape => {
  const { view } = good.known.partition(P)
  const { height, hash, timestamp, counters } = view
  const value = RECORDS.head.encode({
    ...{ partition: P, height, hash, timestamp, counters },
    ...change,
  })
  return followed(tape, appendedTo(tape, 'hb.registry', 0, value))
}

const sends = ({ results: all }: Run): boolean =>
  all.some(({ messages }) => messages.some(({ kind }) => kind !== 'event'))

/** What was planted, and the one invariant that must be named. */
type Plant = readonly [keyof typeof INVARIANTS, () => Tape]
const PLANTS: Readonly<Record<string, Plant>> = {
  "a wallet's message twice": [
    'one-message-one-place',
    () => asNext(messageAt(wallets().height)),
  ],
  'a record that nobody could have written': [
    'chain-unbroken',
    () => inLog(Buffer.from('no record of ours')),
  ],
  'an entry that extends one which is nowhere': [
    'chain-unbroken',
    () => asNext(messageAt(wallets().height), { height: 9_999, prev: Buffer.alloc(32, 1) }),
  ],
  'an entry that fits and is older than the one before': [
    'chain-unbroken',
    () => asNext(messageAt(wallets().height), { timestamp: 1 }),
  ],
  'an entry that fits, out of its channel': [
    'chain-unbroken',
    () => asNext(relay({ seq: counter() + 2 })),
  ],
  'an entry that fits, again in its channel': ['chain-unbroken', () => asNext(relay({}))],
  'a hole in the offsets of the log': [
    'chain-unbroken',
    () => {
      const hole = appendedTo(tape, 'hb.log', P, Buffer.from('x'))
      return followed(tape, { ...hole, record: { ...hole.record, offset: hole.record.offset + 1 } })
    },
  ],
  'an entry of a version that this reader lacks': [
    'chain-unbroken',
    () => {
      const value = next(good.known, P, messageAt(wallets().height))
      value[3] = (value[3] ?? 0) ^ 1
      return inLog(value)
    },
  ],
  'a message of a process that was never sent': [
    'channels-in-order',
    () => asNext(relay({ seq: counter() + 1, data: Buffer.from('forged') })),
  ],
  'a message of a process that is not what was sent': [
    'channels-in-order',
    () => {
      const at = find((each) => {
        return isEntry(each) && entryOfRecord(each as Appended).message.type === 'relayed'
      })
      const original = appended(at)
      const entry = entryOfRecord(original)
      const message = relay({ data: Buffer.from('forged') })
      const value = RECORDS.encodeEntry({ ...entry, message })
      return cut(tape, at, { ...original, record: { ...original.record, value } })
    },
  ],
  'a result that leaves a number out': [
    'channels-in-order',
    () =>
      lastRun(sends, (result) => ({
        ...result,
        messages: result.messages.map((each) => {
          return each.kind === 'event' ? each : { ...each, seq: each.seq + 1 }
        }),
      })),
  ],
  'a receipt for another hash': [
    'receipts-hold',
    () => {
      const status = sequenced()
      const receipt = { ...status.receipt, hash: toBase64Url(Buffer.alloc(32, 1)) }
      return followed(tape, told({ ...status, receipt }))
    },
  ],
  'a receipt before its entry': [
    'receipts-hold',
    () => {
      const offset = good.known.partition(P).offsets[wallets().height]
      const at = find((each) => isA('hb.log')(each) && (each as Appended).record.offset === offset)
      return inserted(tape, at, told(sequenced()))
    },
  ],
  'a receipt for what another message has': [
    'receipts-hold',
    () => followed(tape, told({ ...sequenced(), id: relayed().message.id })),
  ],
  'a refusal of what has a place': [
    'receipts-hold',
    () => followed(tape, told({ id: wallets().message.id, stage: 'refused' })),
  ],
  'a place for what was refused': [
    'receipts-hold',
    () => inserted(tape, 0, told({ id: wallets().message.id, stage: 'refused' })),
  ],
  'a height published with two results': [
    'results-final',
    () => {
      const result = results()[5] as Result
      return inOutbox({ from: 5, results: [{ ...result, gas: result.gas + 1 }] })
    },
  ],
  'a result of no accepted entry': [
    'results-final',
    () => {
      const from = results().length
      return inOutbox({ from, results: [{ ...lastOf(results()), height: from, messages: [] }] })
    },
  ],
  'a result of another entry': [
    'results-final',
    () => lastRun(() => true, (result) => ({ ...result, entryHash: Buffer.alloc(32, 1) })),
  ],
  'a result with another slot': [
    'results-final',
    () => lastRun(() => true, (result) => ({ ...result, slot: result.slot + 1 })),
  ],
  'a run that leaves heights out': [
    'results-final',
    () => inOutbox({ from: results().length + 1, results: [lastOf(results())] }),
  ],
  'a record in the outbox that is no run': [
    'results-final',
    () => followed(tape, appendedTo(tape, 'hb.outbox', P, Buffer.from('no run'))),
  ],
  'another result told than is published': [
    'results-final',
    () => {
      const view = resultView(tape.network, P, results()[wallets().height] as Result)
      const result = { ...view, gas: view.gas + 1 }
      return followed(tape, told({ id: result.messageId, stage: 'evaluated', result }))
    },
  ],
  'a result told before it is published': [
    'results-final',
    () => {
      const { height, message } = wallets()
      const result = resultView(tape.network, P, results()[height] as Result)
      const at = find((each) => {
        if (!isA('hb.outbox')(each)) return false
        return runOfRecord(each as Appended).results.some((one) => one.height === height)
      })
      return inserted(tape, at, told({ id: message.id, stage: 'evaluated', result }))
    },
  ],
  'a balance that grew': [
    'funds-conserved',
    () =>
      followed(
        tape,
        held((balances) => {
          const [one = ''] = Object.keys(balances)
          balances[one] = String(BigInt(balances[one] ?? '0') + 1n)
        }),
      ),
  ],
  'balances that changed hands without a request': [
    'funds-conserved',
    () =>
      followed(
        tape,
        held((balances) => {
          const [one = '', other = ''] = Object.keys(balances)
          balances[one] = String(BigInt(balances[one] ?? '0') + 1n)
          balances[other] = String(BigInt(balances[other] ?? '0') - 1n)
        }),
      ),
  ],
  'a state of a slot that is not accepted': [
    'funds-conserved',
    () => {
      const seen = held(() => undefined) as Happening & { readonly type: 'state' }
      return followed(tape, { ...seen, state: { ...seen.state, slot: 99_999 } })
    },
  ],
  'a transfer that is in error though it can be made': [
    'funds-conserved',
    () =>
      lastRun(
        ({ results: all }) =>
          all.some(({ process, messages }) => process === token() && messages.length > 1),
        (result) => ({ ...result, status: 'error' }),
      ),
  ],
  'two appends under way to one partition of the log': [
    'queues-bounded',
    () => followed(tape, { type: 'high', host: 'node-0.0', gauge: 'hb.log 0', value: 2 }),
  ],
  'something that has no bound': [
    'queues-bounded',
    () => followed(tape, { type: 'high', host: 'node-0.0', gauge: 'callers', value: 1 }),
  ],
  'a head with another hash': ['readers-agree', () => head({ hash: Buffer.alloc(32, 1) })],
  'a head above the log': ['readers-agree', () => head({ height: place() + 1 })],
  'a head that counts more of a channel': [
    'readers-agree',
    () => head({ counters: [9_999, 9_999] }),
  ],
  'a node that shows a height above the log': [
    'readers-agree',
    () => {
      const at = find((each) => each.type === 'health')
      const seen = tape.happenings[at] as Happening & { readonly type: 'health' }
      const partitions = seen.health.partitions.map((each) => ({ ...each, height: place() + 1 }))
      return followed(tape, { ...seen, health: { ...seen.health, partitions } })
    },
  ],
  'a node that shows a process at another height': [
    'readers-agree',
    () => {
      const at = find((each) => each.type === 'process')
      const seen = tape.happenings[at] as Happening & { readonly type: 'process' }
      const process = { ...seen.process, height: seen.process.height - 1 }
      return followed(tape, { ...seen, process })
    },
  ],
  'a node that shows another state of a process': [
    'readers-agree',
    () => {
      const at = find((each) => each.type === 'process')
      const seen = tape.happenings[at] as Happening & { readonly type: 'process' }
      return followed(tape, { ...seen, process: { ...seen.process, stateHash: 'another' } })
    },
  ],
  'a commit over a message that has no place': [
    'offsets-never-pass-effects',
    () => {
      const record = unplaced()
      const done = commit('hb.sequencer', 'hb.ingress', record.record.offset + 1)
      return followed(tape, record, done)
    },
  ],
  'a commit over an entry without result': [
    'offsets-never-pass-effects',
    () => {
      const at = find(isA('hb.log'))
      const done = commit('hb.dre', 'hb.log', appended(at).record.offset + 1)
      return inserted(tape, at + 1, done)
    },
  ],
  'a commit over a message that is not relayed': [
    'offsets-never-pass-effects',
    () => {
      const at = find((each) => isA('hb.outbox')(each) && sends(runOfRecord(each as Appended)))
      const done = commit('hb.relayer', 'hb.outbox', appended(at).record.offset + 1)
      return inserted(tape, at + 1, done)
    },
  ],
  'ingress trimmed beyond its commit': [
    'offsets-never-pass-effects',
    () => {
      const record = unplaced()
      return followed(tape, record, trim('hb.ingress', record.record.offset + 1))
    },
  ],
  'an outbox trimmed over its newest run': [
    'offsets-never-pass-effects',
    () => followed(tape, trim('hb.outbox', good.known.partition(P).newestRun + 1)),
  ],
  'an outbox trimmed beyond its commit': [
    'offsets-never-pass-effects',
    () => {
      const at = find((each) => isA('hb.outbox')(each) && sends(runOfRecord(each as Appended)))
      return inserted(tape, at + 1, trim('hb.outbox', appended(at).record.offset + 1))
    },
  ],
  'refused as expired when the log was not past it': [
    'expiry-by-log-time',
    () => followed(tape, ...expired(good.known.partition(P).view.timestamp)),
  ],
  'refused as expired without an expiry': [
    'expiry-by-log-time',
    () => {
      const record = unplaced()
      return followed(tape, record, refused(record, 'expired'))
    },
  ],
  'a log trimmed': ['offsets-never-pass-effects', () => followed(tape, trim('hb.log', 1))],
}

describe('a bad history', () => {
  test.each(Object.entries(PLANTS))('%s', async (_, [invariant, plant]) => {
    const { violation } = await play(plant())
    expect(violation?.invariant).toBe(invariant)
    expect(violation?.text).toMatch(/^\d+\.\d{6} s: /)
  })

  test('an outbox trimmed before all of it was settled', async () => {
    const T = 1
    const { entries, offsets } = good.known.partition(T)
    const entry = newest(good.known, T, ({ message }) => message.origin?.partition === P)
    const { seq } = entry.message.origin as { seq: number }
    const sent = good.known.sent(P, T)[seq - 1] as Sent
    // as it is right before the entry: its message is in ingress, and its run is a repeated one
    const place = offsets[entries.indexOf(entry)]
    const at = find((each) => isAppended(each, 'hb.log', T) && isAt(each, place))
    const before = cut(tape, at)
    const run = find((each) => isA('hb.outbox')(each) && isAt(each, sent.offset))
    const value = appended(run).record.value as Buffer
    const again = followed(before, appendedTo(before, 'hb.outbox', P, value))
    const relayed = followed(again, commit('hb.relayer', 'hb.outbox', sent.offset + 1))
    const { violation } = await play(followed(relayed, trim('hb.outbox', sent.offset + 1)))
    expect(violation?.invariant).toBe('offsets-never-pass-effects')
    expect(violation?.text).toMatch(/the outbox is trimmed .* and 1 has not settled \d+$/)
  })

  // what no record can bring about as long as `accept` is right: fed past it
  test.each([
    ['chain-unbroken', 'does not extend', { height: 0 }],
    ['chain-unbroken', 'does not extend', { prev: Buffer.alloc(32, 1) }],
    ['chain-unbroken', 'is older', { timestamp: 1 }],
    ['channels-in-order', 'where 1 is next', {}],
  ] as const)('%s counts by its own means: %s', (invariant, text, change) => {
    const entries = good.known.partition(P).entries.filter(({ message }) => message.origin)
    const [first, second] = entries as [Entry, Entry]
    const told: string[] = []
    const tell = (violation: { readonly text: string }): void => void told.push(violation.text)
    const watcher = INVARIANTS[invariant](good.known, tell, () => undefined)
    const feed = (entry: Entry, offset: number): void =>
      watcher.log?.({ type: 'entry', partition: P, offset, entry })
    if (invariant === 'chain-unbroken') {
      good.known.partition(P).entries.slice(0, second.height).forEach(feed)
      expect(told).toEqual([])
    }
    feed({ ...second, ...change }, second.height)
    expect(told.join()).toContain(text)
    expect(first.message.origin?.seq).toBe(1)
  })

  test('every invariant has a plant', () => {
    const planted = new Set(Object.values(PLANTS).map(([invariant]) => invariant))
    expect([...planted].sort()).toEqual(Object.keys(INVARIANTS).sort())
  })
})
