// The adapter's own view of a cluster, for tests of what stands on it.

import { Cluster } from '../../../src/log/kafka/cluster.ts'
import { KAFKA_LOG_LIMITS } from '../../../src/log/kafka/limits.ts'
import type { KafkaLogLimits } from '../../../src/log/kafka/limits.ts'
import { systemClock } from '../../../src/std/clock.ts'

export function openCluster(
  bootstrapServers: string,
  changed: Partial<KafkaLogLimits> = {},
): { cluster: Cluster; limits: KafkaLogLimits } {
  const limits = { ...KAFKA_LOG_LIMITS, ...changed }
  const seeds = bootstrapServers.split(',').map((each) => {
    const [host = '', port = ''] = each.split(':')
    return { host, port: Number(port) }
  })
  const { connectTimeoutMs, requestTimeoutMs } = limits
  const clock = systemClock
  const connection = { clock, clientId: 'tests', connectTimeoutMs, requestTimeoutMs }
  return { cluster: new Cluster({ seeds, connection, clock, limits }), limits }
}
