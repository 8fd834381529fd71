// hb import warp, on what Warp itself made of contracts of the corpus (test/differential/history):
// compared, spawned on a real node, message by message or by the state alone, and gone on with.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startHttp, type HttpServer } from '../../src/node/http/index.ts'
import { HISTORIES, historyFile } from '../differential/recorded.ts'
import { editorNetwork, RecordedNode } from '../replay/recorded-node.ts'
import { hb, type Ran } from './terminal-double.ts'

type Files = { definition: string; interactions: string; expected: string }
type View = { process: string; state: string; counts: Record<string, number> } & Record<string, unknown>

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a file's content, to be spoilt
type Loose = any

let live: RecordedNode
let server: HttpServer
let folder: string
let wallet: string
let env: Record<string, string>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-import-'))
  wallet = join(folder, 'me.json')
  await hb(['keys', 'generate', '--out', wallet])
  live = await RecordedNode.start(editorNetwork(8))
  server = await startHttp({ api: live.node.api })
  env = { HB_URL: server.url, HB_WALLET: wallet }
}, 60_000)
afterAll(async () => {
  await server.close()
  await live.close()
  await rm(folder, { recursive: true })
})

function recorded(contract: string): Files {
  const file = (what: keyof Files): string => historyFile(contract, what)
  return {
    definition: file('definition'),
    interactions: file('interactions'),
    expected: file('expected'),
  }
}

function run({ definition, interactions, expected }: Files, ...more: string[]): Promise<Ran> {
  const files = ['--definition', definition, '--interactions', interactions, '--expect', expected]
  return hb(['import', 'warp', ...files, ...more], env)
}

function viewOf({ out }: Ran): View {
  expect(out).toHaveLength(1)
  return JSON.parse(out[0] ?? '') as View
}

/** A recorded file with something changed in it. */
async function changed(
  contract: string,
  what: keyof Files,
  change: (value: Loose) => unknown,
): Promise<Files> {
  const files = recorded(contract)
  const value = JSON.parse(await readFile(files[what], 'utf8')) as unknown
  const path = join(folder, `${contract}-${what}.json`)
  await writeFile(path, JSON.stringify(change(value)))
  return { ...files, [what]: path }
}

async function served(process: string): Promise<Record<string, unknown>> {
  const { out } = await hb(['state', process, '--raw'], env)
  return JSON.parse(out.join('\n')) as Record<string, unknown>
}

async function expectedState({ expected }: Files): Promise<unknown> {
  return (JSON.parse(await readFile(expected, 'utf8')) as { state: unknown }).state
}

test.each(Object.entries(HISTORIES))(
  '%s: --check compares state and validity with Warp’s, and asks no node',
  async (contract, count) => {
    const { definition, interactions, expected } = recorded(contract)
    const files = ['--definition', definition, '--interactions', interactions]
    // neither a node nor a wallet is named
    const ran = await hb(['import', 'warp', ...files, '--expect', expected, '--check', '--json'])
    expect([ran.code, ran.err]).toEqual([0, []])
    const view = viewOf(ran)
    expect(view).toMatchObject({ ok: true, interactions: count, compared: ['state', 'validity'] })
    expect(view).not.toHaveProperty('process')
    expect(Object.values(view.counts).reduce((sum, each) => sum + each)).toBe(count)
  },
)

test('voting goes in message by message; then the process takes others’, and heights go on', async () => {
  const files = recorded('voting')
  const ran = await run(files, '--json')
  expect([ran.code, ran.err]).toEqual([0, []])
  const view = viewOf(ran)
  const { $smartweave: own, ...state } = await served(view.process)
  expect(state).toEqual(await expectedState(files))
  const { owner } = JSON.parse(await readFile(files.definition, 'utf8')) as { owner: string }
  expect(own).toMatchObject({ contract: { id: view.process, owner }, imported: { owner } })
  expect(own).not.toHaveProperty('importing')
  // an interaction each but for those passed over, the spawn, the end
  const { slot } = await live.node.api.process(view.process) as { slot: number }
  expect(slot).toBe(120 - (view.counts['skipped'] as number) + 1)
  const input = JSON.stringify({ function: 'weight' })
  const sent = await hb(['dry-run', view.process, '--input', input, '--json'], env)
  expect(JSON.parse(sent.out[0] ?? '')).toMatchObject({ ok: true, status: 'ok' })
  const late = await hb(['send', view.process, '--tag', 'Warp-Import=End', '--json'], env)
  expect([late.code, late.out.join()]).toEqual([1, expect.stringContaining('import-refused')])
}, 60_000)

test('an import that stopped goes on with --resume, and until then nobody else is heard', async () => {
  const files = recorded('kv-ledger')
  // stops behind the spawn, and then behind the first batch: it waits for neither
  const begun = await run(files, '--timeout', '0', '--json')
  expect([begun.code, begun.out.join()]).toEqual([4, expect.stringContaining('node-too-slow')])
  const process = /[\w-]{43}/.exec(JSON.parse(begun.out[0] ?? '').error.detail)?.[0] ?? ''
  await live.quiet()
  const input = '{"function":"balance"}'
  const other = await hb(['send', process, '--input', input, '--json'], env)
  expect([other.code, other.out.join()]).toEqual([1, expect.stringContaining('import-refused')])
  const half = await run(files, '--resume', process, '--timeout', '0', '--json')
  expect([half.code, half.out.join()]).toEqual([1, expect.stringContaining('warp-import-stopped')])
  await live.quiet()
  expect(await served(process)).toMatchObject({
    $smartweave: { importing: { after: expect.stringMatching(/^\d+,\d+,/) } },
  })
  const ran = await run(files, '--resume', process, '--json')
  expect([ran.code, ran.err]).toEqual([0, []])
  const { $smartweave: own, ...state } = await served(process)
  expect(state).toEqual(await expectedState(files))
  expect(own).not.toHaveProperty('importing')
  expect(Object.keys((own as { kv: object }).kv).length).toBeGreaterThan(0)
  const again = await run(files, '--resume', process, '--json')
  expect([again.code, viewOf(again).process]).toEqual([0, process])
  const foreign = await run(files, '--resume', live.id('a'), '--json')
  expect([foreign.code, foreign.out.join()]).toEqual([1, expect.stringContaining('not made by')])
}, 60_000)

test('--state-only: what evolved goes in by its state, on the source it evolved to', async () => {
  const files = recorded('counter')
  const refused = await run(files, '--json')
  expect([refused.code, refused.out.join()]).toEqual([1, expect.stringContaining('--state-only')])
  const view = viewOf(await run(files, '--state-only', '--json'))
  const { $smartweave: _, ...state } = await served(view.process)
  expect(state).toEqual(await expectedState(files))
}, 60_000)

test('people see what agrees', async () => {
  const { code, out } = await run(recorded('token'), '--check')
  expect(code).toBe(0)
  expect(out.join('\n')).toMatch(/interactions +120: \d+ ok, \d+ errors/)
  expect(out.join('\n')).toMatch(/compared +state and validity agree/)
})

describe('refused, with nothing spawned:', () => {
  const first = (value: Loose): Loose => value.interactions[0]
  const CASES: readonly [string, keyof Files, (value: Loose) => unknown, string, string][] = [
    ['another state', 'expected', (v) => ({ ...v, state: { ...v.state, supply: 1 } }), 'warp-state-differs', '/supply: expected 1'],
    ['another validity', 'expected', (v) => ({ ...v, validity: { ...v.validity, nobody: true } }), 'warp-state-differs', 'interaction nobody: expected valid'],
    ['an interaction left out', 'interactions', (v) => v.interactions.slice(0, -20), 'warp-state-differs', 'more)'],
    ['two in the wrong order', 'interactions', ({ interactions: [a, b, ...rest] }) => [b, a, ...rest], 'warp-history-unsorted', 'interactions[1]'],
    ['one twice', 'interactions', (v) => [first(v), ...v.interactions], 'warp-history-unsorted', 'again'],
    ['no list', 'interactions', () => ({ rows: [] }), 'warp-file-malformed', 'neither a list'],
    ['an interaction without an id', 'interactions', (v) => [{ ...first(v), id: undefined }], 'warp-file-malformed', 'interactions[0].id: missing'],
    ['one without an owner', 'interactions', (v) => [{ ...first(v), owner: {} }], 'warp-file-malformed', 'interactions[0].owner.address'],
    ['one without a block', 'interactions', (v) => [{ ...first(v), block: null }], 'warp-file-malformed', 'interactions[0].block'],
    ['a height that is none', 'interactions', (v) => [{ ...first(v), block: { ...first(v).block, height: -1 } }], 'warp-file-malformed', 'block.height'],
    ['tags that are none', 'interactions', (v) => [{ ...first(v), tags: { a: 1 } }], 'warp-file-malformed', 'interactions[0].tags'],
    ['a sort key that is none', 'interactions', (v) => [{ ...first(v), sortKey: '12' }], 'warp-file-malformed', 'sortKey'],
    ['an interaction of another contract', 'interactions', (v) => [{ ...first(v), tags: [] }], 'warp-file-malformed', 'has no tag Contract'],
    ['a write of another contract', 'interactions', (v) => [{ ...first(v), tags: [{ name: 'Interact-Write', value: first(v).tags[2].value }] }], 'warp-history-unsupported', 'another contract'],
    ['what Arweave dropped', 'interactions', (v) => [{ ...first(v), confirmationStatus: 'orphaned' }], 'warp-history-unsupported', 'orphaned'],
    ['no source', 'definition', (v) => ({ ...v, src: undefined }), 'warp-file-malformed', 'definition.src: missing'],
    ['a state that is none', 'definition', (v) => ({ ...v, initState: '[1' }), 'warp-file-malformed', 'initState'],
    ['WebAssembly', 'definition', (v) => ({ ...v, contractType: 'wasm' }), 'warp-history-unsupported', 'WebAssembly'],
    ['a constructor', 'definition', (v) => ({ ...v, manifest: { evaluationOptions: { useConstructor: true } } }), 'warp-history-unsupported', 'useConstructor'],
    ['a source that does not parse', 'definition', (v) => ({ ...v, src: 'export function handle( {', sources: {} }), 'module-invalid', ''],
    ['two texts of one source', 'definition', (v) => ({ ...v, src: 'other' }), 'warp-file-malformed', 'sources'],
  ]
  test.each(CASES)('%s', async (_, what, change, code, detail) => {
    const ran = await run(await changed('token', what, change), '--json')
    expect(ran.code).toBe(1)
    const { error } = JSON.parse(ran.out[0] ?? '') as { error: { code: string; detail: string } }
    expect([error.code, error.detail]).toEqual([code, expect.stringContaining(detail)])
  })
  test('a source that is missing where the state evolves to it', async () => {
    const files = await changed('counter', 'definition', ({ sources: _, ...rest }) => rest)
    const { code, out } = await run(files, '--json')
    expect([code, out.join()]).toEqual([1, expect.stringContaining('warp-source-missing')])
  })
  test('a file that is no JSON, one that is not there, options that do not go together', async () => {
    const files = recorded('token')
    const broken = join(folder, 'broken.json')
    await writeFile(broken, '{"a":')
    expect((await run({ ...files, definition: broken })).err[0]).toMatch(/^warp-file-malformed/)
    expect((await run({ ...files, interactions: join(folder, 'none') })).code).toBe(2)
    expect((await run(files, '--resume', 'A'.repeat(43), '--check')).code).toBe(2)
    expect((await run(files, '--resume', 'short')).code).toBe(2)
    expect((await hb(['import', 'warp', '--definition', files.definition], env)).code).toBe(2)
  })
  test('state and source that fit into no message', async () => {
    const files = await changed('token', 'definition', (v) => ({ ...v, initState: { ...v.initState, pad: 'x'.repeat(300_000) } }))
    const { expected: __, ...rest } = files
    const ran = await hb(['import', 'warp', '--definition', rest.definition, '--interactions', rest.interactions, '--json'], env)
    expect([ran.code, ran.out.join()]).toEqual([1, expect.stringContaining('warp-import-too-large')])
  })
})
