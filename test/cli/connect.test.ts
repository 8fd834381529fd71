// hb connect start and hb start --connector: connectors from files, beside a node and alone.

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sinkFile, stateOf, until, writeData } from '../connectors/arweave-sink/sink-data.ts'
import { hb, running } from './terminal-double.ts'

const ENTRIES = 40
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hb-connect-cli-'))
  await writeData(dir, ENTRIES)
})
afterAll(() => rm(dir, { recursive: true }))

test('in words: where its REST is, and how it ends', async () => {
  const stop = new AbortController()
  const file = await sinkFile(dir, join(dir, 'archive'))
  const data = join(dir, 'data')
  const args = ['connect', 'start', file, '--data', data, '--rest-port', '0']
  const command = running(args, { signal: stop.signal })
  await until(() => command.err.includes('Running; Ctrl-C stops it.'), 'ready')
  const [rest = ''] = /http:\S+/.exec(command.out.join('\n')) ?? []
  await until(async () => (await stateOf(rest)) === 'RUNNING,RUNNING', 'running')
  stop.abort()
  expect(await command.done).toMatchObject({ code: 0, exits: [] })
  expect(command.out.join('\n')).toContain(`embedded`)
})

test('beside a node, on its log', async () => {
  const stop = new AbortController()
  const archive = join(dir, 'beside')
  const file = await sinkFile(dir, archive)
  const data = join(dir, 'node')
  const args = ['start', '--data', data, '--port', '0', '--rest-port', '0', '--json', '--connector', file]
  const command = running([...args, '--roles', 'sequencer,arweave-sink', '--no-ticker'], {
    signal: stop.signal,
  })
  await until(() => command.out.length > 0, 'ready')
  const started = JSON.parse(command.out[0] ?? '') as { rest: string; roles: string[] }
  expect(started.roles).toEqual(['sequencer'])
  await until(async () => (await stateOf(started.rest)) === 'RUNNING,RUNNING', 'running')
  stop.abort()
  expect(await command.done).toMatchObject({ code: 0, exits: [] })
  expect(await readdir(join(data, 'connect'))).toEqual(['arweave-sink'])
})

test('what cannot run says why', async () => {
  const data = join(dir, 'data')
  const file = await sinkFile(dir, join(dir, 'archive'))
  const bad = join(dir, 'bad.json')
  await writeFile(bad, JSON.stringify({ name: 'a', config: { topics: 'hb.log' } }))
  for (const [code, text, args] of [
    [2, 'usage', ['start', '--roles', 'arweave-sink', '--data', join(dir, 'none')]],
    [2, 'connector-config-invalid', ['connect', 'start', bad, '--data', data, '--rest-port', '0']],
    [2, 'file-unreadable', ['connect', 'start', 'none.json', '--data', data, '--rest-port', '0']],
    [1, 'log-absent', ['connect', 'start', file, '--data', join(dir, 'none')]],
  ] as const) {
    const ran = await hb(args)
    expect([args, ran.code, ran.err.join('\n')]).toEqual([args, code, expect.stringContaining(text)])
  }
})

test('what it needs on brokers', async () => {
  const print = async (...more: string[]) => {
    const { out } = await hb(['acls', 'print', '--role', 'arweave-sink', '--principal', 'User:s', '--json', ...more])
    return (JSON.parse(out[0] ?? '') as { grants: unknown }).grants
  }
  expect(await print()).toEqual([
    { resource: 'topic', name: 'hb.log', operations: ['Read'] },
    { resource: 'topic', name: 'hb.registry', operations: ['Read'] },
    { resource: 'topic', name: 'hb.deadletters', operations: ['Write'] },
    { resource: 'group', name: 'connect-arweave-sink', operations: ['Read'] },
  ])
  expect(await print('--application-id', 'x')).toContainEqual({
    ...{ resource: 'group', name: 'connect-x-arweave-sink', operations: ['Read'] },
  })
})
