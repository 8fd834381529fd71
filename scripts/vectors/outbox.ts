// Vectors of the check of what a contract sends: form, limits, and how hops, count and budget are
// shared out.

import type { ProtocolLimits } from '../../src/protocol/limits.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import type { Allowance } from '../../src/protocol/outbox.ts'
import { checkOutbox } from '../../src/protocol/outbox.ts'
import { parseJson } from '../../src/std/json-text.ts'
import { BUDGET_MAX, idOf, SAFE_MAX, writeContent } from './fixed.ts'
import type { Named, Subject } from './subject.ts'
import { orRefusal, subject } from './subject.ts'

type Input = {
  readonly messages: string
  readonly parent: Allowance
  readonly limits?: Partial<ProtocolLimits>
}

const TARGET = idOf('target')
const parent: Allowance = { hops: 5, count: 100, budget: '10' }

/** Drafts, and what differs in the parent. */
function sent(drafts: readonly unknown[], change: Partial<Allowance> = {}): Input {
  return { messages: JSON.stringify(drafts), parent: { ...parent, ...change } }
}

/** One draft whose further members are this text. */
function written(members: string): Input {
  return { messages: `[{"target":"${TARGET}",${members}}]`, parent }
}

const to = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
  target: TARGET,
  ...change,
})
const spawn = { kind: 'spawn', data: { source: 'x' } }
const event = { kind: 'event', data: 'seen' }
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

const FORMS: readonly Named<Input>[] = [
  ['nothing', sent([])],
  ['a message', sent([to({ tags: { Action: 'Ping' }, data: 'hello' })])],
  ['a notice', sent([to({ kind: 'notice' })])],
  [
    'a spawn, whose target is empty',
    sent([spawn, { ...spawn, target: '' }, { ...spawn, target: null }]),
  ],
  [
    'a spawn with a salt, which is a tag',
    sent([{ ...spawn, salt: 's' }, { ...spawn, tags: { 'Spawn-Salt': 's' } }]),
  ],
  [
    'an upgrade, which is a message with a tag',
    sent([to({ kind: 'upgrade', data: { source: 'x' } })]),
  ],
  ['an event with and without a target', sent([event, { ...event, target: TARGET }])],
  [
    'absent and null are alike',
    sent([to({ tags: null, data: null, hops: null, count: null, budget: null })]),
  ],
  [
    'data that is a value',
    sent([to({ data: { b: 1, a: [true, null] } }), to({ data: 0 }), to({ data: false })]),
  ],
  [
    'its Content-Type is not written over',
    sent([to({ data: { a: 1 }, tags: { 'Content-Type': 'text/plain' } })]),
  ],
  [
    'an empty text is no data',
    sent([to({ data: '', tags: { 'Content-Type': 'application/json' } })]),
  ],
  ['integer-like tags come first', written('"tags":{"b":"1","10":"2","9":"3"}')],
  ['data in the order of its keys', written('"data":{"b":1,"1":2,"a":1e21}')],
  [
    'composed and decomposed',
    sent([to({ tags: { '\u00e9': 'e\u0301', 'e\u0301': '\u{1f600}' } })]),
  ],
  ['an empty value of a tag', sent([to({ tags: { A: '' } })])],
  [
    'JSON at the depth that is allowed',
    sent([to({ data: nested(64), tags: { 'Content-Type': 'application/json' } })]),
  ],
  ['not an object', sent([1])],
  ['a list', sent([to(), []])],
  ['an unknown member', sent([to({ Target: TARGET })])],
  ['a bounce is the network\'s own', sent([to({ kind: 'bounce' })])],
  ['a kind that is none', sent([to({ kind: 7 })])],
  ['no target', sent([{ data: 'x' }])],
  ['a target that is no id', sent([{ target: TARGET.slice(1) }])],
  ['a target that is not canonical', sent([{ target: `${'A'.repeat(42)}B` }])],
  ['a salt that is empty', sent([{ ...spawn, salt: '' }])],
  ['a salt that is too long', sent([{ ...spawn, salt: 's'.repeat(65) }])],
  ['a salt twice', sent([{ ...spawn, salt: 's', tags: { 'Spawn-Salt': 's' } }])],
  ['a salt on a message', sent([to({ salt: 's' })])],
  ['the tag of an upgrade', sent([to({ tags: { 'HB-Upgrade': 'Module' } })])],
  ['a spawn with a target', sent([{ ...spawn, target: TARGET }])],
  ['an event with a target that is no id', sent([{ ...event, target: 'x' }])],
  ['tags as a list', sent([to({ tags: [] })])],
  ['a tag that is a number', sent([to({ tags: { A: 1 } })])],
  ['a tag without a name', sent([to({ tags: { '': 'x' } })])],
  ['a lone surrogate in a tag', written('"tags":{"A":"\\ud800"}')],
  ['a lone surrogate in a text', written('"data":"\\ud800"')],
  ['a lone surrogate in a value', written('"data":{"a":"\\ud800"}')],
  [
    'what is called JSON and is none',
    sent([to({ data: '{', tags: { 'Content-Type': 'application/json' } })]),
  ],
  ['a value too deep', written(`"data":${nested(65)}`)],
  ['a value with an integer beyond 2^53 - 1', written('"data":[9007199254740992]')],
  [
    'an event\'s data is not judged',
    sent([{ ...event, data: '{', tags: { 'Content-Type': 'application/json' } }]),
  ],
  ['hops that are a text', sent([to({ hops: '1' })])],
  ['hops below 0', sent([to({ hops: -1 })])],
  ['a count with a fraction', sent([to({ count: 1.5 })])],
  ['a count of 2^53', written('"count":9007199254740992')],
  ['a budget that is a number', sent([to({ budget: 1 })])],
  ['a budget with a zero in front', sent([to({ budget: '01' })])],
  ['the first that is wrong is named', sent([to({ hops: -1 }), 1])],
]

const SHARES: readonly Named<Input>[] = [
  ['count is split evenly, rounded down', sent([to(), to(), to()])],
  ['an event takes no part', sent([to(), event, to()])],
  ['named shares first', sent([to({ count: 50 }), to(), to()])],
  ['all shares named: the rest is lost', sent([to({ count: 1 }), to({ count: 2 })])],
  ['the last message that is allowed', sent([to()], { count: 1 })],
  ['no message is left', sent([to()], { count: 0 })],
  ['more messages than are left', sent([to(), to(), to()], { count: 2 })],
  ['shares that are too great', sent([to({ count: 99 }), to()])],
  ['a share of all that is left', sent([to({ count: 99 })])],
  ['one hop less', sent([to()], { hops: 1 })],
  ['no hops are left', sent([to()], { hops: 0 })],
  ['no hops are left, events only', sent([event], { hops: 0, count: 0 })],
  ['fewer hops, named', sent([to({ hops: 2 }), to({ hops: 9 })])],
  ['budget goes only where it is named', sent([to({ budget: '3' }), to()])],
  ['all of the budget', sent([to({ budget: '3' }), to({ budget: '7' })])],
  ['more than the budget', sent([to({ budget: '3' }), to({ budget: '8' })])],
  ['the greatest budget', sent([to({ budget: BUDGET_MAX })], { budget: BUDGET_MAX })],
  [
    'one more than it',
    sent([to({ budget: BUDGET_MAX }), to({ budget: '1' })], { budget: BUDGET_MAX }),
  ],
  ['an event\'s shares do not count', sent([{ ...event, hops: 9, count: 999, budget: '999' }])],
  ['the greatest numbers', sent([to(), to()], { hops: SAFE_MAX, count: SAFE_MAX })],
  ['hops before count before budget', sent([to({ count: 200, budget: '99' })], { hops: 0 })],
  ['count before budget', sent([to({ count: 200, budget: '99' })])],
]

const few: Partial<ProtocolLimits> = { outboxMessagesMax: 4 }
const LIMITS: readonly Named<Input>[] = [
  ['as many as allowed', { ...sent([to(), to(), to(), to()]), limits: few }],
  ['one more', { ...sent([to(), to(), to(), event, event]), limits: few }],
  [
    'as many tags as allowed',
    { ...sent([to({ tags: { A: '1', B: '2' } })]), limits: { tagsMax: 2 } },
  ],
  [
    'one tag more, by the Content-Type',
    { ...sent([to({ tags: { A: '1', B: '2' }, data: {} })]), limits: { tagsMax: 2 } },
  ],
  ['bytes of tags', { ...sent([to({ tags: { '\u00e9': '12' } })]), limits: { tagBytesMax: 4 } }],
  [
    'one byte of tags more',
    { ...sent([to({ tags: { '\u00e9': '123' } })]), limits: { tagBytesMax: 4 } },
  ],
  [
    'a message as large as allowed',
    { ...sent([to({ data: 'x'.repeat(93) })]), limits: { messageBytesMax: 2_248 } },
  ],
  [
    'one byte more',
    { ...sent([to({ data: 'x'.repeat(94) })]), limits: { messageBytesMax: 2_248 } },
  ],
  [
    'all together as large as allowed',
    { ...sent([to(), to({ data: 'x' })]), limits: { outboxBytesMax: 215 } },
  ],
  [
    'all together one byte more',
    { ...sent([to({ data: 'x' }), to({ data: 'x' })]), limits: { outboxBytesMax: 215 } },
  ],
]

const OUTBOX = subject<Input, { limits: ProtocolLimits }>({
  subject: 'outbox',
  about:
    'What a contract returned as messages, judged and completed (R3, R5, R9). A draft has ' +
    'target, tags (an object of texts), data (a text, or a value: then its JSON text, with ' +
    'Content-Type application/json unless there is one), kind (message, notice, event, ' +
    'spawn, upgrade; default message), hops, count, budget, and of a spawn salt (1 to 64 UTF-16 ' +
    'units: a tag Spawn-Salt, behind the others). An upgrade becomes a message with the tag ' +
    'HB-Upgrade: Module behind the others, which no draft may name itself. ' +
    'Of all but events, data called JSON must be strict JSON. ' +
    'Each message has one hop less than its parent, or what it names if that ' +
    'is less; each that is no event costs one of the count, and what is left after that and ' +
    'after named counts is split evenly over the rest, rounded down; budget goes only where ' +
    'named. Judged in this order: number of messages; each draft (members, kind, tags, ' +
    'number and bytes of tags, JSON, target, hops, count, budget); hops; count; budget; ' +
    'bytes of each (with 2048 kept free of messageBytesMax); bytes of all. A message\'s ' +
    'bytes: target, data, 64, and per tag name, value and 8. Given: limits. Input: messages ' +
    '(JSON text), parent {hops, count, budget}, limits that differ. Output: the contents ' +
    '(data as hex), or {error: code, text}: both become part of the result.',
  given: { limits: defaultLimits() },
  inputs: [...FORMS, ...SHARES, ...LIMITS],
  compute: ({ messages, parent, limits }, given) =>
    orRefusal(() => {
      const drafts = parseJson(messages) as readonly unknown[]
      return checkOutbox(drafts, parent, { ...given.limits, ...limits }).map(writeContent)
    }),
})

export const OUTBOX_SUBJECTS: readonly Subject[] = [OUTBOX]
