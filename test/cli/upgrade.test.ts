// hb upgrade, and its previews: at a node, and out of its recorded log.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { GENESIS_FILE } from '../../src/cli/dev-genesis.ts'
import { bundleContract, loadWallet } from '../../src/client/index.ts'
import type { HttpServer } from '../../src/node/http/index.ts'
import { startHttp } from '../../src/node/http/index.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { grindNonce, makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { RecordedNode } from '../replay/recorded-node.ts'
import { hb } from './terminal-double.ts'

const NOBODY = 'A'.repeat(43)
const COUNTER = `import { contract, ownId, upgradable } from 'hollowbeam/lib'
export const handle = contract({
  spawn: (state, action) => {
    state.self = ownId(action)
    state.count = 0
  },
  bounce: (state, { tags }) => void (state.bounced = tags.Error),
  actions: { Edit: (state) => void (state.count += 1), ...upgradable() },
})
`
/** Counts twice as fast, and elsewhere. */
const COUNTS = `export function migrate(state) {
  state.counts = { before: state.count }
  delete state.count
  return { messages: [{ kind: 'event', tags: { Action: 'Mig\\u001brated' } }] }
}
${COUNTER.replace('void (state.count += 1)', 'void (state.counts.later = 2 + (state.counts.later ?? 0))')}`
const BAD = `${COUNTER}\nexport function migrate(state) {\n  state.count = -1\n  throw new Error('no')\n}`

let live: RecordedNode
let server: HttpServer
let folder: string
let env: Record<string, string>
let process: string
/** Hash of what the process runs from the beginning. */
let first: string
let paths: Record<'counter' | 'counts' | 'bad', string>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-cli-upgrade-'))
  const wallet = join(folder, 'me.json')
  for (const name of ['me', 'other']) {
    await hb(['keys', 'generate', '--out', join(folder, `${name}.json`)])
  }
  const file = async (name: string, text: string): Promise<string> => {
    const path = join(folder, `${name}.js`)
    await writeFile(path, text)
    return path
  }
  paths = {
    counter: await file('counter', COUNTER),
    counts: await file('counts', COUNTS),
    bad: await file('bad', BAD),
  }
  const { source, hash } = await bundleContract(paths.counter)
  first = hash
  const owner = (await loadWallet(wallet)).address
  live = await RecordedNode.start(networkOf(source, owner))
  process = live.id('a')
  await writeFile(join(live.directory, GENESIS_FILE), JSON.stringify(live.network.genesis))
  server = await startHttp({ api: live.node.api })
  env = { HB_URL: server.url, HB_WALLET: wallet }
  for (let n = 0; n < 5; n++) await live.send('a', { n })
}, 60_000)
afterAll(async () => {
  await server.close()
  await live.close()
  await rm(folder, { recursive: true })
})

function networkOf(source: string, owner: string): Network {
  const process = (name: string, text: string, engine: 'quickjs' | 'smartweave' = 'quickjs') => {
    const nonce = grindNonce('upgrade', name, 0, 1)
    return { name, nonce, engine, source: text, state: { owner } }
  }
  const processes = [
    process('a', source),
    process('silent', 'exports.handle = () => ({})'),
    process('smart', 'export async function handle(state) { return { state } }', 'smartweave'),
  ]
  const options = { name: 'upgrade', salt: 'upgrade', partitions: 1, intervalLength: 4 }
  return openNetwork(makeGenesis({ ...options, sandbox: SANDBOX, processes }))
}

function json(lines: readonly string[]): Record<string, unknown> {
  expect(lines).toHaveLength(1)
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>
}

async function running(): Promise<{ module: string; slot: number; state: unknown }> {
  const { module, slot } = (await live.node.api.process(process)) ?? { module: '', slot: -1 }
  const state = JSON.parse((await live.node.api.state(process))?.text ?? '') as unknown
  return { module, slot, state }
}

describe('a preview', () => {
  const keys = { added: ['counts'], removed: ['count'], changed: [] }

  test('--dry-run: what migrate makes of the state; nothing has changed', async () => {
    const before = await running()
    const { hash } = await bundleContract(paths.counts)
    const args = ['upgrade', 'a', paths.counts, '--dry-run']
    const ran = await hb([...args, '--json'], env)
    expect([ran.code, ran.err, json(ran.out)]).toMatchObject([
      0,
      [],
      {
        ...{ ok: true, process, slot: 5, status: 'ok', from: first, to: hash, keys },
        bytes: { before: JSON.stringify(before.state).length },
        messages: [{ kind: 'event' }],
      },
    ])
    const shown = await hb(args, env)
    const text = shown.out.join('\n')
    expect(text).toMatch(/^status +ok$/m)
    expect(text).toMatch(/^state +\d+ bytes → \d+ bytes$/m)
    expect(text).toMatch(/^keys +- count {2}\+ counts$/m)
    expect(text).toContain(`${first} → ${hash}`)
    expect(text).not.toContain('\u001b')
    expect(shown.err.at(-1)).toContain('Nothing was sent')
    expect(await running()).toEqual(before)
  })

  test('--dry-run: a migrate that throws, a module by its hash, somebody who is not the owner', async () => {
    const bad = await hb(['upgrade', 'a', paths.bad, '--dry-run', '--json'], env)
    const view = json(bad.out) as { bytes: { before: number; after: number } }
    expect([bad.code, view]).toMatchObject([1, { ok: false, code: 'contract-error' }])
    expect(view.bytes.after).toBe(view.bytes.before)
    const known = await hb(['upgrade', 'a', '--module', first, '--dry-run', '--json'], env)
    expect([known.code, json(known.out)]).toMatchObject([0, { ok: true, from: first, to: first }])
    const unknown = await hb(['upgrade', 'a', '--module', NOBODY, '--dry-run', '--json'], env)
    expect([unknown.code, json(unknown.out)]).toMatchObject([1, { code: 'module-unknown' }])
    const other = ['--wallet', join(folder, 'other.json')]
    const refused = await hb(['upgrade', 'a', paths.counts, '--dry-run', ...other], env)
    expect([refused.code, refused.out.join('\n')]).toEqual([1, expect.stringContaining('owner-only')])
  })

  test('hb replay --upgrade-at: migrate behind a slot, and what would have come after it', async () => {
    const args = ['replay', '--process', 'a', '--with', paths.counts, '--data', live.directory]
    const then = json((await hb([...args, '--upgrade-at', '2', '--json'])).out)
    expect(then).toMatchObject({
      ...{ ok: false, entries: 3, different: 3, sameState: false },
      upgrade: { slot: 2, status: 'ok', from: first, keys },
      differences: [{ slot: 3, fields: ['changes'] }, { slot: 4 }, { slot: 5 }],
    })
    const shown = await hb([...args, '--upgrade-at', 'end'])
    expect(shown.code).toBe(0)
    expect(shown.out.join('\n')).toMatch(/^tried on +slot 5, /m)
    expect(shown.out.join('\n')).toMatch(/^entries +0$/m)
    const failing = ['--with', paths.bad, '--upgrade-at', '1', '--data', live.directory]
    const bad = await hb(['replay', '--process', 'a', ...failing])
    expect([bad.code, bad.out.join('\n')]).toEqual([1, expect.stringContaining('contract-error: no')])
    const named = ['--module', first, '--upgrade-at', '3', '--data', live.directory, '--json']
    const same = await hb(['replay', '--process', 'a', ...named])
    expect([same.code, json(same.out)]).toMatchObject([0, { entries: 2, sameState: true }])
  })
})

describe('an upgrade', () => {
  test('one that fails: exit code 1, and everything as it was', async () => {
    const ran = await hb(['upgrade', 'a', paths.bad], env)
    expect([ran.code, ran.out.at(-1)]).toEqual([1, expect.stringContaining(`goes on with ${first}`)])
    expect(ran.out.join('\n')).toMatch(/^status +contract-error: no$/m)
    expect(await running()).toMatchObject({ module: first, state: { count: 5 } })
    const other = ['--wallet', join(folder, 'other.json'), '--json']
    const refused = await hb(['upgrade', 'a', paths.counts, ...other], env)
    expect([refused.code, json(refused.out)]).toMatchObject([
      1,
      { ok: false, from: first, result: { text: expect.stringContaining('owner-only') } },
    ])
  })

  test('waits for what came of it; once it holds, a repeat sends nothing', async () => {
    const { hash } = await bundleContract(paths.counts)
    const ran = await hb(['upgrade', 'a', paths.counts, '--json'], env)
    const view = json(ran.out)
    expect([ran.code, view]).toMatchObject([
      0,
      { ok: true, process, from: first, to: hash, stage: 'evaluated', result: { status: 'ok' } },
    ])
    expect(view['asked']).not.toBe(view['id'])
    const after = await running()
    expect(after).toMatchObject({ module: hash, state: { counts: { before: 5 } } })
    // the preview behind the slot before it is what it did
    const behind = ['--upgrade-at', String(after.slot - 1), '--data', live.directory, '--json']
    const previewed = await hb(['replay', '--process', 'a', '--with', paths.counts, ...behind])
    const { gas } = view['result'] as { gas: number }
    const bytes = { after: JSON.stringify(after.state).length }
    expect(json(previewed.out)['upgrade']).toMatchObject({ status: 'ok', gas, bytes, messages: [{}] })
    const again = await hb(['upgrade', 'a', paths.counts], env)
    expect([again.code, again.out]).toEqual([0, [`It runs ${hash} already.`]])
    const named = await hb(['upgrade', 'a', '--module', first], env)
    expect([named.code, named.out.at(-1)]).toEqual([0, expect.stringContaining(`runs ${first} now`)])
    // the owner's message and the upgrade
    expect(await running()).toEqual({ ...after, module: first, slot: after.slot + 2 })
  })

  test.each([
    [['upgrade', 'a'], 2, "give a contract's file"],
    [['upgrade', 'a', 'x.js', '--module', NOBODY], 2, "give a contract's file"],
    [['upgrade', 'a', '--module', 'x'], 2, '--module x'],
    [['upgrade', 'a', 'no-such.js'], 1, 'bundle-file-missing'],
    [['upgrade', 'smart', '--module', NOBODY], 2, 'hb send'],
    [['upgrade', 'silent', '--module', NOBODY], 1, 'upgrade-not-sent'],
    [['upgrade', 'silent', '--module', NOBODY, '--dry-run'], 1, 'upgrade-not-sent'],
    [['upgrade', '--dry-run', NOBODY, '--module', NOBODY], 1, 'process-not-found'],
    [['upgrade', 'a', '--module', NOBODY, '--wallet', ''], 2, 'no wallet'],
    [['replay', '--process', 'a', '--upgrade-at', '1'], 2, 'upgrade to what'],
    [['replay', '--process', 'a', '--module', NOBODY, '--upgrade-at', 'x'], 2, 'a whole number'],
    [['replay', '--process', 'a', '--module', 'x'], 2, '--module x'],
    [['replay', '--process', 'a', '--module', NOBODY], 1, 'module-unknown'],
    [['replay', '--process', 'a', '--module', NOBODY, '--with', 'x.js'], 2, 'not both'],
    [['replay', '--module', NOBODY, '--upgrade-at', 'end'], 2, '--with needs --process'],
  ])('%j: %d', async (args, code, text) => {
    const data = args[0] === 'replay' ? ['--data', live.directory] : []
    const ran = await hb([...args, ...data], env)
    expect([ran.code, ran.out, ran.err.join()]).toEqual([code, [], expect.stringContaining(text)])
  })

  test('a slot that is not there, and taking over twice', async () => {
    const args = ['replay', '--process', 'a', '--with', paths.counts, '--data', live.directory]
    const beyond = await hb([...args, '--upgrade-at', '99'])
    expect([beyond.code, beyond.err[0]]).toEqual([1, expect.stringContaining('its last slot is')])
    const both = await hb([...args, '--upgrade-at', '1', '--from', '2'])
    expect([both.code, both.err[0]]).toEqual([2, expect.stringContaining('one')])
  })
})
