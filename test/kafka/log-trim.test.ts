// hb log trim on brokers: the oldest records are deleted, and a second run finds nothing to do.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import { topicNames } from '../../src/protocol/topics.ts'
import { signer } from '../archive/planted-log.ts'
import { archiveAll } from '../cli/archived.ts'
import { copyTopics } from '../cli/copied-topics.ts'
import { hb } from '../cli/terminal-double.ts'
import { RecordedNode } from '../replay/recorded-node.ts'
import { describeKafka, sharedKafka } from '../support/kafka.ts'

describeKafka('hb log trim on Kafka', () => {
  test('deletes what is held twice, and no more', async () => {
    const { bootstrapServers } = await sharedKafka()
    const application = `trim-${randomUUID()}`
    const dir = await mkdtemp(join(tmpdir(), 'hb-trim-'))
    const live = await RecordedNode.start()
    const log = await openKafkaLog({ bootstrapServers, onWarning: () => undefined })
    try {
      for (let n = 0; n < 18; n++) await live.send('a', { set: ['x', n] })
      await live.quiet()
      await archiveAll(live.network, live.node.log, dir, signer())
      await copyTopics(live.network, live.node.log, log, application)
      const from = ['--before-interval', '2', '--from', `file:${dir}`]
      const to = ['--bootstrap-server', bootstrapServers, '--application-id', application]
      const { log: topic } = topicNames(application)
      const starts = async () => (await log.ends(topic)).map(({ start }) => start)
      expect((await hb(['log', 'trim', ...from, ...to])).code).toBe(0)
      expect(await starts()).toEqual([0, 0])
      for (let n = 0; n < 2; n++) {
        expect((await hb(['log', 'trim', ...from, ...to, '--execute'])).code).toBe(0)
        const [start, other] = await starts()
        const [first] = (await log.read(topic, 0, start ?? 0)).records
        expect([first?.headers?.['hb-height'], other]).toEqual(['15', 0])
      }
    } finally {
      await log.close()
      await live.close()
      await rm(dir, { recursive: true })
    }
  })
})
