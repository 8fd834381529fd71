// A Kafka cluster of the test's own, on JVMs of this machine: Kafka from Maven Central, started in
// seconds, its brokers to be killed and frozen at will.

import { startBrokers } from './kafka-cluster.ts'
import type { BrokerOptions, KafkaCluster } from './kafka-cluster.ts'
import { installKafka } from './kafka-install.ts'
import type { KafkaVersion } from './kafka-jvm.ts'

export type { BrokerView, KafkaCluster } from './kafka-cluster.ts'
export type { KafkaVersion } from './kafka-jvm.ts'

export type KafkaClusterOptions = BrokerOptions & {
  /** Default 4.1. */
  readonly version?: KafkaVersion
}

/** Between our looking for free ports and a broker's taking them, another may have taken one. */
const START_ATTEMPTS = 3

/** Java 17 and Maven must be there; the first start on a machine fetches Kafka (some 20 s). */
export async function startKafkaCluster(options: KafkaClusterOptions): Promise<KafkaCluster> {
  const install = await installKafka(options.version ?? '4.1')
  for (let attempt = 1; ; attempt++) {
    try {
      return await startBrokers(install, options)
    } catch (error) {
      if (attempt === START_ATTEMPTS || !String(error).includes('Address already in use')) {
        throw error
      }
    }
  }
}
