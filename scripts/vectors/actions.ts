// Vectors of what an entry does to its process apart from what the contract computes (R4, R5): the
// action that `handle` sees, and the outcomes that need no evaluation.

import type { Entry } from '../../src/protocol/entry.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import type { ProtocolLimits } from '../../src/protocol/limits.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import type { Message } from '../../src/protocol/message.ts'
import type { Outcome, ProcessRow } from '../../src/protocol/transition.ts'
import { complete, prepare, slotOf } from '../../src/protocol/transition.ts'
import { BUDGET_MAX, idOf, JSON_TYPE, SAFE_MAX, textHex } from './fixed.ts'
import { readContent, writeContent } from './fixed.ts'
import type { Named, Subject } from './subject.ts'
import { subject } from './subject.ts'

type WrittenMessage = Omit<Message, 'data' | 'digest' | 'origin'> & { readonly data: string }

function message(change: Partial<WrittenMessage> = {}): WrittenMessage {
  return {
    id: idOf('message'),
    caller: idOf('caller'),
    from: 'process',
    process: idOf('target'),
    kind: 'message',
    target: idOf('target'),
    tags: [{ name: 'Action', value: 'Ping' }],
    data: textHex('hello'),
    hops: 5,
    count: 100,
    budget: '7',
    ...change,
  }
}

const readMessage = (written: WrittenMessage): Message =>
  ({ ...readContent(written), digest: Buffer.alloc(0) })

type Input = {
  /** null: no process; else the slot of its last entry, and whether its spawn failed. */
  readonly process: { readonly slot: number; readonly failed: boolean } | null
  readonly height: number
  readonly timestamp: number
  readonly message: WrittenMessage
  readonly limits?: Partial<ProtocolLimits>
  /** Ids of genesis processes by name. */
  readonly system?: Readonly<Record<string, string>>
}

function entry(change: Partial<WrittenMessage> = {}, input: Partial<Input> = {}): Input {
  const process = { slot: 6, failed: false }
  return { process, height: 10, timestamp: 1_000, message: message(change), ...input }
}

const tag = (name: string, value: string): { name: string; value: string } => ({ name, value })
const tags = (...list: { name: string; value: string }[]): Input => entry({ tags: list })
const json = (text: string, limits: Partial<ProtocolLimits> = {}): Input =>
  entry({ tags: [JSON_TYPE], data: textHex(text) }, { limits })
const none = { process: null }
const failed = { process: { slot: 0, failed: true } }
const spawn = (
  data: string,
  change: Partial<WrittenMessage> = {},
  input: Partial<Input> = {},
): Input =>
  entry({ kind: 'spawn', target: '', data: textHex(data), ...change }, { ...none, ...input })
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const genesis: Partial<WrittenMessage> = { from: 'genesis', hops: 0, count: 0, budget: '0' }

const EVALUATED: readonly Named<Input>[] = [
  ['a message', entry()],
  ['a notice of a wallet', entry({ kind: 'notice', from: 'wallet' })],
  [
    'a bounce',
    entry({ kind: 'bounce', tags: [tag('Error', 'c'), JSON_TYPE], data: textHex('{"code":"c"}') }),
  ],
  ['no tags, no data', entry({ tags: [], data: '' })],
  ['of one name the first', tags(tag('A', '1'), tag('B', '2'), tag('A', '3'))],
  ['integer-like names first', tags(tag('b', '1'), tag('10', '2'), tag('9', '3'), tag('09', '4'))],
  ['many tags', tags(...Array.from({ length: 20 }, (_, n) => tag(`T${n % 18}`, `${n}`)))],
  ['names of Object.prototype', tags(tag('toString', '1'), tag('__proto__', '2'), tag('A', '3'))],
  [
    'the same among many',
    tags(...Array.from({ length: 17 }, (_, n) => tag(n === 5 ? '__proto__' : `T${n}`, 'v'))),
  ],
  ['an empty value', tags(tag('A', ''))],
  ['tags to be escaped', tags(tag('"\\', '\u0000\n\u001f'), tag('\u{1f600}', '\u2028'))],
  ['composed and decomposed', tags(tag('\u00e9', '1'), tag('e\u0301', '2'))],
  ['text to be escaped', entry({ data: textHex('"\\\b\t\u0000\u007f\u2028\u{1f600}') })],
  ['a byte order mark is kept', entry({ data: 'efbbbf61' })],
  ['data that is not UTF-8', entry({ data: 'fffe00' })],
  ['a surrogate in UTF-8 is not UTF-8', entry({ data: 'eda080' })],
  ['JSON: data as it is, input as it is written', json(' {"b":1, "a":[1e2,"\\u0041"]} ')],
  ['JSON of no bytes', json('')],
  ['JSON null', json('null')],
  ['JSON at the depth that is allowed', json(nested(64))],
  ['JSON without its Content-Type', entry({ data: textHex('{"a":1}') })],
  [
    'another Content-Type',
    entry({
      tags: [tag('Content-Type', 'application/json; charset=utf-8')],
      data: textHex('{"a":1}'),
    }),
  ],
  ['the greatest numbers', entry(
    { hops: SAFE_MAX, count: SAFE_MAX, budget: BUDGET_MAX },
    { height: SAFE_MAX, timestamp: SAFE_MAX, process: { slot: SAFE_MAX - 1, failed: false } },
  )],
  ['at its own end', entry({ from: 'wallet', expires: 1_000 })],
]

const OPENED: readonly Named<Input>[] = [
  ['a spawn', spawn('{"source":"exports.handle = () => {}","state":{"b":1,"a":2}}')],
  ['a spawn without a state', spawn('{"source":"x"}', { from: 'wallet' })],
  [
    'a spawn: its state\'s text is made anew',
    spawn('{"state": {"b":1.0,"2":0,"1":1e2},"source":"x"}'),
  ],
  [
    'a spawn of genesis, native',
    spawn('{"engine":"native","source":"hb-contract@1","state":{}}', genesis),
  ],
  [
    'a spawn in a network with processes of its own',
    spawn('{"source":"x"}', {}, { process: null, system: { clock: idOf('clock') } }),
  ],
  ['a spawn whose source is not ASCII', spawn('{"source":"// e\u0301\u{1f600}"}')],
]

const UPGRADE = tag('HB-Upgrade', 'Module')
const upgrade = (data: string, change: Partial<WrittenMessage> = {}): Input =>
  entry({ caller: idOf('target'), tags: [UPGRADE], data: textHex(data), ...change })

const UPGRADED: readonly Named<Input>[] = [
  ['an upgrade', upgrade('{"source":"exports.handle = () => {}"}')],
  ['an upgrade for the other engine', upgrade('{"source":"x","engine":"smartweave"}')],
  ['an upgrade to a module that is not known', upgrade(`{"module":"${idOf('module')}"}`)],
  ['an upgrade without a module', upgrade('{}')],
  ['an upgrade with a state', upgrade('{"source":"x","state":{}}')],
  ['an upgrade of another process', upgrade('{"source":"x"}', { caller: idOf('caller') })],
  ['an upgrade by a wallet', upgrade('{"source":"x"}', { from: 'wallet' })],
  ['a notice that says it is an upgrade', upgrade('{"source":"x"}', { kind: 'notice' })],
]

const SETTLED: readonly Named<Input>[] = [
  ['past its end', entry({ from: 'wallet', expires: 999 })],
  ['no process', entry({}, none)],
  ['no process, from a wallet: no bounce', entry({ from: 'wallet' }, none)],
  ['no process, a notice: nothing', entry({ kind: 'notice' }, none)],
  ['no process, a bounce: not bounced', entry({ kind: 'bounce' }, none)],
  ['its spawn failed', entry({}, failed)],
  ['its spawn failed, a notice', entry({ kind: 'notice' }, failed)],
  ['a bounce has the reference and what begins with X-', entry(
    {
      tags: [
        ...[tag('X-A', '1'), tag('x-b', '2'), tag('X-A', '3')],
        ...[tag('Reference', 'r'), tag('Reference', 's')],
      ],
    },
    none,
  )],
  ['a bounce with nothing left', entry({ hops: 0, count: 0, budget: '0' }, none)],
  ['what is called JSON and is none', json('{')],
  ['JSON that is one deeper', json(nested(65))],
  [
    'a spawn where a process is',
    spawn('{"source":"x"}', {}, { process: { slot: 0, failed: false } }),
  ],
  ['a spawn that is not JSON', spawn('x')],
  ['a spawn that is a list', spawn('[]')],
  ['a spawn without a source', spawn('{"state":{}}')],
  ['a spawn whose source is empty', spawn('{"source":""}')],
  ['a spawn whose state is a list', spawn('{"source":"x","state":[]}')],
  ['a spawn with more', spawn('{"source":"x","engine":"native"}')],
  ['a spawn with a key twice', spawn('{"source":"x","source":"y"}')],
  [
    'a module that is too large',
    spawn(`{"source":"${'x'.repeat(1_025)}"}`, {}, { limits: { moduleBytesMax: 1_024 } }),
  ],
  [
    'a text cut within a pair of surrogates',
    spawn(`{"${'x'.repeat(63)}\u{1f600}":1}`, {}, { limits: { errorTextMax: 64 } }),
  ],
]

const ACTIONS = subject<Input, { limits: ProtocolLimits }>({
  subject: 'actions',
  about:
    'What an entry does to its process before the contract is asked. Looked at in this ' +
    'order: expires; a spawn of a process that is there; no process (a notice: ok and ' +
    'empty); a spawn that failed; a message with the tag HB-Upgrade (from another than the ' +
    'process itself: upgrade-foreign); data that its Content-Type calls JSON (file ' +
    'strict-json; inputDepthMax, messageBytesMax). Slot: one more than the last; 0 for a ' +
    'spawn, -1 without a process. plan "evaluate": action, the JSON text that the contract ' +
    'gets: keys ' +
    'kind, caller, from, id, height, slot, timestamp, tags (an object, of one name the ' +
    'first; integer-like names first, then as they came), data (text if the bytes are UTF-8, ' +
    'else base64url), dataEncoding, hops, count, budget, input (the JSON data as it was ' +
    'written, or null). plan "open", of a spawn: module {engine, hash (base64url of SHA-256 ' +
    'of the source), source}, snapshot (text of the state, file states) and action (its data ' +
    'is empty, its input {process, module, system}: its own id, the hash, and the ids of ' +
    'genesis processes by name, as system of the input says, default none). plan "upgrade": ' +
    'module and action (its kind is upgrade, its data and input as those of a spawn); no ' +
    'module is known by its hash alone. plan "settled": ' +
    'the outcome, its text cut to errorTextMax UTF-16 units and half a surrogate pair ' +
    "replaced by U+FFFD; an error of a process's message or spawn sends one bounce. Given: " +
    'limits; input: process (null, or slot of its last entry and ' +
    'failed), height, timestamp, message, limits that differ; data as hex. Output: slot, ' +
    'plan.',
  given: { limits: defaultLimits() },
  inputs: [...EVALUATED, ...OPENED, ...UPGRADED, ...SETTLED],
  compute: ({ process, height, timestamp, message: written, limits, system = {} }, given) => {
    const genesis = { limits: { ...given.limits, ...limits } }
    const network = { genesis, systemText: JSON.stringify(system) } as Network
    const read = readMessage(written)
    const row = process === null ? undefined : (process as ProcessRow)
    const plan = prepare(network, row, { height, timestamp, message: read } as Entry)
    const slot = slotOf(row, read)
    if (plan.type !== 'settled') return { slot, plan }
    return { slot, plan: { type: plan.type, outcome: writeOutcome(plan.outcome) } }
  },
})

function writeOutcome(outcome: Outcome): unknown {
  return { ...outcome, messages: outcome.messages.map(writeContent) }
}

type BounceInput = {
  readonly message: WrittenMessage
  readonly code: string
  readonly text: string
  readonly gas: number
}

const refused = (change: Partial<WrittenMessage> = {}, text = 'no'): BounceInput => ({
  message: message(change),
  code: 'contract-error',
  text,
  gas: 1_234,
})

const BOUNCES = subject<BounceInput>({
  subject: 'bounces',
  about:
    'R5, the outcome of a message that its contract refused: the state stays, and if a ' +
    'process sent a message or a spawn, one bounce goes to its caller: tags Action Bounce, ' +
    'Error (the code), Message-Id, Content-Type application/json, Reference (the first, if ' +
    'any), and all whose names begin with X-; data the JSON text {"code","text"}; hops and ' +
    'count one less, not below 0; budget as it was. Input: message (data as hex), code, ' +
    'text, gas. Output: the outcome.',
  inputs: [
    ['a message', refused()],
    ['a spawn', refused({ kind: 'spawn', target: '' })],
    ['of a wallet', refused({ from: 'wallet' })],
    ['a notice', refused({ kind: 'notice' })],
    ['a bounce', refused({ kind: 'bounce' })],
    ['a text to be escaped', refused({}, '"\\\u0000\u2028e\u0301\u{1f600}')],
    ['an empty text', refused({}, '')],
    ['one hop', refused({ hops: 1, count: 1 })],
    ['the greatest numbers', refused({ hops: SAFE_MAX, count: SAFE_MAX, budget: BUDGET_MAX })],
  ],
  compute: ({ message: written, code, text, gas }) =>
    writeOutcome(complete(readMessage(written), { status: 'error', code, text, gas })),
})

export const ACTION_SUBJECTS: readonly Subject[] = [ACTIONS, BOUNCES]
