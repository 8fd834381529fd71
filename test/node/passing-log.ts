// A log that passes everything on: tests replace the one call they are about.

import type { Log } from '../../src/log/port.ts'

export function passing(log: Log): Log {
  return {
    provision: (topics, options) => log.provision(topics, options),
    append: (topic, partition, records) => log.append(topic, partition, records),
    read: (topic, partition, from, options) => log.read(topic, partition, from, options),
    ends: (topic) => log.ends(topic),
    trim: (topic, partition, before) => log.trim(topic, partition, before),
    committed: (group, topic) => log.committed(group, topic),
    members: (group) => log.members(group),
    describe: () => log.describe(),
    close: () => log.close(),
    join: (options) => log.join(options),
  }
}
