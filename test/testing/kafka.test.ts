// A test network on a broker: as in memory, but that the time is the brokers'.

import { expect, test } from '@jest/globals'
import { startNetwork } from '../../src/testing/index.ts'
import { describeKafka, sharedKafka } from '../support/kafka.ts'
import { COUNTER, type Counter } from './contracts.ts'

const MINUTES = 60_000

describeKafka('a test network on Kafka', () => {
  const contracts = {
    one: { source: COUNTER, partition: 0 },
    two: { source: COUNTER, partition: 1 },
  }

  test(
    'has faults, restarts and a rebuild as in memory',
    async () => {
      const log = await sharedKafka()
      await using net = await startNetwork({ log, wallets: ['alice'], contracts })
      const [one, two] = [net.contract<Counter>('one'), net.contract<Counter>('two')]
      const tags = { To: two.id }
      for (const fault of ['lost', 'unacknowledged', 'doubled'] as const) {
        net.faults.next(fault, { partition: 0 })
        expect(await one.send('alice', 'Count', { tags }).settled()).toMatchObject({ errors: [] })
      }
      await net.faults.met()
      await net.restart({ dropCaches: true })
      await one.send('alice', 'Count', { tags }).settled()
      expect([(await one.state()).count, (await two.state()).count]).toEqual([4, 4])
      const { identical, superseded } = await net.rebuild()
      expect(identical).toBe(true)
      expect(superseded).toBeGreaterThan(0)
    },
    5 * MINUTES,
  )

  test(
    'takes what a container is when it is started, and leaves time alone',
    async () => {
      const { bootstrapServers } = await sharedKafka()
      const [host, port] = (bootstrapServers.split(',')[0] as string).split(':') as [string, string]
      const asked: number[] = []
      const log = {
        getHost: () => host,
        getMappedPort: (of: number) => {
          asked.push(of)
          return Number(port)
        },
      }
      await expect(startNetwork({ log, startTime: 0 })).rejects.toMatchObject({
        code: 'test-clock-real',
      })
      await using net = await startNetwork({ log, wallets: ['alice'], contracts })
      expect(new Set(asked)).toEqual(new Set([9093]))
      expect(() => net.advance(1)).toThrow(expect.objectContaining({ code: 'test-clock-real' }))
      expect(await net.contract('one').send('alice', 'Count')).toMatchObject({ status: 'ok' })
      expect(net.applicationId).toMatch(/^hb-testing-[0-9a-f]{16}$/)
    },
    5 * MINUTES,
  )
})
