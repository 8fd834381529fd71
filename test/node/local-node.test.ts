// End to end on the embedded log, with the sandbox and worker threads: crank, stop, start again,
// lose the caches.

import { rm, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { grindNonce, makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { rebuild } from '../../src/dre/index.ts'
import type { LocalNode } from '../../src/node/index.ts'
import { openEvaluator, startNode } from '../../src/node/index.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'

/** Plays a message to and fro until its hops are used up, and keeps the rally. */
const PLAYER = `
exports.handle = (state, action) => {
  state.seen = (state.seen ?? 0) + 1
  if (action.kind === 'spawn' || action.input === null || action.input.left === 0) return
  const { left, other } = action.input
  const back = { left: left - 1, other: action.from === 'process' ? action.caller : other }
  return { messages: [{ target: back.other, data: back }] }
}
`

const genesis = makeGenesis({
  name: 'local',
  salt: 'l',
  partitions: 2,
  intervalLength: 8,
  sandbox: SANDBOX,
  processes: [0, 1].map((partition) => ({
    name: `player-${partition}`,
    nonce: grindNonce('l', `player-${partition}`, partition, 2),
    engine: 'quickjs' as const,
    source: PLAYER,
    state: { seen: 0 },
  })),
})
const network = openNetwork(genesis)
const [one, two] = [0, 1].map((n) => network.processIds.get(`player-${n}`) as string)
const key = ed25519Key()

describe('a node in a directory', () => {
  const made: string[] = []
  afterAll(async () => {
    for (const directory of made) await rm(directory, { recursive: true, force: true })
  })

  const start = (directory: string): Promise<LocalNode> =>
    startNode({ network, directory, evaluatorWorkers: 1, verifierThreads: 1 })

  function rally(left: number): Buffer {
    const json = { name: 'Content-Type', value: 'application/json' }
    const data = JSON.stringify({ left, other: two })
    return signedItem(network, key, { target: one as string, tags: [json], data })
  }

  async function seen(node: LocalNode, process: string): Promise<number> {
    const state = await node.api.state(process)
    return (JSON.parse(state?.text ?? '{"seen":0}') as { seen: number }).seen
  }

  async function until(what: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 8_000
    while (!(await what())) {
      if (Date.now() > deadline) throw new Error(`not in time: ${String(what)}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  test('goes on where it stopped, with its caches and without, and rebuilds alike', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'hb-node-'))
    made.push(directory)
    let node = await start(directory)
    const first = rally(11)
    await node.api.submit([first])
    // a rally of 12 messages, six to each; each spawn was one more
    await until(async () => (await seen(node, one as string)) === 7)
    await until(async () => (await seen(node, two as string)) === 7)
    const { id } = signedMessage(network, first)
    const status = await node.api.message(id)
    await node.close()

    node = await start(directory)
    await until(async () => node.api.health().ready)
    expect(await node.api.message(id)).toEqual(status)
    await node.api.submit([first, rally(4)])
    await until(async () => (await seen(node, one as string)) === 10)
    await until(async () => (await seen(node, two as string)) === 9)
    await node.close()

    for (const cache of ['index', 'states']) {
      await rm(join(directory, cache), { recursive: true, force: true })
    }
    node = await start(directory)
    await until(async () => node.api.health().ready)
    expect((await node.api.message(id))?.receipt).toEqual(status?.receipt)
    await node.api.submit([rally(1)])
    await until(async () => (await seen(node, two as string)) === 10)
    expect(await seen(node, one as string)).toBe(11)

    // the entries of before the manifest are shown though no result of theirs is at hand
    const stop = new AbortController()
    const heights: number[] = []
    for await (const { height } of node.api.tail(0, 0, stop.signal)) {
      if (heights.push(height) === 11) break
    }
    expect(heights).toEqual(Array.from({ length: 11 }, (_, height) => height))

    for (const [partition, process] of [one, two].entries()) {
      const evaluator = await openEvaluator(network, 0)
      const store = createMemoryStore()
      const { log } = node
      const { processes } = await rebuild({ network, log, partition, evaluator, store })
      const live = await node.api.process(process as string)
      const found = processes.find((each) => each.process === process)
      expect(toBase64Url(found?.stateHash ?? Buffer.alloc(0))).toBe(live?.stateHash)
      await evaluator.close()
    }
    await node.close()
  }, 30_000)

  test('one directory has one node', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'hb-node-'))
    made.push(directory)
    const node = await start(directory)
    await expect(start(directory)).rejects.toMatchObject({ code: 'log-locked' })
    await node.close()
    const again = await start(directory)
    await again.close()
  })
})
