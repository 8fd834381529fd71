// The node of kafka-idle.ts, an OS process of its own: connected, in the three groups of the roles,
// with nothing to do; it tells its parent how much of a core that takes.

import { setTimeout as sleep } from 'node:timers/promises'
import { openKafkaLog } from '../src/log/kafka/index.ts'
import type { Member } from '../src/log/port.ts'
import type { KafkaIdleReport } from './kafka-idle.ts'
import { GROUPS, LOOK_MS, LOOKS, PARTITIONS } from './kafka-idle.ts'

const SETTLE_MS = 5_000

const [bootstrapServers = '', prefix = ''] = process.argv.slice(2)
const log = await openKafkaLog({ bootstrapServers, onWarning: () => undefined })
const names = GROUPS.map((name) => `${prefix}${name}`)
await log.provision(names.map((name) => ({ name, partitions: PARTITIONS, cleanup: 'log' as const })))
let assigned = 0
const member: Member = {
  assigned: async (_partition, committed) => {
    assigned += 1
    return Object.fromEntries(Object.keys(committed).map((topic) => [topic, 'earliest' as const]))
  },
  records: async () => undefined,
  revoked: async () => undefined,
}
for (const topic of names) await log.join({ group: topic, topics: [topic], member })
while (assigned < GROUPS.length * PARTITIONS) await sleep(50)
await sleep(SETTLE_MS)
const cpu: number[] = []
for (let look = 0; look < LOOKS; look++) {
  const from = { cpu: process.cpuUsage(), at: performance.now() }
  await sleep(LOOK_MS)
  const { user, system } = process.cpuUsage(from.cpu)
  cpu.push((100 * (user + system)) / 1_000 / (performance.now() - from.at))
}
const sockets = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
const report: KafkaIdleReport = { cpu, sockets }
process.send?.(report)
await log.close()
process.disconnect()
