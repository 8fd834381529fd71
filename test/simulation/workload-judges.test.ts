// What the workloads judge at the end, on short logs written out by hand: what is right passes, and
// each thing that is wrong is told.

import { expect, test } from '@jest/globals'
import type { Entry } from '../../src/protocol/entry.ts'
import { idOf } from '../protocol/fixtures.ts'
import { CHILD, childModel } from './load/breeder.ts'
import { neverTooEarly } from './load/children.ts'
import { judgeModels } from './load/model/judge.ts'
import { nurseryModel, saltedId } from './load/model/nursery.ts'
import { PlantedLog } from './load/model/planted-log.ts'
import { questionsEnd } from './load/questions.ts'
import { moduleHash } from './load/model/replay.ts'
import { poolBooks } from './load/pool-books.ts'

type Outcome = NonNullable<Parameters<PlantedLog['put']>[4]>
type Sent = NonNullable<Outcome['sent']>[number]

const [ASKER, ANNA] = [idOf('asker'), idOf('Anna')]
const WHO = new Map([
  [idOf('good'), 'answers'],
  [idOf('mute'), 'silent'],
  [idOf('bad'), 'fails'],
] as const)
const [ASKED_AT, DEADLINE_MS] = [2_000, 1_000]

function sent(kind: Sent['kind'], target: string, tags: Record<string, string>): Sent {
  const list = Object.entries(tags).map(([name, value]) => ({ name, value }))
  return { kind, target, tags: list, hops: 9, count: 0 }
}

type Ended = readonly [outcome: string, parts: string, at?: number, held?: string]

const BANK = 5
const INQUIRY = { askers: new Set([ASKER]), answerers: WHO, bank: BANK }

function question(
  kind: string,
  names: readonly string[],
  ends: readonly Ended[],
  left: { readonly open?: number; readonly purse?: object } = {},
): string {
  const log = new PlantedLog()
  log.spawn('asker', 'asker', {})
  log.timestamp = ASKED_AT
  const targets = names.map((name) => idOf(name))
  const data = JSON.stringify({ kind, deadlineMs: DEADLINE_MS, holdMs: DEADLINE_MS, targets })
  const id = log.put(ASKER, ANNA, { Action: 'Ask' }, { data })
  let paid = 0
  for (const [Outcome, Parts, at = ASKED_AT + DEADLINE_MS, Held = 'true'] of ends) {
    log.timestamp = at
    if (Outcome === 'reply' && Held === 'true') paid += 1
    const tags = { Action: 'Ended', Question: id, Outcome, Parts, Held }
    log.put(ASKER, idOf('good'), {}, { kind: 'notice' }, { sent: [sent('event', '', tags)] })
  }
  const has = { bank: String(BANK - paid), ...(paid > 0 && { paid: String(paid) }) }
  const { open = 0, purse = has } = left
  log.state(ASKER, { requests: { open }, purse })
  const told = questionsEnd(log.ending, INQUIRY)
  return told.map(({ text }) => text).join()
}

test.each([
  ['all', ['good', 'bad'], ['bounce', 'reply bounce']],
  ['all', ['good', 'good'], ['reply', 'reply reply']],
  ['all', ['good', 'mute'], ['expired', 'reply none']],
  ['any', ['good', 'mute'], ['reply', 'reply none']],
  ['any', ['bad', 'nobody'], ['bounce', 'bounce bounce']],
  ['any', ['bad', 'mute'], ['expired', 'bounce none']],
] as const)('a question to %s of %j may end as %j', (kind, names, end) => {
  expect(question(kind, names, [end])).toBe('')
})

test.each([
  ['never', 'all', ['good'], [], 'ended 0 times'],
  ['twice', 'all', ['good'], [['reply', 'reply'], ['reply', 'reply']], 'ended 2 times'],
  ['too early', 'all', ['mute'], [['expired', 'none', 2_500]], '500 ms too early'],
  ['by one who is silent', 'any', ['mute'], [['reply', 'reply']], 'reply of one who silent'],
  ['by one who fails', 'all', ['bad'], [['reply', 'reply']], 'reply of one who fails'],
  ['before all said something', 'all', ['good', 'mute'], [['reply', 'reply none']], 'all ended as'],
  ['late with all answers', 'all', ['good'], [['expired', 'reply']], 'had its answers'],
  ['as bounced with a reply', 'any', ['good', 'bad'], [['bounce', 'reply bounce']], 'any ended'],
  ['with parts missing', 'all', ['good', 'bad'], [['bounce', 'bounce']], '2 were asked'],
] as const)('a question that ends %s is told', (_, kind, names, ends, text) => {
  expect(question(kind, names, ends)).toContain(text)
})

test('a request that is left open is told', () => {
  const told = question('any', ['good'], [['reply', 'reply']], { open: 1 })
  expect(told).toBe('1 requests are open at the end')
})

test('what is held for a question is paid or given back once, and not before its time', () => {
  const reply = ['reply', 'reply'] as const
  const late = [...reply, ASKED_AT + DEADLINE_MS, 'false'] as const
  expect(question('all', ['good'], [late])).toBe('')
  const early = [...reply, ASKED_AT + DEADLINE_MS - 1, 'false'] as const
  expect(question('all', ['good'], [early])).toContain('given back too early')
  for (const purse of [{ bank: '5', paid: '1' }, { bank: '5' }, { bank: '3', paid: '2' }]) {
    expect(question('all', ['good'], [reply], { purse })).toContain('for 1 answers in time')
  }
  expect(question('all', ['good'], [], { purse: { bank: '6' } })).toContain('6 of 5 are left')
})

const NURSERY = idOf('nursery')
const CHILD_ID = saltedId(NURSERY, 'tom')

/** A nursery bears Tom by his module's hash; `code`: what comes of the hello behind it. */
function births(code: string, mark: string | undefined, outcome: string): PlantedLog {
  const log = new PlantedLog()
  const module = moduleHash(CHILD)
  log.spawn('nursery', 'nursery', { module })
  // a child of somebody else's, which makes the module known
  if (mark === undefined) {
    const data = JSON.stringify({ source: CHILD, state: {} })
    log.put(idOf('other'), ANNA, {}, { kind: 'spawn', data }, { sent: [born(ANNA)] })
  }
  const unknown = mark === undefined ? {} : { 'HB-Module-Unknown': mark }
  const spawn = sent('spawn', '', { 'Spawn-Salt': 'tom', ...unknown })
  const hello = { ...sent('message', CHILD_ID, { Action: 'Hello' }), count: 32 }
  const tags = { Action: 'Bear', Salt: 'tom', By: 'module' }
  const all = [{ ...spawn, count: 32 }, hello, hello]
  log.put(NURSERY, ANNA, tags, { count: 99 }, { sent: all })
  const origin = { partition: 0, height: log.entries.length - 1, seq: 0 }
  const from = { from: 'process', hops: 9, count: 32 } as const
  const list = Object.fromEntries(spawn.tags.map(({ name, value }) => [name, value]))
  const data = JSON.stringify({ module, state: {} })
  const failed = (error: string): Outcome => ({ code: error, sent: [bounced(log, error)] })
  const came = outcome === '' ? { sent: [born(NURSERY)] } : failed(outcome)
  log.put(CHILD_ID, NURSERY, list, { ...from, kind: 'spawn', data }, came)
  const greeted = code === '' ? {} : failed(code)
  log.put(CHILD_ID, NURSERY, { Action: 'Hello' }, from, greeted)
  const entry = log.entries.at(-1) as Entry
  Object.assign(entry.message, { origin: { ...origin, index: 1 } })
  log.state(NURSERY, { born: 0, bounces: {} })
  log.state(idOf('other'), { hellos: 0 })
  if (outcome === '') log.state(CHILD_ID, { hellos: code === '' ? 1 : 0 })
  return log
}

function born(parent: string): Sent {
  const left = parent === ANNA ? { hops: 9, count: 99 } : { hops: 8, count: 31 }
  return { ...sent('notice', parent, { Action: 'Born' }), ...left }
}

function bounced(log: PlantedLog, Error: string): Sent {
  const tags = { Action: 'Bounce', Error, 'Message-Id': idOf(`message ${log.entries.length}`) }
  return { ...sent('bounce', NURSERY, tags), hops: 8, count: 31 }
}

function told(log: PlantedLog): string[] {
  const makers = new Map([
    ['nursery', nurseryModel],
    [CHILD, childModel],
  ])
  const early = neverTooEarly(log.ending, new Set([NURSERY]))
  return [...judgeModels(log.ending, makers), ...early].map(({ invariant, text }) => {
    return `${invariant}: ${text}`
  })
}

test('a child by a salt: what its parent sends behind the spawn is in time', () => {
  expect(told(births('', undefined, ''))).toEqual([])
  const early = told(births('process-not-found', undefined, '')).join()
  expect(early).toContain('children-in-time: ')
  expect(early).toContain('outcomes-modelled: error process-not-found')
})

test('a module by its hash: known where an entry carried it, and marked where none did', () => {
  const hash = moduleHash(CHILD)
  expect(told(births('process-failed', hash, 'module-unknown'))).toEqual([])
  // the mark is there, and the child all the same; and the other way round
  expect(told(births('', hash, '')).join()).toContain('the model says error module-unknown')
  expect(told(births('process-failed', undefined, 'module-unknown')).join()).toContain(
    'outcomes-modelled: error module-unknown',
  )
})

const NAMES = { pool: idOf('pool'), collateral: idOf('gold'), loan: idOf('dollar') }
const ONE = 10n ** 18n

/** Anna owes 150 of a pool's 1,000 dollars on 100 gold, at a price of 2. */
function books(changes: object, [gold, dollars] = ['107', '853'], hasCounted = true): string {
  const log = new PlantedLog()
  const pool = {
    positions: { [ANNA]: { collateral: '100', shares: String(150n * ONE), place: 0 } },
    custody: { owed: { [`${ANNA}/${NAMES.loan}`]: '3' }, payments: { open: 0 } },
    liquidationBps: 8_000,
    ...{ cash: '850', seized: '7', index: String(ONE), price: '2' },
    ...{ lent: '200', repaid: '40', covered: '8', badDebt: '2' },
    ...changes,
  }
  log.state(NAMES.pool, pool)
  log.state(NAMES.collateral, { balances: { [NAMES.pool]: gold } })
  log.state(NAMES.loan, { balances: { [NAMES.pool]: dollars } })
  return poolBooks(log.ending, NAMES, hasCounted)
    .map(({ invariant }) => invariant)
    .join()
}

test("a pool's books: what is right passes, and each thing that is wrong is told", () => {
  expect(books({})).toBe('')
  expect(books({ price: '1.875' })).toBe('')
  expect(books({ price: '1.87' })).toBe('positions-healthy')
  expect(books({ price: '1.87' }, undefined, false)).toBe('')
  expect(books({}, ['106', '853'])).toBe('funds-conserved')
  expect(books({}, ['107', '854'])).toBe('funds-conserved')
  expect(books({ lent: '210' })).toBe('debts-accounted')
  expect(books({ repaid: '50' })).toBe('debts-accounted')
  const custody = { owed: { [`${ANNA}/${NAMES.loan}`]: '3' }, payments: { open: 1 } }
  expect(books({ custody })).toBe('payments-end')
})
