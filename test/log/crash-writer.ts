// Child OS process of crash.test.ts: appends to every partition until it is killed, and says what
// was acknowledged. Each acknowledged batch is one line on stdout: "partition end". Arguments: the
// log's directory.

import { writeSync } from 'node:fs'
import { openEmbeddedLog } from '../../src/log/embedded/index.ts'
import { CRASH_PARTITIONS, crashRecord } from './crash-record.ts'

const log = await openEmbeddedLog({ dir: process.argv[2] as string })
await log.provision([{ name: 'crash', partitions: CRASH_PARTITIONS, cleanup: 'log' }])
const ends = await log.ends('crash')
await log.join({
  group: 'crash',
  topics: ['crash'],
  member: {
    assigned: async (_, committed) => ({ crash: committed['crash'] ?? 'earliest' }),
    records: async () => {},
    revoked: async () => {},
  },
})
await Promise.all(
  ends.map(async ({ end }, partition) => {
    for (let next = end; ; ) {
      const count = 1 + ((next * 7 + partition) % 40)
      const records = Array.from({ length: count }, (_, i) => crashRecord(partition, next + i))
      const base = await log.append('crash', partition, records)
      if (base !== next) throw new Error(`base ${base}, expected ${next}`)
      next += count
      writeSync(1, `${partition} ${next}\n`)
    }
  }),
)
