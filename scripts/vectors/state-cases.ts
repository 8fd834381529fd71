// Pairs of states, as texts: chosen ones, and random ones from a fixed seed.

import type { Random } from '../../src/std/random.ts'
import { seededRandom } from '../../src/std/random.ts'
import type { Named } from './subject.ts'

export type Pair = { readonly before: string; readonly after: string }

const pair = (name: string, before: string, after: string): Named<Pair> => [name, { before, after }]

/** {"a":{"a":…value…}} with so many objects. */
export function nestedObjects(depth: number, value: string): string {
  return '{"a":'.repeat(depth) + value + '}'.repeat(depth)
}

const range = (length: number, change: (n: number) => number = (n) => n): string =>
  JSON.stringify(Array.from({ length }, (_, n) => change(n)))

const CHOSEN: readonly Named<Pair>[] = [
  pair('nothing of nothing', '{}', '{}'),
  pair('nothing', '{"a":{"b":[1,{"c":null}]}}', '{"a":{"b":[1,{"c":null}]}}'),
  pair('a value', '{"a":1,"b":2}', '{"a":1,"b":3}'),
  pair('a new key', '{"a":1}', '{"a":1,"b":2}'),
  pair('a key goes', '{"a":1,"b":2}', '{"b":2}'),
  pair('all keys go', '{"a":1,"b":2}', '{}'),
  pair('deleted and appended again, equal', '{"a":1,"b":2,"c":3}', '{"b":2,"c":3,"a":1}'),
  pair('deleted and appended again, another value', '{"a":1,"b":2}', '{"b":2,"a":9}'),
  pair('deleted and appended again, edited', '{"a":{"x":1},"b":2}', '{"b":2,"a":{"x":2}}'),
  pair('deleted and appended again, another type', '{"a":{"x":1},"b":2}', '{"b":2,"a":[1]}'),
  pair('turned round', '{"a":1,"b":2,"c":3,"d":4}', '{"d":4,"c":3,"b":2,"a":1}'),
  pair('a new key before an old one', '{"a":1}', '{"b":2,"a":1}'),
  pair('all at once', '{"a":1,"b":{"x":1},"c":3}', '{"n":0,"c":4,"b":{"x":1,"y":2}}'),
  pair('a deletion in the middle and an edit behind it', '{"a":1,"b":2,"c":3}', '{"a":1,"c":4}'),
  pair('integer-like keys have no place', '{"b":1,"2":2}', '{"10":1,"2":2,"1":0,"b":1}'),
  pair('integer-like keys go', '{"b":1,"2":2,"1":3}', '{"b":1}'),
  pair('the greatest array index, and one more', '{}', '{"4294967295":1,"4294967294":2,"a":3}'),
  pair('not integer-like', '{"a":0}', '{"01":1,"-1":2,"1.0":3,"+1":4,"":5,"a":0}'),
  pair('keys sorted by UTF-16 unit', '{"\u{1f600}":1,"\ue000":1,"a":1,"B":1}', '{}'),
  pair('edits sorted too', '{"\u{1f600}":1,"\ue000":1}', '{"\u{1f600}":2,"\ue000":2}'),
  pair('sorted as they are written', '{"f":1,"\u00e9":1,"e\u0301":1}', '{}'),
  pair('composed and decomposed are two keys', '{"\u00e9":1}', '{"\u00e9":1,"e\u0301":1}'),
  pair(
    'escapes are written as JSON.stringify has them',
    '{}',
    '{"a":"\\u000b\\b\\u007f\\/\u2028\\""}',
  ),
  pair(
    'a lone surrogate in a state',
    '{"a":"\\ud800"}',
    '{"a":"\\udc00","\\ud800":"\\uD83D\\uDE00"}',
  ),
  pair(
    'names of Object.prototype',
    '{"toString":1}',
    '{"toString":2,"constructor":{},"valueOf":[]}',
  ),
  pair('0 and an empty text', '{"a":0}', '{"a":""}'),
  pair('null and an absent key', '{"a":null}', '{}'),
  pair('false and null', '{"a":false}', '{"a":null}'),
  pair(
    'numbers as JSON.stringify has them',
    '{}',
    '{"a":[1e21,1E20,1e-7,0.000001,5e-324,1.0,-1.50]}',
  ),
  pair('the greatest numbers', '{}', '{"a":[9007199254740991,1.7976931348623157e308,-1e21]}'),
  pair('two texts of one number', '{"a":100}', '{"a":1e2}'),
  pair('an object becomes an array', '{"a":{"0":1}}', '{"a":[1]}'),
  pair('an array becomes an object', '{"a":[1]}', '{"a":{"0":1}}'),
  pair('empty containers', '{"a":[],"b":{}}', '{"a":{},"b":[]}'),
  pair('an array grows', '{"a":[1,2]}', '{"a":[1,2,3,4]}'),
  pair('an array shrinks', '{"a":[1,2,3,4]}', '{"a":[1]}'),
  pair('an array is emptied', '{"a":[1,2,3,4]}', '{"a":[]}'),
  pair('shifted: every place differs', '{"a":[1,2,3]}', '{"a":[2,3]}'),
  pair('an array in an array', '{"a":[[1],[2]]}', '{"a":[[1],[2,3]]}'),
  pair('an object in an array', '{"a":[{"x":1,"y":2}]}', '{"a":[{"y":2,"x":1}]}'),
  pair(
    'a long array, one place',
    `{"a":${range(600)}}`,
    `{"a":${range(600, (n) => (n === 300 ? -1 : n))}}`,
  ),
  pair('a long array, cut', `{"a":${range(300)}}`, `{"a":${range(200)}}`),
  pair('as deep as it may be', nestedObjects(64, '1'), nestedObjects(64, '2')),
  pair(
    'a key before the deep one',
    nestedObjects(63, '{"b":1}'),
    nestedObjects(63, '{"c":1,"b":1}'),
  ),
]

const KEYS = ['a', 'b', 'c', 'd', '0', '1', '7', '\u00e9', '\u{1f600}', '\ue000']
const LEAVES = ['0', '1', '-2', '0.5', '""', '"x"', 'true', 'false', 'null']

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)] as T
}

function randomObject(random: Random, depth: number): string {
  const keys = new Set(Array.from({ length: 2 + random.below(5) }, () => pick(random, KEYS)))
  const members = [...keys].map((key) => `"${key}":${randomValue(random, depth - 1)}`)
  return `{${members.join(',')}}`
}

function randomValue(random: Random, depth: number): string {
  const kind = depth > 0 ? random.below(4) : 0
  if (kind === 3) return randomObject(random, depth)
  if (kind < 2) return pick(random, LEAVES)
  const items = Array.from({ length: random.below(4) }, () => randomValue(random, depth - 1))
  return `[${items.join(',')}]`
}

type Value = null | boolean | number | string | Value[] | { [key: string]: Value }

/** The value after a contract worked on it: members dropped, moved, edited, added. */
function mutated(random: Random, value: Value): Value {
  if (random.below(6) === 0) return JSON.parse(randomValue(random, 1)) as Value
  if (Array.isArray(value)) {
    const items = value.map((item) => (random.below(3) === 0 ? mutated(random, item) : item))
    return random.below(2) === 0 ? items : [...items.slice(random.below(2)), random.below(9)]
  }
  return typeof value === 'object' && value !== null ? mutatedObject(random, value) : value
}

function mutatedObject(random: Random, value: { [key: string]: Value }): Value {
  const members = Object.entries(value).filter(() => random.below(5) > 0)
  const moved = random.below(3) === 0 ? members.splice(random.below(members.length + 1), 1) : []
  if (random.below(3) === 0) members.push([pick(random, KEYS), random.below(9)])
  return Object.fromEntries(
    [...members, ...moved].map(([key, member]) => [key, mutated(random, member)]),
  )
}

/** One state after another, each made of the one before. */
export function randomStates(seed: number, count: number): string[] {
  const random = seededRandom(seed)
  const states = [randomObject(random, 3)]
  while (states.length < count) {
    const last = JSON.parse(states.at(-1) as string) as { [key: string]: Value }
    states.push(JSON.stringify(mutatedObject(random, last)))
  }
  return states
}

export const PAIRS: readonly Named<Pair>[] = [
  ...CHOSEN,
  ...Array.from({ length: 40 }, (_, n): Named<Pair> => {
    const [before = '', after = ''] = randomStates(n, 2)
    return pair(`random ${n}`, before, after)
  }),
]
