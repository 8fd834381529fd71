// A log that tells of each append when it was asked for and when it was durable: six moments make a
// crank's stages visible without a line in the roles.

import type { Log, LogRecord } from '../src/log/port.ts'

export type Append = {
  readonly topic: string
  readonly partition: number
  readonly records: number
  /** By performance.now(). */
  readonly asked: number
  readonly durable: number
}

/** `written`: the records themselves, to look at and not to keep. */
export type Told = (append: Append, written: readonly LogRecord[]) => void

export function watchLog(log: Log, told: Told): Log {
  return {
    append: async (topic, partition, records) => {
      const asked = performance.now()
      const base = await log.append(topic, partition, records)
      const durable = performance.now()
      told({ topic, partition, records: records.length, asked, durable }, records)
      return base
    },
    provision: (topics) => log.provision(topics),
    read: (topic, partition, from, options) => log.read(topic, partition, from, options),
    ends: (topic) => log.ends(topic),
    trim: (topic, partition, before) => log.trim(topic, partition, before),
    join: (options) => log.join(options),
    committed: (group, topic) => log.committed(group, topic),
    members: (group) => log.members(group),
    describe: () => log.describe(),
    close: () => log.close(),
  }
}
