// Vectors of states: their text and size, changes, state hashes, snapshots and deltas.

import type { Changes, JsonObject } from '../../src/protocol/changes.ts'
import { applyChanges, changesText, composeChanges, diff } from '../../src/protocol/changes.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { deltaHash, EMPTY_STATE_HASH, snapshotHash } from '../../src/protocol/state-hash.ts'
import { stateHash } from '../../src/protocol/state-hash.ts'
import { stateText } from '../../src/runtime/state-text.ts'
import { parseJson } from '../../src/std/json-text.ts'
import { hashHex, idOf } from './fixed.ts'
import { nestedObjects, PAIRS, randomStates } from './state-cases.ts'
import type { Pair } from './state-cases.ts'
import type { Named, Subject } from './subject.ts'
import { fromHex, orRefusal, subject, toHex } from './subject.ts'

type StateInput = {
  readonly state: string
  readonly stateBytesMax?: number
  readonly stateDepthMax?: number
}

const state = (text: string): StateInput => ({ state: text })

const STATES = subject<StateInput>({
  subject: 'states',
  about:
    'The one text of a state, and its size. The text is what ECMAScript\'s JSON.stringify ' +
    'gives of the parsed object: no spaces; keys that are array indexes (0 to 2^32 - 2, in ' +
    'shortest decimal form) first and ascending, the others in their order; of a key given ' +
    'twice the last value at the first one\'s place; numbers in the shortest form that reads ' +
    'back (1e21 from there on, 1e-7 downwards, -0 as 0); escaped are only quote, backslash, ' +
    'U+0000 to U+001F (\\b \\t \\n \\f \\r, else \\u00xx in lower case) and lone surrogates ' +
    '(\\udxxx). size, which stateBytesMax bounds: UTF-16 units of the text, with each ' +
    'container\'s two brackets counted as 34, and one comma per member instead of one ' +
    'between members. Input: state (JSON text), limits where they differ from the defaults ' +
    '(64 deep, 64 MiB). Output: text, size; or {error: code, text}.',
  inputs: [
    ['empty', state('{}')],
    ['spaces', state(' { "a" : [ 1 , 2 ] }\n')],
    ['key order', state('{"b":1,"a":2}')],
    ['integer-like keys', state('{"b":1,"10":2,"9":3,"a":4,"00":5,"4294967295":6,"4294967294":7}')],
    ['an escaped key', state('{"\\u0062":1,"\\"":2,"\\\\":3}')],
    ['numbers', state('{"n":[0,-0,1.0,1e20,1e21,123456789012345680000,1e-6,1e-7,-1e21,5e-324]}')],
    ['more numbers', state('{"n":[0.1,0.30000000000000004,1.7976931348623157e308]}')],
    ['an integer beyond 2^53 reads as a double', state('{"n":[9007199254740993,1e15]}')],
    ['a number too large', state('{"n":1e400}')],
    ['texts', state('{"t":"\\u0000\\u001f\\u007f\\u0080\\b\\f\\n\\r\\t\\/\\"\\\\"}')],
    ['separators are not escaped', state('{"t":"\u2028\u2029\ufeff"}')],
    ['a pair and a lone surrogate', state('{"t":"\\ud83d\\ude00 \\ud83d \\ude00"}')],
    ['a size with no members', state('{"a":{},"b":[]}')],
    ['a size with members', state('{"a":{"x":1,"y":2},"b":[1,2,3]}')],
    ['brackets within a text', state('{"a":"{[,:"}')],
    ['at the size that is allowed', { state: '{"a":1}', stateBytesMax: 40 }],
    ['over it', { state: '{"a":1}', stateBytesMax: 39 }],
    ['at the depth that is allowed', { state: nestedObjects(4, '1'), stateDepthMax: 4 }],
    ['one deeper', { state: nestedObjects(5, '1'), stateDepthMax: 4 }],
    ['an array', state('[]')],
    ['not JSON', state('{')],
  ],
  compute: ({ state, ...limits }) =>
    orRefusal(() => stateText(state, [], { ...defaultLimits(), ...limits })),
})

const parse = (text: string): JsonObject => parseJson(text) as JsonObject

const CHANGES = subject<Pair>({
  subject: 'changes',
  about:
    'R6, changes(n): the sorted structural difference of two states, as JSON text without ' +
    'spaces. changes: [] or an object-edit. edit: ["=", value], an object-edit or an ' +
    'array-edit. object-edit: ["o", edits], ["o", edits, drops] or ["o", edits, drops, ' +
    'appends], the shortest. edits [key, edit, ...]: keys that keep their place, and ' +
    'integer-like keys, which have none; drops [key, ...]: keys whose old value is gone; ' +
    'appends [key, edit or [], ...]: keys that end behind all others, in their order. ' +
    'array-edit: ["a", new length or null where it is the same, [index, edit, ...]]. Edits ' +
    'and drops are sorted: integer-like keys first and by number, then names by UTF-16 code ' +
    'unit. A name keeps its place if it belongs to the longest prefix of the new object\'s ' +
    'names that follows the old order; all later ones are appended. An appended name that ' +
    'the old object has is relative to its old value ([] if equal), unless another value ' +
    'stands there (an edit with "="): then it is dropped too. Applying: edits, drops, then ' +
    'appends one by one. Input: before and after (JSON texts, read as file states says). ' +
    'Output: changes (text), after (the text that applying them to before gives: that of ' +
    'after, byte for byte).',
  inputs: PAIRS,
  compute: ({ before, after }) => {
    const changes = changesText(diff(parse(before), parse(after)))
    const applied = applyChanges(parse(before), parseJson(changes) as Changes)
    return { changes, after: JSON.stringify(applied) }
  },
})

type ComposeInput = { readonly before: string; readonly changes: readonly string[] }

function composeInput(states: readonly string[]): ComposeInput {
  const changes = states.slice(1).map((after, at) => {
    return changesText(diff(parse(states[at] as string), parse(after)))
  })
  return { before: states[0] as string, changes }
}

const steps = (name: string, ...states: string[]): Named<ComposeInput> => [
  name,
  composeInput(states),
]

const COMPOSED_CHANGES = subject<ComposeInput>({
  subject: 'composed-changes',
  about:
    'Changes one after another as one list with the same effect (R8: what an interval\'s ' +
    'delta is). It is made of the lists alone, without a state, and is not minimal: a value ' +
    'set and set back stays listed. Input: before (JSON text), changes (texts, in order; ' +
    'file changes). Output: changes (text), after (what applying them to before gives).',
  inputs: [
    ['none', { before: '{"a":1}', changes: [] }],
    ['only empty ones', { before: '{"a":1}', changes: ['[]', '[]'] }],
    steps('one', '{"a":1}', '{"a":2}'),
    steps('set and set back', '{"a":1}', '{"a":2}', '{"a":1}'),
    steps('edited twice', '{"a":{"x":1,"y":1}}', '{"a":{"x":2,"y":1}}', '{"a":{"x":2,"y":2}}'),
    steps('edited, then replaced', '{"a":{"x":1}}', '{"a":{"x":2}}', '{"a":1}'),
    steps('replaced, then edited', '{"a":1}', '{"a":{"x":1}}', '{"a":{"x":2}}'),
    steps('appended, then dropped', '{"a":1}', '{"a":1,"b":1}', '{"a":1}'),
    steps('dropped, then appended', '{"a":1,"b":1}', '{"b":1}', '{"b":1,"a":1}'),
    steps(
      'moved, then edited',
      '{"a":{"x":1},"b":1}',
      '{"b":1,"a":{"x":1}}',
      '{"b":1,"a":{"x":2}}',
    ),
    steps('moved, then replaced', '{"a":{"x":1},"b":1}', '{"b":1,"a":{"x":1}}', '{"b":1,"a":2}'),
    steps('moved there and back', '{"a":1,"b":2}', '{"b":2,"a":1}', '{"a":1,"b":2}'),
    steps('integer-like, dropped and set', '{"1":1,"a":1}', '{"a":1}', '{"1":2,"a":1}'),
    steps('an array grows and shrinks', '{"a":[1]}', '{"a":[1,2,3]}', '{"a":[1,2]}'),
    steps('an array shrinks and grows', '{"a":[1,2,3]}', '{"a":[1]}', '{"a":[1,7]}'),
    ...Array.from({ length: 20 }, (_, n): Named<ComposeInput> => {
      return [`random ${n}`, composeInput(randomStates(1_000 + n, 5))]
    }),
  ],
  compute: ({ before, changes }) => {
    const composed = changesText(composeChanges(changes.map((text) => parseJson(text) as Changes)))
    const after = applyChanges(parse(before), parseJson(composed) as Changes)
    return { changes: composed, after: JSON.stringify(after) }
  },
})

type HashInput = {
  /** 'empty': before a process's first entry. */
  readonly before: string
  readonly messageId: string
  readonly digest: string
  readonly status: 'ok' | 'error'
  readonly changes: string
  readonly snapshot?: string
}

function hashInput(change: Partial<HashInput> = {}): HashInput {
  const before = hashHex('state')
  const messageId = idOf('message')
  const digest = hashHex('digest')
  return { before, messageId, digest, status: 'ok', changes: '["o",["a",["=",2]]]', ...change }
}

const STATE_HASHES = subject<HashInput>({
  subject: 'state-hashes',
  about:
    'R6, the hash of a state, chained entry by entry: H("hb.state.1", hash before as bytes, ' +
    'message id, message digest as bytes, status ("ok" or "error"), text of changes(n)). ' +
    'Before a process\'s first entry, and of entries before its spawn, it is ' +
    'H("hb.state-empty.1") with no parts. Of a spawn that succeeded: H("hb.state-spawn.1", ' +
    'that, message id, message digest as bytes, text of the state that the spawn named (file ' +
    'states), text of what its first action changed). Input: before (hex, or "empty"), ' +
    'messageId, digest (hex), status, changes (text; file changes), snapshot (of a spawn). ' +
    'Output: hash (hex).',
  inputs: [
    ['a change', hashInput()],
    ['nothing changed', hashInput({ changes: '[]' })],
    ['an error', hashInput({ status: 'error', changes: '[]' })],
    ['another message', hashInput({ messageId: idOf('another message') })],
    ['another digest', hashInput({ digest: hashHex('another digest') })],
    ['a spawn', hashInput({ before: 'empty', snapshot: '{"b":1,"a":2}', changes: '[]' })],
    ['a spawn whose first action changes', hashInput({ before: 'empty', snapshot: '{}' })],
    ['a spawn that failed', hashInput({ before: 'empty', status: 'error', changes: '[]' })],
    ['text that is not ASCII', hashInput({ changes: '["o",["\u00e9",["=","e\u0301\u{1f600}"]]]' })],
  ],
  compute: ({ before, digest, ...step }) => {
    const known = before === 'empty' ? EMPTY_STATE_HASH : fromHex(before)
    return { hash: toHex(stateHash(known, { ...step, digest: fromHex(digest) })) }
  },
})

type SnapshotInput = { readonly snapshot: string } | { readonly deltas: readonly string[] }

const SNAPSHOTS = subject<SnapshotInput>({
  subject: 'snapshots',
  about:
    'R8, what is recorded at an interval\'s end: a state in full, or a delta. Hash of a full ' +
    'state = H("hb.snapshot.1", its text (file states)). Hash of a delta = H("hb.delta.1", ' +
    'hash of the delta before as bytes (after a full state: empty), its text (file ' +
    'composed-changes)). Input: snapshot (text), or deltas (texts since a full state, in ' +
    'order). Output: hash (hex), or hashes.',
  inputs: [
    ['an empty state', { snapshot: '{}' }],
    ['a state', { snapshot: '{"b":1,"a":2}' }],
    ['another key order', { snapshot: '{"a":2,"b":1}' }],
    ['text that is not ASCII', { snapshot: '{"\u00e9":"e\u0301\u{1f600}"}' }],
    ['deltas', { deltas: ['["o",["a",["=",2]]]', '[]', '["o",[],["a"]]'] }],
  ],
  compute: (input) => {
    if ('snapshot' in input) return { hash: toHex(snapshotHash(input.snapshot)) }
    const hashes: Buffer[] = []
    for (const text of input.deltas) hashes.push(deltaHash(hashes.at(-1) ?? Buffer.alloc(0), text))
    return { hashes: hashes.map(toHex) }
  },
})

export const STATE_SUBJECTS: readonly Subject[] = [
  STATES,
  CHANGES,
  COMPOSED_CHANGES,
  STATE_HASHES,
  SNAPSHOTS,
]
