// Operators move the positions of our groups. Backwards, on any group, to anywhere: nothing is
// doubled and nothing lost. Forwards: the sequencer refuses what it would skip, and says how to go
// back; a DRE takes no notice; a relayer sends again what its targets lack.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import type { Log } from '../../src/log/port.ts'
import type { LocalNode } from '../../src/node/index.ts'
import { openEvaluator, startNodeOn } from '../../src/node/index.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { partitionOf, topicNames } from '../../src/protocol/topics.ts'
import { replayPartition } from '../../src/replay/index.ts'
import { readEntries, Rebuilder } from '../../src/dre/index.ts'
import { seededRandom } from '../../src/std/random.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { withAdmin } from '../log/kafka/admin.ts'
import { until } from '../node/fleet.ts'
import { ed25519Key, signedItem } from '../protocol/fixtures.ts'
import { editorNetwork } from '../replay/recorded-node.ts'
import { describeKafka, sharedKafka } from '../support/kafka.ts'

const network = editorNetwork(16)
const NAMES = ['a', 'b', 'c']
const { partitions } = network.genesis

describeKafka('positions of groups that operators move', () => {
  let bootstrapServers: string
  let folder: string
  let applicationId: string
  const nodes: LocalNode[] = []
  const key = ed25519Key()
  const acknowledged = new Set<string>()
  let count = 0

  beforeAll(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
    folder = await mkdtemp(join(tmpdir(), 'hb-resets-'))
  }, 120_000)
  afterEach(() => stopAll())
  afterAll(() => rm(folder, { recursive: true }))

  const open = (): Promise<Log> => openKafkaLog({ bootstrapServers, onWarning: () => undefined })
  const idOf = (name: string): string => network.processIds.get(name) as string

  function fresh(): void {
    applicationId = `resets-${randomUUID()}`
    acknowledged.clear()
  }

  async function start(directory: string): Promise<LocalNode> {
    const node = await startNodeOn(await open(), {
      network,
      applicationId,
      directory: join(folder, applicationId, directory),
      evaluatorWorkers: 0,
      verifierThreads: 0,
    })
    nodes.push(node)
    return node
  }

  async function stopAll(): Promise<void> {
    await Promise.all(nodes.splice(0).map((node) => node.close()))
  }

  /** A message that makes its process send another one. */
  function item(): Buffer {
    count += 1
    const target = idOf(NAMES[count % 3] as string)
    const told = idOf(NAMES[(count >> 1) % 3] as string)
    const tags = [{ name: 'Content-Type', value: 'application/json' }]
    const data = JSON.stringify({ tell: [told, { set: [`k${count % 7}`, count] }] })
    return signedItem(network, key, { target, tags, data })
  }

  async function submit(node: LocalNode, messages: number): Promise<void> {
    for (let n = 0; n < messages; n++) {
      const [one] = await node.api.submit([item()])
      if (one !== undefined && !('error' in one)) acknowledged.add(one.id)
    }
  }

  /** Every acknowledged message and every sent one has one place; all results are published. */
  async function settled(log: Log): Promise<string | undefined> {
    const topics = topicNames(applicationId)
    const ids: string[] = []
    let fromProcesses = 0
    let sent = 0
    for (let partition = 0; partition < partitions; partition++) {
      const parts = { evaluator: await openEvaluator(network, 0), store: createMemoryStore() }
      const replayed = await replayPartition({
        ...{ network, log, applicationId, partition, ...parts },
        verify: true,
      })
      const { outbox, entries } = replayed
      expect(outbox).toMatchObject({ different: 0 })
      if (outbox?.compared !== entries) return `partition ${partition}: ${JSON.stringify(outbox)}`
      const reading = new Rebuilder({ network, log, topics, partition, ...parts })
      const { view, next } = await reading.begin()
      const end = (await log.ends(topics.log))[partition]?.end ?? 0
      const { records } = reading
      const source = { network, log, topic: topics.log, partition, records, view, from: next, end }
      for await (const read of readEntries(source)) {
        for (const { message } of read.entries) {
          ids.push(message.id)
          if (message.from === 'process') fromProcesses += 1
        }
        for (const { result } of await reading.take(read.entries)) {
          sent += result.messages.filter(({ kind }) => kind !== 'event').length
        }
      }
      await reading.close()
      await parts.evaluator.close()
    }
    expect(new Set(ids).size).toBe(ids.length)
    const known = new Set(ids)
    const lost = [...acknowledged].filter((id) => !known.has(id)).length
    if (lost > 0) return `${lost} acknowledged messages have no place`
    return sent === fromProcesses ? undefined : `${sent} sent, ${fromProcesses} arrived`
  }

  async function allSettled(): Promise<void> {
    const log = await open()
    const deadline = Date.now() + 60_000
    try {
      for (let why = await settled(log); why !== undefined; why = await settled(log)) {
        if (Date.now() > deadline) throw new Error(why)
        await new Promise((resolve) => setTimeout(resolve, 300))
      }
    } finally {
      await log.close()
    }
  }

  type Ends = { readonly low: number; readonly high: number; readonly at: number }
  type Move = (ends: Ends, partition: number) => number

  async function move(role: 'sequencer' | 'dre' | 'relayer', to: Move): Promise<number> {
    const topics = topicNames(applicationId)
    const topic = { sequencer: topics.ingress, dre: topics.log, relayer: topics.outbox }[role]
    const groupId = `${applicationId}.${role}`
    return withAdmin(bootstrapServers, async (admin) => {
      const offsets = await admin.fetchTopicOffsets(topic)
      const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
      let moved = 0
      const positions = offsets.map(({ partition, low, high }) => {
        const found = committed?.partitions.find((each) => each.partition === partition)
        const at = Math.max(Number(low), Number(found?.offset ?? -1))
        const offset = to({ low: Number(low), high: Number(high), at }, partition)
        moved += Math.abs(at - offset)
        return { partition, offset: String(offset) }
      })
      await admin.setOffsets({ groupId, topic, partitions: positions })
      return moved
    })
  }

  test('backwards, every group, under load: nothing doubled, nothing lost', async () => {
    fresh()
    const seed = Math.floor(Math.random() * 2 ** 31)
    const random = seededRandom(seed)
    const earliest: Move = ({ low }) => low
    const earlier: Move = ({ low, at }) => low + random.below(at - low + 1)
    const rounds: [Move, string][] = [
      [earliest, 'one'],
      [earlier, 'one'],
      [earliest, 'fresh'],
      [earlier, 'fresh-2'],
    ]
    let moved = 0
    for (const [to, directory] of rounds) {
      const pair = await Promise.all([start('two'), start(directory)])
      await until(() => pair.every((node) => node.api.health().ready))
      // stopped in the middle of it: what was acknowledged may be anywhere on its way
      const load = pair.map((node) => submit(node, 25).catch(() => undefined))
      await Promise.all(load)
      await stopAll()
      for (const role of ['sequencer', 'dre', 'relayer'] as const) moved += await move(role, to)
    }
    const last = await start('two')
    await submit(last, 10)
    await allSettled().catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${String(error)}`)
    })
    expect(acknowledged.size).toBe(210)
    expect(moved).toBeGreaterThan(100)
    expect(last.api.health().partitions.filter(({ halted }) => halted !== undefined)).toEqual([])
  }, 240_000)

  test('forwards: refused by the sequencer with the way back, harmless for the others', async () => {
    fresh()
    const node = await start('one')
    await until(() => node.api.health().ready)
    await submit(node, 6)
    await allSettled()
    await stopAll()
    // acknowledged by the brokers while no sequencer runs, as with any Kafka client
    const log = await open()
    const { ingress } = topicNames(applicationId)
    for (let n = 0; n < 12; n++) {
      const bytes = item()
      const { id, process } = signedMessage(network, bytes)
      const value = new Records().encodeIngress({ type: 'signed', item: bytes })
      await log.append(ingress, partitionOf(process, partitions), [{ key: process, value }])
      acknowledged.add(id)
    }
    await log.close()
    const latest: Move = ({ high }) => high
    for (const role of ['sequencer', 'dre', 'relayer'] as const) await move(role, latest)

    const halted = await start('one')
    const halts = () => halted.api.health().partitions.map((each) => each.halted)
    await until(() => halts().every((each) => each !== undefined))
    const backs = halts().map((each) => {
      expect(each?.code).toBe('position-skips')
      return Number(/--to-offset (\d+) --execute/.exec(each?.text ?? '')?.[1])
    })
    await stopAll()
    // what the text says
    await move('sequencer', (_ends, partition) => backs[partition] as number)
    const again = await start('one')
    await submit(again, 3)
    await allSettled()
    expect(again.api.health().partitions.filter((each) => each.halted !== undefined)).toEqual([])
  }, 240_000)
})
