// A log on which a second member believes that it owns every partition too, whatever its group says.

import type { Log } from '../../src/log/port.ts'

export function besideTheGroup(log: Log, suffix: string): Log {
  return {
    provision: (topics) => log.provision(topics),
    append: (topic, partition, records) => log.append(topic, partition, records),
    read: (topic, partition, from, options) => log.read(topic, partition, from, options),
    ends: (topic) => log.ends(topic),
    trim: (topic, partition, before) => log.trim(topic, partition, before),
    committed: (group, topic) => log.committed(`${group}${suffix}`, topic),
    describe: () => log.describe(),
    close: () => log.close(),
    join: (options) => log.join({ ...options, group: `${options.group}${suffix}` }),
  }
}
