// A log that passes everything on: whoever looks at a log, or changes one call of it, replaces that
// one and has the others as they are.

import type { Log } from '../port.ts'

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
