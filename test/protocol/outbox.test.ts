import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { defaultLimits } from '../../src/protocol/limits.ts'
import type { Content } from '../../src/protocol/message.ts'
import type { Allowance } from '../../src/protocol/outbox.ts'
import { checkOutbox, contentBytes, ENVELOPE_BYTES } from '../../src/protocol/outbox.ts'
import { inputText } from '../../src/protocol/signed.ts'
import { codeOf, idOf } from './fixtures.ts'

const LIMITS = defaultLimits()
const PARENT: Allowance = { hops: 5, count: 100, budget: '10' }
const target = idOf('target')

const check = (...drafts: unknown[]): Content[] => checkOutbox(drafts, PARENT, LIMITS)
const codeFor = (draft: unknown, parent = PARENT, limits = LIMITS): string =>
  codeOf(() => checkOutbox([draft], parent, limits))
const detailOf = (...drafts: unknown[]): string => {
  try {
    check(...drafts)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

describe('a draft', () => {
  test('that names its target only is a message without tags and data', () => {
    expect(check({ target })).toEqual([
      {
        kind: 'message',
        target,
        tags: [],
        data: new Uint8Array(0),
        hops: 4,
        count: 99,
        budget: '0',
      },
    ])
  })

  test('keeps tags in their order and text as it is', () => {
    const [content] = check({ target, tags: { B: '1', A: 'é' }, data: 'text €' })
    expect(content?.tags).toEqual([{ name: 'B', value: '1' }, { name: 'A', value: 'é' }])
    expect(Buffer.from(content?.data ?? []).toString()).toBe('text €')
  })

  test('whose data is a value becomes JSON and says so', () => {
    const type = { name: 'Content-Type', value: 'application/json' }
    for (const data of [{ a: [1, null] }, [], {}, 0, 5, true, false]) {
      const [content] = check({ target, data })
      expect(content?.tags).toEqual([type])
      expect(JSON.parse(Buffer.from(content?.data ?? []).toString())).toEqual(data)
    }
    const [own] = check({ target, data: { a: 1 }, tags: { 'Content-Type': 'text/x' } })
    expect(own?.tags).toEqual([{ name: 'Content-Type', value: 'text/x' }])
  })

  test('of the kind upgrade is a message with a tag that no other may have', () => {
    const [content] = check({ kind: 'upgrade', target, tags: { A: '1' }, data: { source: 'x' } })
    expect(content).toMatchObject({ kind: 'message', target, hops: 4 })
    expect(content?.tags).toEqual([
      { name: 'A', value: '1' },
      { name: 'Content-Type', value: 'application/json' },
      { name: 'HB-Upgrade', value: 'Module' },
    ])
    const tags = { 'HB-Upgrade': 'Module' }
    for (const kind of ['message', 'notice', 'event', 'spawn', 'upgrade']) {
      const draft = { kind, tags, ...(kind !== 'spawn' && { target }) }
      expect(codeFor(draft)).toBe('outbox-malformed')
    }
    expect(codeFor({ kind: 'upgrade', data: {} })).toBe('outbox-malformed')
  })

  test('that spawns may have a salt, which is one of its tags', () => {
    const [content] = check({ kind: 'spawn', tags: { A: '1' }, salt: 'first' })
    expect(content?.tags).toEqual([
      { name: 'A', value: '1' },
      { name: 'Spawn-Salt', value: 'first' },
    ])
    const spawn = { kind: 'spawn', data: { source: 'x' } }
    expect(check({ ...spawn, salt: 's'.repeat(64) })).toHaveLength(1)
    const salts: unknown[] = ['', 's'.repeat(65), '\ud800', 5, {}]
    for (const salt of salts) expect(codeFor({ ...spawn, salt })).toBe('outbox-malformed')
    expect(codeFor({ ...spawn, tags: { 'Spawn-Salt': '' } })).toBe('outbox-malformed')
    const twice = { ...spawn, salt: 's', tags: { 'Spawn-Salt': 's' } }
    expect(detailOf(twice)).toContain('messages/0/salt is given as a tag too')
    for (const kind of ['message', 'notice', 'event']) {
      expect(detailOf({ kind, target, salt: 's' })).toContain('only a spawn has one')
    }
  })

  test('may leave anything out by null', () => {
    const bare = {
      target,
      tags: null,
      data: null,
      kind: null,
      hops: null,
      count: null,
      budget: null,
    }
    expect(check(bare)).toEqual(check({ target }))
  })

  test('of each kind has the target that the kind allows', () => {
    const kinds = ['message', 'notice', 'event', 'spawn']
    const with43 = kinds.map((kind) => codeFor({ kind, target }))
    const without = kinds.map((kind) => codeFor({ kind }))
    const empty = kinds.map((kind) => codeFor({ kind, target: '' }))
    expect(with43).toEqual(['none', 'none', 'none', 'outbox-malformed'])
    expect(without).toEqual(['outbox-malformed', 'outbox-malformed', 'none', 'none'])
    expect(empty).toEqual(without)
  })

  test('that is an event costs nothing and carries nothing on', () => {
    const spent: Allowance = { hops: 0, count: 0, budget: '0' }
    const [event] = checkOutbox([{ kind: 'event', data: 'x' }], spent, LIMITS)
    expect(event).toMatchObject({ kind: 'event', target: '', hops: 0, count: 0, budget: '0' })
    const [proud] = check({ kind: 'event', hops: 9, count: 9_999, budget: '999' })
    expect(proud).toMatchObject({ hops: 0, count: 0, budget: '0' })
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['an array', [{ target }]],
    ['a text', 'message'],
    ['a number', 1],
    ['an unknown key', { target, to: target }],
    ['__proto__ for a key', JSON.parse(`{"target":"${target}","__proto__":{}}`)],
    ['a bounce', { target, kind: 'bounce' }],
    ['an unknown kind', { target, kind: 'Message' }],
    ['a kind that every object has', { target, kind: 'constructor' }],
    ['a kind that is no text', { target, kind: ['message'] }],
    ['a target that is too short', { target: target.slice(1) }],
    ['a target with spare bits', { target: `${'A'.repeat(42)}B` }],
    ['a target that is no text', { target: 5 }],
    ['a target in an array', { target: [target] }],
    ['tags that are an array', { target, tags: [{ name: 'a', value: 'b' }] }],
    ['tags that are a text', { target, tags: 'Action' }],
    ['a tag that is a number', { target, tags: { a: 1 } }],
    ['a tag that is null', { target, tags: { a: null } }],
    ['a tag without a name', { target, tags: { '': 'x' } }],
    ['a tag with a lone surrogate', { target, tags: { a: '\ud800' } }],
    ['a tag name with a lone surrogate', { target, tags: { '\udc00': 'x' } }],
    ['data with a lone surrogate', { target, data: 'a\ud800' }],
    ['JSON data with a lone surrogate', { target, data: { a: '\ud800' } }],
    ['JSON data with a lone surrogate in a key', { target, data: { '\ud800': 1 } }],
    [
      'JSON data with the key __proto__',
      { target, data: JSON.parse('{"__proto__":1}') as unknown },
    ],
    ['JSON data with an integer that is not exact', { target, data: 2 ** 60 }],
    [
      'text that claims to be JSON',
      { target, data: '{', tags: { 'Content-Type': 'application/json' } },
    ],
    ['negative hops', { target, hops: -1 }],
    ['fractional hops', { target, hops: 1.5 }],
    ['hops as a text', { target, hops: '1' }],
    ['hops beyond 2^53', { target, hops: 2 ** 53 }],
    ['negative count', { target, count: -1 }],
    ['count as a text', { target, count: '1' }],
    ['a budget that is a number', { target, budget: 1 }],
    ['a negative budget', { target, budget: '-1' }],
    ['a budget with a leading zero', { target, budget: '01' }],
    ['a budget with an exponent', { target, budget: '1e3' }],
    ['a budget with spaces', { target, budget: ' 1' }],
    ['a budget with a newline at its end', { target, budget: '1\n' }],
    ['an empty budget', { target, budget: '' }],
  ])('is refused: %s', (_name, draft) => {
    expect(codeFor(draft)).toBe('outbox-malformed')
  })

  test('is named by its place in the text of a refusal', () => {
    expect(detailOf({ target }, { target, hops: -1 })).toContain('messages/1/hops')
    expect(detailOf({ target }, { target, tags: { Action: 1 } })).toContain(
      'messages/1/tags/Action',
    )
    expect(detailOf({ target, data: '\ud800' })).toContain('messages/0/data')
  })
})

describe('limits', () => {
  const limits = { ...LIMITS, outboxMessagesMax: 4, tagsMax: 16, tagBytesMax: 512 }

  test('on the number of messages, events included', () => {
    const of = (length: number, draft: unknown): string =>
      codeOf(() => checkOutbox(new Array(length).fill(draft), PARENT, limits))
    expect([of(0, null), of(4, { target }), of(5, { target })]).toEqual([
      'none',
      'none',
      'outbox-too-many',
    ])
    expect(of(5, { kind: 'event' })).toBe('outbox-too-many')
  })

  test('on the number of tags, the one for JSON included', () => {
    const tags = (n: number): object =>
      Object.fromEntries(Array.from({ length: n }, (_, at) => [`t${at}`, '']))
    expect(codeFor({ target, tags: tags(16) }, PARENT, limits)).toBe('none')
    expect(codeFor({ target, tags: tags(17) }, PARENT, limits)).toBe('outbox-too-large')
    expect(codeFor({ target, tags: tags(16), data: {} }, PARENT, limits)).toBe('outbox-too-large')
    expect(codeFor({ target, tags: tags(15), data: {} }, PARENT, limits)).toBe('none')
  })

  test('on the bytes of tags, counted in UTF-8', () => {
    const at = (value: string): string => codeFor({ target, tags: { a: value } }, PARENT, limits)
    expect(at('x'.repeat(511))).toBe('none')
    expect(at('x'.repeat(512))).toBe('outbox-too-large')
    expect(at('é'.repeat(255))).toBe('none')
    expect(at('é'.repeat(256))).toBe('outbox-too-large')
  })

  test('on the bytes of a message', () => {
    const room = limits.messageBytesMax - ENVELOPE_BYTES
    const data = (n: number): string => 'x'.repeat(n)
    const fixed = contentBytes({ target, tags: [], data: new Uint8Array(0) })
    expect(codeFor({ target, data: data(room - fixed) }, PARENT, limits)).toBe('none')
    expect(codeFor({ target, data: data(room - fixed + 1) }, PARENT, limits)).toBe(
      'outbox-too-large',
    )
    const json = { 'Content-Type': 'application/json' }
    const large = `"${data(limits.messageBytesMax)}"`
    expect(codeFor({ target, data: large, tags: json }, PARENT, limits)).toBe('outbox-too-large')
  })

  test('on the bytes of all of them, events included', () => {
    const small = { ...LIMITS, outboxBytesMax: 4_096 }
    const fixed = contentBytes({ target: '', tags: [], data: new Uint8Array(0) })
    const event = (n: number): unknown => ({ kind: 'event', data: 'x'.repeat(n - fixed) })
    const of = (...sizes: number[]): string =>
      codeOf(() => checkOutbox(sizes.map(event), PARENT, small))
    expect([of(2_048, 2_048), of(2_048, 2_049)]).toEqual(['none', 'outbox-too-large'])
  })

  test('on the depth of JSON', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
    expect(codeFor({ target, data: nested(LIMITS.inputDepthMax) })).toBe('none')
    expect(codeFor({ target, data: nested(LIMITS.inputDepthMax + 1) })).toBe('outbox-malformed')
  })
})

describe('sharing', () => {
  type Shares = string | (number | string)[][]
  const share = (parent: Partial<Allowance>, ...drafts: object[]): Shares => {
    const whole = drafts.map((draft) => ({ target, ...draft }))
    const act = (): Content[] => checkOutbox(whole, { ...PARENT, ...parent }, LIMITS)
    const code = codeOf(act)
    return code === 'none' ? act().map(({ hops, count, budget }) => [hops, count, budget]) : code
  }

  test.each<[string, Partial<Allowance>, object[], ReturnType<typeof share>]>([
    ['one hop less', { hops: 1 }, [{}], [[0, 99, '0']]],
    ['no hop left', { hops: 0 }, [{}], 'hops-exhausted'],
    ['fewer hops as named', {}, [{ hops: 2 }], [[2, 99, '0']]],
    ['more hops than there are', {}, [{ hops: 9 }], [[4, 99, '0']]],
    ['count halved, rounded down', { count: 9 }, [{}, {}], [[4, 3, '0'], [4, 3, '0']]],
    ['count just enough', { count: 2 }, [{}, {}], [[4, 0, '0'], [4, 0, '0']]],
    ['count used up', { count: 1 }, [{}, {}], 'count-exhausted'],
    ['count of nothing', { count: 0 }, [{}], 'count-exhausted'],
    [
      'count as named, the rest shared',
      { count: 10 },
      [{ count: 5 }, {}],
      [[4, 5, '0'], [4, 3, '0']],
    ],
    ['count all named', { count: 10 }, [{ count: 5 }, { count: 3 }], [[4, 5, '0'], [4, 3, '0']]],
    ['count one too many named', { count: 10 }, [{ count: 5 }, { count: 4 }], 'count-exhausted'],
    ['count named beyond all', {}, [{ count: Number.MAX_SAFE_INTEGER }], 'count-exhausted'],
    ['budget as named', {}, [{ budget: '4' }, { budget: '6' }, {}], [
      [4, 32, '4'],
      [4, 32, '6'],
      [4, 32, '0'],
    ]],
    ['budget one too much', {}, [{ budget: '4' }, { budget: '7' }], 'budget-exceeded'],
    [
      'budget of many digits',
      { budget: '9'.repeat(77) },
      [{ budget: `1${'0'.repeat(77)}` }],
      'budget-exceeded',
    ],
  ])('%s', (_name, parent, drafts, expected) => {
    expect(share(parent, ...drafts)).toEqual(expected)
  })
})

// ---- properties ----

const whole = fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: Number.MAX_SAFE_INTEGER }))
const draft = fc.record(
  {
    kind: fc.constantFrom('message', 'notice', 'event'),
    target: fc.constantFrom(target, idOf('other')),
    hops: whole,
    count: whole,
    budget: fc.oneof(fc.nat({ max: 20 }), fc.bigInt({ min: 0n, max: 2n ** 255n })).map(String),
    data: fc.jsonValue(),
    tags: fc.dictionary(fc.string({ minLength: 1 }), fc.string()),
  },
  { requiredKeys: ['target'] },
)
const parent = fc.record({
  hops: fc.nat({ max: 4 }),
  count: whole,
  budget: fc.oneof(fc.nat({ max: 60 }), fc.bigInt({ min: 0n, max: 2n ** 255n })).map(String),
})
const REFUSALS = [
  'none',
  'outbox-malformed',
  'outbox-too-many',
  'outbox-too-large',
  'hops-exhausted',
  'count-exhausted',
  'budget-exceeded',
]

test('sharing never grows: hops, count and budget of all fit into what was left', () => {
  let passed = 0
  const property = fc.property(fc.array(draft, { maxLength: 6 }), parent, (drafts, left) => {
    const code = codeOf(() => checkOutbox(drafts, left, LIMITS))
    expect(REFUSALS).toContain(code)
    if (code !== 'none') return
    const contents = checkOutbox(drafts, left, LIMITS)
    const relayed = contents.filter(({ kind }) => kind !== 'event')
    passed += relayed.length > 0 ? 1 : 0
    const count = relayed.reduce((sum, one) => sum + BigInt(one.count), BigInt(relayed.length))
    const budget = contents.reduce((sum, one) => sum + BigInt(one.budget), 0n)
    expect(contents).toHaveLength(drafts.length)
    expect(count <= BigInt(left.count)).toBe(true)
    expect(budget <= BigInt(left.budget)).toBe(true)
    expect(contents.every(({ hops }) => hops >= 0)).toBe(true)
    expect(relayed.every(({ hops }) => hops < left.hops)).toBe(true)
  })
  fc.assert(property, { numRuns: 1_000 })
  expect(passed).toBeGreaterThan(50)
})

test('whatever JSON a contract returns, it is contents or an error of the outbox', () => {
  const near = fc.record(
    {
      target: fc.oneof(fc.constant(target), fc.jsonValue()),
      tags: fc.jsonValue(),
      data: fc.jsonValue(),
      kind: fc.oneof(fc.constantFrom('message', 'spawn', 'event'), fc.jsonValue()),
      hops: fc.jsonValue(),
      count: fc.jsonValue(),
      budget: fc.jsonValue(),
      more: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(near, fc.jsonValue()), { maxLength: 4 }), (drafts) => {
      const parsed = JSON.parse(JSON.stringify(drafts)) as unknown[]
      expect(REFUSALS).toContain(codeOf(() => checkOutbox(parsed, PARENT, LIMITS)))
    }),
    { numRuns: 500 },
  )
})

test('what passes is admissible: its input is read at the target without an error', () => {
  const named = fc.record({
    target: fc.constant(target),
    data: fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.json()),
    tags: fc.constantFrom({}, { 'Content-Type': 'application/json' }, { 'Content-Type': 'x' }),
  })
  fc.assert(
    fc.property(named, (one) => {
      if (codeFor(one) !== 'none') return
      const [content] = check(one) as [Content]
      expect(codeOf(() => inputText(content.tags, content.data, LIMITS))).toBe('none')
    }),
    { numRuns: 500 },
  )
})
