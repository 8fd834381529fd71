// The commands that replay, on a real node's directory: while the node runs on it, and after.

import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { GENESIS_FILE } from '../../src/cli/dev-genesis.ts'
import type { HttpServer } from '../../src/node/http/index.ts'
import { startHttp } from '../../src/node/http/index.ts'
import { EDITOR, editorNetwork, RecordedNode } from '../replay/recorded-node.ts'
import { hb } from './terminal-double.ts'

let live: RecordedNode
let server: HttpServer
let folder: string
let data: string[]
let a: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-cli-replay-'))
  live = await RecordedNode.start(editorNetwork(8))
  a = live.id('a')
  data = ['--data', live.directory]
  await writeFile(join(live.directory, GENESIS_FILE), JSON.stringify(live.network.genesis))
  server = await startHttp({ api: live.node.api })
  for (let n = 0; n < 10; n++) await live.send('a', { set: ['x', `\u001b[2J${n}`] })
  await live.send('b', { fail: 'as asked' })
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

test('hb replay --verify beside the running node: all partitions, outbox and served states', async () => {
  const { code, out, err } = await hb(['replay', ...data, '--verify', '--url', server.url, '--json'])
  expect([code, err.filter((line) => !line.startsWith('replaying'))]).toEqual([0, []])
  const view = json(out) as { partitions: { outbox: object; served: object }[] }
  expect(view).toMatchObject({ ok: true, node: server.url, partitions: [{}, {}] })
  for (const { outbox, served } of view.partitions) {
    expect([outbox, served]).toMatchObject([{ different: 0 }, { different: 0 }])
  }
  const shown = await hb(['replay', ...data, '--process', 'a', '--verify'])
  expect([shown.code, shown.out.at(-1)]).toEqual([0, 'Nothing differs.'])
  expect(shown.err.join()).toContain('No node was named or found')
  expect(shown.out.join('\n')).toMatch(/began at +genesis/)
  expect(shown.out.join('\n')).toContain(live.states.get(a)?.get(10)?.stateHash)
  const late = await hb(['replay', ...data, '--process', 'a', '--from', '9'])
  expect(late.out.join('\n')).toMatch(/began at +the manifest of height 7/)
})

test('hb state --at-…: as it was; raw, for programs, for people', async () => {
  const then = live.states.get(a)?.get(4)
  const raw = await hb(['state', 'a', '--at-slot', '4', '--raw', ...data])
  expect([raw.code, raw.out]).toEqual([0, [then?.text]])
  const program = await hb(['state', a, '--at-slot', '4', '--json', ...data])
  expect([program.err, json(program.out)]).toMatchObject([
    [],
    { ok: true, process: a, slot: 4, stateHash: then?.stateHash, state: { x: '\u001b[2J3' } },
  ])
  const { height, timestamp } = json(program.out) as { height: number; timestamp: number }
  const at = new Date(timestamp).toISOString()
  for (const point of [['--at-height', String(height)], ['--at-time', at]]) {
    const shown = await hb(['state', 'a', ...point, ...data])
    expect(shown.err.at(-1)).toContain(`slot 4, height ${height}, ${at}`)
    expect(shown.out.join('\n')).not.toContain('\u001b')
  }
  const beyond = await hb(['state', 'a', '--at-slot', '99', ...data])
  expect([beyond.code, beyond.err[0]]).toEqual([1, expect.stringContaining('its last slot is 10')])
})

test('hb diff: readable, and a patch', async () => {
  const args = ['diff', 'a', '--from-slot', '2', '--to-slot', '4', ...data]
  const shown = await hb(args)
  expect([shown.code, shown.out.filter((line) => !line.includes('/at'))]).toEqual([
    0,
    ['~ /count: 3 → 5', '~ /x: "\\u001b[2J1" → "\\u001b[2J3"'],
  ])
  const program = json((await hb([...args, '--json'])).out)
  expect(program).toMatchObject({ ok: true, process: a, from: { slot: 2 }, to: { slot: 4 } })
  expect(program['patch']).toContainEqual({ op: 'replace', path: '/count', value: 5, was: 3 })
})

test('hb replay --with: what new code would have done, and the exit code', async () => {
  const contract = join(folder, 'new.ts')
  const handle = EDITOR.replace('exports.handle =', 'export const handle =')
  await writeFile(contract, `// @ts-nocheck\n${handle}`)
  const args = ['replay', '--process', 'a', '--with', contract, ...data]
  const same = await hb([...args, '--json'])
  expect([same.code, json(same.out)]).toMatchObject([0, { ok: true, entries: 11, different: 0 }])
  await writeFile(contract, handle.replace('state[set[0]] = set[1]', 'state.y = set[1]'))
  const shown = await hb([...args, '--limit', '2'])
  expect(shown.code).toBe(1)
  expect(shown.out.join('\n')).not.toContain('\u001b')
  expect(shown.out[0]).toMatch(/^height \d+ {2}slot 1 {2}Edit {2}changes$/)
  expect(shown.out.join('\n')).toContain('… and 8 more')
  const other = json((await hb([...args, '--limit', '2', '--json'])).out)
  expect(other).toMatchObject({ ok: false, different: 10, differences: [{ slot: 1 }, { slot: 2 }] })
})

test('the node stopped: the same, from its directory', async () => {
  const before = await hb(['state', 'a', '--at-slot', '4', '--raw', ...data])
  await server.close()
  await live.stop()
  const { code, out } = await hb(['state', 'a', '--at-slot', '4', '--raw', ...data])
  expect([code, out]).toEqual([0, before.out])
  expect((await hb(['replay', ...data, '--verify'])).code).toBe(0)
})

test.each([
  [['replay', '--process', 'a', '--partition', '0'], 2, 'not both'],
  [['replay', '--with', 'x.ts'], 2, '--with needs --process'],
  [['replay', '--process', 'a', '--with', 'x.ts', '--verify'], 2, 'no --with'],
  [['replay', '--from', '5', '--to', '4'], 2, 'lies behind'],
  [['replay', '--partition', '9'], 1, 'partition-unknown'],
  [['replay', '--process', 'nobody'], 2, 'names of this network: a, b, c'],
  [['replay', '--process', 'a', '--with', 'x.ts'], 1, 'bundle-file-missing'],
  [['state', 'a', '--at-slot', '1', '--at-height', '1'], 2, 'name one of'],
  [['state', 'a', '--at-time', 'yesterday'], 2, 'an ISO time'],
  [['state', 'a'], 2, '--data is for'],
  [['diff', 'a', '--from-slot', '2', '--to-slot', '1'], 2, 'lies behind'],
  [['diff', 'a', '--from-slot', '2'], 2, '--to-slot'],
])('%j: %d', async (args, code, text) => {
  const ran = await hb([...args, ...data])
  expect([ran.code, ran.out, ran.err.join()]).toEqual([code, [], expect.stringContaining(text)])
})

test('where there is no log to read, it says what to name', async () => {
  const none = await hb(['replay', '--data', join(folder, 'none')])
  expect([none.code, none.err.join()]).toEqual([1, expect.stringContaining('--bootstrap-server')])
  const caches = join(folder, 'caches')
  await mkdir(join(caches, 'states'), { recursive: true })
  await writeFile(join(caches, GENESIS_FILE), JSON.stringify(live.network.genesis))
  const kept = await hb(['state', 'a', '--at-slot', '1', '--data', caches])
  expect(kept.err.join()).toContain('caches of brokers only')
})
