// hb rebuild on a real node's directory: refused while it runs, and afterwards what was damaged is
// right again, whatever place of an interval the log ends at.

import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { GENESIS_FILE } from '../../src/cli/dev-genesis.ts'
import { startNode } from '../../src/node/index.ts'
import { startHttp } from '../../src/node/http/index.ts'
import { openLmdbStore } from '../../src/store/lmdb/index.ts'
import { editorNetwork, RecordedNode } from '../replay/recorded-node.ts'
import { hb } from './terminal-double.ts'

let live: RecordedNode
afterEach(() => live.close())

async function begin(intervalLength: number): Promise<RecordedNode> {
  live = await RecordedNode.start(editorNetwork(intervalLength))
  const genesis = JSON.stringify(live.network.genesis)
  await writeFile(join(live.directory, GENESIS_FILE), genesis)
  return live
}

async function startAgain(): Promise<void> {
  const { network, directory } = live
  const options = { network, directory, evaluatorWorkers: 0, verifierThreads: 0 }
  live.node = await startNode(options)
  while (!live.node.api.health().ready) await new Promise((resolve) => setTimeout(resolve, 10))
}

const rebuild = (...args: string[]) =>
  hb(['rebuild', '--partition', '0', '--data', live.directory, '--json', ...args])

/** What a cache may hold that went wrong: another state under the right hash. */
async function damage(): Promise<void> {
  const store = await openLmdbStore({ dir: join(live.directory, 'states'), durable: false })
  const base = Buffer.alloc(6)
  base.writeUIntBE(1_000, 0, 6)
  const value = Buffer.concat([base, Buffer.from('{"count":666}')])
  await store.write([{ key: `d0000/b/${live.id('a')}`, value }])
  await store.close()
}

test('a damaged state: seen by replay --verify, and right after a rebuild', async () => {
  await begin(8)
  for (let n = 0; n < 9; n++) await live.send('a', { set: ['x', n] })
  await live.quiet()
  const a = live.id('a')
  const good = await live.node.api.state(a)
  const results = await live.node.api.results(a, 0, 100)
  const running = await rebuild()
  expect([running.code, running.out.join()]).toEqual([1, expect.stringContaining('node-running')])
  expect(running.out.join()).toContain('Stop it first')
  await live.stop()

  await damage()
  await startAgain()
  expect((await live.node.api.state(a))?.text).toBe('{"count":666}')
  const server = await startHttp({ api: live.node.api })
  const seen = await hb(['replay', '--data', live.directory, '--verify', '--url', server.url])
  expect([seen.code, seen.out.join('\n')]).toEqual([1, expect.stringContaining('state text')])
  await server.close()
  await live.stop()

  const { code, out } = await rebuild()
  expect([code, JSON.parse(out[0] ?? '')]).toMatchObject([
    0,
    { ok: true, partition: 0, states: { height: results.at(-1)?.height }, index: {} },
  ])
  await startAgain()
  expect(await live.node.api.state(a)).toEqual(good)
  expect(await live.node.api.results(a, 0, 100)).toEqual(results)
  const [first] = results.slice(1)
  const status = await live.node.api.message(first?.messageId ?? '')
  expect(status).toMatchObject({ stage: 'evaluated', receipt: { height: first?.height } })
  await live.send('a', { set: ['x', 'on'] })
}, 60_000)

test('wherever in an interval the log ends, the node goes on from it', async () => {
  await begin(3)
  for (let n = 0; n < 7; n++) {
    await live.send('a', { set: ['x', n] })
    await live.quiet()
    const before = await live.node.api.state(live.id('a'))
    await live.stop()
    const args = n % 3 === 2 ? ['--from-manifest'] : []
    const { code, out } = await rebuild(...args)
    expect([n, code, out.join()]).toEqual([n, 0, expect.stringContaining('"ok":true')])
    await startAgain()
    expect(await live.node.api.state(live.id('a'))).toEqual(before)
  }
  // what those nodes recorded at intervals' ends is what a node without caches begins at
  await live.send('b', { push: 1 })
  const all = await hb(['replay', '--data', live.directory, '--verify', '--from', '5'])
  expect(all.code).toBe(0)
  await live.quiet()
  const states = await Promise.all(['a', 'b', 'c'].map((name) => live.node.api.state(live.id(name))))
  await live.stop()
  await rm(join(live.directory, 'states'), { recursive: true })
  await startAgain()
  const again = await Promise.all(['a', 'b', 'c'].map((name) => live.node.api.state(live.id(name))))
  expect(again).toEqual(states)
}, 60_000)

test('what cannot be rebuilt says why', async () => {
  await begin(8)
  await live.stop()
  const none = await rebuild('--partition', '7')
  expect(none.out.join()).toContain('partition-unknown')
  for (const name of ['index', 'states']) {
    await rm(join(live.directory, name), { recursive: true })
  }
  expect((await rebuild()).out.join()).toContain('holds no caches')
  const elsewhere = await hb(['rebuild', '--partition', '0', '--data', join(live.directory, 'no')])
  expect(elsewhere.err.join()).toContain('log-absent')
  await startAgain()
})
