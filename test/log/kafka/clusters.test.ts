// The Kafka log keeps the port's promises: on three brokers of 4.1, and on one of 3.9.

import { afterAll, beforeAll } from '@jest/globals'
import { describeKafkaCluster, startKafkaCluster } from '../../support/kafka.ts'
import type { KafkaCluster, KafkaVersion } from '../../support/kafka.ts'
import { logConformance } from '../conformance.ts'
import { kafkaSubject } from './subject.ts'

const START_MS_MAX = 120_000

function conformanceOn(brokers: 1 | 3, version: KafkaVersion): void {
  const name = `${brokers} of ${version}`
  const suite = (): void => {
    let cluster: KafkaCluster | undefined
    beforeAll(async () => {
      cluster = await startKafkaCluster({ brokers, version })
    }, START_MS_MAX)
    afterAll(async () => {
      await cluster?.close()
    })
    const servers = (): Promise<string> => Promise.resolve(cluster?.bootstrapServers ?? '')
    logConformance(`kafka, ${name}`, kafkaSubject(servers))
  }
  describeKafkaCluster(name, suite, [version])
}

conformanceOn(3, '4.1')
conformanceOn(1, '3.9')
