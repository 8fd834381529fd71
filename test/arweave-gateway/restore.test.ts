// The test of the whole: a network under load on Kafka, archived to Arweave while it runs; every
// broker, topic and disk of it gone; brought back over HTTP by `hb restore`, into an empty Kafka and
// into an embedded log. Every state is what it was, the network goes on, and so does its archive.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { ArweaveSink } from '../../connectors/arweave-sink/sink.ts'
import { openArweaveArchive } from '../../src/archive/index.ts'
import { generateWallet } from '../../src/client/index.ts'
import type { Wallet } from '../../src/client/index.ts'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import type { Log } from '../../src/log/port.ts'
import type { LocalNode } from '../../src/node/index.ts'
import { startNode, startNodeOn } from '../../src/node/index.ts'
import { topicNames } from '../../src/protocol/topics.ts'
import { systemClock } from '../../src/std/clock.ts'
import { openLmdbStore } from '../../src/store/lmdb/index.ts'
import type { Store } from '../../src/store/port.ts'
import { hb } from '../cli/terminal-double.ts'
import { until } from '../node/fleet.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { editorNetwork } from '../replay/recorded-node.ts'
import { describeKafkaCluster, startKafkaCluster } from '../support/kafka.ts'
import { Arlocal } from './arlocal.ts'

const network = editorNetwork()
const NAMES = ['a', 'b', 'c']
const APPLICATION = 'whole'
const TOPIC = topicNames(APPLICATION).log
const MESSAGES = 150

describeKafkaCluster('a network that Arweave remembers', () => {
  const key = ed25519Key()
  let arlocal: Arlocal
  let stopMining: () => Promise<void>
  let wallet: Wallet
  let folder: string
  /** By name, as it was served before all was lost. */
  const served = new Map<string, unknown>()
  /** By partition: the last height then, and of the archive that and its hash. */
  let heights: number[]
  let whole: [height: number, hash: string][]
  let sent = 0

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hb-whole-'))
    arlocal = await Arlocal.start()
    wallet = await generateWallet('rsa')
    await arlocal.mint(wallet.address)
    stopMining = arlocal.mining(250)
    await liveAndLoseAll()
  }, 180_000)
  afterAll(async () => {
    await stopMining?.()
    await arlocal?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const idOf = (name: string): string => network.processIds.get(name) as string

  async function openLog(bootstrapServers: string): Promise<Log> {
    return openKafkaLog({ bootstrapServers, onWarning: () => undefined })
  }

  async function nodeOn(bootstrapServers: string, directory: string): Promise<LocalNode> {
    const node = await startNodeOn(await openLog(bootstrapServers), {
      ...{ network, applicationId: APPLICATION, directory },
      openRoleLog: () => openLog(bootstrapServers),
      evaluatorWorkers: 0,
      verifierThreads: 0,
    })
    await until(() => node.api.health().ready)
    return node
  }

  /** Messages that make processes write to themselves and to each other. */
  async function load(node: LocalNode, count: number): Promise<void> {
    const tags = [{ name: 'Content-Type', value: 'application/json' }]
    for (let from = sent; sent < from + count; ) {
      const items = Array.from({ length: 10 }, () => {
        sent += 1
        const told = { set: [`k${sent % 7}`, sent] }
        const data = JSON.stringify({ push: sent, tell: [idOf(NAMES[sent % 2] as string), told] })
        return signedItem(network, key, { target: idOf(NAMES[sent % 3] as string), tags, data })
      })
      for (const answer of await node.api.submit(items)) expect('error' in answer).toBe(false)
    }
  }

  function heightsOf(node: LocalNode): number[] {
    return node.api.health().partitions.map(({ height }) => height)
  }

  async function statesOf(node: LocalNode): Promise<Map<string, unknown>> {
    const states = new Map<string, unknown>()
    for (const name of NAMES) states.set(name, await node.api.state(idOf(name)))
    return states
  }

  /** All that was sent is evaluated, and all that it caused. */
  async function quiet(node: LocalNode): Promise<void> {
    let before = ''
    let same = 0
    await until(async () => {
      await systemClock.sleep(30)
      const { partitions } = node.api.health()
      const now = JSON.stringify(partitions.map(({ height, evaluated }) => [height, evaluated]))
      same = now === before && partitions.every((p) => p.height === p.evaluated) ? same + 1 : 0
      before = now
      return same > 20
    })
  }

  function newSink(log: Log, store: Store, failures: unknown[]): ArweaveSink {
    const limits = { pollDelayMs: 50, retryDelayMs: 20, retryDelayMsMax: 200 }
    return new ArweaveSink({
      network,
      log,
      archive: openArweaveArchive({ gateway: arlocal.url, signer: wallet, limits }),
      store,
      clock: systemClock,
      durability: 1,
      applicationId: APPLICATION,
      limits: { heightsMax: 50, flushDelayMsMax: 200, pollDelayMs: 50 },
      onFailed: (_, error) => failures.push(error),
    })
  }

  async function archived(log: Log, sink: ArweaveSink, failures: readonly unknown[]): Promise<void> {
    await until(async () => {
      if (failures.length > 0) throw failures[0]
      await systemClock.sleep(50)
      const committed = await log.committed(sink.group, TOPIC)
      return (await log.ends(TOPIC)).every(({ end }, at) => committed[at] === end)
    })
  }

  async function liveAndLoseAll(): Promise<void> {
    const kafka = await startKafkaCluster({ brokers: 1 })
    const directory = join(folder, 'first')
    const node = await nodeOn(kafka.bootstrapServers, directory)
    const log = await openLog(kafka.bootstrapServers)
    const store = await openLmdbStore({ dir: join(directory, 'sink'), durable: true })
    const failures: unknown[] = []
    const sink = newSink(log, store, failures)
    const loading = load(node, MESSAGES)
    await sink.start()
    await loading
    await quiet(node)
    await archived(log, sink, failures)
    for (const [name, state] of await statesOf(node)) served.set(name, state)
    heights = heightsOf(node)
    await sink.stop()
    await node.close()
    await log.close()
    await store.close()
    await kafka.close()
    await rm(directory, { recursive: true })
  }

  const from = (): string[] => ['--from', `arweave:${arlocal.url}`, '--owner', wallet.address]

  const endsIn = (out: readonly string[]): typeof whole => {
    const { partitions } = JSON.parse(out[0] ?? '') as { partitions: { height: number; hash: string }[] }
    return partitions.map(({ height, hash }) => [height, hash])
  }

  async function verified(): Promise<typeof whole> {
    const ran = await hb(['archive', 'verify', ...from(), '--signatures', '--json'])
    expect([ran.code, ran.out.length]).toEqual([0, 1])
    return endsIn(ran.out)
  }

  async function restoreTo(...to: string[]): Promise<typeof whole> {
    const args = [...from(), '--network', network.id, ...to, '--signatures', '--json']
    const ran = await hb(['restore', ...args])
    expect([ran.code, ran.out.length]).toEqual([0, 1])
    return endsIn(ran.out)
  }

  test('has all of its entries on Arweave, and a price', async () => {
    expect([...served.values()].every((state) => state !== undefined)).toBe(true)
    expect(Math.min(...heights)).toBeGreaterThan(50)
    whole = await verified()
    expect(whole.map(([height]) => height)).toEqual(heights)
    const cost = await hb(['archive', 'cost', '--from', `arweave:${arlocal.url}`, '--mib', '100'])
    expect([cost.code, cost.out]).toEqual([0, [expect.stringMatching(/^100 MiB .*6\.878\d* AR$/)]])
  })

  test('comes back in an embedded log, also in two steps, and goes on', async () => {
    const directory = join(folder, 'embedded')
    const to = ['--to', `embedded:${directory}`]
    const first = await restoreTo('--to-height', '40', ...to)
    expect(first.map(([height]) => height)).toEqual(heights.map(() => 40))
    expect(await restoreTo(...to)).toEqual(whole)
    const node = await startNode({ network, directory, evaluatorWorkers: 0, verifierThreads: 0 })
    await quiet(node)
    expect(await statesOf(node)).toEqual(served)
    await load(node, 10)
    await quiet(node)
    expect(await statesOf(node)).not.toEqual(served)
    await node.close()

    // nothing of this log was committed by a sink
    const asked = ['--data', directory, '--address', wallet.address, '--json']
    const cost = await hb(['archive', 'cost', '--from', `arweave:${arlocal.url}`, ...asked])
    const { backlog, wallet: ours } = JSON.parse(cost.out[0] ?? '') as {
      backlog: { bytes: number; winston: string }
      wallet: { winston: string }
    }
    expect(backlog.bytes).toBeGreaterThan(50_000)
    expect(backlog.winston).toBe(String(Math.round((backlog.bytes / 1_000) * 65_595_508)))
    expect(Number(ours.winston)).toBeLessThan(1e15)
  })

  test('comes back in an empty Kafka, goes on, and is archived from there', async () => {
    const kafka = await startKafkaCluster({ brokers: 1 })
    const to = ['--to', kafka.bootstrapServers, '--application-id', APPLICATION]
    expect(await restoreTo(...to)).toEqual(whole)
    const node = await nodeOn(kafka.bootstrapServers, join(folder, 'second'))
    await quiet(node)
    expect(await statesOf(node)).toEqual(served)
    await load(node, 10)
    await quiet(node)
    const grown = heightsOf(node)
    expect(grown).not.toEqual(heights)

    const log = await openLog(kafka.bootstrapServers)
    const store = await openLmdbStore({ dir: join(folder, 'sink'), durable: true })
    const failures: unknown[] = []
    const sink = newSink(log, store, failures)
    await sink.start()
    await archived(log, sink, failures)
    await sink.stop()
    await store.close()
    expect((await verified()).map(([height]) => height)).toEqual(grown)
    await node.close()
    await log.close()
    await kafka.close()
  }, 180_000)
})
