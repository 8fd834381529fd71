// A log on which a second member believes that it owns every partition too.

import type { Log } from '../../src/log/port.ts'
import { passing } from '../../src/log/passing/index.ts'

export function besideTheGroup(log: Log, suffix: string): Log {
  return {
    ...passing(log),
    committed: (group, topic) => log.committed(`${group}${suffix}`, topic),
    join: (options) => log.join({ ...options, group: `${options.group}${suffix}` }),
  }
}
