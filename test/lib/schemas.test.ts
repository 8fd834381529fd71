// What contracts take: each schema gives its type, or says by name what it wanted.

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import {
  ENTRIES_MAX,
  address,
  amount,
  boolean,
  byAddress,
  completeState,
  contract,
  integer,
  list,
  object,
  on,
  onJson,
  oneOf,
  optional,
  positive,
  text,
  withDefault,
} from '../../src/lib/index.ts'
import type { Schema } from '../../src/lib/index.ts'
import { idOf } from '../contracts/network.ts'
import { actionOf } from './asking.ts'

const A = idOf('a')

describe('a schema', () => {
  test.each<[string, Schema<unknown>, unknown, unknown]>([
    ['address', address, A, A],
    ['amount', amount, '0', '0'],
    ['positive', positive, '12', '12'],
    ['text', text(3), 'abc', 'abc'],
    ['integer of a tag', integer(-5, 5), '-5', -5],
    ['integer of JSON', integer(0), 7, 7],
    ['boolean of a tag', boolean, 'false', false],
    ['boolean of JSON', boolean, true, true],
    ['oneOf', oneOf(['a', 'b']), 'b', 'b'],
    ['optional', optional(text()), undefined, undefined],
    ['withDefault', withDefault(list(text()), () => []), null, []],
    ['list', list(integer(0), 2), ['1', 2], [1, 2]],
    ['object', object({ a: text(), b: optional(amount) }), { a: 'x' }, { a: 'x', b: undefined }],
    ['byAddress', byAddress(amount), { [A]: '5' }, { [A]: '5' }],
  ])('%s takes what fits', (_name, schema, given, wanted) => {
    expect(schema(given, 'Field')).toEqual(wanted)
  })

  test.each<[Schema<unknown>, unknown, RegExp]>([
    [address, 'x', /^address-malformed: Field must be an address/],
    [amount, '1.5', /^amount-malformed: Field "1.5" is not a whole number/],
    [positive, '0', /^amount-malformed: Field must be more than 0/],
    [text(3, 1), '', /^input-malformed: Field must be a text of 1 to 3 characters/],
    [text(3), undefined, /^input-malformed: Field is missing: it must be a text/],
    [text(3), 7, /^input-malformed: Field must be a text/],
    [integer(0, 5), '6', /^input-malformed: Field must be a whole number from 0 to 5/],
    [integer(0, 5), '1e0', /^input-malformed/],
    [integer(0, 5), '05', /^input-malformed/],
    [integer(), '9007199254740993', /^input-malformed/],
    [integer(), NaN, /^input-malformed/],
    [boolean, 'yes', /^input-malformed: Field must be true or false/],
    [oneOf(['sell', 'buy'], 'order-malformed'), '__proto__', /^order-malformed: Field must be sell or buy/],
    [optional(integer()), 'x', /^input-malformed/],
    [list(integer(), 2), [1, 2, 3], /^input-malformed: Field must be a list of at most 2/],
    [list(integer()), [1, 'x'], /^input-malformed: Field\/1 must be a whole number/],
    [list(text()), { length: 0 }, /^input-malformed/],
    [object({ a: text() }), [], /^input-malformed: Field must be an object/],
    [object({ a: text() }), null, /^input-malformed: Field must be an object/],
    [object({ a: text() }), { a: 'x', c: 1 }, /^input-malformed: Field\/c is not known; known are a/],
    [object({ a: object({ b: amount }) }), { a: { b: 1 } }, /^amount-malformed: Field\/a\/b/],
    [object({ toString: text() }), {}, /^input-malformed: Field\/toString is missing/],
    [byAddress(amount), { __proto__x: '1' }, /^address-malformed: Field\/__proto__x/],
    [byAddress(amount, 0), { [A]: '1' }, /at most 0 addresses/],
  ])('refuses by name: %#', (schema, given, wanted) => {
    expect(() => schema(given, 'Field')).toThrow(wanted)
  })

  test('takes whatever JSON there is without failing otherwise than by a refusal', () => {
    const schema = object({
      a: list(object({ n: integer(0), t: optional(text(9)) })),
      b: byAddress(amount),
      c: withDefault(boolean, () => true),
    })
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          schema(value, 'input')
        } catch (error) {
          expect((error as Error).message).toMatch(/^(?:input|amount|address)-malformed: input/)
        }
      }),
    )
  })
})

describe('a handler', () => {
  type Seen = { seen: unknown[] }
  const handle = contract<Seen>({
    actions: {
      Order: on({ Side: oneOf(['sell', 'buy']), Quantity: positive }, (state, input, { caller }) => {
        state.seen.push(input.Side, input.Quantity, caller)
        return undefined
      }),
      Batch: onJson(object({ sums: list(integer(0)) }), (state, { sums }) => {
        state.seen.push(sums.map((sum) => sum * 2))
        return undefined
      }),
    },
  })

  test('gets its input parsed, from tags or from JSON', () => {
    const state: Seen = { seen: [] }
    handle(state, actionOf({ caller: A, tags: { Action: 'Order', Side: 'buy', Quantity: '5' } }))
    handle(state, actionOf({ tags: { Action: 'Batch' }, input: { sums: [1, 2] } }))
    expect(state.seen).toEqual(['buy', '5', A, [2, 4]])
  })

  test('is not called with input that does not fit', () => {
    const state: Seen = { seen: [] }
    const tags = Object.create({ Side: 'buy' }) as Record<string, string>
    tags['Action'] = 'Order'
    expect(() => handle(state, actionOf({ tags }))).toThrow('input-malformed: Side is missing: it must be sell or buy')
    expect(() => handle(state, actionOf({ tags: { Action: 'Batch' } }))).toThrow('input-malformed: input must be an object')
    expect(state.seen).toEqual([])
  })
})

test('a state is completed and checked in place', () => {
  const state = { name: 'x', extra: 1 } as { name: string; count: number; list: string[]; extra: number }
  const fields = {
    name: text(5),
    count: withDefault(integer(0), () => 3),
    list: withDefault(list(text(), ENTRIES_MAX), () => []),
  }
  completeState(state, fields)
  expect(state).toEqual({ name: 'x', extra: 1, count: 3, list: [] })
  expect(() => completeState({ ...state, name: 'too long' }, fields)).toThrow('input-malformed: state/name')
})
