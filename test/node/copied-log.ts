// A log copied to another cluster, where every topic begins at other offsets: nothing that is
// hashed, signed or shown may depend on them.

import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { Log, LogRecord } from '../../src/log/port.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { topicSpecs } from '../../src/protocol/topics.ts'
import { TOPICS } from './rig.ts'

/**
 * Each partition begins `shift` and a few offsets later. Records that `keep` refuses are left out.
 */
export async function copiedLog(
  from: Log,
  network: Network,
  shift: number,
  keep: (topic: string) => boolean = () => true,
): Promise<Log> {
  const copy = createMemoryLog({ drainTimeoutMs: 20 })
  const specs = topicSpecs(TOPICS, network.genesis.partitions)
  await copy.provision(specs)
  for (const { name, partitions, cleanup } of specs) {
    for (let partition = 0; partition < partitions; partition++) {
      const count = shift + partition
      const junk = Array.from({ length: count }, (): LogRecord => ({ key: 'junk', value: EMPTY }))
      if (count > 0) await copy.append(name, partition, junk)
      if (cleanup === 'log') await copy.trim(name, partition, count)
      if (!keep(name)) continue
      for (let at = (await from.ends(name))[partition]?.start ?? 0; ; ) {
        const { records, next } = await from.read(name, partition, at)
        if (records.length === 0) break
        for (const { key, value, headers } of records) {
          await copy.append(name, partition, [{ key, value, ...(headers && { headers }) }])
        }
        at = next
      }
    }
  }
  return copy
}

const EMPTY = Buffer.alloc(0)
