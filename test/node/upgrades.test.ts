// Upgrades in real sandboxes: what migrate may do and may not, who may send one, and that whoever
// looks back finds the module of then.

import { afterEach, describe, expect, test } from '@jest/globals'
import { sha256, toBase64Url } from '../../src/std/bytes.ts'
import { startNetwork } from '../../src/testing/index.ts'
import type { TestContract, TestNetwork } from '../../src/testing/index.ts'

let open: TestNetwork | undefined
afterEach(() => open?.close())

const hashOf = (source: string): string => toBase64Url(sha256(Buffer.from(source)))

/** Sends what its input says: `upgrade` to itself or to `target`, `forge` as a plain message. */
const handleOf = (version: number): string => `exports.handle = (state, action) => {
  if (action.kind === 'spawn') {
    state.self = action.input.process
    return {}
  }
  if (action.kind === 'bounce') {
    state.bounces = (state.bounces ?? []).concat(action.tags.Error + ': ' + action.input.text)
    return {}
  }
  const { upgrade, forge, target = state.self } = action.input ?? {}
  state.by = (state.by ?? '') + '${version}'
  const messages = []
  if (upgrade) messages.push({ kind: 'upgrade', target, data: upgrade, tags: { 'X-Asked': '1' } })
  if (forge) messages.push({ target, tags: { 'HB-Upgrade': 'Module' }, data: forge })
  return { messages }
}
`
const V1 = handleOf(1)
const V2 = `${handleOf(2)}exports.migrate = async (state, action) => {
  await null
  const { kind, caller, slot, data, tags, input } = action
  state.migrated = { kind, own: caller === state.self, slot, data, asked: tags['X-Asked'], input }
  return { messages: [{ kind: 'event', data: 'migrated' }] }
}`
/** Without migrate: the state stays as it is. */
const V3 = handleOf(3)

type State = {
  readonly self: string
  readonly by?: string
  readonly bounces?: string[]
  readonly migrated?: { readonly slot: number; readonly input: { readonly module: string } }
}

async function network(options: { strict?: boolean } = {}): Promise<TestNetwork> {
  const contracts = {
    one: { source: V1, partition: 0 },
    two: { source: V1, partition: 1 },
    known: { source: V3, partition: 0 },
  }
  open = await startNetwork({ partitions: 2, wallets: ['alice'], contracts, ...options })
  return open
}

const ask = (of: TestContract<State>, data: object) => of.send('alice', 'Ask', { data }).settled()

describe('an upgrade', () => {
  test.each([false, true])('migrates, and holds from its entry on (strict: %s)', async (strict) => {
    const net = await network({ strict })
    const one = net.contract<State>('one')
    await ask(one, {})
    await ask(one, { upgrade: { source: V2 } })
    await ask(one, {})
    const system = expect.any(Object)
    const input = { process: one.id, module: hashOf(V2), system }
    const migrated = { kind: 'upgrade', own: true, slot: 3, data: '', asked: '1', input }
    expect(await one.state()).toEqual({ self: one.id, by: '112', migrated })
    expect((await one.results(3))[0]).toMatchObject({ status: 'ok', messages: [{ kind: 'event' }] })
    expect(await one.view()).toMatchObject({ module: hashOf(V2) })
    // by its hash: a module that its partition knows
    await ask(one, { upgrade: { module: hashOf(V3) } })
    await ask(one, {})
    expect(await one.state()).toMatchObject({ by: '11223' })
    expect(await one.view()).toMatchObject({ module: hashOf(V3) })
    // V2 is known here since it was carried here
    await ask(one, { upgrade: { module: hashOf(V2) } })
    expect(await net.rebuild()).toMatchObject({ identical: true })
    await net.restart({ dropCaches: true })
    await ask(one, {})
    expect((await one.state()).by).toBe('1122332')
    expect(await net.rebuild()).toMatchObject({ identical: true })
  })

  test('a dry run on a state of before is evaluated with the module of then', async () => {
    const net = await network()
    const one = net.contract<State>('one')
    await ask(one, { upgrade: { source: V2 } })
    await ask(one, { upgrade: { source: V3 } })
    await net.restart()
    const byAt = async (atSlot?: number): Promise<unknown> => {
      const at = atSlot === undefined ? {} : { atSlot }
      const { state } = await one.dryRun('alice', 'Ask', { ...at, state: true })
      return (JSON.parse(String(state)) as State).by
    }
    const found: unknown[] = []
    for (const slot of [0, 1, 2, 3, 4, undefined]) found.push(await byAt(slot))
    expect(found).toEqual(['1', '11', '12', '122', '123', '123'])
  })

  test('a dry run shows what an upgrade would do, and changes nothing', async () => {
    const net = await network()
    const one = net.contract<State>('one')
    const tags = { 'HB-Upgrade': 'Module' }
    const previewed = (data: object, by = 'one') =>
      net.dryRun(by, 'one', { tags, data, state: true })
    const good = await previewed({ source: V2 })
    expect(good).toMatchObject({ status: 'ok', messages: [{ kind: 'event' }] })
    const state = JSON.parse(String(good.state)) as State
    expect(state.migrated).toMatchObject({ slot: 1, input: { module: hashOf(V2) } })
    const looping = migrating('for (;;);')
    expect(await previewed({ source: looping })).toMatchObject({ code: 'gas-exhausted' })
    expect(await previewed({ source: V2 }, 'two')).toMatchObject({ code: 'upgrade-foreign' })
    // by its hash: what the partition knows, and no other
    expect(await previewed({ module: hashOf(V3) })).toMatchObject({ status: 'ok', changes: '[]' })
    expect(await previewed({ module: hashOf(V2) })).toMatchObject({ code: 'module-unknown' })
    expect(await one.state()).toEqual({ self: one.id })
    expect(await one.view()).toMatchObject({ slot: 0, module: hashOf(V1) })
  })
})

const HOSTILE: readonly (readonly [string, object, string])[] = [
  ['does not parse', { source: 'this is no script' }, 'module-invalid'],
  ['has no handle', { source: 'exports.migrate = () => ({})' }, 'module-invalid'],
  ['has a scope without end', { source: 'for (;;);' }, 'module-invalid'],
  ['is too large', { source: `//${'x'.repeat(200_000)}` }, 'module-too-large'],
  ['is no text', { source: 7 }, 'upgrade-malformed'],
  ['is not there', {}, 'upgrade-malformed'],
  ['is named and given', { source: V2, module: hashOf(V2) }, 'upgrade-malformed'],
  ['has a state', { source: V2, state: {} }, 'upgrade-malformed'],
  ['is no hash', { module: 'x' }, 'upgrade-malformed'],
  ['has a hash that nobody knows', { module: hashOf('never') }, 'module-unknown'],
  ['is known in another partition alone', { module: hashOf(V1 + V1) }, 'module-unknown'],
  ['is for another engine', { source: V2, engine: 'smartweave' }, 'upgrade-malformed'],
  ['is native', { source: 'hb-contract@1', engine: 'native' }, 'upgrade-malformed'],
  ['throws', { source: migrating("throw new Error('no')") }, 'contract-error'],
  ['refuses', { source: migrating("return { status: 'no' }") }, 'contract-error'],
  ['loops', { source: migrating('for (;;);') }, 'gas-exhausted'],
  ['waits for ever', { source: migrating('return new Promise(() => {})') }, 'promise-unsettled'],
  ['returns a number', { source: migrating('return 7') }, 'result-malformed'],
  ['returns no state', { source: migrating('return { state: [] }') }, 'state-not-json'],
  ['leaves what is no JSON', { source: migrating('state.by = () => 1') }, 'state-not-json'],
  ['sends garbage', { source: migrating('return { messages: [7] }') }, 'outbox-malformed'],
  ['has a migrate that is no function', { source: `${V2}; exports.migrate = 7` }, 'contract-error'],
]

/** What it wrote before it failed must not be seen. */
function migrating(body: string): string {
  return `${handleOf(9)}exports.migrate = (state) => { state.by = 'lost'; ${body} }`
}

describe('an upgrade that fails leaves everything as it was, and bounces', () => {
  test('whatever the module does', async () => {
    const net = await network()
    const one = net.contract<State>('one')
    await net.contract<State>('two').send('alice', 'Ask', { data: { upgrade: { source: V1 + V1 } } })
    const codes: string[] = []
    let by = ''
    for (const [, upgrade, code] of HOSTILE) {
      await ask(one, { upgrade })
      codes.push(code)
      by += '1'
    }
    const state = await one.state()
    expect(state.by).toBe(by)
    expect(state.bounces?.map((each) => each.slice(0, each.indexOf(':')))).toEqual(codes)
    expect(state.bounces?.find((each) => each.startsWith('result-malformed'))).toBe(
      'result-malformed: migrate must return an object {state?, messages?, status?}',
    )
    expect(await one.view()).toMatchObject({ module: hashOf(V1) })
    expect(await net.rebuild()).toMatchObject({ identical: true })
  }, 20_000)

  test('no other process and no wallet upgrades it, nor does a tag that is passed on', async () => {
    const net = await network()
    const [one, two] = [net.contract<State>('one'), net.contract<State>('two')]
    await ask(two, { upgrade: { source: V2 }, target: one.id })
    expect((await two.state()).bounces).toEqual([`upgrade-foreign: from ${two.id}`])
    const tags = { 'HB-Upgrade': 'Module' }
    const sent = one.send('alice', 'Ask', { tags, data: { source: V2 } })
    expect(await sent.error()).toMatchObject({ code: 'upgrade-foreign' })
    const forged = one.send('alice', 'Ask', { data: { forge: { source: V2 } } })
    expect(await forged.error()).toMatchObject({ code: 'outbox-malformed' })
    expect(await one.view()).toMatchObject({ module: hashOf(V1) })
    expect(await one.state()).toEqual({ self: one.id })
    expect(await net.rebuild()).toMatchObject({ identical: true })
  })
})

test('a SmartWeave contract goes on as another one', async () => {
  const net = await network()
  const source = (n: number, upgrade = ''): string => `export async function handle(state, action) {
    state.by = (state.by || '') + '${n}'
    return { state, messages: [${upgrade}] }
  }`
  const data = JSON.stringify({ source: source(2), engine: 'smartweave' })
  const target = 'SmartWeave.contract.id'
  const first = source(1, `{ kind: 'upgrade', target: ${target}, data: ${data} }`)
  const made = await net.spawn('alice', { source: first, engine: 'smartweave' })
  await made.send('alice', 'Ask').settled()
  await made.send('alice', 'Ask').settled()
  expect(await made.state()).toMatchObject({ by: '12' })
  expect(await made.view()).toMatchObject({ engine: 'smartweave', module: hashOf(source(2)) })
  expect(await net.rebuild()).toMatchObject({ identical: true })
})
