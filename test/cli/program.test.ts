// The program as people start it: one OS process per command, a real node, real wallets, stopped
// and started again.

import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'

const PROGRAM = fileURLToPath(new URL('../../bin/hb.js', import.meta.url))
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
let folder: string
const running: ChildProcess[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-program-'))
})

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

type Told = { readonly time: string; readonly level: string; readonly event: string }
type Ran = { code: number | null; out: string; err: string }

function start(program: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } })
  running.push(child)
  const ran: Ran = { code: null, out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (ran.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (ran.err += chunk.toString()))
  const done = new Promise<Ran>((resolve) => child.on('close', (code) => resolve({ ...ran, code })))
  const firstLine = async (): Promise<string> => {
    while (!ran.out.includes('\n')) {
      if (child.exitCode !== null) throw new Error(`ended: ${ran.err}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return ran.out.split('\n')[0] ?? ''
  }
  return { child, done, firstLine }
}

test('help is quick: nothing of node, client or sandbox is loaded for it', async () => {
  // what is loaded rather than how long it took: the same on a slow machine
  const list =
    "import{registerHooks}from'node:module';registerHooks({load(u,c,n){process.stderr.write(u+'\\n');return n(u,c)}})"
  const child = spawn(process.execPath, [
    '--import',
    `data:text/javascript,${encodeURIComponent(list)}`,
    MAIN,
    '--help',
  ])
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
  const own = err
    .split('\n')
    .filter((url) => url.includes('/src/'))
    .map((url) => url.replace(/.*\/src\//, ''))
  expect(own).toContain('cli/run.ts')
  expect(own.filter((path) => !/^(cli|std)\//.test(path))).toEqual(
    ['protocol/json.ts'].filter((path) => own.includes(path)),
  )
})

test('a node from start to stop and again: keys, spawn, send, state, log', async () => {
  const data = join(folder, 'net')
  const wallet = join(folder, 'me.json')
  const contract = join(folder, 'counter.ts')
  await writeFile(
    contract,
    `export function handle(state: { n?: number }, action: { tags: Record<string, string> }) {
    if (action.tags['Action'] === 'Fail') throw new Error('as asked')
    if (action.tags['Action'] === 'Count') state.n = (state.n ?? 0) + 1
    return {}
  }`,
  )
  const key = await start(PROGRAM, ['keys', 'generate', '--out', wallet, '--json']).done
  const { address } = JSON.parse(key.out) as { address: string }
  const first = start(PROGRAM, [
    'start',
    '--data',
    data,
    '--port',
    '0',
    '--json',
    '--mint',
    `${address}=100`,
  ])
  const { url, network } = JSON.parse(await first.firstLine()) as { url: string; network: string }
  const env = { HB_URL: url, HB_WALLET: wallet }

  const spawned = await start(PROGRAM, ['spawn', contract, '--json'], env).done
  const { process: id } = JSON.parse(spawned.out) as { process: string }
  const sent = await start(PROGRAM, ['send', id, '--action', 'Count', '--json'], env).done
  // what went wrong, if something did, before its output is read
  expect(sent).toMatchObject({ code: 0, err: '' })
  expect([sent.code, JSON.parse(sent.out)]).toMatchObject([
    0,
    { ok: true, result: { slot: 1, status: 'ok' } },
  ])
  const failed = await start(PROGRAM, ['send', id, '--action', 'Fail'], env).done
  expect([failed.code, failed.out]).toEqual([1, expect.stringContaining('as asked')])
  const coin = await start(PROGRAM, ['state', 'hyper-coin', '--json'], env).done
  expect(JSON.parse(coin.out)).toMatchObject({ state: { balances: { [address]: '100' } } })

  first.child.kill('SIGUSR2')
  await start(PROGRAM, ['send', id, '--action', 'Count', '--json'], env).done
  first.child.kill('SIGTERM')
  const ended = await first.done
  expect(ended.code).toBe(0)
  // stderr is no terminal here: a line of JSON per event, and none that complains
  const reports = ended.err.trim().split('\n').map((line) => JSON.parse(line) as Told)
  expect(reports.filter(({ level }) => !/^(info|debug)$/.test(level))).toEqual([])
  expect(reports.map(({ event }) => event)).toEqual(
    expect.arrayContaining(['node-ready', 'message-evaluated', 'node-stopping', 'node-stopped']),
  )
  const other = await start(PROGRAM, ['start', '--data', data, '--port', '0', '--partitions', '7'])
    .done
  expect([other.code, other.err]).toEqual([1, expect.stringContaining('genesis-mismatch')])

  const second = start(PROGRAM, ['start', '--data', data, '--port', '0', '--json'])
  const again = JSON.parse(await second.firstLine()) as { url: string; network: string }
  expect(again.network).toBe(network)
  const state = await start(PROGRAM, ['state', id, '--raw'], { HB_URL: again.url }).done
  expect(state.out).toBe('{"n":2}\n')
  const log = await start(PROGRAM, ['log', 'tail', '--json', '--from', '0', '--no-follow'], {
    HB_URL: again.url,
  }).done
  expect(log.code).toBe(0)
  second.child.kill('SIGINT')
  expect((await second.done).code).toBe(0)
})
