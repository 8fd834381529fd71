// The sink on brokers, and topics restored from what it wrote: the same records at the same heights,
// also where two sinks share the work and one of them leaves.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { ArweaveSink } from '../../connectors/arweave-sink/sink.ts'
import { openFileArchive } from '../../src/archive/index.ts'
import { generateWallet, saveWallet } from '../../src/client/index.ts'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import type { Log } from '../../src/log/port.ts'
import { topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { systemClock } from '../../src/std/clock.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { plantLog, signer } from '../archive/planted-log.ts'
import { hb, running } from '../cli/terminal-double.ts'
import { testNetwork } from '../protocol/fixtures.ts'
import { describeKafka, sharedKafka } from '../support/kafka.ts'

const COUNT = 130
const PARTITIONS = 2

describeKafka('the archive on Kafka', () => {
  const network = testNetwork({ partitions: PARTITIONS })
  const application = `archive-${randomUUID()}`
  const { log: topic } = topicNames(application)
  const planted = [0, 1].map((partition) => plantLog(network, partition, COUNT))

  async function archived(log: Log, group: string): Promise<void> {
    for (let tried = 0; tried < 600; tried++) {
      const ends = await log.ends(topic)
      const committed = await log.committed(group, topic)
      if (ends.every(({ end }, at) => committed[at] === end)) return
      await systemClock.sleep(50)
    }
    throw new Error('not archived')
  }

  test('is written by two sinks, and restored into topics of another application id', async () => {
    const { bootstrapServers } = await sharedKafka()
    const dir = await mkdtemp(join(tmpdir(), 'hb-archive-'))
    const signing = signer()
    const log = await openKafkaLog({ bootstrapServers, onWarning: () => undefined })
    await log.provision(topicSpecs(topicNames(application), PARTITIONS))
    for (const [partition, { records }] of planted.entries()) {
      await log.append(topic, partition, records)
    }
    const failures: unknown[] = []
    const newSink = (): ArweaveSink =>
      new ArweaveSink({
        network,
        log,
        archive: openFileArchive({ dir, signer: signing }),
        store: createMemoryStore(),
        clock: systemClock,
        name: application,
        applicationId: application,
        limits: { heightsMax: 50, flushDelayMsMax: 100, pollDelayMs: 20 },
        onFailed: (_, error) => failures.push(error),
      })
    const [first, second] = [newSink(), newSink()]
    await Promise.all([first.start(), second.start()])
    await archived(log, first.group)
    await first.stop()
    await log.append(topic, 0, planted[0]!.records.slice(-3))
    await archived(log, second.group)
    await second.stop()
    expect(failures).toEqual([])
    await log.close()

    const from = ['--from', `file:${dir}`, '--network', network.id]
    const to = ['--to', bootstrapServers, '--application-id', `${application}-again`]
    const ran = await hb(['restore', ...from, ...to, '--json'])
    expect(ran.code).toBe(0)
    const restored = await openKafkaLog({ bootstrapServers, onWarning: () => undefined })
    for (const [partition, { entries }] of planted.entries()) {
      const name = topicNames(`${application}-again`).log
      const values: (string | undefined)[] = []
      for (let at = 0; values.length < COUNT; ) {
        const read = await restored.read(name, partition, at, { waitMs: 1_000 })
        values.push(...read.records.map(({ value }) => value === null ? undefined : Buffer.from(value).toString('hex')))
        if (read.records.length === 0) break
        at = read.next
      }
      expect(values).toEqual(entries.map(({ value }) => value.toString('hex')))
    }
    await restored.close()
    await rm(dir, { recursive: true })
  }, 120_000)

  test('is written by a connector with two tasks, through the whole program', async () => {
    const { bootstrapServers } = await sharedKafka()
    const dir = await mkdtemp(join(tmpdir(), 'hb-connect-'))
    const id = `connect-${randomUUID()}`
    const brokers = ['--bootstrap-server', bootstrapServers, '--application-id', id]
    const genesis = join(dir, 'genesis.json')
    await writeFile(genesis, JSON.stringify(network.genesis))
    expect(await hb(['topics', 'create', '--genesis', genesis, ...brokers])).toMatchObject({ code: 0 })
    const log = await openKafkaLog({ bootstrapServers, onWarning: () => undefined })
    const { log: name } = topicNames(id)
    for (const [partition, { records }] of planted.entries()) {
      await log.append(name, partition, records)
    }
    await saveWallet(await generateWallet('ed25519'), join(dir, 'wallet.json'))
    const file = join(dir, 'sink.properties')
    const config = {
      name: `${id}-arweave-sink`,
      'connector.class': 'ArweaveSink',
      'tasks.max': '2',
      topics: name,
      archive: `file:${join(dir, 'archive')}`,
      'archive.wallet': join(dir, 'wallet.json'),
      'segment.heights.max': '50',
      'flush.delay.max.ms': '100',
      'errors.deadletterqueue.topic.name': `${id}.deadletters`,
    }
    await writeFile(file, Object.entries(config).map(([key, value]) => `${key}=${value}\n`).join(''))
    const stop = new AbortController()
    const args = ['connect', 'start', file, ...brokers, '--data', dir, '--rest-port', '0', '--json']
    const command = running(args, { signal: stop.signal })
    const group = `connect-${config.name}`
    const waiting = async (): Promise<void> => {
      for (let tried = 0; tried < 600; tried++) {
        const ends = await log.ends(name)
        const committed = await log.committed(group, name)
        if (ends.every(({ end }, at) => committed[at] === end)) return
        await systemClock.sleep(50)
      }
      throw new Error(`not archived: ${command.err.join('\n')}`)
    }
    await waiting()
    // a group that is just dividing its partitions lists nobody who has any
    const shares = async (): Promise<number[]> =>
      (await log.members(group)).map(({ partitions }) => partitions.length)
    for (let tried = 0; tried < 400 && (await shares()).join() !== '1,1'; tried++) {
      await systemClock.sleep(50)
    }
    expect(await shares()).toEqual([1, 1])
    const { rest } = JSON.parse(command.out[0] ?? '') as { rest: string }
    const restarted = await fetch(`${rest}/connectors/${config.name}/tasks/1/restart`, { method: 'POST' })
    expect(restarted.status).toBe(204)
    await log.append(name, 1, planted[1]!.records.slice(-3))
    await waiting()
    stop.abort()
    expect(await command.done).toMatchObject({ code: 0, exits: [] })
    const junk = planted.flatMap(({ records }) =>
      records.filter(({ value }) => Buffer.from(value ?? '').toString() === 'junk'),
    )
    const letters = await log.read(`${id}.deadletters`, 0, 0, { waitMs: 1_000 })
    expect(letters.records.length).toBeGreaterThanOrEqual(junk.length)
    const verified = await hb(['archive', 'verify', '--from', config.archive, '--json'])
    expect(verified).toMatchObject({ code: 0 })
    await log.close()
    await rm(dir, { recursive: true })
  }, 120_000)
})
