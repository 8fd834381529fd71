// What a node that runs says on stderr: lines for programs and lines for people, and how much.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { createClient, generateWallet } from '../../src/client/index.ts'
import { hb, running } from './terminal-double.ts'

type Line = Readonly<Record<string, unknown>> & { readonly event: string; readonly level: string }

let folder: string
const stops: (() => Promise<unknown>)[] = []
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'hb-reports-'))))
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})
afterAll(() => rm(folder, { recursive: true }))

async function start(name: string, args: readonly string[]) {
  const stop = new AbortController()
  const signal = { send: (): void => undefined }
  const all = ['start', '--data', join(folder, name), '--port', '0', '--partitions', '2', ...args]
  const node = running(all, {
    signal: stop.signal,
    onDebugSignal: (listener) => (signal.send = listener),
  })
  const end = async () => (stop.abort(), node.done)
  stops.push(end)
  await until(() => node.out.length > 0)
  return { ...node, end, toggle: () => signal.send() }
}

async function until(holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; !holds(); ) {
    if (Date.now() > deadline) throw new Error(`not in time: ${String(holds)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const parsed = (lines: readonly string[]): Line[] => lines.map((line) => JSON.parse(line) as Line)

test('json: a line per event, with what it concerns; debug on and off again by the signal', async () => {
  const node = await start('json', ['--json', '--log-format', 'json'])
  const { url } = JSON.parse(node.out[0] as string) as { url: string }
  const client = createClient({ url })
  const wallet = await generateWallet('ed25519')
  const { processes } = await client.network()
  const target = processes['hyper-coin'] as string
  await client.call(wallet, { target, action: 'Balance' })
  expect(parsed(node.err).filter(({ level }) => level === 'debug')).toEqual([])

  node.toggle()
  const { id } = await client.call(wallet, { target, action: 'Balance' })
  await client.submit(Buffer.from('no item')).catch(() => undefined)
  const about = parsed(node.err).filter((line) => line['message'] === id)
  expect(about).toMatchObject([
    { level: 'debug', event: 'message-sequenced', role: 'sequencer', process: target },
    { level: 'debug', event: 'message-evaluated', role: 'dre', process: target, status: 'ok' },
  ])
  const refused = parsed(node.err).find(({ event }) => event === 'message-refused')
  expect(refused).toMatchObject({ role: 'door', code: 'signature-type-unsupported' })

  node.toggle()
  const said = node.err.length
  await client.call(wallet, { target, action: 'Balance' })
  expect(node.err.length).toBe(said)

  await node.end()
  const all = parsed(node.err)
  for (const { time, level, text } of all) {
    expect(new Date(String(time)).toISOString()).toBe(time)
    expect(['info', 'debug']).toContain(level)
    expect(text).not.toBe('')
  }
  const open = all.filter(({ event }) => event === 'partition-open')
  const places = open.map(({ role, partition }) => `${String(role)} ${String(partition)}`)
  expect(places.sort()).toEqual(
    ['dre', 'relayer', 'sequencer'].flatMap((role) => [`${role} 0`, `${role} 1`]),
  )
  const once = ['node-ready', 'node-stopping', 'node-stopped']
  expect(once.map((each) => all.filter(({ event }) => event === each).length)).toEqual([1, 1, 1])
})

test('people are told what needs them, and more where they ask for it', async () => {
  const quiet = await start('quiet', [])
  expect(quiet.err).toEqual(['Running; Ctrl-C stops it.'])
  const told = await start('told', ['--log-level', 'info'])
  expect(told.err).toContain('sequencer, partition 1: open')
  expect(told.err).toContain('Running; Ctrl-C stops it.')
})

test('a node that does not come up says why in one line, and nothing of a secret', async () => {
  const file = join(folder, 'client.properties')
  await writeFile(file, 'security.protocol=SASL_SSL\nsasl.password=S3CRET\n')
  const args = ['start', '--log-format', 'json', '--command-config', file, '--data', folder]
  const { code, out, err } = await hb([...args, '--bootstrap-server', 'kafka:9092'])
  expect([code, out]).toEqual([2, []])
  expect(parsed(err)).toMatchObject([
    { level: 'error', event: 'node-failed', code: 'client-properties-invalid' },
  ])
  expect(err.join()).not.toContain('S3CRET')
})

test('formats and levels that there are not are usage', async () => {
  for (const wrong of [
    ['--log-format', 'xml'],
    ['--log-level', 'loud'],
  ]) {
    expect((await hb(['start', ...wrong])).code).toBe(2)
  }
})
