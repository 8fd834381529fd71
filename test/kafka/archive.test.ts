// The sink on brokers, and topics restored from what it wrote: the same records at the same heights,
// also where two sinks share the work and one of them leaves.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { ArweaveSink } from '../../connectors/arweave-sink/sink.ts'
import { openFileArchive } from '../../src/archive/index.ts'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import type { Log } from '../../src/log/port.ts'
import { topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { systemClock } from '../../src/std/clock.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { plantLog, signer } from '../archive/planted-log.ts'
import { hb } from '../cli/terminal-double.ts'
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
})
