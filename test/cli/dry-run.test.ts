// hb dry-run: at a node, and on a state of before out of its directory.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { GENESIS_FILE } from '../../src/cli/dev-genesis.ts'
import type { HttpServer } from '../../src/node/http/index.ts'
import { startHttp } from '../../src/node/http/index.ts'
import { editorNetwork, RecordedNode } from '../replay/recorded-node.ts'
import { hb } from './terminal-double.ts'

const CALLER = 'A'.repeat(43)
let live: RecordedNode
let server: HttpServer
let folder: string
let wallet: string
let env: Record<string, string>
let a: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-cli-dry-run-'))
  wallet = join(folder, 'me.json')
  await hb(['keys', 'generate', '--out', wallet])
  live = await RecordedNode.start(editorNetwork(8))
  a = live.id('a')
  await writeFile(join(live.directory, GENESIS_FILE), JSON.stringify(live.network.genesis))
  server = await startHttp({ api: live.node.api })
  env = { HB_URL: server.url }
  for (let n = 0; n < 10; n++) await live.send('a', { set: ['x', `\u001b[2J${n}`] })
  await live.quiet()
}, 60_000)
afterAll(async () => {
  await server.close()
  await live.close()
  await rm(folder, { recursive: true })
})

function json(lines: readonly string[]): Record<string, unknown> {
  expect(lines).toHaveLength(1)
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>
}

test('at a node: for programs, with the state after it; nothing has changed', async () => {
  const input = JSON.stringify({ set: ['x', 'new'], tell: [live.id('b'), { pop: true }] })
  const tried = ['dry-run', 'a', '--input', input, '--caller', CALLER, '--action', 'Edit']
  const ran = await hb([...tried, '--timestamp', '2031-05-01T12:00:00Z', '--state', '--json'], env)
  const now = await live.node.api.process(a)
  expect([ran.code, ran.err, json(ran.out)]).toMatchObject([
    0,
    [],
    {
      ok: true,
      process: a,
      slot: 10,
      stateHash: now?.stateHash,
      status: 'ok',
      messages: [{ kind: 'message', target: live.id('b') }],
      state: { count: 12, x: 'new', at: Date.UTC(2031, 4, 1, 12) },
    },
  ])
  expect(now?.slot).toBe(10)
  const shown = await hb(tried, env)
  const text = shown.out.join('\n')
  expect(text).toMatch(/^status +ok$/m)
  expect(text).toMatch(/^tried on +slot 10, state hash /m)
  expect(text).toMatch(/^message +Told /m)
  expect(shown.err.at(-1)).toContain('Nothing was sent')
  expect((await live.node.api.process(a))?.slot).toBe(10)
})

test('an error result is exit code 1, and says what the contract says', async () => {
  const args = ['dry-run', a, '--input', '{"fail":"as \\u001b asked"}', '--wallet', wallet]
  const shown = await hb(args, env)
  expect(shown.code).toBe(1)
  expect(shown.out.join('\n')).toMatch(/^status +contract-error: as \S+ asked$/m)
  expect(shown.out.join('\n')).not.toContain('\u001b')
  expect(json((await hb([...args, '--json'], env)).out)).toMatchObject({
    ok: false,
    status: 'error',
    changes: [],
  })
})

test('a message of a process, by its name; the state that it would leave, for people', async () => {
  const from = ['--from', 'process', '--kind', 'notice', '--caller', 'b']
  const shown = await hb(['dry-run', 'a', '--state', ...from], env)
  expect([shown.code, shown.out.join('\n')]).toEqual([0, expect.stringContaining('"count": 12')])
  expect(shown.out.join('\n')).not.toContain('\u001b')
})

test('on a state of before: by slot, height and time; the node need not know it', async () => {
  const dir = ['--data-dir', live.directory]
  const args = ['dry-run', 'a', '--caller', CALLER, '--input', '{"set":["y",1]}', '--state']
  const ran = await hb([...args, '--at-slot', '4', '--json', ...dir], env)
  const view = json(ran.out)
  expect([ran.code, view]).toMatchObject([
    0,
    {
      ok: true,
      slot: 4,
      stateHash: live.states.get(a)?.get(4)?.stateHash,
      state: { count: 6, x: '\u001b[2J3', y: 1 },
    },
  ])
  const { height, timestamp } = json(
    (await hb(['state', 'a', '--at-slot', '4', '--json', '--data', live.directory])).out,
  ) as { height: number; timestamp: number }
  for (const point of [['--at-height', String(height)], ['--at-time', String(timestamp)]]) {
    const same = json((await hb([...args, ...point, '--json', ...dir], env)).out)
    expect([same['slot'], same['gas']]).toEqual([4, view['gas']])
  }
  const late = await hb([...args, '--at-slot', '10', ...dir], env)
  expect(late.err.join('\n')).toContain('Began at the states recorded at height')
  const beyond = await hb([...args, '--at-slot', '99', ...dir], env)
  expect([beyond.code, beyond.err.join()]).toEqual([1, expect.stringContaining('state-unknown')])
}, 30_000)

test.each([
  [['dry-run', 'a'], 2, 'no wallet'],
  [['dry-run'], 2, 'missing required argument'],
  [['dry-run', 'a', '--caller', CALLER, '--data', 'x', '--input', '1'], 2, 'give one of'],
  [['dry-run', 'a', '--caller', CALLER, '--data-dir', 'x'], 2, '--data-dir is for'],
  [['dry-run', 'a', '--caller', 'nobody'], 2, 'names of this network'],
  [['dry-run', 'nobody', '--caller', CALLER], 2, 'names of this network'],
  [['dry-run', CALLER, '--caller', CALLER], 1, 'process-not-found'],
  [['dry-run', 'a', '--caller', CALLER, '--kind', 'spawn'], 2, 'Allowed choices'],
  [['dry-run', 'a', '--caller', CALLER, '--kind', 'notice'], 1, 'dry-run-malformed'],
  [['dry-run', 'a', '--caller', CALLER, '--at-slot', '1', '--at-height', '1'], 2, 'name one of'],
  [['dry-run', 'a', '--caller', CALLER, '--timestamp', 'soon'], 2, 'an ISO time'],
])('%j: %d', async (args, code, text) => {
  const ran = await hb(args, env)
  expect([ran.code, ran.out, ran.err.join()]).toEqual([code, [], expect.stringContaining(text)])
})
