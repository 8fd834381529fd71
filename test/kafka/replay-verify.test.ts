// `hb replay --verify` on the topics of a real broker, where something was planted: a node that
// serves another state, and a run in the outbox that says something else than evaluation. It names
// the height, and exits with 1.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { readEntries, Rebuilder } from '../../src/dre/index.ts'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import type { Log } from '../../src/log/port.ts'
import { openEvaluator } from '../../src/node/index.ts'
import type { Result } from '../../src/protocol/result.ts'
import { partitionOf, topicNames } from '../../src/protocol/topics.ts'
import type { Replayed } from '../../src/replay/index.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { hb, running } from '../cli/terminal-double.ts'
import { until } from '../node/fleet.ts'
import { editorNetwork } from '../replay/recorded-node.ts'
import { describeKafka, sharedKafka } from '../support/kafka.ts'

const network = editorNetwork()
const idOf = (name: string): string => network.processIds.get(name) as string
const a = idOf('a')
const PARTITION = partitionOf(a, network.genesis.partitions)

describeKafka('hb replay --verify on a broker', () => {
  let folder: string
  let application: string
  let brokers: string[]
  let wallet: string
  let log: Log
  let proxy: Server | undefined
  const stops: AbortController[] = []
  const ends: Promise<unknown>[] = []

  beforeAll(async () => {
    const { bootstrapServers } = await sharedKafka()
    folder = await mkdtemp(join(tmpdir(), 'hb-kafka-verify-'))
    application = `verify-${randomUUID()}`
    brokers = ['--bootstrap-server', bootstrapServers, '--application-id', application]
    wallet = join(folder, 'me.json')
    await hb(['keys', 'generate', '--out', wallet])
    await writeFile(join(folder, 'genesis.json'), JSON.stringify(network.genesis))
    log = await openKafkaLog({ bootstrapServers, onWarning: () => undefined })
  }, 120_000)
  afterEach(async () => {
    await new Promise<void>((resolve) => (proxy ? proxy.close(() => resolve()) : resolve()))
    proxy = undefined
    for (const stop of stops.splice(0)) stop.abort()
    await Promise.all(ends.splice(0))
  })
  afterAll(async () => {
    await log?.close()
    await rm(folder, { recursive: true })
  })

  async function start(roles: string): Promise<string> {
    const stop = new AbortController()
    stops.push(stop)
    const data = ['--data', join(folder, 'node'), '--genesis', join(folder, 'genesis.json')]
    const args = ['start', ...brokers, ...data, '--roles', roles, '--port', '0', '--json']
    const node = running(args, { signal: stop.signal })
    ends.push(node.done)
    await Promise.race([until(() => node.out.length > 0), node.done])
    return (JSON.parse(node.out[0] ?? '') as { url: string }).url
  }

  /** The height of what was sent. */
  async function edit(url: string, name: string, input: object, wait: string): Promise<number> {
    const message = ['--action', 'Edit', '--input', JSON.stringify(input), '--wait', wait]
    const sent = await hb(['send', name, ...message, '--url', url, '--json'], { HB_WALLET: wallet })
    expect([sent.code, sent.err]).toEqual([0, []])
    return (JSON.parse(sent.out[0] ?? '') as { receipt: { height: number } }).receipt.height
  }

  async function verify(...args: string[]): Promise<{ code: number; replayed: Replayed }> {
    const ran = await hb(['replay', ...brokers, '--verify', '--json', ...args])
    const { ok, partitions } = JSON.parse(ran.out[0] ?? '') as {
      ok: boolean
      partitions: Replayed[]
    }
    expect([ok, partitions.length]).toEqual([ran.code === 0, 1])
    return { code: ran.code, replayed: partitions[0] as Replayed }
  }

  /** What people are shown, without its blanks. */
  async function shown(...args: string[]): Promise<string> {
    const ran = await hb(['replay', ...brokers, '--verify', ...args])
    expect(ran.code).toBe(1)
    expect(ran.out.at(-1)).toBe('The log says otherwise than what was published or is served.')
    return ran.out.join('\n').replace(/ +/g, ' ')
  }

  /** Everything as the node answers, but what it says of process a from a slot on. */
  async function lying(url: string, since: number): Promise<string> {
    const ask = async (path: string, write: (status: number, headers: Headers, body: string) => void) => {
      const answer = await fetch(`${url}${path}`)
      const body = await answer.text()
      const headers = new Headers(answer.headers)
      headers.delete('content-length')
      if (path === `/processes/${a}/state`) headers.set('hb-state-hash', other(headers.get('hb-state-hash') ?? ''))
      if (!path.startsWith(`/processes/${a}/results`)) return write(answer.status, headers, body)
      const page = JSON.parse(body) as { results: { slot: number; stateHash: string }[] }
      for (const each of page.results) if (each.slot >= since) each.stateHash = other(each.stateHash)
      write(answer.status, headers, JSON.stringify(page))
    }
    proxy = createServer((request, response) => {
      void ask(request.url ?? '', (status, headers, body) => {
        response.writeHead(status, Object.fromEntries(headers)).end(body)
      })
    })
    await new Promise<void>((resolve) => proxy?.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  }

  const other = (hash: string): string => `${hash.startsWith('A') ? 'B' : 'A'}${hash.slice(1)}`

  /** What evaluation says of a height, and the records to write it with. */
  async function resultAt(height: number): Promise<{ result: Result; rebuilder: Rebuilder }> {
    const topics = topicNames(application)
    const evaluator = await openEvaluator(network, 0)
    const store = createMemoryStore()
    const place = { network, log, topics, partition: PARTITION }
    const rebuilder = new Rebuilder({ ...place, evaluator, store })
    const { view, next } = await rebuilder.begin()
    const { records } = rebuilder
    const end = (await log.ends(topics.log))[PARTITION]?.end ?? 0
    const source = { network, log, topic: topics.log, partition: PARTITION, records, view, end }
    let found: Result | undefined
    for await (const read of readEntries({ ...source, from: next })) {
      for (const { result } of await rebuilder.take(read.entries)) {
        if (result.height === height) found = result
      }
    }
    await rebuilder.close()
    await evaluator.close()
    if (found === undefined) throw new Error(`no result of height ${height}`)
    return { result: found, rebuilder }
  }

  test('a node that serves another state: from which height on; the honest one does not', async () => {
    const url = await start('sequencer,dre,relayer')
    const heights: number[] = []
    for (let n = 0; n < 5; n++) heights.push(await edit(url, 'a', { set: ['x', n] }, 'result'))
    const at = ['--partition', String(PARTITION)]
    for (const which of [at, ['--process', a], ['--process', 'b']]) {
      expect(await verify(...which)).toMatchObject({
        code: 0,
        replayed: { outbox: { different: 0, unpublished: 0 }, served: { different: 0, unserved: 0 } },
      })
    }
    // its slot 3: the third message, after the spawn
    const liar = ['--url', await lying(url, 3)]
    for (const which of [at, ['--process', 'a']]) {
      const { code, replayed } = await verify(...which, ...liar)
      expect([code, replayed.outbox?.different, replayed.served?.different]).toEqual([1, 0, 1])
      expect(replayed.served?.first).toMatchObject({ process: a, slot: 3, height: heights[2] })
      const text = await shown(...which, ...liar)
      expect(text).toContain(`first height ${heights[2]}, slot 3 of ${a}: state hash`)
    }
    expect((await verify('--process', 'b', ...liar)).code).toBe(0)
  }, 180_000)

  test('a run that says something else than evaluation: its height, in what, and both sides', async () => {
    // nobody evaluates what comes now
    const url = await start('sequencer,relayer')
    const height = await edit(url, 'a', { set: ['x', 'late'] }, 'sequenced')
    const { result, rebuilder } = await resultAt(height)
    const stateHash = Buffer.from(result.stateHash)
    stateHash[0] = (stateHash[0] as number) ^ 1
    const planted = { ...result, stateHash, gas: result.gas + 1 }
    const run = { partition: PARTITION, from: height, results: [planted], attestation: null }
    const record = { key: String(PARTITION), value: rebuilder.records.encodeRun(run) }
    await log.append(topicNames(application).outbox, PARTITION, [record])
    const at = ['--partition', String(PARTITION)]
    const { code, replayed } = await verify(...at)
    const first = { height, process: a, slot: result.slot, fields: ['gas', 'state'] }
    expect([code, replayed.outbox]).toMatchObject([1, { different: 1, unpublished: 0, first }])
    expect(replayed.outbox?.first?.other.gas).toBe(result.gas + 1)
    // a node was found, and serves nothing: it has no part in it
    expect(replayed.served).toMatchObject({ compared: 0, different: 0 })
    const text = await shown('--process', 'a')
    expect(text).toContain(`first height ${height}, slot ${result.slot} of ${a}: gas, state`)
    // what lies before it agrees
    expect((await verify(...at, '--to', String(height - 1))).code).toBe(0)
    // and who evaluates it stands still there, rather than to publish beside it
    await start('dre')
    const status = await hb(['status', ...brokers, '--json'])
    expect(status.code).toBe(1)
    expect(status.out[0]).toContain('"code":"result-mismatch"')
  }, 180_000)
})
