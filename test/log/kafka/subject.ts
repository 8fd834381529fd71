// The Kafka log as a subject of the port's conformance suite: each test opens its own client and
// makes topics of its own on brokers that live longer.

import { openKafkaLog } from '../../../src/log/kafka/index.ts'
import type { LogFactory } from '../conformance.ts'

/** Short, so that a test that ends badly does not keep its group for long. */
const LIMITS = { sessionTimeoutMs: 3_000 }

export function kafkaSubject(bootstrapServers: () => Promise<string>): LogFactory {
  let opened = 0
  return async () => {
    const open = async () =>
      openKafkaLog({
        bootstrapServers: await bootstrapServers(),
        clientId: `conformance-${++opened}`,
        limits: LIMITS,
        onWarning: () => undefined,
      })
    let log = await open()
    return {
      log,
      prefix: `${Date.now().toString(36)}-`,
      reopen: async () => {
        await log.close()
        return (log = await open())
      },
      recordBytesTooMany: 1_048_577,
      dispose: () => log.close(),
    }
  }
}
