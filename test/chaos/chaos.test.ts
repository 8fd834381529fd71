// The short chaos on Kafka: three brokers, seven nodes, one fault of each kind, all invariants. The
// long one is `npm run test:chaos -- --seed N`.

import { expect, test } from '@jest/globals'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import { describeKafkaCluster } from '../support/kafka.ts'
import { runChaos } from './run.ts'

describeKafkaCluster('the short chaos on three brokers', () => {
  test('members and a broker die, stop, freeze and lose their disks; nothing is broken', async () => {
    const lines: string[] = []
    const outcome = await runChaos({
      seed: Math.floor(Math.random() * 2 ** 32),
      seconds: 0,
      short: true,
      openLog: (bootstrapServers) => openKafkaLog({ bootstrapServers }),
      say: (line) => lines.push(line),
    })
    if (!outcome.ok) throw new Error(`${lines.join('\n')}\n${JSON.stringify(outcome, null, 1)}`)
    expect(outcome.placed + outcome.refused).toBe(outcome.acknowledged)
    expect(outcome.acknowledged).toBeGreaterThan(50)
    expect(outcome.entries).toBeGreaterThan(200)
    expect(outcome.events).toBeGreaterThan(10)
  }, 240_000)
})
