// The Kafka log keeps the port's promises, on one broker.

import { openKafkaLog } from '../../../src/log/kafka/index.ts'
import { logConformance } from '../conformance.ts'

const bootstrapServers = process.env['HB_TEST_KAFKA'] ?? ''

let opened = 0
logConformance('kafka', async () => {
  const open = () =>
    openKafkaLog({ bootstrapServers, clientId: `test-${++opened}`, onWarning: () => undefined, limits: {sessionTimeoutMs: 3000} })
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
})
