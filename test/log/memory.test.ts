// The memory log keeps the port's promises.

import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { LocalLog } from '../../src/log/local/local-log.ts'
import { logConformance } from './conformance.ts'

logConformance('memory', async () => {
  const log = createMemoryLog()
  return {
    log,
    compact: (same, topic, partition) => (same as LocalLog).compact(topic, partition),
    recordBytesTooMany: 1_048_577,
    dispose: () => log.close(),
  }
})
