// The embedded log keeps the port's promises.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '../../src/log/embedded/index.ts'
import type { LocalLog } from '../../src/log/local/local-log.ts'
import { logConformance } from './conformance.ts'

// The second one has no room for its tail: every read goes to the file.
for (const [name, tailBytesMax] of [['embedded', 67_108_864], ['embedded, no tail', 0]] as const) {
  logConformance(name, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'hb-log-'))
    const open = () => openEmbeddedLog({ dir, tailBytesMax })
    let log = await open()
    return {
      log,
      reopen: async () => {
        await log.close()
        return (log = await open())
      },
      compact: (same, topic, partition) => (same as LocalLog).compact(topic, partition),
      recordBytesTooMany: 1_048_577,
      dispose: async () => {
        await log.close()
        await rm(dir, { recursive: true })
      },
    }
  })
}
