import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { genesisSpawn } from '../../src/protocol/genesis.ts'
import { hashParts } from '../../src/std/hash-parts.ts'
import type { Content, Message, MessageKind } from '../../src/protocol/message.ts'
import type { Outcome, Plan, ProcessRow } from '../../src/protocol/transition.ts'
import { spawnSpec } from '../../src/protocol/module-ref.ts'
import {
  complete,
  NO_CHANGES,
  prepare,
  refuseSpawn,
  slotOf,
} from '../../src/protocol/transition.ts'
import { sha256, toBase64Url } from '../../src/std/bytes.ts'
import { codeOf, idOf, makeContent, makeEntry, processMessage, testNetwork, processRow as row } from './fixtures.ts'

const network = testNetwork()
const { limits } = network.genesis
const JSON_TYPE = { name: 'Content-Type', value: 'application/json' }

function fromWallet(change: Partial<Content> = {}): Message {
  const { origin: _none, ...message } = processMessage(network, change)
  return { ...message, from: 'wallet', caller: idOf('wallet') }
}

const plan = (known: ProcessRow | undefined, message: Message, timestamp = 1_000): Plan =>
  prepare(network, known, makeEntry(network, message, { timestamp }))

function settled(known: ProcessRow | undefined, message: Message, timestamp?: number): Outcome {
  const made = plan(known, message, timestamp)
  if (made.type !== 'settled') throw new Error(`not settled but ${made.type}`)
  return made.outcome
}

const spawnText = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const SPAWN = { source: 'export function handle() {}', state: { b: 1, a: 2 } }

// ---- R5 as a table: row × kind × from → what happens ----

type Known = 'none' | 'live' | 'failed'
type Expected = 'open' | 'evaluate' | { code: string; bounce: boolean } | 'ok, empty'
const ROWS: Record<Known, ProcessRow | undefined> = {
  none: undefined,
  live: row(),
  failed: row({ failed: true, module: '' }),
}

function expected(known: Known, kind: MessageKind, from: Message['from']): Expected {
  const bounce = from === 'process' && (kind === 'message' || kind === 'spawn')
  if (kind === 'spawn') return known === 'none' ? 'open' : { code: 'spawn-repeated', bounce }
  if (known === 'live') return 'evaluate'
  if (known === 'failed') return { code: 'process-failed', bounce }
  return kind === 'notice' ? 'ok, empty' : { code: 'process-not-found', bounce }
}

const combinations = (['none', 'live', 'failed'] as const).flatMap((known) =>
  (['message', 'notice', 'bounce', 'spawn'] as const).flatMap((kind) =>
    (['wallet', 'process', 'genesis'] as const).map((from) => [known, kind, from] as const),
  ),
)

describe('what an entry does to its process', () => {
  test.each(combinations)('row %s, %s from %s', (known, kind, from) => {
    const data = kind === 'spawn' ? spawnText(SPAWN) : Buffer.from('hello')
    const base = from === 'process' ? processMessage(network, { kind, data }) : fromWallet(
      { kind, data },
    )
    const message: Message = { ...base, from }
    const what = expected(known, kind, from)
    const made = plan(ROWS[known], message)
    if (what === 'open' || what === 'evaluate') {
      expect(made.type).toBe(what)
      return
    }
    if (made.type !== 'settled') throw new Error(`not settled but ${made.type}`)
    const { outcome } = made
    expect([outcome.gas, outcome.changes]).toEqual([0, NO_CHANGES])
    if (what === 'ok, empty') {
      expect(outcome).toMatchObject({ status: 'ok', code: '', text: '', messages: [] })
      return
    }
    expect(outcome).toMatchObject({ status: 'error', code: what.code })
    expect(outcome.messages.map((sent) => [sent.kind, sent.target])).toEqual(
      what.bounce ? [['bounce', message.caller]] : [],
    )
  })

  test.each(combinations)('slot of row %s, %s from %s', (known, kind, from) => {
    const message: Message = { ...fromWallet({ kind }), from }
    const before = { live: 7, failed: 7, none: kind === 'spawn' ? 0 : -1 }
    expect(slotOf(ROWS[known], message)).toBe(before[known])
  })
})

describe('expiry', () => {
  const expiring = { ...fromWallet(), expires: 2_000 }

  test('is judged by the time of the entry', () => {
    expect(plan(row(), expiring, 2_000).type).toBe('evaluate')
    expect(settled(row(), expiring, 2_001)).toMatchObject({ status: 'error', code: 'expired' })
  })

  test('comes first, whatever else is wrong', () => {
    const spawn = { ...fromWallet({ kind: 'spawn', data: spawnText(SPAWN) }), expires: 0 }
    const codes = [
      settled(undefined, { ...expiring, expires: 0 }).code,
      settled(row({ failed: true }), { ...expiring, expires: 0 }).code,
      settled(undefined, spawn).code,
    ]
    expect(codes).toEqual(['expired', 'expired', 'expired'])
  })
})

describe('a bounce', () => {
  const of = (change: Partial<Content>): Content => {
    const [sent] = settled(undefined, processMessage(network, change)).messages
    return sent as Content
  }

  test('says what failed, and why', () => {
    const message = processMessage(network, { tags: [] })
    const outcome = settled(undefined, message)
    const [sent] = outcome.messages as [Content]
    expect(sent.tags).toEqual([
      { name: 'Action', value: 'Bounce' },
      { name: 'Error', value: 'process-not-found' },
      { name: 'Message-Id', value: message.id },
      JSON_TYPE,
    ])
    const { code, text } = outcome
    expect(JSON.parse(Buffer.from(sent.data).toString())).toEqual({ code, text })
  })

  test('carries the reference and the X- tags of the message, and no others', () => {
    const tags = [
      { name: 'Action', value: 'Transfer' },
      { name: 'X-Step', value: '1' },
      { name: 'Reference', value: 'r1' },
      { name: 'Reference', value: 'r2' },
      { name: 'x-lower', value: '2' },
      { name: 'X-Step', value: '3' },
    ]
    expect(of({ tags }).tags.slice(4)).toEqual([
      { name: 'Reference', value: 'r1' },
      { name: 'X-Step', value: '1' },
      { name: 'X-Step', value: '3' },
    ])
  })

  test('counts on from what was left, and may be sent with nothing left', () => {
    const left = (hops: number, count: number): unknown[] => {
      const sent = of({ hops, count, budget: '7' })
      return [sent.hops, sent.count, sent.budget]
    }
    expect(left(5, 100)).toEqual([4, 99, '7'])
    expect(left(1, 1)).toEqual([0, 0, '7'])
    expect(left(0, 0)).toEqual([0, 0, '7'])
  })

  test('is never bounced, whatever happens to it', () => {
    const bounce = processMessage(network, { kind: 'bounce', tags: [JSON_TYPE] })
    const errors = [
      settled(undefined, bounce),
      settled(row({ failed: true }), bounce),
      settled(row(), { ...bounce, data: Buffer.from('{') }),
      complete(bounce, { status: 'error', gas: 1, code: 'contract-error', text: 'x' }),
    ]
    expect(errors.map(({ status, messages }) => [status, messages])).toEqual(
      errors.map(() => ['error', []]),
    )
  })

  test('has data that its target can read, whatever the text of the error', () => {
    const message = processMessage(network)
    const unit = fc.constantFrom('a', '"', '\\', '\ud83d', '\ude00', '\n')
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        const outcome = complete(message, { status: 'error', gas: 1, code: 'contract-error', text })
        const [sent] = outcome.messages as [Content]
        expect(outcome.text.isWellFormed()).toBe(true)
        const arrived = { ...processMessage(network, sent), process: message.caller }
        expect(plan(row({ process: message.caller }), arrived).type).toBe('evaluate')
      }),
    )
  })

  test('is of bounded size, however long what it quotes', () => {
    const data = spawnText({ ...SPAWN, [`${'x'.repeat(100_000)}`]: 1 })
    const outcome = settled(undefined, processMessage(network, { kind: 'spawn', target: '', data }))
    expect(outcome.code).toBe('spawn-malformed')
    expect(outcome.text).toHaveLength(limits.errorTextMax)
  })
})

describe('an evaluation', () => {
  const content = makeContent()
  const ok = { status: 'ok' as const, gas: 9, changes: '[["a"]]', messages: [content] }
  const error = { status: 'error' as const, gas: 9, code: 'contract-error', text: 'no' }

  test('that is ok is the outcome', () => {
    expect(complete(processMessage(network), ok)).toEqual({ ...ok, code: '', text: '' })
  })

  test.each<[Message['from'], MessageKind, boolean]>([
    ['process', 'message', true],
    ['process', 'notice', false],
    ['process', 'bounce', false],
    ['wallet', 'message', false],
    ['genesis', 'message', false],
  ])('that fails on a %s’s %s changes nothing; bounced: %s', (from, kind, bounced) => {
    const message: Message = { ...processMessage(network, { kind }), from }
    const outcome = complete(message, error)
    expect(outcome).toMatchObject({ ...error, changes: NO_CHANGES })
    expect(outcome.messages.map((sent) => sent.kind)).toEqual(bounced ? ['bounce'] : [])
  })
})

describe('a spawn', () => {
  const spawn = (data: Uint8Array, change: Partial<Message> = {}): Message => ({
    ...processMessage(network, { kind: 'spawn', target: '', data }),
    ...change,
  })
  const opened = (message: Message): Extract<Plan, { type: 'open' }> => {
    const made = plan(undefined, message)
    if (made.type !== 'open') throw new Error(`not open but ${made.type}`)
    return made
  }

  test('opens its module, named by its hash, on its state with the keys in order', () => {
    const made = opened(spawn(spawnText(SPAWN)))
    const hash = toBase64Url(sha256(Buffer.from(SPAWN.source)))
    expect(made.module).toEqual({ engine: 'quickjs', source: SPAWN.source, hash })
    expect(made.snapshot).toBe('{"b":1,"a":2}')
  })

  test('without a state begins with an empty one', () => {
    expect(opened(spawn(spawnText({ source: 'x' }))).snapshot).toBe('{}')
  })

  test('is evaluated itself, as slot 0, without its source', () => {
    const message = spawn(spawnText(SPAWN), { tags: [{ name: 'Name', value: 'n' }, JSON_TYPE] })
    const action = JSON.parse(opened(message).action) as unknown
    expect(action).toMatchObject({
      kind: 'spawn',
      id: message.id,
      caller: message.caller,
      slot: 0,
      tags: { Name: 'n', 'Content-Type': 'application/json' },
      data: '',
      input: {
        module: toBase64Url(sha256(Buffer.from(SPAWN.source))),
        system: { hb: network.processIds.get('hb'), echo: network.processIds.get('echo') },
      },
    })
  })

  test('that succeeds has the state that it began with; one that fails has none', () => {
    const message = spawn(spawnText(SPAWN))
    const { snapshot } = opened(message)
    const ok = { status: 'ok' as const, gas: 3, changes: '[["a"]]', messages: [] }
    expect(complete(message, ok, snapshot)).toEqual({ ...ok, code: '', text: '', snapshot })
    const error = { status: 'error' as const, gas: 3, code: 'contract-error', text: 'no' }
    const failed = complete(message, error, snapshot)
    expect(failed).toMatchObject({ ...error, changes: NO_CHANGES })
    expect('snapshot' in failed).toBe(false)
    expect(failed.messages.map(({ kind }) => kind)).toEqual(['bounce'])
  })

  test('whose module does not open is an error, with a bounce to a process only', () => {
    const message = spawn(spawnText(SPAWN))
    const refused = refuseSpawn(message, { code: 'module-invalid', text: 'line 1' })
    expect(refused).toMatchObject({
      status: 'error',
      code: 'module-invalid',
      text: 'line 1',
      gas: 0,
      changes: NO_CHANGES,
    })
    expect(refused.messages).toHaveLength(1)
    expect(refuseSpawn({ ...message, from: 'wallet' }, { code: 'x', text: '' }).messages).toEqual(
      [],
    )
  })

  test.each<[string, unknown, string]>([
    ['an array', [], 'spawn-malformed'],
    ['null', null, 'spawn-malformed'],
    ['no source', { state: {} }, 'spawn-malformed'],
    ['an empty source', { source: '' }, 'spawn-malformed'],
    ['a source that is no text', { source: 1 }, 'spawn-malformed'],
    ['a state that is an array', { source: 'x', state: [] }, 'spawn-malformed'],
    ['a state that is null', { source: 'x', state: null }, 'spawn-malformed'],
    ['an unknown key', { source: 'x', more: 1 }, 'spawn-malformed'],
    ['an engine, which only genesis chooses', { source: 'x', engine: 'native' }, 'spawn-malformed'],
    ['an engine that is not there', { source: 'x', engine: 'wasm' }, 'spawn-malformed'],
    ['an engine that is no text', { source: 'x', engine: null }, 'spawn-malformed'],
    ['the engine of SmartWeave', { source: 'x', engine: 'smartweave' }, 'none'],
    ['the engine that is there without a name', { source: 'x', engine: 'quickjs' }, 'none'],
    ['a source as long as allowed', { source: 'x'.repeat(limits.moduleBytesMax) }, 'none'],
    [
      'a source that is too long',
      { source: 'x'.repeat(limits.moduleBytesMax + 1) },
      'module-too-large',
    ],
    [
      'a source too long in bytes',
      { source: 'é'.repeat(limits.moduleBytesMax / 2 + 1) },
      'module-too-large',
    ],
  ])('with %s', (_name, value, code) => {
    const message = spawn(spawnText(value))
    expect(codeOf(() => spawnSpec(message, limits))).toBe(code)
    const made = plan(undefined, message)
    expect(made.type === 'settled' ? made.outcome.code : 'none').toBe(code)
  })

  const notJson = ['', '{', '{"source":"x","source":"y"}']
  test.each(notJson)('with the data %j is an error with a bounce', (text) => {
    const outcome = settled(undefined, spawn(Buffer.from(text)))
    expect(outcome).toMatchObject({ status: 'error', code: 'json-malformed' })
    expect(outcome.messages).toHaveLength(1)
  })

  test('may choose an engine for its module', () => {
    const engines = ['quickjs', 'smartweave', undefined].map((engine) => {
      const message = spawn(spawnText(engine === undefined ? SPAWN : { ...SPAWN, engine }))
      return opened(message).module.engine
    })
    expect(engines).toEqual(['quickjs', 'smartweave', 'quickjs'])
  })

  test('of genesis may choose its engine', () => {
    const [hb, echo] = network.genesis.processes as [never, never]
    const engines = [hb, echo].map(
      (process) => opened(genesisSpawn(network, process)).module.engine,
    )
    expect(engines).toEqual(['native', 'quickjs'])
  })
})

describe('the action', () => {
  const actionOf = (message: Message, known = row()): Record<string, unknown> => {
    const made = plan(known, message)
    if (made.type !== 'evaluate') throw new Error(`not evaluate but ${made.type}`)
    return JSON.parse(made.action) as Record<string, unknown>
  }

  test('is all that the contract sees of an entry', () => {
    const message = processMessage(network)
    expect(actionOf(message)).toEqual({
      kind: 'message',
      caller: idOf('caller'),
      from: 'process',
      id: message.id,
      height: 10,
      slot: 7,
      timestamp: 1_000,
      tags: { Action: 'Ping' },
      data: 'hello',
      dataEncoding: 'utf8',
      hops: 5,
      count: 100,
      budget: '7',
      input: null,
    })
  })

  test('has the first value of each tag, whatever its name', () => {
    const tags = [
      { name: 'a', value: '1' },
      { name: 'a', value: '2' },
      { name: '__proto__', value: 'p' },
      { name: 'constructor', value: 'c' },
    ]
    const seen = actionOf(processMessage(network, { tags }))['tags'] as object
    expect(Object.entries(seen)).toEqual([['a', '1'], ['__proto__', 'p'], ['constructor', 'c']])
  })

  test('has the input where the data says it is JSON', () => {
    const json = { tags: [JSON_TYPE], data: Buffer.from('{"a":[1]}') }
    expect(actionOf(processMessage(network, json))).toMatchObject(
      { input: { a: [1] }, data: '{"a":[1]}' },
    )
    const empty = { ...json, data: Buffer.alloc(0) }
    expect(actionOf(processMessage(network, empty))).toMatchObject({ input: null, data: '' })
  })

  test('has bytes that are no text as base64url', () => {
    const data = Buffer.of(0xff, 0x00)
    const action = actionOf(processMessage(network, { data }))
    expect(action).toMatchObject({ data: '_wA', dataEncoding: 'base64url', input: null })
  })

  test('of an input that is not strict JSON is none: the entry is an error and bounces', () => {
    const bad = ['{', '{"a":1,"a":2}', `${'['.repeat(65)}${']'.repeat(65)}`, '\ufeff1']
    const outcomes = bad.map((text) =>
      settled(row(), processMessage(network, { tags: [JSON_TYPE], data: Buffer.from(text) })),
    )
    expect(outcomes.map(({ code }) => code)).toEqual([
      'json-malformed',
      'json-malformed',
      'json-too-deep',
      'json-malformed',
    ])
    expect(outcomes.every(({ messages }) => messages.length === 1)).toBe(true)
  })

  test('is the same whenever it is made, and for every well-formed message', () => {
    const data = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(data, fc.string({ unit: 'binary' }), (bytes, value) => {
        const message = processMessage(network, { data: bytes, tags: [{ name: 'T', value }] })
        const first = plan(row(), message)
        expect(plan(row(), message)).toEqual(first)
        const action = actionOf(message)
        expect(action['tags']).toEqual({ T: value })
        const { data: text, dataEncoding } = action as {
          data: string; dataEncoding: BufferEncoding,
        }
        expect(Buffer.from(text, dataEncoding).equals(bytes)).toBe(true)
      }),
    )
  })

  test('shows nothing of the row but the slot', () => {
    const message = processMessage(network)
    const other = row({ stateHash: hashParts('x', []), engine: 'native', module: idOf('m2') })
    expect(plan(other, message)).toEqual(plan(row(), message))
  })
})
