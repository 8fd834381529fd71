// What a node costs that is connected and has nothing to do: an OS process of its own, in three groups
// on eight partitions each, on three brokers.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { BenchReport } from './rows.ts'
import { median, row, spread } from './rows.ts'

/** The share of a core in each look, in percent; and how many connections there were. */
export type KafkaIdleReport = { readonly cpu: readonly number[]; readonly sockets: number }

/** Its topics are called the same. */
export const GROUPS = ['ingress', 'log', 'outbox']
export const PARTITIONS = 8
export const LOOKS = 5
export const LOOK_MS = 10_000

/** Row `kafka.idle.cpu`, goal: less than 2. */
export async function benchKafkaIdle(bootstrapServers: string): Promise<BenchReport> {
  const { cpu, sockets } = await idleNode(bootstrapServers)
  return {
    rows: [row('kafka.idle.cpu', '% of a core', median(cpu), null)],
    doesNotMeasure: 'the brokers; the HTTP API, stores and sandboxes of a whole node',
    observed: [
      `${GROUPS.length} groups on ${PARTITIONS} partitions each, ${sockets} connections: ` +
        `${spread(cpu, 2)} % of a core, looked at for ${LOOK_MS / 1_000} s ${LOOKS} times`,
    ],
  }
}

async function idleNode(bootstrapServers: string): Promise<KafkaIdleReport> {
  const script = fileURLToPath(new URL('./kafka-idle-node.ts', import.meta.url))
  const prefix = `idle-${Date.now().toString(36)}-`
  const child = fork(script, [bootstrapServers, prefix])
  const report = once(child, 'message') as Promise<[KafkaIdleReport]>
  const ended = once(child, 'exit')
  const failed = ended.then(([code]) => {
    throw new Error(`the idle node ended with ${code}`)
  })
  failed.catch(() => undefined)
  const [told] = await Promise.race([report, failed])
  await ended
  return told
}
